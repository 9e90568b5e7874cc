//! Outside witnesses: asked as C2SP tlog-witness says, believed only in what they signed, and shown.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub)] // What is not as expected must stop the test.

#[path = "../http/site.rs"]
#[allow(dead_code)] // Its larger part is for tests of what clients see.
mod site;
#[path = "../support/mod.rs"]
mod support;

mod asked;
mod decisions;
mod lies;
mod refused;
mod witness;
