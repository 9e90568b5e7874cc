//! Blocks of the sample's records, built and judged by the executor alone, and what a node says of them.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub)] // What is not as expected must stop the test.

mod chain;
mod conflicts;
mod enforcement;
#[path = "../support/mod.rs"]
mod support;
