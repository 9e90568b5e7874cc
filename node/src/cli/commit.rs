//! `dalil commit`: what stands on the chain in place of a person or a reason.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::Args;
use dalil_contracts::certificate::Reason;
use dalil_ledger::claims::{Salt, VALUE_BYTES_MAX, commit};
use dalil_ledger::crypto::Hash;
use serde_json::json;

use super::Format;
use super::claims::read_limited;
use super::output::{fact, print};
use crate::signing::random;

#[derive(Args)]
pub(crate) struct Commit {
    /// A file with the value, byte for byte; without it and without --reason the value is read from standard input. Values
    /// are not arguments: those stand in the shell's history.
    #[arg(long, value_name = "FILE", conflicts_with = "reason")]
    value: Option<PathBuf>,
    /// The reason of a revocation or suspension, such as fraud or deceased.
    #[arg(long, value_parser = parse_reason)]
    reason: Option<Reason>,
    /// The salt of a commitment made before; without it a new one is drawn.
    #[arg(long)]
    salt: Option<Salt>,
    /// Check that value and salt open this commitment.
    #[arg(long, requires = "salt")]
    opens: Option<Hash>,
}

fn parse_reason(text: &str) -> Result<Reason, String> {
    let codes: Vec<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
    Reason::from_code(text).ok_or_else(|| format!("expected one of {}", codes.join(", ")))
}

pub(crate) fn run(options: &Commit, format: Format) -> anyhow::Result<ExitCode> {
    let value = match (&options.reason, &options.value) {
        (Some(reason), _) => reason.code().as_bytes().to_vec(),
        (None, Some(path)) => read_limited(path, VALUE_BYTES_MAX)?,
        (None, None) => {
            let mut value = Vec::new();
            let limit = u64::try_from(VALUE_BYTES_MAX)?.saturating_add(1);
            std::io::stdin().take(limit).read_to_end(&mut value).context("reading standard input")?;
            value
        }
    };
    ensure!((1..=VALUE_BYTES_MAX).contains(&value.len()), "a value has 1 to {VALUE_BYTES_MAX} bytes");
    let salt = match options.salt {
        Some(salt) => salt,
        None => Salt::from_random(random()?),
    };
    let commitment = commit(&salt, &value);
    if let Some(expected) = options.opens {
        ensure!(commitment == expected, "value and salt do not open {expected}");
    }
    match format {
        Format::Json => print(&json!({ "commitment": commitment, "salt": salt }).to_string())?,
        Format::Text => print(&[fact("commitment", commitment), fact("salt", salt)].join("\n"))?,
    }
    Ok(ExitCode::SUCCESS)
}
