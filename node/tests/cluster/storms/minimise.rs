//! Makes a failing plan small: the same seed again and again with parts of the plan left out.

use super::plan::Plan;
use super::run::{Keep, Outcome, run};

/// How many runs are spent on it.
const RUNS_MAX: usize = 300;
/// How many of the last events are printed.
const EVENTS_MAX: usize = 80;

/// The smallest plan found that still breaks a rule, and what it does. Halves are left out first, single parts last.
pub fn minimise(plan: &Plan) -> (Plan, Outcome) {
    let mut small = plan.clone();
    let mut runs = 0;
    let mut share = small.parts().div_ceil(2).max(1);
    while runs < RUNS_MAX {
        let before = small.parts();
        let mut from = 0;
        while from < small.parts() && runs < RUNS_MAX {
            let less = small.without(from..(from + share).min(small.parts()));
            runs += 1;
            if run(&less, Keep::Nothing).violation.is_some() {
                small = less;
            } else {
                from += share;
            }
        }
        if share == 1 && small.parts() == before {
            break;
        }
        share = if small.parts() == before { share / 2 } else { share }.max(1);
    }
    let outcome = run(&small, Keep::Events(EVENTS_MAX));
    (small, outcome)
}

/// What a failing seed leaves to read.
pub fn story(plan: &Plan, violation: &str) -> String {
    let (small, outcome) = minimise(plan);
    format!(
        "SEED={}: {violation}\n\nThe smallest plan that breaks a rule: {small}which ends in: {}\n\nThe last events (seconds \
         from the start; n2 <- n0: node 2 receives from node 0):\n{}\n",
        plan.seed,
        outcome.violation.unwrap_or_default(),
        outcome.trace.join("\n")
    )
}
