//! Land: one named test for each code, the mutation table, deeds of many parties, divided plots, registers, the sample
//! records, the showpiece, and random calls.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub)]

mod support;

#[path = "land/deeds.rs"]
mod deeds;
#[path = "land/divided.rs"]
mod divided;
#[path = "land/extracts.rs"]
mod extracts;
#[path = "land/fixture.rs"]
mod fixture;
#[path = "land/oracle.rs"]
mod oracle;
#[path = "land/random.rs"]
mod random;
#[path = "land/registers.rs"]
mod registers;
#[path = "land/rules.rs"]
mod rules;
#[path = "land/samples.rs"]
mod samples;
#[path = "land/table.rs"]
mod table;
