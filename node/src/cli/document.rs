//! `dalil document`: a document's file gets its nonce before it is signed, and its digest afterwards.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use dalil_ledger::crypto::{Hash, sha256};
use dalil_ledger::nonce;
use serde_json::json;

use super::Format;
use super::claims::read_limited;
use super::output::{fact, print};
use crate::signing::random;

/// The longest file that is stamped or digested here, in bytes.
const FILE_BYTES_MAX: usize = 256 << 20;

#[derive(Subcommand)]
pub(crate) enum DocumentCommand {
    /// Put 256 random bits into a text, JSON, XML or PDF file, so that its digest is never guessed. Before it is signed.
    Stamp(Stamp),
    /// Print the SHA-256 for the chain; refused for a file without a nonce.
    Digest(Digest),
}

#[derive(Args)]
pub(crate) struct Stamp {
    /// The file.
    file: PathBuf,
    /// Where the stamped file goes.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Args)]
pub(crate) struct Digest {
    /// The file.
    file: PathBuf,
}

pub(crate) fn run(command: &DocumentCommand, format: Format) -> anyhow::Result<ExitCode> {
    match command {
        DocumentCommand::Stamp(Stamp { file, out }) => {
            let stamped = nonce::stamp(&read_limited(file, FILE_BYTES_MAX)?, &Hash(random()?))
                .with_context(|| file.display().to_string())?;
            std::fs::write(out, &stamped).with_context(|| format!("cannot write {}", out.display()))?;
            say(out, &sha256(&stamped), format)
        }
        DocumentCommand::Digest(Digest { file }) => {
            let bytes = read_limited(file, FILE_BYTES_MAX)?;
            nonce::find(&bytes).with_context(|| {
                format!(
                    "{} has no nonce, so that its text could be guessed from the digest: `dalil document stamp` adds one, \
                     before the file is signed",
                    file.display()
                )
            })?;
            say(file, &sha256(&bytes), format)
        }
    }
}

fn say(file: &Path, digest: &Hash, format: Format) -> anyhow::Result<ExitCode> {
    match format {
        Format::Json => print(&json!({ "file": file, "digest": digest }).to_string())?,
        Format::Text => print(&[fact("file", file.display()), fact("digest", digest)].join("\n"))?,
    }
    Ok(ExitCode::SUCCESS)
}
