//! `dalil import`: brings an older land register onto the chain, mouza by mouza.
//!
//! `source` reads and checks the file, `batches` cuts a mouza into records, `journal` remembers across a restart which of
//! them are on record, `send` hands them in, `sample` makes a register to try it with. Nothing is recorded twice: a record
//! whose fate is open is looked up by its id before another is signed, and the chain refuses a khatian or plot that it has.

mod batches;
mod journal;
mod sample;
mod send;
mod source;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use dalil_contracts::Invocation;
use dalil_contracts::authority::PostingId;

use super::Format;
use super::officer::Signer;

#[derive(Subcommand)]
pub(crate) enum ImportCommand {
    /// Bring mouzas, khatians and plots from a file of JSON lines; run it again to go on after an interruption.
    Land(Land),
    /// Write a made-up register of so many khatians, one plot each.
    Sample(Sample),
}

#[derive(Args)]
pub(crate) struct Land {
    /// The register: one JSON object a line, as docs/import.md says; the last line has the totals.
    file: PathBuf,
    /// Day for which the register speaks, such as 2026-04-01.
    #[arg(long, value_name = "DAY", value_parser = crate::time::parse_moment)]
    as_on: u64,
    /// How many mouzas are under way at once.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=256))]
    mouzas: u16,
    #[command(flatten)]
    signer: Signer,
}

#[derive(Args)]
pub(crate) struct Sample {
    /// How many khatians.
    #[arg(long, default_value_t = 1_000_000)]
    khatians: u64,
    /// The file to write.
    #[arg(long)]
    out: PathBuf,
}

pub(crate) async fn run(command: ImportCommand, format: Format) -> anyhow::Result<ExitCode> {
    match command {
        ImportCommand::Land(land) => send::run(&land, format).await,
        ImportCommand::Sample(sample) => sample::write(sample.khatians, &sample.out).map(|()| ExitCode::SUCCESS),
    }
}

/// The calls that would bring the khatians and plots of a register's file, whose mouzas are registered. Nothing is sent.
///
/// # Errors
/// The file cannot be read, or does not add up.
pub fn calls_of_register(path: &Path, posting: PostingId, as_on_ms: u64) -> anyhow::Result<Vec<Invocation>> {
    let heading = batches::Heading { posting, source: source::check(path)?.digest, as_on_ms };
    let mut reader = source::Reader::open(path)?;
    let mut calls = Vec::new();
    while let Some(mouza) = reader.mouza()? {
        calls.extend(batches::cut(&mouza, &heading));
    }
    Ok(calls)
}
