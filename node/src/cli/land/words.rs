//! Registers in plain words.

use dalil_contracts::land::case::Gain;
use dalil_contracts::land::history::PlotAct;
use dalil_contracts::land::registers::{ChainOfTitle, Encumbrances, Extent, Pendency, Register};
use dalil_contracts::land::types::{Holding, Plot};

use super::Checked;
use crate::time::ist;

/// A register that was proven, and how fresh the proof is.
pub(super) fn proven(proven: &Checked, now_ms: u64) -> String {
    let mut lines = match &proven.answer {
        Ok(Register::Title(title)) => title_lines(title),
        Ok(Register::Encumbrances(found)) => encumbrance_lines(found),
        Ok(Register::Pendency(found)) => pendency_lines(found),
        Err(reject) => vec![format!("not on record: {}", reject.message)],
    };
    let age_s = now_ms.saturating_sub(proven.freshness_ms) / 1000;
    lines.push(format!(
        "proven by {} validators at height {}, {age_s} s ago; the ledger says what an office recorded and confers no title",
        proven.quorum, proven.height
    ));
    lines.join("\n")
}

fn cut(extent: Extent, lines: &mut Vec<String>) {
    if extent == Extent::CutShort {
        lines
            .push("NOT ALL: there is more than one answer holds; ask about the plots or offices named here".to_owned());
    }
}

fn acres(plot: &Plot) -> String {
    format!("{}.{:04} acre", plot.area.0 / 10_000, plot.area.0 % 10_000)
}

fn holdings(holdings: &[Holding]) -> String {
    let one = |holding: &Holding| format!("khatian {} {}", holding.khatian, holding.share);
    if holdings.is_empty() { "nobody".to_owned() } else { holdings.iter().map(one).collect::<Vec<_>>().join(", ") }
}

fn gains(gains: &[Gain]) -> String {
    gains.iter().map(|gain| format!("khatian {} {}", gain.khatian, gain.share)).collect::<Vec<_>>().join(", ")
}

fn title_lines(title: &ChainOfTitle) -> Vec<String> {
    let mut lines = vec![format!("Chain of title of plot {}", title.plot)];
    for plot in &title.plots {
        let names = |plots: &[_]| plots.iter().map(ToString::to_string).collect::<Vec<String>>().join(", ");
        let origin = match plot.parents.as_slice() {
            [] => format!("imported (not decided here) by record {}", plot.entered),
            parents => format!("made from {} by record {}", names(parents), plot.entered),
        };
        let now = if plot.retired { format!("became {}", names(&plot.children)) } else { holdings(&plot.holdings) };
        lines.push(format!("  {}  {:?}, {}: {origin}; {now}", plot.id, plot.class, acres(plot)));
    }
    for line in &title.lines {
        let what = match &line.act {
            PlotAct::Mutated { case, gives, gains: taken } => {
                let deeds = line.ground.iter().flat_map(|ground| ground.deeds()).map(ToString::to_string);
                let deeds = deeds.collect::<Vec<_>>().join(", ");
                let by = if deeds.is_empty() { String::new() } else { format!(" by deed {deeds}") };
                let state = line.case_state.map(|state| format!(" [{state:?}]")).unwrap_or_default();
                format!("case {case}{by}: {} gave; {} took{state}", holdings(gives), gains(taken))
            }
            PlotAct::SetAside { case, gives, gains, .. } if gives.is_empty() && gains.is_empty() => {
                format!("case {case} set aside; shares went back in the plots made from this one")
            }
            PlotAct::SetAside { case, gives, gains, .. } => {
                format!("case {case} set aside: back from {} to {}", holdings(gives), holdings(gains))
            }
            PlotAct::Settled { holdings: held, .. } => format!("settled: {}", holdings(held)),
            PlotAct::Vested { .. } => "vested in the Government".to_owned(),
            PlotAct::Surveyed { .. } => "divided or merged away".to_owned(),
            PlotAct::Frozen(freeze) => format!("frozen by {:?}, order {}", freeze.by, freeze.reference),
            PlotAct::Unfrozen { reference, .. } => format!("freeze {reference} lifted"),
            PlotAct::Charged(_) | PlotAct::Released { .. } | PlotAct::Converted { .. } | PlotAct::Rectified { .. } => {
                continue;
            }
        };
        lines.push(format!("{}  record {:<8} {}  {what}", ist(line.at_ms), line.record, line.plot));
    }
    cut(title.extent, &mut lines);
    lines
}

/// What lies on a plot.
pub(in crate::cli) fn encumbrance_lines(found: &Encumbrances) -> Vec<String> {
    let mut lines = vec![format!("Encumbrances of plot {}, version {}", found.plot, found.version)];
    if !found.in_force {
        lines.push("  the plot was divided or merged away; its charges went over to the plots made from it".to_owned());
    }
    for one in &found.charges {
        let since = one.at_ms.map_or("in the older register".to_owned(), ist);
        let state = match &one.satisfied {
            None => "LIES ON THE PLOT".to_owned(),
            Some(release) => format!("satisfied {} (record {})", ist(release.at_ms), release.record),
        };
        let (rank, instrument, on) = (one.charge.rank, &one.charge.instrument, &one.entered_on);
        lines.push(format!("  rank {rank}  deed {instrument}  entered on {on}, {since}  {state}"));
    }
    match found.extent {
        Extent::Complete if found.charges.is_empty() => lines.push("  no charge was ever recorded".to_owned()),
        Extent::CutShort if found.charges.iter().all(|one| one.satisfied.is_some()) => {
            lines.push("  no charge lies on it".to_owned());
        }
        Extent::Complete | Extent::CutShort => {}
    }
    lines.extend(found.freezes.iter().map(|freeze| format!("  frozen by {:?}, order {}", freeze.by, freeze.reference)));
    if found.vested {
        lines.push("  vested in the Government: nobody can transfer it".to_owned());
    }
    cut(found.extent, &mut lines);
    lines
}

fn pendency_lines(found: &Pendency) -> Vec<String> {
    let mut lines = vec![format!("Mutation cases that wait for {}, {}", found.office, ist(found.as_of_ms))];
    for seat in &found.seats {
        let counts = seat.stages.iter().filter(|count| count.cases > 0);
        let counts: Vec<_> = counts.map(|count| format!("{:?} {}", count.stage, count.cases)).collect();
        lines.push(format!("  {}: {}", seat.seat, counts.join(", ")));
    }
    if found.seats.is_empty() {
        lines.push("  none".to_owned());
    }
    for one in &found.cases {
        let waiting = &one.waiting;
        let clock = match one.overdue_days {
            0 => format!("due {}", ist(waiting.due_ms)),
            days => format!("OVERDUE by {days} days"),
        };
        let marks = [(waiting.contested, "  contested"), (waiting.stayed, "  stayed by a court")];
        let marks: String = marks.iter().filter(|(set, _)| *set).map(|(_, words)| *words).collect();
        lines.push(format!("{}  {:?} since {}  {clock}{marks}", waiting.case, waiting.stage, ist(waiting.entered_ms)));
    }
    cut(found.extent, &mut lines);
    lines
}
