//! A plot's chain of title: who held it, by what, from the older register to today.
//!
//! The register is the one that every verifier computes; the page shows what the node finds in its own receipt of it.

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use dalil_contracts::land::history::PlotAct;
use dalil_contracts::land::keys::PlotId;
use dalil_contracts::land::registers::{ChainOfTitle, Extent, Register, RegisterQuestion, TitleLine};
use dalil_contracts::land::types::{Holding, Plot};
use dalil_ledger::receipt::ProvenRegister;
use dalil_ledger::store::StoreError;
use maud::{Markup, html};
use schemars::JsonSchema;
use serde::Deserialize;

use super::descent::{Descent, Row};
use super::{Explores, FIELD_CHARS_MAX, Leaf, Nothing, Visit, endorsed, facts, plain, table};
use crate::portal::answer::{self, name_of};
use crate::portal::ask::encoded;
use crate::portal::text::{grouped, ist};
use crate::service::{Head, ServiceError};
use crate::time::span;

/// The most steps of a chain that are shown; the newest ones are kept.
const STEPS_SHOWN_MAX: usize = 100;

/// Which plot is asked about.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct AskOfPlot {
    /// The plot: `2795-51/257`, or `2795-51/257/1` for a part.
    id: Option<String>,
    /// The language; without it, one that the browser accepts.
    #[schemars(extend("enum" = ["en", "bn", "hi"]))]
    lang: Option<String>,
}

/// One step of a chain: a plot comes into the register, or something happens to it.
pub(super) enum Step<'a> {
    /// It was entered by an import, a split or a merger.
    Entered(&'a Plot),
    /// What its history says.
    Line(&'a TitleLine),
}

impl Step<'_> {
    pub(super) fn plot(&self) -> &PlotId {
        match self {
            Self::Entered(plot) => &plot.id,
            Self::Line(line) => &line.plot,
        }
    }

    fn record(&self) -> u64 {
        match self {
            Self::Entered(plot) => plot.entered,
            Self::Line(line) => line.record,
        }
    }

    /// Of steps by one record, what ends a plot comes before what makes others of it, and its history in its own order.
    fn order(&self) -> (u64, u8, u32) {
        match self {
            Self::Line(line) => (line.record, 0, line.entry),
            Self::Entered(plot) => (plot.entered, 1, 0),
        }
    }
}

pub(super) async fn page<E: Explores>(
    State(node): State<E>,
    Query(ask): Query<AskOfPlot>,
    headers: HeaderMap,
) -> Response {
    let visit = Visit::of(ask.lang.as_deref(), &headers);
    visit.answer(made(&node, &ask, visit))
}

fn say(visit: Visit, key: &'static str) -> &'static str {
    visit.words.descent.get(key)
}

fn made<E: Explores>(node: &E, ask: &AskOfPlot, visit: Visit) -> Result<Leaf, Nothing> {
    let text = ask.id.as_deref().map(str::trim).unwrap_or_default();
    if text.is_empty() {
        let content = html! { p { (say(visit, "lead")) } (form("", visit)) };
        return Ok(Leaf { title: say(visit, "title").to_owned(), query: "/plot?".to_owned(), content });
    }
    let plot: PlotId = text.parse().map_err(|_| Nothing::Malformed("plot_wrong", text.to_owned()))?;
    let (head, now_ms) = (endorsed(node)?, node.now_ms());
    let (checked, _) = head.proven_register(&RegisterQuestion::Title(plot.clone()), now_ms)?;
    let title = visit.words.descent.fill("title_of", &[("plot", &plot.to_string())]);
    let query = format!("/plot?id={}&", encoded(text));
    let proven = match checked {
        Ok(proven) => proven,
        Err(why) => {
            let content = html! { (answer::trouble(why.code(), &why.to_string(), visit.words)) };
            return Ok(Leaf { title, query, content });
        }
    };
    let content = match &proven.answer {
        Ok(Register::Title(chain)) => shown(&head, chain, &proven, now_ms, visit)?,
        Ok(_) => return Err(ServiceError::Inconsistent("another register than the one asked for").into()),
        Err(_) => return Err(Nothing::Missing("no_plot", text.to_owned())),
    };
    let content = html! { (content) (form(text, visit)) };
    Ok(Leaf { title, query, content })
}

fn form(text: &str, visit: Visit) -> Markup {
    html! {
        form.plot action="/plot" method="get" {
            input type="hidden" name="lang" value=(visit.language.tag());
            label {
                (say(visit, "number")) span.hint { (say(visit, "number_hint")) }
                input type="text" name="id" value=(text) required maxlength=(FIELD_CHARS_MAX) autocomplete="off"
                    autocapitalize="none" spellcheck="false";
            }
            button type="submit" { (say(visit, "button")) }
        }
    }
}

fn shown<T>(
    head: &Head,
    chain: &ChainOfTitle,
    proven: &ProvenRegister<T>,
    now_ms: u64,
    visit: Visit,
) -> Result<Markup, Nothing> {
    let words = visit.words;
    let mut steps: Vec<_> = chain.plots.iter().map(Step::Entered).chain(chain.lines.iter().map(Step::Line)).collect();
    steps.sort_by_key(Step::order);
    let surplus = steps.len().saturating_sub(STEPS_SHOWN_MAX);
    steps.drain(..surplus);
    let mut rows = Vec::with_capacity(steps.len());
    for step in &steps {
        let at_ms = match step {
            Step::Line(line) => Some(line.at_ms),
            Step::Entered(plot) => time_of(head, plot.entered)?,
        };
        rows.push(Row { plot: step.plot().clone(), at_ms, name: act_name(step, visit).to_owned() });
    }
    let age = span(now_ms.saturating_sub(proven.freshness_ms));
    let (quorum, all) = (proven.quorum.to_string(), head.validators().to_string());
    let proof = [("age", age.as_str()), ("count", &quorum), ("all", &all)];
    let of = format!("?plot={}", encoded(&chain.plot.to_string()));
    Ok(html! {
        div.checked { p { (words.descent.fill("by_node", &proof)) } }
        p.hint { (words.answer.get("not_content")) }
        (now_held(chain, visit))
        section {
            h2 { (say(visit, "chain_title")) }
            (Descent::of(&chain.plots, &rows).draw(visit))
            @if surplus > 0 { p { (words.descent.fill("older_left_out", &[("count", &surplus.to_string())])) } }
            @if chain.extent == Extent::CutShort { p { (say(visit, "cut_short")) } }
            ol.steps { @for (step, row) in steps.iter().zip(&rows) { (item(step, row, visit)) } }
        }
        section {
            h2 { (visit.say("receipts_title")) }
            ul {
                li { a href=(format!("/v1/land/title{of}")) download="title.json" { (say(visit, "receipt_title")) } }
                li { a href=(format!("/v1/land/encumbrances{of}")) download="encumbrances.json" { (say(visit, "receipt_encumbrances")) } }
            }
            p { (say(visit, "all_records")) " " (visit.subject(&format!("plot/{}", chain.plot))) }
        }
    })
}

/// Block time of a record; none where this node does not hold its block.
fn time_of(head: &Head, record: u64) -> Result<Option<u64>, Nothing> {
    match head.time_of(record) {
        Ok(at_ms) => Ok(Some(at_ms)),
        Err(ServiceError::Store(StoreError::NotHeld { .. })) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn holdings(held: impl Iterator<Item = (u32, String)>, visit: Visit) -> String {
    let one = |(khatian, share): (u32, String)| {
        visit.words.descent.fill("holding", &[("khatian", &khatian.to_string()), ("share", &share)])
    };
    let held: Vec<_> = held.map(one).collect();
    if held.is_empty() { say(visit, "nobody").to_owned() } else { held.join(", ") }
}

fn shares(held: &[Holding]) -> impl Iterator<Item = (u32, String)> + '_ {
    held.iter().map(|holding| (holding.khatian, holding.share.to_string()))
}

/// Who holds what in the plots of the chain as they stand.
fn now_held(chain: &ChainOfTitle, visit: Visit) -> Markup {
    let asked = chain.plots.iter().find(|plot| plot.id == chain.plot);
    let in_force: Vec<_> = chain.plots.iter().filter(|plot| !plot.retired).collect();
    let rows: Vec<_> = in_force
        .iter()
        .map(|plot| {
            vec![
                html! { a href=(visit.within(&format!("/plot?id={}&", encoded(&plot.id.to_string())))) { (plot.id) } },
                plain(area(plot, visit)),
                plain(visit.words.descent.get(&format!("class_{}", name_of(&plot.class)))),
                plain(holdings(shares(&plot.holdings), visit)),
            ]
        })
        .collect();
    let names = ["plot", "area", "class", "holders"].map(|name| say(visit, name));
    html! {
        @if let Some(plot) = asked {
            (facts(&[
                (say(visit, "plot"), plain(plot.id.to_string())),
                (say(visit, "state"), plain(say(visit, if plot.retired { "retired" } else if plot.vested { "vested_now" } else { "in_force" }))),
                (say(visit, "bars"), plain(grouped(plot.freezes.len() as u64))),
                (say(visit, "charges"), plain(grouped(plot.charges.len() as u64))),
            ]))
        }
        section {
            h2 { (say(visit, "now_title")) }
            (table(say(visit, "now_caption"), &names, &rows))
        }
    }
}

fn area(plot: &Plot, visit: Visit) -> String {
    let acres = format!("{}.{:04}", grouped(plot.area.0 / 10_000), plot.area.0 % 10_000);
    visit.words.descent.fill("acres", &[("acres", &acres)])
}

fn act_name(step: &Step<'_>, visit: Visit) -> &'static str {
    let key = match step {
        Step::Entered(plot) if plot.parents.is_empty() => "imported",
        Step::Entered(_) => "made",
        Step::Line(line) => match &line.act {
            PlotAct::Mutated { .. } => "mutated",
            PlotAct::SetAside { .. } => "set_aside",
            PlotAct::Settled { .. } => "settled",
            PlotAct::Vested { .. } => "vested",
            PlotAct::Surveyed { .. } => "surveyed",
            PlotAct::Frozen(_) => "frozen",
            PlotAct::Unfrozen { .. } => "unfrozen",
            // None of these is of a chain of title.
            PlotAct::Charged(_) | PlotAct::Released { .. } | PlotAct::Converted { .. } | PlotAct::Rectified { .. } => {
                "changed"
            }
        },
    };
    say(visit, key)
}

fn notes(step: &Step<'_>, visit: Visit) -> Vec<String> {
    let fill = |key, values: &[(&str, &str)]| visit.words.descent.fill(key, values);
    let line = match step {
        Step::Entered(plot) if plot.parents.is_empty() => return vec![say(visit, "imported_words").to_owned()],
        Step::Entered(plot) => {
            let parents: Vec<_> = plot.parents.iter().map(PlotId::to_string).collect();
            return vec![fill("made_words", &[("plots", &parents.join(", "))])];
        }
        Step::Line(line) => line,
    };
    match &line.act {
        PlotAct::Mutated { case, gives, gains } => {
            let gains = gains.iter().map(|gain| (gain.khatian, gain.share.to_string()));
            let (from, to) = (holdings(shares(gives), visit), holdings(gains, visit));
            let mut notes = vec![fill("gave", &[("from", &from), ("to", &to)])];
            notes.push(fill("case", &[("case", case.as_str())]));
            let deeds = line.ground.iter().flat_map(|ground| ground.deeds()).map(ToString::to_string);
            let deeds = deeds.collect::<Vec<_>>().join(", ");
            if !deeds.is_empty() {
                notes.push(fill("deeds", &[("deeds", &deeds)]));
            }
            notes
        }
        PlotAct::SetAside { case, gives, gains, .. } => {
            let case = fill("case", &[("case", case.as_str())]);
            if gives.is_empty() && gains.is_empty() {
                return vec![say(visit, "set_aside_elsewhere").to_owned(), case];
            }
            let (from, to) = (holdings(shares(gives), visit), holdings(shares(gains), visit));
            vec![fill("gave_back", &[("from", &from), ("to", &to)]), case]
        }
        PlotAct::Settled { holdings: held, .. } => {
            vec![fill("settled_words", &[("holders", &holdings(shares(held), visit))])]
        }
        PlotAct::Frozen(freeze) => vec![fill("order", &[("order", freeze.reference.as_str())])],
        PlotAct::Unfrozen { reference, .. } => vec![fill("order", &[("order", reference.as_str())])],
        _ => Vec::new(),
    }
}

fn item(step: &Step<'_>, row: &Row, visit: Visit) -> Markup {
    html! {
        li {
            strong { (row.name) }
            span.when {
                (say(visit, "plot")) " " (row.plot) ", "
                @match row.at_ms { Some(at_ms) => (ist(at_ms, visit.words)), None => (say(visit, "time_not_held")) }
            }
            @for note in notes(step, visit) { span.note { (note) } }
            a href=(visit.within(&format!("/explorer/records/{}?", step.record()))) {
                (visit.words.timeline.fill("record_link", &[("index", &grouped(step.record()))]))
            }
        }
    }
}
