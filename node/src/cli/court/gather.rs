//! Fetches receipts, and keeps what they prove. Whatever does not check out is no evidence, and nothing is handed out.

use std::collections::BTreeMap;

use anyhow::{Context as _, anyhow, ensure};
use dalil_contracts::Invocation;
use dalil_contracts::land::registers::{Register, RegisterQuestion};
use dalil_ledger::checkpoint::Pin;
use dalil_ledger::crypto::{Hash, PublicKey, sha256};
use dalil_ledger::document::Uri;
use dalil_ledger::log::LogIndex;
use dalil_ledger::receipt::{
    Answer, Exit, Question, STATUS_BYTES_MAX, Terms, Trust, verify_inclusion_with, verify_register, verify_status,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Subject;
use crate::cli::client::Client;
use crate::shell::clock::now_ms;
use crate::time::ist;
use crate::verification::batch_of;

/// The most records whose receipts are handed out.
const RECORDS_MAX: usize = 256;

/// What is handed out.
pub(super) struct Gathered {
    /// In a word, as every verifier says it.
    pub(super) status: String,
    /// As that of `verify`.
    pub(super) exit: Exit,
    /// What the receipts prove, line by line.
    pub(super) facts: Vec<(&'static str, String)>,
    /// The records, by log index.
    pub(super) records: Vec<Proven>,
    /// Name and content of each file.
    pub(super) files: Vec<(String, Vec<u8>)>,
}

/// A record that stands in the log.
pub(super) struct Proven {
    pub(super) index: LogIndex,
    pub(super) id: Hash,
    /// What it did to the subject, in words.
    pub(super) what: String,
    /// Block time, UTC milliseconds.
    pub(super) at_ms: u64,
    pub(super) posting: String,
    pub(super) signer: PublicKey,
    /// SHA-256 of the receipt's file.
    pub(super) receipt: Hash,
}

/// A record to prove: what it did, and when.
type Happened = BTreeMap<LogIndex, (String, u64)>;

/// Gathers and checks everything about a subject.
pub(super) async fn gather(client: &Client, pin: &Pin, subject: &Subject) -> anyhow::Result<Gathered> {
    let (mut gathered, happened) = match subject {
        Subject::Document(uri) => document(client, pin, uri).await?,
        Subject::Plot(plot) => {
            let title = ("title", RegisterQuestion::Title(plot.clone()));
            let encumbrances = ("encumbrances", RegisterQuestion::Encumbrances(plot.clone()));
            registers(client, pin, &plot.to_string(), [title, encumbrances]).await?
        }
    };
    ensure!(happened.len() <= RECORDS_MAX, "{} records, more than {RECORDS_MAX}", happened.len());
    for (index, (what, at_ms)) in happened {
        let proven = record(client, pin, (index, what, at_ms), &mut gathered.files).await?;
        gathered.records.push(proven);
    }
    Ok(gathered)
}

async fn document(client: &Client, pin: &Pin, uri: &Uri) -> anyhow::Result<(Gathered, Happened)> {
    let bytes = client.get_query("/v1/receipts/status", &[("uri", uri.to_string())]).await?;
    ensure!(bytes.len() <= STATUS_BYTES_MAX, "a status receipt of {} bytes", bytes.len());
    let checked = verify_status(&bytes, pin, &Question::Uri(uri.clone()), Terms::now(now_ms()));
    let exit = Exit::of_status(&checked);
    let answer = checked.context("the status receipt")?;
    let happened = answer.history.iter().map(|event| {
        let reason = event.reason.as_ref().map(|reason| format!(", {reason}")).unwrap_or_default();
        (event.record, (format!("{}{reason}", words(&json!(event.what))), event.recorded_at_ms))
    });
    let happened = happened.collect();
    let gathered = Gathered {
        status: words(&json!(answer.status)),
        exit,
        facts: facts_of(&answer),
        records: Vec::new(),
        files: vec![("status.dalil-status".to_owned(), bytes)],
    };
    Ok((gathered, happened))
}

fn facts_of(answer: &Answer) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("Status", words(&json!(answer.status))),
        ("Reason code", answer.reason.clone()),
        ("Status as of", ist(answer.as_of_ms)),
    ];
    facts.extend(answer.since_ms.map(|since_ms| ("Since", ist(since_ms))));
    if let Some(entry) = &answer.entry {
        let issuer = &entry.issuer;
        facts.extend([
            ("Kind of document", entry.kind.to_string()),
            ("About", entry.subject.to_string()),
            ("Issued by", format!("{}, department {}, key {}", issuer.office, issuer.department, issuer.officer)),
            ("Recorded", ist(entry.issued_at_ms)),
            ("Valid from", ist(entry.valid_from_ms)),
            ("Valid until", entry.valid_until_ms.map_or("without end".to_owned(), ist)),
            ("SHA-256 of the document's file", entry.digest.to_string()),
        ]);
        facts.extend(entry.supersedes.iter().map(|uri| ("Replaces", uri.to_string())));
        facts.extend(entry.superseded_by.iter().map(|uri| ("Replaced by", uri.to_string())));
    }
    facts.extend(head_facts((answer.freshness_ms, answer.quorum), answer.height, answer.log_size));
    facts
}

fn head_facts((freshness_ms, quorum): (u64, usize), height: u64, log_size: u64) -> [(&'static str, String); 3] {
    [
        ("Checkpoint", format!("{log_size} entries, block {height}")),
        ("Cosigned by", format!("{quorum} validators, the oldest cosignature of {}", ist(freshness_ms))),
        ("Time zone", "Indian Standard Time (UTC + 5:30)".to_owned()),
    ]
}

/// What a node answers of a register; only its receipt is used.
#[derive(Deserialize)]
struct Said {
    receipt: Value,
}

async fn registers(
    client: &Client,
    pin: &Pin,
    plot: &str,
    asked: [(&str, RegisterQuestion); 2],
) -> anyhow::Result<(Gathered, Happened)> {
    let (mut facts, mut files, mut happened) = (Vec::new(), Vec::new(), Happened::new());
    let (mut status, mut exit) = ("on record".to_owned(), Exit::Valid);
    for (name, question) in asked {
        let said: Said = client.get_json(&format!("/v1/land/{name}"), &[("plot", plot.to_owned())]).await?;
        let bytes = serde_json::to_vec_pretty(&said.receipt)?;
        let at_ms = now_ms();
        let proven = verify_register(&bytes, pin, at_ms, None, |state| question.answer(state, at_ms))
            .with_context(|| format!("the receipt of the {name}"))?;
        files.push((format!("{name}.dalil-register"), bytes));
        match &proven.answer {
            Ok(register) => {
                files.push((format!("{name}.json"), serde_json::to_vec_pretty(register)?));
                note(register, &mut happened, &mut facts);
            }
            Err(_) => (status, exit) = ("not on record".to_owned(), Exit::NotOnRecord),
        }
        if name == "title" {
            facts.insert(0, ("Status", status.clone()));
            facts.extend(head_facts((proven.freshness_ms, proven.quorum), proven.height, proven.log_size));
        }
    }
    Ok((Gathered { status, exit, facts, records: Vec::new(), files }, happened))
}

/// What a register says, and on which records it rests.
fn note(register: &Register, happened: &mut Happened, facts: &mut Vec<(&'static str, String)>) {
    let known = |happened: &mut Happened, index: u64, what: &str, at_ms: u64| {
        happened.entry(index).or_insert_with(|| (what.to_owned(), at_ms));
    };
    match register {
        Register::Title(title) => {
            for plot in title.plots.iter().filter(|plot| plot.id == title.plot) {
                let holdings = plot.live_holdings();
                let holders = holdings.iter().map(|holding| format!("khatian {} {}", holding.khatian, holding.share));
                facts.push(("Held by", holders.collect::<Vec<_>>().join(", ")));
                facts.push(("Class", words(&json!(plot.class))));
            }
            for line in &title.lines {
                known(happened, line.record, &format!("{} of plot {}", act(&json!(line.act)), line.plot), line.at_ms);
            }
        }
        Register::Encumbrances(found) => {
            let open = found.charges.iter().filter(|charge| charge.satisfied.is_none()).count();
            facts.push(("Charges", format!("{} recorded, {open} not satisfied", found.charges.len())));
            for charge in &found.charges {
                if let (Some(record), Some(at_ms)) = (charge.record, charge.at_ms) {
                    known(happened, record, "charge entered", at_ms);
                }
                if let Some(satisfied) = &charge.satisfied {
                    known(happened, satisfied.record, "charge satisfied", satisfied.at_ms);
                }
            }
        }
        Register::Pendency(_) => {}
    }
}

/// Proves a record, and keeps its receipt and its content.
async fn record(
    client: &Client,
    pin: &Pin,
    (index, what, at_ms): (LogIndex, String, u64),
    files: &mut Vec<(String, Vec<u8>)>,
) -> anyhow::Result<Proven> {
    let bytes = client.get_query("/v1/receipts/inclusion", &[("index", index.to_string())]).await?;
    let inclusion = verify_inclusion_with(&bytes, Trust::Pin(pin), now_ms(), batch_of)
        .with_context(|| format!("the inclusion receipt of record {index}"))?;
    ensure!(inclusion.index == index, "the node gave record {} for {index}", inclusion.index);
    let invocation = Invocation::decode(&inclusion.record.body.call)
        .map_err(|error| anyhow!("record {index} is of a kind that this program does not know: {error}"))?;
    let signed = &inclusion.record;
    let shown = json!({
        "index": index, "id": signed.id(), "signer": signed.body.signer, "signature": signed.signature,
        "expires_at_ms": signed.body.expires_at_ms, "invocation": invocation,
    });
    let receipt = sha256(&bytes);
    files.push((format!("record-{index}.tlog-proof"), bytes));
    files.push((format!("record-{index}.json"), serde_json::to_vec_pretty(&shown)?));
    Ok(Proven {
        index,
        id: inclusion.record.id(),
        what,
        at_ms,
        posting: invocation.posting.to_string(),
        signer: inclusion.record.body.signer,
        receipt,
    })
}

/// The name of a JSON enum's variant, in words.
fn act(value: &Value) -> String {
    match value {
        Value::Object(fields) => fields.keys().next().map(|name| name.replace('_', " ")).unwrap_or_default(),
        other => words(other),
    }
}

fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.replace('_', " "),
        Value::Object(fields) => {
            let parts = fields.iter().map(|(name, value)| format!("{}: {}", name.replace('_', " "), words(value)));
            parts.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}
