//! Whole nodes on a simulated clock, network and disk: the core as it runs in production, with ledger and workers, in one
//! process and from one seed. `SEED=n` repeats one run, `SEEDS=n` takes so many.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub)]

mod evidence;
mod faults;
mod honest;
mod hostile;
mod idle;
mod larger;
mod membership;
mod refusals;
mod rooms;
mod simulator;
mod snapshot;
mod storms;
#[path = "../support/mod.rs"]
mod support;
mod sync;
mod upgrades;

use simulator::world;

/// Runs `scenario` once a seed and says which.
pub fn seeds(name: &str, default: u64, scenario: impl Fn(u64)) {
    let number = |variable: &str| std::env::var(variable).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match (number("SEED"), number("SEEDS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, count) => 0..count.unwrap_or(default),
    };
    for seed in seeds {
        println!("{name}: SEED={seed}");
        scenario(seed);
    }
}
