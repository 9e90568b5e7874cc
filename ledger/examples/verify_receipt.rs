//! Checks a document offline: from a pin, a status receipt and the document's digest to an answer.
//!
//! ```text
//! cargo run --no-default-features --example verify_receipt
//! ```
//!
//! Nothing here needs a node, a network or RocksDB: this is all that a bank or a mobile back end embeds. Three things
//! come from three places:
//!
//! - the *pin* (whose signatures count) from a source that you trust, once, and then renewed by handovers;
//! - the *receipt* from any node, or from whoever shows you the document: it proves itself;
//! - the *digest* from the document in your own hands, so that the answer is about that file and no other.

use dalil_ledger::checkpoint::Pin;
use dalil_ledger::crypto::sha256;
use dalil_ledger::receipt::{Exit, Question, Terms, verify_status};

const PIN: &[u8] = include_bytes!("data/pin.json");
const RECEIPT: &[u8] = include_bytes!("data/document.dalil-status");
/// Stands for the document's file.
const DOCUMENT: &[u8] = b"file of 7F3A";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pin = Pin::from_json(PIN)?;
    let asked = Question::Digest(sha256(DOCUMENT));

    // A checked-in receipt is old by nature, and an old receipt proves nothing about today: this kind may be a day old.
    // So the example says which moment it checks for, 2026-06-01 00:30:15 UTC. A real verifier passes its own clock:
    // `SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as u64`.
    let now_ms = 1_780_273_815_000;

    let checked = verify_status(RECEIPT, &pin, &asked, Terms::now(now_ms));
    let exit = Exit::of_status(&checked);
    match checked {
        Ok(answer) => {
            println!("status      {:?} ({})", answer.status, answer.reason);
            println!("fresh as of {} ms before the check", now_ms.saturating_sub(answer.freshness_ms));
            println!("vouched by  {} of {} validators", answer.quorum, pin.validators().len());
            if let Some(entry) = &answer.entry {
                println!("document    {} of {}, record {}", entry.uri, entry.issuer.department, entry.record);
            }
        }
        // Neither "valid" nor "not on record": the question stays open.
        Err(reason) => println!("could not check ({}): {reason}", reason.code()),
    }
    println!("exit code   {}", exit.code());

    // The same receipt a week later: its checkpoint is too old to say anything about that day.
    let week_later = verify_status(RECEIPT, &pin, &asked, Terms::now(now_ms + 7 * 86_400_000));
    println!("a week on   {}", week_later.map_or_else(|reason| reason.to_string(), |answer| answer.reason));
    Ok(())
}
