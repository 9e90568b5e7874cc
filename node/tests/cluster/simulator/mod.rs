//! The simulator: whole nodes on a clock, a network and disks that are drawn from one seed.
//!
//! `chain` is what the nodes agree on before the first block, `node` one of them with what survives a crash, `world` the
//! clock, the network and the disks, and `oracle` judges what all of them did.

#![allow(dead_code)] // A scenario uses what it needs.

pub mod chain;
pub mod node;
pub mod oracle;
pub mod rng;
pub mod world;
