//! The call `add-checkpoint`, by which a log asks an outside witness to cosign its head (C2SP tlog-witness): what is sent,
//! and what comes back.
//!
//! A witness remembers one head of the log. It is told which one by the old size, is shown that the new head continues it,
//! and answers with its cosignature, or with the size that it remembers in place of the old one.

use std::fmt;

use super::body::Checkpoint;
use super::cosignature::Cosignature;
use super::key::VerifierKey;
use super::note::{Note, NoteError};
use super::quorum::{EndorsementError, signers};
use super::text::{from_decimal, to_base64};
use crate::crypto::Hash;
use crate::log::LogSize;

/// What is sent. As text:
///
/// ```text
/// old <size>
/// <base64 hash of the consistency proof>…
///
/// <checkpoint with signatures>
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size that the witness remembers; 0 if it remembers none, or if that is not known.
    pub old: LogSize,
    /// The proof that the log of `old` entries is a prefix of the checkpoint's (RFC 9162 §2.1.4.1); empty for 0 and for the
    /// checkpoint's own size. No log is so large that it has more than the 63 hashes that a witness takes.
    pub proof: Vec<Hash>,
    /// The checkpoint; a log key signed it.
    pub note: Note,
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        self.proof.iter().try_for_each(|hash| writeln!(f, "{}", to_base64(&hash.0)))?;
        write!(f, "\n{}", self.note)
    }
}

/// Why a witness's answer is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WitnessAnswerError {
    /// The answer is not made of signature lines.
    #[error("not signature lines: {0}")]
    Lines(#[from] NoteError),
    /// The answer holds an empty line: what stands before it would be signed text.
    #[error("signature lines with an empty line among them")]
    EmptyLine,
    /// Nothing is signed by the witness.
    #[error("no cosignature by {0}")]
    Missing(Box<VerifierKey>),
    /// The witness's line is wrong, or there are two.
    #[error(transparent)]
    Signature(#[from] EndorsementError),
    /// The time 0 stands for none, and a head's cosignature has one.
    #[error("a cosignature without a time")]
    Timeless,
    /// The time is so far ahead that verifiers would not count the cosignature.
    #[error(
        "a cosignature of {time_s} s, expected at most {most_s} s: the witness's clock is ahead, or ours is behind"
    )]
    Future {
        /// Time of the cosignature, POSIX seconds.
        time_s: u64,
        /// The latest that is taken, POSIX seconds.
        most_s: u64,
    },
    /// The body of a conflict is no size.
    #[error("no size: expected a decimal and a newline")]
    Size,
}

/// Reads the cosignature of exactly this `checkpoint` by the witness's `key` from the body of an answer 200. Lines of other
/// keys are ignored, as C2SP demands; a time beyond `now_ms` + `skew_ms` / 2 is refused, for with half the skew left every
/// verifier whose clock is as right as ours will count it.
pub fn read_cosignature(
    body: &[u8],
    checkpoint: &Checkpoint,
    key: &VerifierKey,
    now_ms: u64,
    skew_ms: u64,
) -> Result<Cosignature, WitnessAnswerError> {
    let text = checkpoint.to_string();
    let note = Note::parse(&[text.as_bytes(), b"\n", body].concat())?;
    if note.text != text {
        return Err(WitnessAnswerError::EmptyLine);
    }
    let mut found = signers(&note, [key], |line, key| Cosignature::from_line(line, checkpoint, &key.key))?;
    let cosignature = found.remove(key).ok_or_else(|| WitnessAnswerError::Missing(Box::new(key.clone())))?;
    let most_ms = now_ms.saturating_add(skew_ms / 2);
    match cosignature.time_s {
        0 => Err(WitnessAnswerError::Timeless),
        time_s if cosignature.time_ms() > most_ms => {
            Err(WitnessAnswerError::Future { time_s, most_s: most_ms / 1_000 })
        }
        _ => Ok(cosignature),
    }
}

/// Reads the size that the witness remembers from the body of an answer 409.
pub fn read_known_size(body: &[u8]) -> Result<LogSize, WitnessAnswerError> {
    let text = std::str::from_utf8(body).ok().and_then(|text| text.strip_suffix('\n'));
    text.and_then(from_decimal).ok_or(WitnessAnswerError::Size)
}
