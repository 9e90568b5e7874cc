//! `dalil disclose`: the holder shows chosen claims, and nothing of the others.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::Args;
use dalil_ledger::claims::{ClaimName, HolderFile, Presentation};
use dalil_ledger::document::{DocumentEntry, document_key};
use dalil_ledger::receipt::{STATUS_BYTES_MAX, StatusReceipt};
use serde_json::json;

use super::Format;
use super::claims::{read_holder_file, read_limited};
use super::output::{fact, print};

#[derive(Args)]
pub(crate) struct Disclose {
    /// The holder's file (.dalil-claims).
    file: PathBuf,
    /// A claim to show; may be given several times.
    #[arg(long = "claim", value_name = "NAME", required = true)]
    claims: Vec<ClaimName>,
    /// A status receipt of the document to go with it, so that it is checked offline.
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
    /// The presentation to write. It ends in .json, and is made for others to see.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub(crate) fn run(disclose: &Disclose, format: Format) -> anyhow::Result<ExitCode> {
    let held = read_holder_file(&disclose.file)?;
    let receipt = disclose.receipt.as_deref().map(|path| read_limited(path, STATUS_BYTES_MAX)).transpose()?;
    if let Some(receipt) = &receipt {
        check_receipt(receipt, &held)?;
    }
    let receipt = receipt.map(String::from_utf8).transpose().context("the receipt is no text")?;
    let shown = Presentation::disclose(&held, &disclose.claims, receipt)?;
    std::fs::write(&disclose.out, shown.to_bytes())
        .with_context(|| format!("cannot write {}", disclose.out.display()))?;
    let names: Vec<_> = shown.claims().map(|claim| &claim.name).collect();
    match format {
        Format::Json => print(&json!({ "uri": held.uri, "claims": names, "file": disclose.out }).to_string())?,
        Format::Text => {
            let mut lines = vec![fact("uri", &held.uri)];
            lines.extend(names.iter().map(|name| fact("shows", name)));
            lines.push(fact("file", disclose.out.display()));
            print(&lines.join("\n"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A receipt of another document, or of one recorded with other claims, would be refused by whoever is shown it. Nothing
/// of it is believed here.
fn check_receipt(receipt: &[u8], held: &HolderFile) -> anyhow::Result<()> {
    let receipt = StatusReceipt::parse(receipt).context("the receipt")?;
    let key = document_key(&held.uri);
    let read = receipt.reads.iter().find(|read| read.key.as_bytes() == key);
    let value = read.and_then(|read| read.value.as_deref());
    let entry = value.and_then(|bytes| DocumentEntry::decode(bytes).ok());
    let entry = entry.with_context(|| format!("the receipt is not about {}", held.uri))?;
    ensure!(entry.claims_root == Some(held.root()), "{} is on record with other claims than the file's", held.uri);
    Ok(())
}
