//! Is this document genuine and in force? Offline, from three things that come from three places: the *pin* (whose
//! signatures count) from a source that you trust, the *receipt* from any node or from whoever shows the document, and the
//! *document* in your own hands. The exit codes are those of `dalil verify`.
//!
//! ```text
//! cd ledger/examples/data
//! cargo run --no-default-features --example verify_receipt -- pin.json document.dalil-status document.txt 1780273815000
//! ```
//!
//! A receipt that lies in a folder is old, and an old one proves nothing about today. So the moment to check for can be said,
//! in UTC milliseconds; a verifier in earnest takes its clock's.

use std::env::args;
use std::error::Error;
use std::process::ExitCode;
use std::time::UNIX_EPOCH;

use dalil_ledger::verify::{Exit, Pin, PinError, Question, Terms, sha256, verify_status};

/// Status and reason, or why there are none, and the exit code.
pub fn check(pin: &[u8], receipt: &[u8], document: &[u8], now_ms: u64) -> Result<(String, Exit), PinError> {
    let pin = Pin::from_json(pin)?;
    let checked = verify_status(receipt, &pin, &Question::Digest(sha256(document)), Terms::now(now_ms));
    let exit = Exit::of_status(&checked);
    let said = checked.map(|answer| format!("{:?}: {}", answer.status, answer.reason));
    // Neither "valid" nor "not on record": the question stays open.
    Ok((said.unwrap_or_else(|why| format!("could not check: {why} ({})", why.code())), exit))
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let file = |place| std::fs::read(args().nth(place).unwrap_or_default());
    let now_ms = match args().nth(4) {
        Some(moment) => moment.parse()?,
        None => u64::try_from(UNIX_EPOCH.elapsed()?.as_millis())?,
    };
    let (said, exit) = check(&file(1)?, &file(2)?, &file(3)?, now_ms)?;
    println!("{said}");
    Ok(ExitCode::from(exit.code()))
}
