//! Answers that are about no single document: a plot as the land register shows it, a record of the log.
//!
//! They are the node's word alone: a browser checks documents, not registers. The page says how to check them.

use dalil_contracts::land::registers::{Encumbrance, Encumbrances, Extent};
use maud::{Markup, html};

use super::answer::{self, Fact, facts, name_of, standing};
use super::ask::encoded;
use super::text::ist;
use super::words::Words;
use crate::service::{RecordedEntry, ShownCheckpoint, ShownPlot};

/// Above a record.
pub(super) fn headline(words: &Words) -> Markup {
    answer::headline("noted", "recorded", words.scan.get("recorded_title"), words.scan.get("recorded"))
}

/// A record that stands in the log.
pub(super) fn entry(entry: &RecordedEntry, checkpoint: &ShownCheckpoint, asked: Fact<'_>, words: &Words) -> Markup {
    let table = &words.plot;
    let mut rows = vec![asked];
    rows.extend(entry.call.iter().map(|call| (table.get("call"), call.clone())));
    rows.extend(entry.posting.iter().map(|posting| (table.get("posting"), posting.to_string())));
    rows.push((table.get("signer"), entry.signer.to_string()));
    rows.push((table.get("transaction"), entry.id.to_string()));
    rows.extend(standing(checkpoint.freshness_ms, checkpoint, words));
    let receipt = format!("/v1/receipts/inclusion?index={}", entry.index);
    let file = format!("record-{}.tlog-proof", entry.index);
    html! {
        (facts(&rows))
        @if !entry.documents.is_empty() {
            h3 { (table.get("documents")) }
            ul { @for uri in &entry.documents {
                li { a href=(format!("/check?uri={}", encoded(uri.as_str()))) { (uri) } }
            } }
        }
        p { a href=(receipt) download=(file) { (table.get("receipt")) } }
        p.hint { (table.get("receipt_check")) }
    }
}

/// The log is not that long.
pub(super) fn not_in_log(reason: &str, checkpoint: &ShownCheckpoint, asked: Fact<'_>, words: &Words) -> Markup {
    let size = (words.scan.get("entries"), checkpoint.log_size.to_string());
    let mut rows = vec![asked, (words.answer.get("reason"), words.reason.get(reason).to_owned()), size];
    rows.extend(standing(checkpoint.freshness_ms, checkpoint, words));
    facts(&rows)
}

/// What a plot's answer is called: in the table of words, and in `data-status`.
fn kind_of(plot: &ShownPlot) -> &'static str {
    match &plot.encumbrances {
        None => "absent",
        Some(found) if !found.in_force => "retired",
        Some(found) if lies(found) => "burdened",
        Some(_) => "free",
    }
}

fn lies(found: &Encumbrances) -> bool {
    found.vested || !found.freezes.is_empty() || found.charges.iter().any(|charge| charge.satisfied.is_none())
}

/// Above a plot.
pub(super) fn plot_headline(plot: &ShownPlot, words: &Words) -> Markup {
    let kind = kind_of(plot);
    let tone = if kind == "absent" { "unknown" } else { "noted" };
    let status = if kind == "absent" { "not_on_record" } else { kind };
    let sentence = format!("{kind}_words");
    answer::headline(tone, status, words.plot.get(kind), words.plot.get(&sentence))
}

/// What lies on a plot.
pub(super) fn plot(plot: &ShownPlot, checkpoint: &ShownCheckpoint, asked: Fact<'_>, words: &Words) -> Markup {
    let table = &words.plot;
    let mut rows = vec![asked];
    if let Some(found) = &plot.encumbrances {
        let open = found.charges.iter().filter(|charge| charge.satisfied.is_none()).count().to_string();
        let all = found.charges.len().to_string();
        rows.push((table.get("charges"), table.fill("charges_words", &[("open", &open), ("all", &all)])));
        let bars = found.freezes.iter().map(|freeze| {
            let by = name_of(&freeze.by);
            table.fill("bar_words", &[("by", table.get(&by)), ("reference", freeze.reference.as_str())])
        });
        let bars: Vec<_> = bars.collect();
        rows.push((table.get("bars"), if bars.is_empty() { table.get("none").to_owned() } else { bars.join("; ") }));
        rows.push((table.get("vested"), table.get(if found.vested { "yes" } else { "no" }).to_owned()));
    }
    rows.extend(standing(checkpoint.freshness_ms, checkpoint, words));
    html! {
        (facts(&rows))
        @if let Some(found) = &plot.encumbrances {
            @if !found.charges.is_empty() { (charges(&found.charges, words)) }
            @if found.extent == Extent::CutShort { p { strong { (table.get("cut_short")) } } }
        }
        p.hint { (words.answer.get("not_content")) }
        p.hint { (table.get("register_check")) }
    }
}

fn charges(charges: &[Encumbrance], words: &Words) -> Markup {
    let table = &words.plot;
    let names = ["rank", "deed", "entered_on", "entered", "satisfied"].map(|name| table.get(name));
    html! {
        table {
            caption { (table.get("charges")) }
            thead { tr { @for name in names { th scope="col" { (name) } } } }
            tbody {
                @for one in charges {
                    @let cells = [
                        one.charge.rank.to_string(),
                        one.charge.instrument.to_string(),
                        one.entered_on.to_string(),
                        one.at_ms.map_or(table.get("older").to_owned(), |at_ms| ist(at_ms, words)),
                        one.satisfied.as_ref().map_or(table.get("lies").to_owned(), |it| ist(it.at_ms, words)),
                    ];
                    tr { @for (name, cell) in names.iter().zip(cells) { td data-name=(name) { (cell) } } }
                }
            }
        }
    }
}
