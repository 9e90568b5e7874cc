//! What clients of a node see over HTTP: answers with their proofs, their description, and its limits.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub)] // What is not as expected must stop the test.

#[path = "../support/network.rs"]
mod network;
#[path = "../support/mod.rs"]
mod support;

mod described;
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
