//! Everything that touches the world: the network, the disk, the clock, clients, and the command line.
//!
//! [`core`] is the deterministic heart: one state machine that takes events and returns effects. [`shell`] carries the
//! effects out with libp2p, RocksDB, threads and tokio. [`gateway`] signs for a department's own system, each request once;
//! [`digilocker`] serves a department's files that are on record; [`service`] answers "is this document genuine and still in
//! force?" for all of them; [`court`] is what a court is handed; [`portal`] is the web pages of every node; [`qr`] draws codes
//! and finds them in photos. `cli` is the program `dalil`, one file a command.

pub mod bucket;
pub mod cli;
pub mod core;
pub mod court;
pub mod digilocker;
pub mod gateway;
mod legible;
pub mod portal;
pub mod qr;
pub mod service;
pub mod shell;
pub mod signing;
pub mod time;
pub mod trust;
pub mod verification;
