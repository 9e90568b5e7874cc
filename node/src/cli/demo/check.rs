//! Checking receipts from files alone: the receipt, the pin, the clock. Nothing here knows a node.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use dalil_contracts::land::registers::{Register, RegisterQuestion};
use dalil_ledger::checkpoint::Pin;
use dalil_ledger::document::Status;
use dalil_ledger::receipt::{
    Answer, CouldNotCheck, Inclusion, Question, Terms, Trust, verify_inclusion_with, verify_register, verify_status,
};
use serde_json::Value;

use crate::shell::clock::now_ms;
use crate::verification::batch_of;

/// What a verifier was told.
pub(super) type Checked<T> = Result<T, CouldNotCheck>;

/// A verifier's folder: it holds the pin.
#[derive(Clone)]
pub(super) struct Verifier {
    /// The pin's file.
    pin: PathBuf,
}

impl Verifier {
    /// A verifier who trusts the pin in this file.
    pub(super) fn with_pin(pin: PathBuf) -> Self {
        Self { pin }
    }

    /// Reads the pin.
    pub(super) fn pin(&self) -> anyhow::Result<Pin> {
        let bytes = std::fs::read(&self.pin).with_context(|| format!("cannot read {}", self.pin.display()))?;
        Ok(Pin::from_json(&bytes)?)
    }

    /// Checks a status receipt; `as_of_ms` asks for the legal effect at an earlier time.
    pub(super) fn status(
        &self,
        receipt: &Path,
        asked: &Question,
        as_of_ms: Option<u64>,
    ) -> anyhow::Result<Checked<Answer>> {
        let bytes = std::fs::read(receipt).with_context(|| format!("cannot read {}", receipt.display()))?;
        Ok(verify_status(&bytes, &self.pin()?, asked, Terms { as_of_ms, ..Terms::now(now_ms()) }))
    }

    /// Checks a register receipt, and runs the register over what it proves.
    pub(super) fn register(&self, receipt: &Path, question: &RegisterQuestion) -> anyhow::Result<Checked<Register>> {
        let bytes = std::fs::read(receipt).with_context(|| format!("cannot read {}", receipt.display()))?;
        let at_ms = now_ms();
        match verify_register(&bytes, &self.pin()?, at_ms, None, |state| question.answer(state, at_ms)) {
            Ok(proven) => Ok(Ok(proven.answer?)),
            Err(why) => Ok(Err(why)),
        }
    }

    /// Checks an inclusion receipt.
    pub(super) fn inclusion(&self, receipt: &Path) -> anyhow::Result<Checked<Inclusion>> {
        let bytes = std::fs::read(receipt).with_context(|| format!("cannot read {}", receipt.display()))?;
        Ok(verify_inclusion_with(&bytes, Trust::Pin(&self.pin()?), now_ms(), batch_of))
    }
}

/// An answer as a summary says it: the status, with its reason unless it is valid.
pub(super) fn in_short(checked: &Checked<Answer>) -> String {
    match checked {
        Ok(answer) if answer.status == Status::Valid => "valid".to_owned(),
        Ok(answer) if answer.status == Status::NotOnRecord => "not_on_record".to_owned(),
        Ok(answer) => format!("{} ({})", name(answer.status), answer.reason),
        Err(why) => format!("could_not_check ({})", why.code()),
    }
}

/// A status as JSON spells it.
fn name(status: Status) -> String {
    serde_json::to_value(status).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A copy of a receipt with one byte changed, and which part it was in.
pub(super) struct Changed {
    /// Which part.
    pub(super) part: &'static str,
    /// The file.
    pub(super) bytes: Vec<u8>,
}

/// Another character that may stand in the same place of a number, of hexadecimal and of base64.
fn other(character: u8) -> u8 {
    match character {
        b'0'..=b'8' => character + 1,
        b'9' => b'8',
        b'a' => b'b',
        _ => b'a',
    }
}

/// `text` with one character changed in its middle.
fn change(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let middle = bytes.len() / 2;
    if let Some(byte) = bytes.get_mut(middle) {
        *byte = other(*byte);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Whether `part` stands in this line of a checkpoint's note.
fn is_part(part: &str, number: usize, line: &str) -> bool {
    // A cosigner's name is the log's with the department behind it; the log's own line names no department.
    let cosigner = || line.strip_prefix("— ")?.split(' ').next().map(|name| name.matches('/').count() > 1);
    if part == "checkpoint" { number == 2 } else { cosigner().unwrap_or(false) }
}

/// A note with one byte changed in its root or in a signature.
fn change_note(note: &str, part: &'static str) -> String {
    let mut done = false;
    let lines = note.split('\n').enumerate().map(|(number, line)| {
        if done || !is_part(part, number, line) {
            return line.to_owned();
        }
        done = true;
        match line.rsplit_once(' ') {
            Some((before, signature)) => format!("{before} {}", change(signature)),
            None => change(line),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// One copy of an inclusion receipt for each of its parts, each with one byte changed.
pub(super) fn changed_inclusion(receipt: &str) -> Vec<Changed> {
    let Some((head, note)) = receipt.split_once("\n\n") else { return Vec::new() };
    let in_line = |part: &'static str, wanted: usize| {
        let lines = head.split('\n').enumerate().map(|(number, line)| match line.rsplit_once(' ') {
            _ if number != wanted => line.to_owned(),
            Some((before, value)) => format!("{before} {}", change(value)),
            None => change(line),
        });
        Changed { part, bytes: format!("{}\n\n{note}", lines.collect::<Vec<_>>().join("\n")).into_bytes() }
    };
    let in_note = |part| Changed { part, bytes: format!("{head}\n\n{}", change_note(note, part)).into_bytes() };
    vec![in_line("entry", 1), in_line("index", 2), in_line("path", 3), in_note("checkpoint"), in_note("signature")]
}

/// One copy of a status receipt for each of its parts, each with one byte changed.
pub(super) fn changed_status(receipt: &[u8]) -> anyhow::Result<Vec<Changed>> {
    let file: Value = serde_json::from_slice(receipt)?;
    let pointers = [
        ("header", "/header"),
        ("path", "/path/0"),
        ("checkpoint", "/checkpoint"),
        ("signature", "/checkpoint"),
        ("read", "/reads/0/value"),
        ("state proof", "/reads/0/proof/siblings/0"),
    ];
    let mut copies = Vec::new();
    for (part, pointer) in pointers {
        let mut copy = file.clone();
        let Some(Value::String(text)) = copy.pointer_mut(pointer) else { continue };
        *text = if pointer == "/checkpoint" { change_note(text, part) } else { change(text) };
        copies.push(Changed { part, bytes: serde_json::to_vec_pretty(&copy)? });
    }
    Ok(copies)
}
