//! Land: one named test for each code, the mutation table, the sample records, the showpiece, and random calls.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub)]

mod support;

#[path = "land/fixture.rs"]
mod fixture;
#[path = "land/random.rs"]
mod random;
#[path = "land/rules.rs"]
mod rules;
#[path = "land/samples.rs"]
mod samples;
#[path = "land/table.rs"]
mod table;
