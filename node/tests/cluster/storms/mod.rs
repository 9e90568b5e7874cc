//! Runs at random: faults of every kind drawn from a seed, then calm, judged by the oracle throughout.
//!
//! `plan` is what goes wrong, drawn from a stream of its own; `run` plays it, `clerk` what officers do about the validator
//! set meanwhile; `report` sums up many; `minimise` makes a
//! failing plan small. `make sim SEEDS=n` runs seeds 0 to n − 1, `SEED=s` one of them, `FROM=s` begins elsewhere;
//! with `TRACE=1` a single seed tells everything that happened.

mod clerk;
mod minimise;
mod plan;
mod report;
mod run;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use dalil_ledger::crypto::memory::remember_good_signatures;
use plan::{Fault, Load, Plan};
use report::Report;
use run::{Keep, run};

/// So many seeds unless told otherwise.
const SEEDS: u64 = 500;
/// From so many seeds on every rare state must have been reached.
const WITNESS_SEEDS: u64 = 500;
/// A run stops looking for more after so many failing seeds.
const FAILURES_MAX: u64 = 5;
/// How many failing seeds are told in full.
const STORIES_MAX: usize = 2;
/// After so many seeds a long run says how far it is.
const TOLD_EVERY: u64 = 1_000;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().and_then(|text| text.parse().ok())
}

/// Runs seeds on as many threads as asked for.
fn run_seeds(seeds: std::ops::Range<u64>, jobs: u64) -> Report {
    let began = Instant::now();
    let (next, done, failures) = (AtomicU64::new(seeds.start), AtomicU64::new(0), AtomicU64::new(0));
    let total = Mutex::new(Report::default());
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                // Every node checks every vote.
                remember_good_signatures();
                let mut report = Report::default();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end || failures.load(Ordering::Relaxed) >= FAILURES_MAX {
                        break;
                    }
                    let outcome = run(&Plan::draw(seed), Keep::Nothing);
                    if let Some(violation) = &outcome.violation {
                        failures.fetch_add(1, Ordering::Relaxed);
                        eprintln!("SEED={seed}: {violation}");
                    }
                    report.add(seed, outcome);
                    let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                    if done.is_multiple_of(TOLD_EVERY) {
                        let (all, failed) = (seeds.end - seeds.start, failures.load(Ordering::Relaxed));
                        eprintln!(
                            "{done} of {all} seeds in {} s, {failed} with a violation",
                            began.elapsed().as_secs()
                        );
                    }
                }
                total.lock().unwrap().merge(report);
            });
        }
    });
    let mut report = total.into_inner().unwrap();
    report.took = began.elapsed();
    report
}

#[test]
fn seeds() {
    let from = number("FROM").unwrap_or(0);
    let seeds = match number("SEED") {
        Some(seed) => seed..seed + 1,
        None => from..from + number("SEEDS").unwrap_or(SEEDS),
    };
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    let report = run_seeds(seeds, number("JOBS").unwrap_or(threads).max(1));
    println!("{report}");
    if let (Some(seed), Some(_)) = (number("SEED"), number("TRACE")) {
        let plan = Plan::draw(seed);
        println!("\n{plan}{}", run(&plan, Keep::Events(usize::MAX)).trace.join("\n"));
    }
    for (seed, violation) in report.violations.iter().take(STORIES_MAX) {
        println!("\n{}", minimise::story(&Plan::draw(*seed), violation));
    }
    assert!(report.violations.is_empty(), "{} failing seeds: {:?}", report.violations.len(), report.violations);
    if report.seeds >= WITNESS_SEEDS {
        assert!(report.unreached().is_empty(), "never reached: {:?}", report.unreached());
    }
}

/// Runs that once broke a rule; docs/bugs.md says which.
#[test]
fn seeds_that_once_failed() {
    for seed in [1070, 1793, 1849, 1_022_438] {
        let outcome = run(&Plan::draw(seed), Keep::Nothing);
        assert_eq!(outcome.violation, None, "seed {seed}");
    }
}

#[test]
fn a_run_is_its_seed() {
    for seed in [3, 14, 15] {
        let plan = Plan::draw(seed);
        let traces = [(); 2].map(|()| run(&plan, Keep::Events(usize::MAX)).trace);
        assert!(!traces[0].is_empty() && traces[0] == traces[1], "seed {seed}");
    }
}

/// A disk that forgets what it reported as durable is outside of what the nodes bear: some rule breaks, and of a plan
/// full of harmless faults only what it takes is left.
#[test]
fn a_failure_is_told_by_the_faults_that_it_needs() {
    let failing = (0..200).find_map(|seed| {
        let mut plan = Plan { n: 4, brisk: false, observer: false, change: None, ..Plan::draw(seed) };
        plan.faults.retain(|(_, fault)| !matches!(fault, Fault::Byzantine(..) | Fault::Twins(_)));
        plan.loads.retain(|(_, load)| matches!(load, Load::Record { at, .. } if *at < 4));
        plan.faults.retain(|(_, fault)| matches!(fault, Fault::Weather { .. } | Fault::Clock { node: 0..4, .. }));
        for node in 0..3 {
            plan.faults.push((0, Fault::LyingDisk(node)));
        }
        plan.faults.push((3_000, Fault::CrashAll { down_ms: 10 }));
        let violation = run(&plan, Keep::Nothing).violation?;
        Some((plan, violation))
    });
    let (plan, violation) = failing.expect("a disk that lies breaks some rule");
    let (small, outcome) = minimise::minimise(&plan);
    assert!(outcome.violation.is_some() && small.parts() < plan.parts(), "{small}");
    assert!(small.faults.iter().any(|(_, fault)| matches!(fault, Fault::LyingDisk(_))), "{small}");
    assert!(small.faults.iter().any(|(_, fault)| matches!(fault, Fault::CrashAll { .. })), "{small}");
    for part in 0..small.parts() {
        let less = small.without(part..part + 1);
        assert_eq!(run(&less, Keep::Nothing).violation, None, "part {part} could be left out of {small}");
    }
    let story = minimise::story(&plan, &violation);
    assert!(story.contains("LyingDisk") && story.contains("crashes"), "{story}");
}
