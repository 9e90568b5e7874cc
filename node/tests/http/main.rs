//! What clients of a node see over HTTP: answers with their proofs, their description, and its limits.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub)] // What is not as expected must stop the test.

#[path = "../cli/mod.rs"]
mod cli;
#[path = "../support/network.rs"]
mod network;
#[path = "../support/mod.rs"]
mod support;

mod asked_by_cli;
mod batch_by_cli;
mod cors;
mod described;
mod desk;
mod generator;
mod kept;
mod limits;
mod rpc;
mod schema;
mod site;
mod socket;
mod tls;
mod verify;
mod witnesses;
