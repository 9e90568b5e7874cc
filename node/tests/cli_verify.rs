//! `dalil verify` as a program: exit codes, words, JSON. Receipts are made here with fresh times, for old ones prove
//! nothing about today.

#![allow(clippy::unwrap_used, clippy::panic)] // Test code: what is not as expected must stop the test.

#[path = "cli_verify/answers.rs"]
mod answers;
#[path = "cli_verify/asking.rs"]
mod asking;
#[path = "cli_verify/batch.rs"]
mod batch;
#[path = "cli_verify/claims.rs"]
mod claims;
mod cli;
#[path = "../../ledger/tests/common/mod.rs"]
mod common;
#[path = "cli_verify/fixture.rs"]
mod fixture;
#[path = "cli_verify/papers.rs"]
mod papers;
#[path = "cli_verify/tampering.rs"]
mod tampering;
