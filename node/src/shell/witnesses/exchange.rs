//! What a witness is sent, and how its answer is read.

use axum::http::StatusCode;
use dalil_ledger::checkpoint::{
    AddCheckpoint, Checkpoint, Cosignature, EndorsementError, KeyKind, KeyName, LogSignature, NOTE_SIGNATURES_FOR_ALL,
    Note, VerifierKey, WitnessAnswerError, read_cosignature, read_known_size,
};
use dalil_ledger::crypto::{Hash, SecretKey};
use dalil_ledger::log::LogSize;
use dalil_ledger::validators::ValidatorSet;

use crate::shell::outbound::{Answered, OutboundError};

/// What a conflict's body is said to be (C2SP tlog-witness).
const SIZE_TYPE: &str = "text/x.tlog.size";
/// How much of what a stranger says is shown, in characters.
const SHOWN_MAX: usize = 80;

/// Why a witness does not cosign, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// There is no answer.
    #[error(transparent)]
    Unanswered(#[from] OutboundError),
    /// 404.
    #[error("it does not know the log {0} (404). Ask its operator to add that origin with the log keys of /policy")]
    UnknownLog(KeyName),
    /// 403.
    #[error(
        "it trusts no key that signed (403). Give its operator the `log` lines of /policy; they change with the validators"
    )]
    UntrustedKey,
    /// 422.
    #[error(
        "it says that the log of {size} entries does not continue the one of {old} that it cosigned (422). Either it was \
         shown another log under this name, or this node holds another one than the rest: compare nodes by `dalil audit`, \
         then ask its operator what it holds"
    )]
    Inconsistent {
        /// The size that it said it knows.
        old: LogSize,
        /// The size that it was offered.
        size: LogSize,
    },
    /// Any other status.
    #[error("it answered {0}, where 200 is expected; its operator will know why if it lasts")]
    Status(StatusCode),
    /// A conflict that names no size in the way that it must.
    #[error("it answered 409 as {0:?}, where {SIZE_TYPE} is expected: is its url that of a witness?")]
    NoSize(Option<String>),
    /// It remembers a longer log than this node holds.
    #[error(
        "it knows {known} entries of this log, this node {size}. Either this node is behind another one that asks this \
         witness too, and goes on when it has caught up, or the witness is not to be believed"
    )]
    Ahead {
        /// The size that it says it knows.
        known: LogSize,
        /// The size that it was offered.
        size: LogSize,
    },
    /// It refuses the size that it names itself.
    #[error("it says that it knows {0} entries, and refuses a proof from there (409): its operator has to look at it")]
    Contradiction(LogSize),
    /// It answered once more with another size.
    #[error(
        "it knew {first} entries, and a moment later {then}: another node asks it at the same time, or it makes them up"
    )]
    Moving {
        /// What it said first.
        first: LogSize,
        /// What it said to a proof from there.
        then: LogSize,
    },
    /// The answer is not what it must be.
    #[error("its answer is not to be used: {0}")]
    Answer(#[from] WitnessAnswerError),
    /// This node cannot prove it.
    #[error(
        "it knows {old} entries, and this node cannot prove from there: {why}. Where the node was restored from a snapshot, \
         let one with the whole log ask this witness"
    )]
    NoProof {
        /// The size that it says it knows.
        old: LogSize,
        /// Why not.
        why: String,
    },
    /// The published note cannot be read.
    #[error("this node's own note cannot be offered: {0}")]
    Note(#[from] EndorsementError),
}

/// A head that is offered.
#[derive(Debug, Clone)]
pub struct Offer {
    /// The head.
    pub checkpoint: Checkpoint,
    /// What of the published note is sent.
    note: Note,
}

impl Offer {
    /// Makes an offer of a published note. A validator signs with its own log key in place of the one that the note happens
    /// to carry, so that a witness may know one key of the log and not all. The validators' cosignatures go along, for
    /// witnesses that ask for them, where the note keeps as few lines as every reader of notes takes.
    pub fn new(published: &str, validators: &ValidatorSet, log_key: Option<&SecretKey>) -> Result<Self, Trouble> {
        let note = Note::parse(published.as_bytes()).map_err(EndorsementError::from)?;
        let checkpoint: Checkpoint = note.text.parse().map_err(EndorsementError::from)?;
        let is_log = |name: &KeyName| *name == checkpoint.origin;
        let (logs, cosigners): (Vec<_>, Vec<_>) = note.signatures.into_iter().partition(|line| is_log(&line.name));
        let own = log_key.filter(|key| validators.iter().any(|member| member.log == key.public()));
        let mut signatures = own.map_or(logs, |key| {
            let vkey = VerifierKey { name: checkpoint.origin.clone(), kind: KeyKind::Log, key: key.public() };
            vec![LogSignature::sign(&checkpoint, key).to_line(&vkey)]
        });
        if signatures.len() + cosigners.len() <= NOTE_SIGNATURES_FOR_ALL {
            signatures.extend(cosigners);
        }
        Ok(Self { note: Note { text: note.text, signatures }, checkpoint })
    }

    /// The body of the request, to a witness that remembers `old` entries.
    pub fn request(&self, old: LogSize, proof: Vec<Hash>) -> AddCheckpoint {
        AddCheckpoint { old, proof, note: self.note.clone() }
    }
}

/// What a witness answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It cosigned.
    Cosigned(Cosignature),
    /// It remembers another size than the old one that it was sent; never one beyond the offer.
    Knows(LogSize),
}

/// Reads the answer to an offer of `checkpoint` to the witness with `key`, of which it was believed that it remembers `old`
/// entries.
pub fn read(
    answered: &Answered,
    checkpoint: &Checkpoint,
    old: LogSize,
    key: &VerifierKey,
    now_ms: u64,
    skew_ms: u64,
) -> Result<Answer, Trouble> {
    let size = checkpoint.size;
    match answered.status {
        StatusCode::OK => Ok(Answer::Cosigned(read_cosignature(&answered.body, checkpoint, key, now_ms, skew_ms)?)),
        StatusCode::CONFLICT => {
            let said = answered.content_type.as_deref();
            let media_type = said.and_then(|said| said.split(';').next()).map(str::trim);
            if !media_type.is_some_and(|it| it.eq_ignore_ascii_case(SIZE_TYPE)) {
                return Err(Trouble::NoSize(said.map(|said| said.chars().take(SHOWN_MAX).collect())));
            }
            match read_known_size(&answered.body)? {
                known if known > size => Err(Trouble::Ahead { known, size }),
                known if known == old => Err(Trouble::Contradiction(known)),
                known => Ok(Answer::Knows(known)),
            }
        }
        StatusCode::FORBIDDEN => Err(Trouble::UntrustedKey),
        StatusCode::NOT_FOUND => Err(Trouble::UnknownLog(checkpoint.origin.clone())),
        StatusCode::UNPROCESSABLE_ENTITY => Err(Trouble::Inconsistent { old, size }),
        other => Err(Trouble::Status(other)),
    }
}
