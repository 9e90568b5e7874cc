//! What an answer proves, and what a reader might believe to be proven and is not.

use dalil_ledger::receipt::{Answer, Question};

use crate::time::ist;

/// Whether an answer is about the file in hand, and not only about a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileBinding {
    /// The file's SHA-256 was asked about.
    Bound,
    /// Nobody gave a file.
    Unbound,
}

impl FileBinding {
    /// What a question binds.
    pub fn of(question: &Question) -> Self {
        if matches!(question, Question::Digest(_)) { Self::Bound } else { Self::Unbound }
    }
}

/// What no answer proves.
pub const LATER: &str = "what was recorded after that moment";
/// What an answer about a name does not prove.
pub const FILE_IN_HAND: &str = "that a file or paper in your hands is this document: compare the digest of the file";

/// What an answer by a certificate's number proves beside the rest.
pub const NUMBER_LEADS: &str = "the number asked about leads to this document, the newest that carries it";
/// What no answer about a plot proves.
pub const TITLE: &str = "title: the ledger says what offices recorded, and vouches for no content";

/// What a proven answer proves.
pub fn proven(answer: &Answer, file: FileBinding) -> Vec<String> {
    let mut lines = Vec::new();
    match &answer.entry {
        Some(entry) => {
            if file == FileBinding::Bound {
                lines.push("a file with this SHA-256 is, byte for byte, the one on record".to_owned());
            }
            lines.push(format!("{} is on record, issued by record {}", entry.uri, entry.record));
            lines.push("every revocation, class order and source that its status depends on was read".to_owned());
        }
        None => lines.push("nothing is recorded under what was asked".to_owned()),
    }
    lines.push(as_of(answer.freshness_ms));
    lines
}

/// The moment for which something is proven.
pub fn as_of(freshness_ms: u64) -> String {
    format!("this was the ledger's state at {}", ist(freshness_ms))
}

/// What a proven answer does not prove.
pub fn not_proven(answer: &Answer, file: FileBinding) -> Vec<&'static str> {
    match (&answer.entry, file) {
        (None, FileBinding::Bound) => {
            vec!["that the document is forged: a scan, a print or a changed byte has another digest", LATER]
        }
        (None, FileBinding::Unbound) => {
            vec!["that the document is forged: a name read wrongly is not on record either", LATER]
        }
        (Some(_), FileBinding::Bound) => vec![LATER],
        (Some(_), FileBinding::Unbound) => vec![FILE_IN_HAND, LATER],
    }
}
