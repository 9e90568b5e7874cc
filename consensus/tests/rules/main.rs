//! The rules one by one: a single engine, and messages signed by hand. Tests are named after rules and paper lines.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub)] // Test code: a broken rule must stop the run.
#![allow(dead_code)] // The toy chain is shared with the simulator, which uses all of it.

mod bench;
#[path = "../simulator/chain.rs"]
mod chain;
mod faults;
mod fuzz;
mod persistence;
mod rounds;
mod standing;
mod votes;
