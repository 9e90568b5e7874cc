//! `dalil verify` as a program: exit codes, words, JSON. Receipts are made here with fresh times, for old ones prove
//! nothing about today.

#[path = "cli_verify/answers.rs"]
mod answers;
#[path = "cli_verify/asking.rs"]
mod asking;
mod cli;
#[path = "../../ledger/tests/common/mod.rs"]
mod common;
#[path = "cli_verify/fixture.rs"]
mod fixture;
#[path = "cli_verify/tampering.rs"]
mod tampering;
