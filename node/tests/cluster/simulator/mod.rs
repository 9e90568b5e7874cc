//! The simulator: whole nodes on a clock, a network and disks that are drawn from one seed.
//!
//! `chain` is what the nodes agree on before the first block; `node` is one of them: a `disk` that survives a crash and a
//! core that does not. `world` moves the clock and carries everybody's effects out over the `network`. `byzantine` is what
//! a faulty node makes of the messages of its core. `oracle` judges what all of them did, `trace` tells it.

#![allow(dead_code)] // A scenario uses what it needs.

pub mod byzantine;
pub mod chain;
pub mod disk;
pub mod network;
pub mod node;
pub mod oracle;
pub mod rng;
pub mod trace;
pub mod world;
