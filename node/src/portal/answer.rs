//! An answer as a part of a page. The same facts in the same order as `node/portal/answer.js` shows after checking them; a
//! test compares the two.

use dalil_ledger::document::{DocumentEntry, Happening, HistoryEvent};
use dalil_ledger::receipt::{Answer, Question};
use maud::{Markup, html};
use serde::Serialize;

use super::Outcome;
use super::text::ist;
use super::words::Words;
use crate::legible::visible;
use crate::time::span;

/// Outlines of the pictures beside an answer, 24 by 24, by its tone.
pub(super) const ICONS: [(&str, &str); 4] = [
    ("good", "M12 1a11 11 0 1 0 0 22 11 11 0 0 0 0-22Zm-1.6 16.4-5-5 1.9-1.9 3.1 3.1 6.5-6.5 1.9 1.9Z"),
    (
        "bad",
        "M7.4 1h9.2L23 7.4v9.2L16.6 23H7.4L1 16.6V7.4Zm.2 4.9L5.9 7.6 10.3 12l-4.4 4.4 1.7 1.7 4.4-4.4 4.4 4.4 1.7-1.7-4.4-4.4 \
         4.4-4.4-1.7-1.7-4.4 4.4Z",
    ),
    (
        "unknown",
        "M3 1h18v22H3Zm7.8 16v2.6h2.5V17Zm-2.6-7.6h2.5c0-1.3.6-1.9 1.5-1.9s1.4.5 1.4 1.3c0 1.7-2.8 2.1-2.8 \
         5.8h2.4c0-2.4 3-2.8 3-5.9 0-2-1.6-3.4-3.9-3.4-2.5 0-4.1 1.6-4.1 4.1Z",
    ),
    ("unchecked", "M12 1 .5 22h23ZM10.8 8.5h2.4l-.3 7h-1.8Zm0 8.6h2.4v2.4h-2.4Z"),
];

/// What an outcome is called in the tables of words and in style sheets.
fn status_of(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Checked { answer, .. } => name_of(&answer.status),
        Outcome::CouldNotCheck { .. } => "could_not_check".to_owned(),
    }
}

/// The name that a variant without fields has in JSON.
fn name_of<T: Serialize>(variant: &T) -> String {
    serde_json::to_value(variant).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

fn tone_of(status: &str) -> &'static str {
    match status {
        "valid" => "good",
        "not_on_record" => "unknown",
        "could_not_check" => "unchecked",
        _ => "bad",
    }
}

fn verdict(status: &str, words: &Words) -> Markup {
    let tone = tone_of(status);
    let outline = ICONS.iter().find(|(name, _)| *name == tone).map_or("", |(_, outline)| outline);
    html! {
        div class=(format!("verdict {tone}")) data-status=(status) {
            svg class="icon" viewBox="0 0 24 24" aria-hidden="true" { path d=(outline) {} }
            div {
                h2 { (words.status.get(status)) }
                p { (words.status_words.get(status)) }
            }
        }
    }
}

pub(super) type Fact<'a> = (&'a str, String);

pub(super) fn facts(rows: &[Fact<'_>]) -> Markup {
    html! {
        dl.facts {
            @for (name, value) in rows {
                div { dt { (name) } dd { (value) } }
            }
        }
    }
}

/// What the node says, and that it is the node which says so.
pub(super) fn outcome(outcome: &Outcome, question: &Question, words: &Words) -> Markup {
    let asked = match question {
        Question::Uri(uri) => uri.to_string(),
        Question::Digest(digest) => digest.to_string(),
        Question::Slot(key) => key.clone(),
    };
    let asked = (words.answer.get("asked"), asked);
    html! {
        article.answer {
            (verdict(&status_of(outcome), words))
            @match outcome {
                Outcome::Checked { answer, validators, checked_at_ms } => {
                    div.checked { p { (words.answer.get("by_node")) } }
                    (checked(answer, *validators, *checked_at_ms, asked, words))
                }
                Outcome::CouldNotCheck { code, detail } => (trouble_facts(code, detail, Some(asked), words)),
            }
        }
    }
}

/// "Could not check" without a question that could be asked.
pub(super) fn trouble(code: &str, detail: &str, words: &Words) -> Markup {
    html! {
        article.answer {
            (verdict("could_not_check", words))
            (trouble_facts(code, detail, None, words))
        }
    }
}

fn trouble_facts(code: &str, detail: &str, asked: Option<Fact<'_>>, words: &Words) -> Markup {
    let reason = words.trouble.find(code).unwrap_or_else(|| words.trouble.get("unknown"));
    let mut rows: Vec<Fact<'_>> = asked.into_iter().collect();
    rows.push((words.answer.get("reason"), reason.to_owned()));
    rows.push((words.answer.get("code"), format!("{code}: {}", visible(detail))));
    facts(&rows)
}

fn checked(answer: &Answer, validators: usize, checked_at_ms: u64, asked: Fact<'_>, words: &Words) -> Markup {
    let table = &words.answer;
    let reason = words.reason.get(&answer.reason);
    let reason = match answer.since_ms {
        Some(since_ms) => table.fill("since", &[("reason", reason), ("time", &ist(since_ms, words))]),
        None => reason.to_owned(),
    };
    let age = span(checked_at_ms.saturating_sub(answer.freshness_ms));
    let vouched = ist(answer.freshness_ms, words);
    let (count, all) = (answer.quorum.to_string(), validators.to_string());
    let mut rows = vec![asked, (table.get("reason"), reason)];
    rows.extend(answer.entry.iter().flat_map(|entry| document(entry, words)));
    rows.push((table.get("as_of"), ist(answer.as_of_ms, words)));
    rows.push((table.get("proof"), table.fill("proof_words", &[("age", &age), ("time", &vouched)])));
    rows.push((table.get("quorum"), table.fill("quorum_words", &[("count", &count), ("all", &all)])));
    let mut detail = Vec::new();
    if let Some(entry) = &answer.entry {
        detail.push((table.get("digest"), entry.digest.to_string()));
        detail.push((table.get("record"), entry.record.to_string()));
    }
    detail.push((table.get("height"), answer.height.to_string()));
    html! {
        (facts(&rows))
        p.hint { (table.get("not_content")) }
        details {
            summary { (table.get("detail")) }
            (facts(&detail))
            @if !answer.history.is_empty() { (history(&answer.history, words)) }
        }
    }
}

fn document<'a>(entry: &DocumentEntry, words: &'a Words) -> Vec<Fact<'a>> {
    let table = &words.answer;
    let (department, office) = (entry.issuer.department.as_str(), entry.issuer.office.as_str());
    let from = ist(entry.valid_from_ms, words);
    let validity = match entry.ends_at_ms(u64::MAX) {
        Some(until_ms) => table.fill("from_until", &[("from", &from), ("until", &ist(until_ms, words))]),
        None => table.fill("from_on", &[("from", &from)]),
    };
    let mut rows = vec![
        (table.get("document"), format!("{}, {}", entry.kind, entry.uri)),
        (table.get("subject"), entry.subject.to_string()),
        (table.get("issuer"), table.fill("issuer_words", &[("department", department), ("office", office)])),
        (table.get("issued"), ist(entry.issued_at_ms, words)),
        (table.get("validity"), validity),
        (table.get("provenance"), words.provenance.get(&name_of(&entry.provenance)).to_owned()),
    ];
    let others = [("superseded_by", &entry.superseded_by), ("supersedes", &entry.supersedes)];
    rows.extend(others.iter().filter_map(|(name, uri)| Some((table.get(name), uri.as_ref()?.to_string()))));
    rows
}

fn history(events: &[HistoryEvent], words: &Words) -> Markup {
    let table = &words.answer;
    let what = |event: &HistoryEvent| match event.what {
        Happening::Standing(standing) => name_of(&standing),
        other => name_of(&other),
    };
    let names = ["recorded", "what", "effective", "reason", "record"].map(|name| table.get(name));
    html! {
        table {
            caption { (table.get("history")) }
            thead { tr { @for name in names { th scope="col" { (name) } } } }
            tbody {
                @for event in events {
                    @let cells = [
                        ist(event.recorded_at_ms, words),
                        words.event.get(&what(event)).to_owned(),
                        ist(event.effective_from_ms, words),
                        event.reason.as_deref().map_or("–", |reason| words.reason.get(reason)).to_owned(),
                        event.record.to_string(),
                    ];
                    tr { @for (name, cell) in names.iter().zip(cells) { td data-name=(name) { (cell) } } }
                }
            }
        }
    }
}
