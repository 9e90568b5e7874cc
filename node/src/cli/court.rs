//! `dalil evidence`: what a court is handed about a document, a challan or a plot, as a folder. All of it is checked against
//! the user's pin ([`crate::court`]) before anything is written.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::Args;
use dalil_ledger::checkpoint::Pin;
use dalil_ledger::crypto::sha256;
use dalil_ledger::receipt::Exit;
use maud::{DOCTYPE, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Format;
use super::client::Client;
use super::output::{fact, print};
use crate::court::page::{self, Files};
use crate::court::{Evidence as Gathered, Gathering, Subject};
use crate::shell::clock::now_ms;

/// The look of the page on paper.
const STYLE: &str = "
    body { font: 11pt/1.45 'Noto Serif', Georgia, serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; color: #111 }
    h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem; border-bottom: 1px solid #555 }
    table { border-collapse: collapse; width: 100% } th, td { text-align: left; vertical-align: top; padding: .25rem .5rem;
    border: 1px solid #999 } code, pre { font: 9pt/1.4 'Noto Sans Mono', monospace; overflow-wrap: anywhere; white-space: pre-wrap }
    .open { display: inline-block; min-width: 12rem; border-bottom: 1px solid #111 }
    .part { break-before: page } @media print { body { margin: 0; max-width: none } }";

const EXIT_CODES: &str = "Exit codes: those of `verify`: 0 valid; 1 recorded but not valid now, or the command failed; 2 usage; \
                          3 not on record (which is proven, and handed out too); 4 could not check, and nothing was written.";

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

pub(super) async fn run(options: &Evidence, format: Format) -> anyhow::Result<ExitCode> {
    let bytes =
        std::fs::read(&options.policy).with_context(|| format!("cannot read the pin {}", options.policy.display()))?;
    let pin = Pin::from_json(&bytes).with_context(|| format!("the pin {}", options.policy.display()))?;
    let client = Client::new(&options.url)?;
    let gathered = match gather(&client, pin, options.subject.clone()).await {
        Ok(gathered) => gathered,
        Err(why) => {
            let said = json!({ "could_not_check": format!("{why:#}") });
            answer(format, &format!("could not check, nothing was written: {why:#}"), &said)?;
            return Ok(ExitCode::from(Exit::CouldNotCheck.code()));
        }
    };
    write(&options.out, &gathered)?;
    let digest = sha256(gathered.report.as_bytes());
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

/// What a node answers of a register; only its receipt is used.
#[derive(Deserialize)]
struct Said {
    receipt: Value,
}

/// Fetches every receipt about a subject.
async fn gather(client: &Client, pin: Pin, subject: Subject) -> anyhow::Result<Gathered> {
    let mut gathering = Gathering::new(subject.clone(), pin);
    match &subject {
        Subject::Document(uri) => {
            let receipt = client.get_query("/v1/receipts/status", &[("uri", uri.to_string())]).await?;
            gathering.status(uri, receipt, now_ms())?;
        }
        Subject::Plot(plot) => {
            for (name, question) in gathering.registers() {
                let said: Said = client.get_json(&format!("/v1/land/{name}"), &[("plot", plot.to_string())]).await?;
                let receipt = serde_json::to_vec_pretty(&said.receipt)?;
                gathering.register((name, &question), receipt, now_ms())?;
            }
        }
    }
    for index in gathering.awaited()? {
        let receipt = client.get_query("/v1/receipts/inclusion", &[("index", index.to_string())]).await?;
        gathering.record(index, receipt, now_ms())?;
    }
    gathering.finish()
}

/// Writes everything into a new folder.
fn write(folder: &Path, gathered: &Gathered) -> anyhow::Result<()> {
    ensure!(
        !folder.exists() || std::fs::read_dir(folder)?.next().is_none(),
        "{} is not empty: name a new folder",
        folder.display()
    );
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for (name, bytes) in &gathered.files {
        std::fs::write(folder.join(name), bytes).with_context(|| format!("cannot write {name}"))?;
    }
    std::fs::write(folder.join("hashes.txt"), &gathered.report)?;
    let page = html! {
        (DOCTYPE)
        html lang="en-IN" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (page::title(gathered)) }
                style { (STYLE) }
            }
            body { (page::body(gathered, Files::Beside)) }
        }
    };
    std::fs::write(folder.join("evidence.html"), page.into_string())?;
    Ok(())
}

fn answer(format: Format, text: &str, json: &serde_json::Value) -> std::io::Result<()> {
    match format {
        Format::Text => print(text),
        Format::Json => print(&json.to_string()),
    }
}
