//! `dalil evidence`: what a court is handed about a document, a challan or a plot.
//!
//! A folder with the receipts and the records that they prove, all checked here first ([`gather`]); a hash report in the form
//! of `sha256sum`; and a page to print ([`page`]) with the facts in words, how to check all of it again without us, and the
//! certificate that the law asks for with electronic records, to be completed and signed by people.

mod gather;
mod page;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::{Context as _, ensure};
use clap::Args;
use dalil_contracts::land::keys::PlotId;
use dalil_contracts::mineral::challan::challan_uri;
use dalil_contracts::mineral::types::ChallanNumber;
use dalil_ledger::checkpoint::Pin;
use dalil_ledger::crypto::sha256;
use dalil_ledger::document::Uri;
use dalil_ledger::receipt::Exit;
use serde_json::json;

use self::gather::{Gathered, gather};
use super::Format;
use super::client::Client;
use super::output::{fact, print};
use crate::shell::clock::now_ms;
use crate::time::ist;

const EXIT_CODES: &str = "Exit codes: those of `verify`: 0 valid; 1 recorded but not valid now, or the command failed; 2 usage; \
                          3 not on record (which is proven, and handed out too); 4 could not check, and nothing was written.";

/// How every document's URI begins.
const URI_PREFIX: &str = "in.gov.";

#[derive(Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Evidence {
    /// The document's URI, a challan's number, or a plot such as 2795-51/257.
    subject: Subject,
    /// The node to ask.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// Whom to believe: a pin, from a source that you trust, never from the node that is asked.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The folder to make.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

/// What the evidence is about.
#[derive(Debug, Clone)]
pub(super) enum Subject {
    Document(Uri),
    Plot(PlotId),
}

impl FromStr for Subject {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // URI and number are tokens alike; by DigiLocker's convention a URI names its government first.
        let document = text.parse().map(Self::Document).ok().filter(|_| text.starts_with(URI_PREFIX));
        let plot = || text.parse().map(Self::Plot).ok();
        let challan = || text.parse::<ChallanNumber>().map(|number| Self::Document(challan_uri(&number))).ok();
        document
            .or_else(plot)
            .or_else(challan)
            .ok_or_else(|| "expected a document's URI, a challan's number, or a plot such as 2795-51/257".to_owned())
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Document(uri) => write!(f, "{uri}"),
            Self::Plot(plot) => write!(f, "plot {plot}"),
        }
    }
}

pub(super) async fn run(options: &Evidence, format: Format) -> anyhow::Result<ExitCode> {
    let bytes =
        std::fs::read(&options.policy).with_context(|| format!("cannot read the pin {}", options.policy.display()))?;
    let pin = Pin::from_json(&bytes).with_context(|| format!("the pin {}", options.policy.display()))?;
    let client = Client::new(&options.url)?;
    let gathered = match gather(&client, &pin, &options.subject).await {
        Ok(gathered) => gathered,
        Err(why) => {
            let said = json!({ "could_not_check": format!("{why:#}") });
            answer(format, &format!("could not check, nothing was written: {why:#}"), &said)?;
            return Ok(ExitCode::from(Exit::CouldNotCheck.code()));
        }
    };
    let report = write(&options.out, &options.subject, &gathered, &pin)?;
    let digest = sha256(report.as_bytes());
    let out = options.out.display().to_string();
    let said = json!({
        "subject": options.subject.to_string(), "status": gathered.status, "folder": options.out,
        "records": gathered.records.len(), "hash_report": digest,
    });
    let text = [
        fact("subject", &options.subject),
        fact("status", &gathered.status),
        fact("records", gathered.records.len()),
        fact("folder", &out),
        fact("page", format!("{out}/evidence.html, to be printed")),
        fact("hashes", format!("{out}/hashes.txt, SHA-256 {digest}")),
    ];
    answer(format, &text.join("\n"), &said)?;
    Ok(ExitCode::from(gathered.exit.code()))
}

/// Writes everything into a new folder, and returns the hash report.
fn write(folder: &Path, subject: &Subject, gathered: &Gathered, pin: &Pin) -> anyhow::Result<String> {
    ensure!(
        !folder.exists() || std::fs::read_dir(folder)?.next().is_none(),
        "{} is not empty: name a new folder",
        folder.display()
    );
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let trusted = [("pin.json", pin.to_json()), ("policy", pin.policy().to_string())];
    let trusted = trusted.into_iter().map(|(name, text)| (name.to_owned(), text.into_bytes()));
    let mut report = String::new();
    for (name, bytes) in gathered.files.iter().cloned().chain(trusted) {
        writeln!(report, "{}  {name}", sha256(&bytes))?;
        std::fs::write(folder.join(&name), bytes).with_context(|| format!("cannot write {name}"))?;
    }
    std::fs::write(folder.join("hashes.txt"), &report)?;
    let page = page::page(subject, gathered, pin, &report, &ist(now_ms()));
    std::fs::write(folder.join("evidence.html"), page)?;
    Ok(report)
}

fn answer(format: Format, text: &str, json: &serde_json::Value) -> std::io::Result<()> {
    match format {
        Format::Text => print(text),
        Format::Json => print(&json.to_string()),
    }
}
