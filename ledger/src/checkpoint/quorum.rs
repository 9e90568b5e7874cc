//! Counting: the note that a quorum signed, assembled by a node and checked by everybody else.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::body::{Checkpoint, CheckpointTextError};
use super::cosignature::{Cosignature, LogSignature};
use super::key::{KeyId, KeyName, VerifierKey};
use super::note::{Note, NoteError, NoteSignature};
use super::policy::Policy;
use crate::crypto::PublicKey;

/// A checkpoint that a quorum of a policy cosigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endorsement {
    /// What they cosigned.
    pub checkpoint: Checkpoint,
    /// The oldest time among the cosignatures counted, UTC milliseconds: a quorum of them stood behind the checkpoint
    /// as the log's head at that time or later.
    pub freshness_ms: u64,
    /// Who was counted, in the policy's order, with the time of each cosignature in POSIX seconds.
    pub cosigners: Vec<(KeyName, u64)>,
}

/// Why a note is not endorsed, or cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndorsementError {
    /// The bytes are no note.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The note's text is no checkpoint.
    #[error(transparent)]
    Text(#[from] CheckpointTextError),
    /// A checkpoint of another log.
    #[error("a checkpoint of {got}, expected one of {expected}")]
    Origin {
        /// Origin in the checkpoint.
        got: KeyName,
        /// Origin of the policy.
        expected: KeyName,
    },
    /// A line that names a key of the policy is good under none. The note is void as a whole: somebody tampered with it.
    #[error("the signature of {0} does not verify")]
    Signature(KeyName),
    /// A key of the policy has two lines; each counts once, so a note never needs both.
    #[error("{0} has signed twice")]
    Repeated(KeyName),
    /// No log key of the policy signed.
    #[error("no log key of the policy signed, expected one")]
    NoLog,
    /// Not exactly a quorum.
    #[error("{got} cosignatures count, expected exactly {expected}; {ahead} more lie in the future")]
    Quorum {
        /// Cosignatures counted.
        got: usize,
        /// The policy's quorum.
        expected: usize,
        /// Cosignatures not counted because their time is too far ahead.
        ahead: usize,
    },
}

impl Policy {
    /// Checks that `note` is a checkpoint of the policy's log with a log signature and exactly q cosignatures, each by
    /// another key and none later than `now_ms` + `skew_ms`.
    ///
    /// Lines of keys that the policy does not name are ignored, as C2SP signed-note demands.
    pub fn verify(&self, note: &[u8], now_ms: u64, skew_ms: u64) -> Result<Endorsement, EndorsementError> {
        let note = Note::parse(note)?;
        let checkpoint: Checkpoint = note.text.parse()?;
        self.check_origin(&checkpoint)?;
        let logs = signers(&note, self.logs(), |line, key| LogSignature::from_line(line, &checkpoint, &key.key))?;
        if logs.is_empty() {
            return Err(EndorsementError::NoLog);
        }
        let keys = self.witnesses().iter().map(|witness| &witness.key);
        let cosigned = signers(&note, keys, |line, key| Cosignature::from_line(line, &checkpoint, &key.key))?;
        let latest_ms = now_ms.saturating_add(skew_ms);
        let (mut cosigners, mut freshness_ms, mut ahead) = (Vec::new(), u64::MAX, 0);
        for witness in self.witnesses() {
            let Some(cosignature) = cosigned.get(&witness.key) else { continue };
            if cosignature.time_ms() > latest_ms {
                ahead += 1;
                continue;
            }
            freshness_ms = freshness_ms.min(cosignature.time_ms());
            cosigners.push((witness.key.name.clone(), cosignature.time_s));
        }
        if cosigners.len() != self.quorum() {
            return Err(EndorsementError::Quorum { got: cosigners.len(), expected: self.quorum(), ahead });
        }
        Ok(Endorsement { checkpoint, freshness_ms, cosigners })
    }

    /// The note to publish: one log line and the q newest of `cosignatures`, in the policy's order.
    ///
    /// Left out are keys that the policy does not name, signatures that do not verify, and times beyond `now_ms` +
    /// `skew_ms` / 2: with half the skew left, every verifier whose clock is as right as ours will count the rest.
    pub fn assemble(
        &self,
        checkpoint: &Checkpoint,
        log: (&PublicKey, &LogSignature),
        cosignatures: impl IntoIterator<Item = (PublicKey, Cosignature)>,
        now_ms: u64,
        skew_ms: u64,
    ) -> Result<Note, EndorsementError> {
        self.check_origin(checkpoint)?;
        let (log_key, log_signature) = log;
        let log = self.logs().iter().find(|log| log.key == *log_key).ok_or(EndorsementError::NoLog)?;
        log_signature.verify(checkpoint, log_key).map_err(|_| EndorsementError::Signature(log.name.clone()))?;

        let latest_ms = now_ms.saturating_add(skew_ms / 2);
        let (in_time, ahead): (Vec<_>, Vec<_>) =
            cosignatures.into_iter().partition(|(_, cosignature)| cosignature.time_ms() <= latest_ms);
        let place = |key: &PublicKey| self.witnesses().iter().position(|witness| witness.key.key == *key);
        let mut newest_first: Vec<_> =
            in_time.into_iter().filter_map(|(key, cosignature)| Some((place(&key)?, cosignature))).collect();
        newest_first.sort_by_key(|(place, cosignature)| (Reverse(cosignature.time_s), *place));
        let mut chosen: BTreeMap<usize, Cosignature> = BTreeMap::new();
        for (place, cosignature) in newest_first {
            if chosen.len() == self.quorum() {
                break;
            }
            if !chosen.contains_key(&place) && cosignature.verify(checkpoint, &self.witnesses()[place].key.key).is_ok()
            {
                chosen.insert(place, cosignature);
            }
        }
        if chosen.len() < self.quorum() {
            let (got, ahead) = (chosen.len(), ahead.len());
            return Err(EndorsementError::Quorum { got, expected: self.quorum(), ahead });
        }
        let cosigned = chosen.iter().map(|(place, cosignature)| cosignature.to_line(&self.witnesses()[*place].key));
        let signatures = std::iter::once(log_signature.to_line(log)).chain(cosigned).collect();
        Ok(Note { text: checkpoint.to_string(), signatures })
    }

    fn check_origin(&self, checkpoint: &Checkpoint) -> Result<(), EndorsementError> {
        if checkpoint.origin == *self.origin() {
            return Ok(());
        }
        Err(EndorsementError::Origin { got: checkpoint.origin.clone(), expected: self.origin().clone() })
    }
}

/// Which of `keys` signed the note, each once, with what `read` makes of the key's line; `read` gives nothing where a line is
/// not the key's own.
///
/// A line names its key by a name and an id of four bytes: whoever tries 2^32 keys finds one with the id of another. So a
/// line is good if any key that it may name verifies it, and voids the note if none does.
pub(super) fn signers<'a, T>(
    note: &Note,
    keys: impl IntoIterator<Item = &'a VerifierKey>,
    read: impl Fn(&NoteSignature, &VerifierKey) -> Option<T>,
) -> Result<BTreeMap<&'a VerifierKey, T>, EndorsementError> {
    let keys: Vec<_> = keys.into_iter().map(|key| (key.id(), key)).collect();
    let mut signed = BTreeMap::new();
    for line in &note.signatures {
        let is_named = |(id, key): &&(KeyId, &VerifierKey)| *id == line.id && key.name == line.name;
        let mut named = keys.iter().filter(is_named).map(|(_, key)| *key).peekable();
        if named.peek().is_none() {
            continue;
        }
        let found = named.find_map(|key| Some((key, read(line, key)?)));
        let (key, signature) = found.ok_or_else(|| EndorsementError::Signature(line.name.clone()))?;
        if signed.insert(key, signature).is_some() {
            return Err(EndorsementError::Repeated(key.name.clone()));
        }
    }
    Ok(signed)
}
