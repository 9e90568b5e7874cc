//! `dalil portal`: what of the portal is used apart from a node.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::Format;
use super::output::{fact, print};
use crate::portal::assets;

#[derive(Subcommand)]
pub(crate) enum PortalCommand {
    /// Write the verifier in one HTML file, which works from a disk without a network, and print its SHA-256.
    ///
    /// It is the file that this program serves as /verifier.html. Publish the SHA-256 where people can find it without
    /// asking the host that serves the file.
    Verifier(Verifier),
}

#[derive(Args)]
pub(crate) struct Verifier {
    /// Where the file goes; without it only the SHA-256 is printed.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn run(command: &PortalCommand, format: Format) -> anyhow::Result<ExitCode> {
    let PortalCommand::Verifier(Verifier { out }) = command;
    let verifier = assets::verifier();
    if let Some(out) = out {
        std::fs::write(out, &verifier.html).with_context(|| format!("cannot write {}", out.display()))?;
    }
    match format {
        Format::Text => print(&fact("SHA-256", verifier.sha256))?,
        Format::Json => print(&serde_json::json!({ "sha256": verifier.sha256, "file": out }).to_string())?,
    }
    Ok(ExitCode::SUCCESS)
}
