//! The answer in words, for people.

use dalil_ledger::document::{DocumentEntry, Happening, HistoryEvent, Provenance, Standing, Status};

use super::finding::{BeyondLog, Finding, Plot, Proven, Recorded};
use super::report::Report;
use crate::cli::land::encumbrance_lines;
use crate::cli::output::{bold, fact};
use crate::cli::qr::slip_facts;
use crate::legible::legible;
use crate::service::Ask;
use crate::time::{ist, span};

impl Report {
    /// A headline with the status, then the facts.
    pub(super) fn to_text(&self) -> String {
        let (word, mut lines) = match &self.finding {
            Finding::Status(proven) => (headline(proven), status_facts(proven, self.checked_at_ms)),
            Finding::Recorded(recorded) => {
                ("RECORDED, PRESENT STATUS NOT PROVEN".to_owned(), record_facts(recorded, self.checked_at_ms))
            }
            Finding::BeyondLog(beyond) => ("NOT ON RECORD".to_owned(), beyond_facts(beyond, self.checked_at_ms)),
            Finding::Plot(plot) => (status_word(plot.shown.status).to_owned(), plot_facts(plot, self.checked_at_ms)),
            Finding::Unchecked(why) => {
                ("COULD NOT CHECK".to_owned(), vec![fact("reason", format_args!("{} ({})", why.detail, why.code))])
            }
        };
        lines.extend(self.slip.iter().flat_map(slip_facts));
        lines.extend(self.claims.iter().map(|claim| fact("claim", claim)));
        if let (Some((validators, _)), Some(quorum)) = (self.sizes, self.finding.quorum()) {
            lines.push(fact("vouched by", format_args!("{quorum} of {validators} validators")));
        }
        lines.extend(self.proven().iter().map(|line| fact("proven", line)));
        lines.extend(self.not_proven().iter().map(|line| fact("not proven", line)));
        lines.push(match (&self.node, &self.finding) {
            (Some(node), Finding::Unchecked(_)) => fact("asked", node),
            (Some(node), _) => fact("receipt", format_args!("from {node}, checked here")),
            (None, _) => fact("receipt", "a file, checked here; no node was asked"),
        });
        lines.extend(self.saved.iter().map(|path| fact("saved", path)));
        format!("{}\n{}\n\n{}", bold(&word), legible(&self.about()), lines.join("\n"))
    }

    /// What it is about, in words.
    pub(super) fn about(&self) -> String {
        if let Some(Ask { challan, number, department, kind, index, plot, .. }) = &self.named {
            let words = [
                challan.as_ref().map(|number| format!("challan {number}")),
                plot.as_ref().map(|plot| format!("plot {plot}")),
                index.map(|index| format!("record {index} of the log")),
                match (number, department, kind) {
                    (Some(number), Some(department), Some(kind)) => {
                        Some(format!("certificate {number} of type {kind}, department {department}"))
                    }
                    _ => None,
                },
            ];
            let named = words.into_iter().flatten().next().unwrap_or_default();
            let led_to = self.asked.uri.as_ref().map(|uri| format!(": {uri}")).unwrap_or_default();
            return named + &led_to;
        }
        match &self.finding {
            Finding::Recorded(recorded) if self.asked.question().is_none() => {
                format!("record {} of the log", recorded.inclusion.index)
            }
            _ => self.asked.to_string(),
        }
    }
}

fn beyond_facts(beyond: &BeyondLog, checked_at_ms: u64) -> Vec<String> {
    vec![fact("reason", "the log is shorter (beyond_log)"), fresh(beyond.head.freshness_ms, checked_at_ms)]
}

fn plot_facts(plot: &Plot, checked_at_ms: u64) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(found) = &plot.shown.encumbrances {
        lines.push(fact("reason", reason_words(&plot.shown.reason)));
        lines.extend(encumbrance_lines(found).into_iter().map(|line| fact("register", line.trim())));
    } else {
        lines.push(fact("reason", "there is no such plot"));
    }
    lines.push(fresh(plot.head.freshness_ms, checked_at_ms));
    lines.push(fact("height", format_args!("{}, log of {} entries", plot.head.height, plot.head.log_size)));
    lines
}

fn fresh(freshness_ms: u64, checked_at_ms: u64) -> String {
    fact("as of", format_args!("{}; {} old", ist(freshness_ms), span(checked_at_ms.saturating_sub(freshness_ms))))
}

/// The word of a status.
fn status_word(status: Status) -> &'static str {
    match status {
        Status::Valid => "VALID",
        Status::NotYetValid => "NOT YET VALID",
        Status::Expired => "EXPIRED",
        Status::Suspended => "SUSPENDED",
        Status::Revoked => "REVOKED",
        Status::Superseded => "SUPERSEDED",
        Status::Consumed => "CONSUMED",
        Status::Cancelled => "CANCELLED",
        Status::Seized => "SEIZED",
        Status::NotOnRecord => "NOT ON RECORD",
    }
}

fn headline(proven: &Proven) -> String {
    let word = status_word(proven.answer.status);
    let known_at = proven.answer.known_at_ms.map(|at_ms| format!(", AS KNOWN AT {}", ist(at_ms))).unwrap_or_default();
    match proven.asked_as_of_ms {
        Some(as_of_ms) => format!("{word} AS OF {}{known_at}", ist(as_of_ms)),
        None => word.to_owned(),
    }
}

fn status_facts(proven: &Proven, checked_at_ms: u64) -> Vec<String> {
    let answer = &proven.answer;
    let since = answer.since_ms.map(|since_ms| format!(", since {}", ist(since_ms))).unwrap_or_default();
    let mut lines = vec![fact("reason", format_args!("{}{since}", reason_words(&answer.reason)))];
    if let Some(entry) = &answer.entry {
        lines.extend(document_facts(entry, answer.known_at_ms));
        // The issue is said already.
        let later = answer.history.iter().filter(|event| event.what != Happening::Issued);
        lines.extend(later.map(history_fact));
    }
    let age = span(checked_at_ms.saturating_sub(answer.freshness_ms));
    let limit = span(proven.age_max_ms);
    lines.push(fact("as of", format_args!("{}; {age} old, at most {limit} counts", ist(answer.freshness_ms))));
    lines.push(fact("height", format_args!("{}, log of {} entries", answer.height, answer.log_size)));
    lines
}

fn history_fact(event: &HistoryEvent) -> String {
    let what = match event.what {
        Happening::Issued => "issued",
        Happening::Standing(Standing::Active) => "in force again",
        Happening::Standing(Standing::Suspended) => "suspended",
        Happening::Standing(Standing::Revoked) => "revoked",
        Happening::Standing(Standing::Superseded) => "superseded",
        Happening::Standing(Standing::Consumed) => "used up",
        Happening::Standing(Standing::Cancelled) => "cancelled",
        Happening::Standing(Standing::Seized) => "seized",
        Happening::Extended => "prolonged",
        Happening::ClassStruck => "struck with its class",
        Happening::StrikeStayed => "strike stayed",
        Happening::StayLifted => "stay of the strike lifted",
        Happening::SourceChanged => "source changed",
    };
    let reason = event.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    let until = if event.what == Happening::Extended { "until" } else { "with effect from" };
    let (recorded, effective) = (ist(event.recorded_at_ms), ist(event.effective_from_ms));
    fact("history", format_args!("{what}{reason} by record {} on {recorded}, {until} {effective}", event.record))
}

fn document_facts(entry: &DocumentEntry, known_at_ms: Option<u64>) -> Vec<String> {
    let until_ms = entry.ends_at_ms(known_at_ms.unwrap_or(u64::MAX));
    let until = until_ms.map_or("without end".to_owned(), |until_ms| format!("until {}", ist(until_ms)));
    let provenance = match entry.provenance {
        Provenance::Decided => "decided under the ledger's rules",
        Provenance::Imported => "imported from an older register, not decided here",
        Provenance::Deemed => "deemed issued: the office let its time lapse",
        Provenance::AutoRenewed => "renewed without an application",
    };
    let mut lines = vec![
        fact("document", format_args!("{} about {}", entry.kind, entry.subject)),
        fact("issuer", format_args!("department {}, office {}", entry.issuer.department, entry.issuer.office)),
        fact("issued", format_args!("{}, {provenance}", ist(entry.issued_at_ms))),
        fact("validity", format_args!("from {}, {until}", ist(entry.valid_from_ms))),
        fact("digest", entry.digest),
    ];
    // Which record names the newer one is not told: it may be a later one than is asked about.
    if let Some(newer) = entry.superseded_by.as_ref().filter(|_| known_at_ms.is_none()) {
        lines.push(fact("replaced by", newer));
    }
    lines
}

/// The reasons that the status function gives; others are the coarse reasons of recorded events.
fn reason_words(reason: &str) -> &str {
    match reason {
        "in_force" => "in force",
        "before_validity" => "its validity has not begun",
        "validity_over" => "its validity is over",
        "class_struck" => "an order strikes its class",
        "source_changed" => "what it was drawn from has changed",
        "not_on_record" => "the ledger knows no such document",
        "other_vehicle" => "the challan is another vehicle's",
        "retired" => "it was divided or merged away",
        "not_recorded_by_then" => "it was recorded later",
        other => other,
    }
}

fn record_facts(recorded: &Recorded, checked_at_ms: u64) -> Vec<String> {
    let inclusion = &recorded.inclusion;
    let mut lines = vec![fact("record", format_args!("{}, id {}", inclusion.index, inclusion.record.id()))];
    match recorded.invocation() {
        Some(invocation) => {
            lines.push(fact("call", invocation.call.name()));
            lines.push(fact("posting", &invocation.posting));
        }
        None => lines.push(fact("call", "of a kind that this program does not know")),
    }
    lines.push(fresh(inclusion.freshness_ms, checked_at_ms));
    lines
}
