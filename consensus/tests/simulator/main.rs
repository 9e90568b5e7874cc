//! A seeded simulation of whole validators: clock, network and disks are simulated, the engine is the product's.
//!
//! `SEEDS=n` runs n seeds of each kind, `SEED=s` runs only that one. A failure prints its seed.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub)] // Test code: a broken promise must stop the run.

mod chain;
mod driver;
mod faults;
mod found_on_paper;
mod node;
mod oracle;
mod rng;
mod seeds;
mod world;
