//! A document's life and a challan's journey: a list of steps, and a picture that is drawn from the same list.
//!
//! The list is the truth. The picture shows its steps in a row, each by its number, with the time that passed in between; it is
//! not to scale, for a challan lives for hours and is looked up for years.

use dalil_contracts::authority::Place;
use dalil_ledger::document::{DocumentEntry, Happening, HistoryEvent, Standing};
use dalil_ledger::receipt::Answer;
use maud::{Markup, html};

use super::answer::name_of;
use super::text::{grouped, ist, ist_clock, ist_day};
use super::words::{Language, Words};
use crate::service::{Journey, Leg, Waypoint};
use crate::time::span;

/// The most steps that are shown; the newest ones are kept.
const STEPS_SHOWN_MAX: usize = 100;

/// Size of a picture in its own units, which on a wide screen are pixels.
const WIDTH: usize = 720;
const ROW_HEIGHT: usize = 150;
const STEPS_A_ROW: usize = 5;
/// Where a row's line runs, and where the words above and below it stand.
const LINE: usize = 70;
const RADIUS: usize = 15;
/// How many characters of a step's name stand in one line of the picture, and how many lines there are.
const NAME_CHARS: usize = 17;
const NAME_LINES: usize = 2;
const NAME_LINE_HEIGHT: usize = 17;
/// Between a mark and its name.
const NAME_GAP: usize = 9;

/// The shape of a step's mark, which its colour only repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// Something happened that leaves it in force: a disc.
    Good,
    /// Something happened that takes it out of force: a square.
    Bad,
    /// A date that follows from the document: a ring.
    Date,
    /// The moments that the answer is about: a diamond.
    Moment,
}

/// One step.
struct Step {
    at_ms: u64,
    mark: Mark,
    name: String,
    notes: Vec<String>,
    record: Option<u64>,
}

/// The moments that an answer is about.
#[derive(Clone, Copy)]
pub(super) struct Moments {
    /// The time of the answer, UTC milliseconds.
    pub(super) now_ms: u64,
    /// The day asked about, if one was, UTC milliseconds.
    pub(super) as_of_ms: Option<u64>,
}

/// What a picture is drawn of.
pub(super) struct Timeline {
    title: String,
    about: String,
    /// What is proven of it.
    by_node: String,
    /// The status that the node found. A device that finds another one shows no picture of the node's.
    status: String,
    steps: Vec<Step>,
    left_out: bool,
    /// The moment up to which something has happened, UTC milliseconds.
    now_ms: u64,
}

/// Words for a place.
pub(super) fn place_words(place: &Place, words: &Words) -> String {
    let table = &words.timeline;
    let mut said = table.fill("district", &[("district", &place.district.to_string())]);
    if let Some(block) = place.block {
        said.push_str(&table.fill("block", &[("block", &block.to_string())]));
    }
    if let Some(lease) = &place.lease {
        said.push_str(&table.fill("lease", &[("lease", lease.as_str())]));
    }
    said
}

fn mark_of(happening: &Happening) -> Mark {
    match happening {
        Happening::Issued | Happening::Standing(Standing::Active) | Happening::Extended | Happening::StrikeStayed => {
            Mark::Good
        }
        Happening::Standing(_) | Happening::ClassStruck | Happening::StayLifted | Happening::SourceChanged => Mark::Bad,
    }
}

fn step_of(event: &HistoryEvent, words: &Words) -> Step {
    let table = &words.timeline;
    let name = match event.what {
        Happening::Standing(standing) => name_of(&standing),
        other => name_of(&other),
    };
    let mut notes = Vec::new();
    let reason = event.reason.as_deref();
    notes.extend(reason.map(|reason| format!("{}: {}", words.answer.get("reason"), words.reason.get(reason))));
    let (at_ms, effective) = match event.what {
        Happening::Extended => {
            notes.push(table.fill("until", &[("time", &ist(event.effective_from_ms, words))]));
            (event.recorded_at_ms, None)
        }
        // The beginning of its validity is a step of its own.
        Happening::Issued => (event.recorded_at_ms, None),
        _ => (event.effective_from_ms, Some(event.recorded_at_ms)),
    };
    if let Some(recorded_ms) = effective.filter(|recorded_ms| *recorded_ms != at_ms) {
        notes.push(table.fill("recorded_later", &[("time", &ist(recorded_ms, words))]));
    }
    let name = table.find(&name).unwrap_or_else(|| words.event.get(&name)).to_owned();
    Step { at_ms, mark: mark_of(&event.what), name, notes, record: Some(event.record) }
}

/// The dates that follow from the document, and the moments that the answer is about.
fn dates(entry: &DocumentEntry, answer: &Answer, moments: Moments, words: &Words) -> Vec<Step> {
    let table = &words.timeline;
    let step = |at_ms, mark, name: &str| Step {
        at_ms,
        mark,
        name: table.get(name).to_owned(),
        notes: Vec::new(),
        record: None,
    };
    let mut steps = Vec::new();
    if entry.valid_from_ms != entry.issued_at_ms {
        steps.push(step(entry.valid_from_ms, Mark::Date, "begins"));
    }
    if let Some(end_ms) = entry.ends_at_ms(answer.known_at_ms.unwrap_or(u64::MAX)) {
        steps.push(step(end_ms, Mark::Date, "ends"));
    }
    steps.extend(moments.as_of_ms.map(|as_of_ms| step(as_of_ms, Mark::Moment, "as_of")));
    steps.push(step(moments.now_ms, Mark::Moment, "now"));
    steps
}

fn leg(leg: &Leg, words: &Words) -> Step {
    let table = &words.timeline;
    let kind = |kind: &str| table.find(kind.strip_prefix("mineral.").unwrap_or(kind)).unwrap_or(kind).to_owned();
    let mut kinds = leg.kinds.iter().map(|it| it.as_str());
    let first = kinds.next();
    let alarming = ["seized", "cancelled", "void", "suspected", "shown", "seen", "lapsed"];
    let bad = leg.kinds.iter().any(|kind| alarming.iter().any(|word| kind.contains(word)));
    let mut notes: Vec<String> = kinds.map(kind).collect();
    let mut at_ms = leg.recorded_at_ms;
    match &leg.point {
        Waypoint::Bare => {}
        Waypoint::Weighed(mass) => {
            notes.push(table.fill("weighed", &[("mass", &grouped(*mass))]));
        }
        Waypoint::Checked { post, observed_at_ms } => {
            notes.push(table.fill("post", &[("post", post)]));
            if *observed_at_ms != leg.recorded_at_ms {
                notes.push(table.fill("recorded_later", &[("time", &ist(leg.recorded_at_ms, words))]));
            }
            at_ms = *observed_at_ms;
        }
        Waypoint::Billed(bill) => notes.push(table.fill("bill", &[("bill", bill)])),
        Waypoint::Extended(minutes) => notes.push(table.fill("minutes", &[("minutes", &minutes.to_string())])),
    }
    notes.extend(leg.place.as_ref().map(|place| format!("{}: {}", table.get("where"), place_words(place, words))));
    let name = first.map_or_else(|| table.get("recorded").to_owned(), kind);
    Step { at_ms, mark: if bad { Mark::Bad } else { Mark::Good }, name, notes, record: Some(leg.record) }
}

impl Timeline {
    /// Of an answer about a document on record: its life, or a challan's journey where the node has it.
    pub(super) fn of(answer: &Answer, journey: Option<&Journey>, moments: Moments, words: &Words) -> Option<Self> {
        let entry = answer.entry.as_ref()?;
        let mut steps: Vec<_> = match journey {
            Some(journey) => journey.legs.iter().map(|it| leg(it, words)).collect(),
            None => answer.history.iter().map(|event| step_of(event, words)).collect(),
        };
        steps.extend(dates(entry, answer, moments, words));
        // A stable sort: what has one time stays in the order of its records.
        steps.sort_by_key(|step| step.at_ms);
        let surplus = steps.len().saturating_sub(STEPS_SHOWN_MAX);
        let left_out = surplus > 0 || journey.is_some_and(|journey| journey.more);
        steps.drain(..surplus);
        let (title, about, by_node) = match journey {
            Some(_) => ("journey_title", "journey_about", "journey_by_node"),
            None => ("life_title", "life_about", "life_by_node"),
        };
        let count = steps.len().to_string();
        Some(Self {
            title: words.timeline.get(title).to_owned(),
            about: words.timeline.fill(about, &[("count", &count)]),
            by_node: words.timeline.get(by_node).to_owned(),
            status: name_of(&answer.status),
            steps,
            left_out,
            now_ms: moments.now_ms,
        })
    }

    pub(super) fn draw(&self, language: Language) -> Markup {
        let words = language.words();
        html! {
            section.timeline data-word-of-node=(self.status) {
                h2 { (self.title) }
                div.checked { p { (self.by_node) } }
                (self.picture(words))
                @if self.left_out { p { (words.timeline.get("left_out")) } }
                ol.steps {
                    @for step in &self.steps {
                        li class=[(step.mark == Mark::Moment).then_some("moment")] {
                            strong { (step.name) } span.when { (ist(step.at_ms, words)) }
                            @for note in &step.notes { span.note { (note) } }
                            @if let Some(record) = step.record {
                                a href=(format!("/explorer/records/{record}?lang={}", language.tag())) {
                                    (words.timeline.fill("record_link", &[("index", &grouped(record))]))
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn picture(&self, words: &Words) -> Markup {
        let rows = self.steps.len().div_ceil(STEPS_A_ROW);
        let cell = WIDTH / STEPS_A_ROW;
        html! {
            svg.life viewBox=(format!("0 0 {WIDTH} {}", rows * ROW_HEIGHT)) role="img"
                aria-labelledby="timeline-title timeline-about" {
                title #timeline-title { (self.title) }
                desc #timeline-about { (self.about) }
                @for (place, step) in self.steps.iter().enumerate() {
                    @let (row, column) = (place / STEPS_A_ROW, place % STEPS_A_ROW);
                    @let (x, y) = (column * cell + cell / 2, row * ROW_HEIGHT + LINE);
                    @if let Some(next) = self.steps.get(place + 1) { (self.way(step, next, (x, y), column + 1 == STEPS_A_ROW)) }
                    @if row > 0 && column == 0 { line.way.future[step.at_ms > self.now_ms] x1="0" x2=(x) y1=(y) y2=(y) {} }
                    (shape(step.mark, x, y))
                    text.number x=(x) y=(y + 5) text-anchor="middle" { (place + 1) }
                    @let lines = wrapped(&step.name);
                    @for (line, text) in lines.iter().enumerate() {
                        @let up = RADIUS + NAME_GAP + (lines.len() - 1 - line) * NAME_LINE_HEIGHT;
                        text.name x=(x) y=(y - up) text-anchor="middle" { (text) }
                    }
                    text.tick x=(x) y=(y + RADIUS + 18) text-anchor="middle" { (ist_day(step.at_ms, words)) }
                    text.tick x=(x) y=(y + RADIUS + 35) text-anchor="middle" { (ist_clock(step.at_ms)) }
                }
            }
        }
    }

    /// The line from one step to the next, with the time in between; broken where it is still to come.
    fn way(&self, step: &Step, next: &Step, (x, y): (usize, usize), is_last_of_row: bool) -> Markup {
        let cell = WIDTH / STEPS_A_ROW;
        let end = if is_last_of_row { WIDTH } else { x + cell };
        let future = next.at_ms > self.now_ms;
        let passed = span(next.at_ms.saturating_sub(step.at_ms));
        html! {
            line.way.future[future] x1=(x) x2=(end) y1=(y) y2=(y) {}
            @if !is_last_of_row { text.span x=(x + cell / 2) y=(y - 6) text-anchor="middle" { (passed) } }
        }
    }
}

fn shape(mark: Mark, x: usize, y: usize) -> Markup {
    let (left, top, side) = (x - RADIUS, y - RADIUS, 2 * RADIUS);
    html! {
        @match mark {
            Mark::Good => circle.mark.good-mark cx=(x) cy=(y) r=(RADIUS) {},
            Mark::Bad => rect.mark.bad-mark x=(left) y=(top) width=(side) height=(side) {},
            Mark::Date => circle.mark.date-mark cx=(x) cy=(y) r=(RADIUS - 1) {},
            Mark::Moment => polygon.mark.moment-mark
                points=(format!("{x},{} {},{y} {x},{} {},{y}", y - RADIUS - 4, x + RADIUS + 4, y + RADIUS + 4, x - RADIUS - 4)) {},
        }
    }
}

/// A name in lines that fit a step of the picture; the list has the whole.
fn wrapped(name: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in name.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= NAME_CHARS => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.chars().take(NAME_CHARS).collect()),
        }
    }
    if lines.len() > NAME_LINES {
        lines.truncate(NAME_LINES);
        if let Some(last) = lines.last_mut() {
            last.push('…');
        }
    }
    lines
}
