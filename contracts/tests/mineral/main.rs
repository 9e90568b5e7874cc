//! The minerals room: each rule by its code, the sample records, the showpiece's part, and random calls.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "../support/mod.rs"]
mod support;

mod checkpost;
mod checkpost_vectors;
mod geo;
mod grants;
mod kinds;
mod loads;
mod offline;
mod quarry;
mod raiyati;
mod random;
mod road;
mod samples;
mod tranship;
