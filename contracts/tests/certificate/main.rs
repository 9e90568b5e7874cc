//! Certificates: one named test for each code, the sample records, random calls, and what erasure leaves behind.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub)]

#[path = "../support/mod.rs"]
mod support;

mod applications;
mod batch;
mod chains;
mod erasure;
mod fixture;
mod issuing;
mod random;
mod samples;
mod standing;
mod strikes;
mod types;
