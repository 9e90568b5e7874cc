//! Crashes of the real program: `kill -9` at random moments under load, files that are cut or altered, a full disk, every
//! case of the sign record's life, and outages that others did not come back from.
//!
//! The kill loop takes `KILLS` and `SEED` from the environment; `make crash` runs it at length.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub)] // What is not as expected must stop the test.

mod damage;
mod disk;
mod kills;
#[path = "../support/network.rs"]
mod network;
mod oracle;
mod outage;
mod restored;
#[allow(dead_code)] // The simulator draws more from it.
#[path = "../cluster/simulator/rng.rs"]
mod rng;
mod shell;
mod sign_record;
#[path = "../support/mod.rs"]
mod support;
