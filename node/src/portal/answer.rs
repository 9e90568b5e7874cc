//! An answer as a part of a page. The same facts in the same order as `node/portal/answer.js` shows after checking them; a
//! test compares the two.

use dalil_ledger::document::{DocumentEntry, Happening, HistoryEvent};
use dalil_ledger::receipt::Answer;
use maud::{Markup, html};
use serde::Serialize;

use super::ask::asked;
use super::records;
use super::text::ist;
use super::words::Words;
use crate::legible::visible;
use crate::service::{self, CouldNotAnswer, ShownCheckpoint, Verified, VerifiedAnswer};

/// Outlines of the pictures beside an answer, 24 by 24, by its tone.
pub(super) const ICONS: [(&str, &str); 5] = [
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
    ("noted", "M12 1a11 11 0 1 0 0 22 11 11 0 0 0 0-22Zm-1.4 4.4h2.8v2.8h-2.8Zm0 4.8h2.8v8.4h-2.8Z"),
    ("unchecked", "M12 1 .5 22h23ZM10.8 8.5h2.4l-.3 7h-1.8Zm0 8.6h2.4v2.4h-2.4Z"),
];

/// The name that a variant without fields has in JSON.
pub(super) fn name_of<T: Serialize>(variant: &T) -> String {
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
    headline(tone_of(status), status, words.status.get(status), words.status_words.get(status))
}

/// The large answer: a picture, a word or two, a sentence.
pub(super) fn headline(tone: &str, status: &str, title: &str, sentence: &str) -> Markup {
    let outline = ICONS.iter().find(|(name, _)| *name == tone).map_or("", |(_, outline)| outline);
    html! {
        div class=(format!("verdict {tone}")) data-status=(status) {
            svg class="icon" viewBox="0 0 24 24" aria-hidden="true" { path d=(outline) {} }
            div {
                h2 { (title) }
                p { (sentence) }
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
pub(super) fn outcome(found: &Result<Verified, CouldNotAnswer>, ask: &service::Ask, words: &Words) -> Markup {
    let asked = (words.answer.get("asked"), asked(ask, words));
    let could_not = |why: &CouldNotAnswer, asked: Fact<'_>| {
        html! { (verdict("could_not_check", words)) (trouble_facts(&why.reason, &why.detail, Some(asked), words)) }
    };
    let by_node = html! { div.checked { p { (words.answer.get("by_node")) } } };
    html! {
        article.answer {
            @match found {
                Err(why) => (could_not(why, asked)),
                Ok(verified) => { @match &verified.answer {
                    VerifiedAnswer::CouldNotCheck(why) => (could_not(why, asked)),
                    VerifiedAnswer::Checked(document) => {
                        (verdict(&name_of(&document.answer.status), words))
                        (by_node)
                        (checked(&document.answer, &verified.checkpoint, asked, words))
                    },
                    VerifiedAnswer::NotInLog { status, reason } => {
                        (verdict(&name_of(status), words))
                        (by_node)
                        (records::not_in_log(reason, &verified.checkpoint, asked, words))
                    },
                    VerifiedAnswer::Recorded(entry) => {
                        (records::headline(words))
                        (by_node)
                        (records::entry(entry, &verified.checkpoint, asked, words))
                    },
                    VerifiedAnswer::Plot(plot) => {
                        (records::plot_headline(plot, words))
                        (by_node)
                        (records::plot(plot, &verified.checkpoint, asked, words))
                    },
                } },
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

/// Of which moment an answer is, and who vouches for it.
pub(super) fn standing<'a>(as_of_ms: u64, checkpoint: &ShownCheckpoint, words: &'a Words) -> Vec<Fact<'a>> {
    let table = &words.answer;
    let vouched = ist(checkpoint.freshness_ms, words);
    let (count, all) = (checkpoint.quorum.unwrap_or_default().to_string(), checkpoint.validators.to_string());
    vec![
        (table.get("as_of"), ist(as_of_ms, words)),
        (table.get("proof"), table.fill("proof_words", &[("age", &checkpoint.age), ("time", &vouched)])),
        (table.get("quorum"), table.fill("quorum_words", &[("count", &count), ("all", &all)])),
    ]
}

fn checked(answer: &Answer, checkpoint: &ShownCheckpoint, asked: Fact<'_>, words: &Words) -> Markup {
    let table = &words.answer;
    let reason = words.reason.get(&answer.reason);
    let reason = match answer.since_ms {
        Some(since_ms) => table.fill("since", &[("reason", reason), ("time", &ist(since_ms, words))]),
        None => reason.to_owned(),
    };
    let mut rows = vec![asked, (table.get("reason"), reason)];
    rows.extend(answer.entry.iter().flat_map(|entry| document(entry, words)));
    rows.extend(standing(answer.as_of_ms, checkpoint, words));
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
