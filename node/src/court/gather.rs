//! Receipts, and what they prove. Whatever does not check out is no evidence: then there is none at all.

use std::collections::BTreeMap;

use anyhow::{Context as _, anyhow, ensure};
use dalil_contracts::Invocation;
use dalil_contracts::land::registers::{Extent, Register, RegisterQuestion};
use dalil_ledger::checkpoint::Pin;
use dalil_ledger::crypto::{Hash, PublicKey, sha256};
use dalil_ledger::document::{Status, Uri};
use dalil_ledger::log::LogIndex;
use dalil_ledger::receipt::{
    Answer, Exit, Question, STATUS_BYTES_MAX, Terms, Trust, verify_inclusion_with, verify_register, verify_status,
};
use serde_json::{Value, json};

use super::Subject;
use crate::service::{NOT_THERE, ShownPlot};
use crate::time::ist;
use crate::verification::batch_of;

/// The most records whose receipts are handed out.
pub const RECORDS_MAX: usize = 256;

/// What a court is handed, beside the page.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// What it is about.
    pub subject: Subject,
    /// In a word, as every verifier says it.
    pub status: String,
    /// As that of `dalil verify`.
    pub exit: Exit,
    /// What the receipts prove, line by line.
    pub facts: Vec<(&'static str, String)>,
    /// The records, by log index.
    pub records: Vec<Proven>,
    /// Name and content of each file.
    pub files: Vec<(String, Vec<u8>)>,
    /// SHA-256 of each file, as `sha256sum` writes it.
    pub report: String,
    /// What everything was checked against.
    pub pin: Pin,
    /// When the last receipt was checked, UTC milliseconds.
    pub checked_at_ms: u64,
}

/// A record that stands in the log.
#[derive(Debug, Clone)]
pub struct Proven {
    /// Log index.
    pub index: LogIndex,
    /// Transaction id.
    pub id: Hash,
    /// What it did to the subject, in words.
    pub what: String,
    /// Block time, UTC milliseconds.
    pub at_ms: u64,
    /// On whose behalf it was signed.
    pub posting: String,
    /// The key that signed it.
    pub signer: PublicKey,
    /// SHA-256 of the receipt's file.
    pub receipt: Hash,
}

/// A record to prove: what it did, and when.
type Happened = BTreeMap<LogIndex, (String, u64)>;

/// Evidence that grows, receipt by receipt.
#[derive(Debug)]
pub struct Gathering {
    evidence: Evidence,
    happened: Happened,
}

impl Gathering {
    /// Nothing yet about `subject`. What comes is checked against `pin`, each receipt at the time when it came, `now_ms` (UTC
    /// milliseconds).
    pub fn new(subject: Subject, pin: Pin) -> Self {
        let (facts, records, files) = (Vec::new(), Vec::new(), Vec::new());
        let (status, exit, report) = (String::new(), Exit::CouldNotCheck, String::new());
        let evidence = Evidence { subject, status, exit, facts, records, files, report, pin, checked_at_ms: 0 };
        Self { evidence, happened: Happened::new() }
    }

    /// The registers that the subject asks for, each with its name: none for a document.
    pub fn registers(&self) -> Vec<(&'static str, RegisterQuestion)> {
        match &self.evidence.subject {
            Subject::Document(_) => Vec::new(),
            Subject::Plot(plot) => vec![
                ("title", RegisterQuestion::Title(plot.clone())),
                ("encumbrances", RegisterQuestion::Encumbrances(plot.clone())),
            ],
        }
    }

    /// Takes the status receipt of the document `uri`.
    pub fn status(&mut self, uri: &Uri, receipt: Vec<u8>, now_ms: u64) -> anyhow::Result<()> {
        ensure!(receipt.len() <= STATUS_BYTES_MAX, "a status receipt of {} bytes", receipt.len());
        self.evidence.checked_at_ms = now_ms;
        let terms = Terms::now(now_ms);
        let checked = verify_status(&receipt, &self.evidence.pin, &Question::Uri(uri.clone()), terms);
        self.evidence.exit = Exit::of_status(&checked);
        let answer = checked.context("the status receipt")?;
        self.happened.extend(answer.history.iter().map(|event| {
            let reason = event.reason.as_ref().map(|reason| format!(", {reason}")).unwrap_or_default();
            (event.record, (format!("{}{reason}", words(&json!(event.what))), event.recorded_at_ms))
        }));
        self.evidence.status = words(&json!(answer.status));
        self.evidence.facts = facts_of(&answer);
        self.evidence.files.push(("status.dalil-status".to_owned(), receipt));
        Ok(())
    }

    /// Takes the receipt of one of the [`Self::registers`].
    pub fn register(
        &mut self,
        (name, question): (&str, &RegisterQuestion),
        receipt: Vec<u8>,
        now_ms: u64,
    ) -> anyhow::Result<()> {
        let Self { evidence, happened } = self;
        evidence.checked_at_ms = now_ms;
        let proven = verify_register(&receipt, &evidence.pin, now_ms, None, |state| question.answer(state, now_ms))
            .with_context(|| format!("the receipt of the {name}"))?;
        evidence.files.push((format!("{name}.dalil-register"), receipt));
        match &proven.answer {
            Ok(register) => {
                evidence.files.push((format!("{name}.json"), serde_json::to_vec_pretty(register)?));
                note(register, happened, &mut evidence.facts);
            }
            Err(reject) => ensure!(reject.code == NOT_THERE, "the register of the {name} is refused: {reject}"),
        }
        if matches!(question, RegisterQuestion::Encumbrances(_)) {
            let shown = ShownPlot::of(proven.answer).context("the state read contradicts itself")?;
            evidence.exit = shown.status.into();
            evidence.status = match shown.status {
                Status::Valid => "on record",
                Status::NotOnRecord => "not on record",
                _ => "divided or merged away",
            }
            .to_owned();
            evidence.facts.insert(0, ("Status", evidence.status.clone()));
            evidence.facts.extend(head_facts((proven.freshness_ms, proven.quorum), proven.height, proven.log_size));
        }
        Ok(())
    }

    /// The records on which all of it rests, whose inclusion receipts are still to come.
    pub fn awaited(&self) -> anyhow::Result<Vec<LogIndex>> {
        ensure!(self.happened.len() <= RECORDS_MAX, "{} records, more than {RECORDS_MAX}", self.happened.len());
        Ok(self.happened.keys().copied().collect())
    }

    /// Takes the inclusion receipt of the record `index`, and keeps what the record says.
    pub fn record(&mut self, index: LogIndex, receipt: Vec<u8>, now_ms: u64) -> anyhow::Result<()> {
        let Some((what, at_ms)) = self.happened.remove(&index) else { return Ok(()) };
        let inclusion = verify_inclusion_with(&receipt, Trust::Pin(&self.evidence.pin), now_ms, batch_of)
            .with_context(|| format!("the inclusion receipt of record {index}"))?;
        self.evidence.checked_at_ms = now_ms;
        ensure!(inclusion.index == index, "the node gave record {} for {index}", inclusion.index);
        let signed = &inclusion.record;
        let invocation = Invocation::decode(&signed.body.call)
            .map_err(|error| anyhow!("record {index} is of a kind that this program does not know: {error}"))?;
        let shown = json!({
            "index": index, "id": signed.id(), "signer": signed.body.signer, "signature": signed.signature,
            "expires_at_ms": signed.body.expires_at_ms, "invocation": invocation,
        });
        self.evidence.records.push(Proven {
            index,
            id: signed.id(),
            what,
            at_ms,
            posting: invocation.posting.to_string(),
            signer: signed.body.signer,
            receipt: sha256(&receipt),
        });
        self.evidence.files.push((format!("record-{index}.tlog-proof"), receipt));
        self.evidence.files.push((format!("record-{index}.json"), serde_json::to_vec_pretty(&shown)?));
        Ok(())
    }

    /// All of it; refused where a record is still awaited.
    pub fn finish(self) -> anyhow::Result<Evidence> {
        let Self { mut evidence, happened } = self;
        ensure!(happened.is_empty(), "{} records are not proven", happened.len());
        let trusted = [("pin.json", evidence.pin.to_json()), ("policy", evidence.pin.policy().to_string())];
        evidence.files.extend(trusted.map(|(name, text)| (name.to_owned(), text.into_bytes())));
        let lines = evidence.files.iter().map(|(name, bytes)| format!("{}  {name}\n", sha256(bytes)));
        evidence.report = lines.collect();
        Ok(evidence)
    }
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
            ("Valid until", entry.ends_at_ms(u64::MAX).map_or("without end".to_owned(), ist)),
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
            told_whole("chain of title", title.extent, facts);
            for line in &title.lines {
                known(happened, line.record, &format!("{} of plot {}", act(&json!(line.act)), line.plot), line.at_ms);
            }
        }
        Register::Encumbrances(found) => {
            let open = found.charges.iter().filter(|charge| charge.satisfied.is_none()).count();
            facts.push(("Charges", format!("{} recorded, {open} not satisfied", found.charges.len())));
            if found.vested {
                facts.push(("Vested", "in the Government: nobody can transfer it".to_owned()));
            }
            facts.extend(found.freezes.iter().map(|freeze| {
                let by = words(&json!(freeze.by));
                ("Bar on voluntary transfer", format!("{by}, order {}", freeze.reference))
            }));
            told_whole("register of charges", found.extent, facts);
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

/// Says where a register holds more than one answer does.
fn told_whole(register: &str, extent: Extent, facts: &mut Vec<(&'static str, String)>) {
    if extent == Extent::CutShort {
        facts.push(("Not all", format!("the {register} is longer than one answer holds: older records are not here")));
    }
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
