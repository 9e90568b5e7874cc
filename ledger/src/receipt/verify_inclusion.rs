//! Checking an inclusion receipt.

use super::answer::CouldNotCheck;
use super::inclusion::{InclusionReceipt, RecordedEntry};
use crate::block::Entry;
use crate::checkpoint::{COSIGNATURE_SKEW_MS_DEFAULT, Pin, PinnedHeadError, Policy};
use crate::crypto::Hash;
use crate::log::{LogIndex, LogSize, leaf_hash, verify_inclusion as verify_path};
use crate::transaction::SignedTransaction;

/// Whom the verifier believes.
#[derive(Debug, Clone, Copy)]
pub enum Trust<'a> {
    /// A bare C2SP policy: it names keys, and neither chain nor expiry.
    Policy(&'a Policy),
    /// A pin: its chain must be the record's, and it must not have expired. Of a set that handed over since, too, what it
    /// cosigned counts while the pin remembers it.
    Pin(&'a Pin),
}

/// What a record says about the batch that it issues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchHead {
    /// Number of documents.
    pub size: LogSize,
    /// RFC 9162 root over their leaves.
    pub root: Hash,
}

/// A record that stands in the log. Says nothing about the present status of what it records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inclusion {
    /// The record.
    pub record: SignedTransaction,
    /// Log index of the record.
    pub index: LogIndex,
    /// Canonical bytes of one document's entry, for a document of a batch.
    pub document: Option<Vec<u8>>,
    /// Number of leaves under the checkpoint.
    pub log_size: LogSize,
    /// The oldest time among the cosignatures counted, UTC milliseconds.
    pub freshness_ms: u64,
    /// How many validators stand behind the checkpoint.
    pub quorum: usize,
}

/// Checks an inclusion receipt of a single record against a bare policy. A receipt in batch form is refused: see
/// [`verify_inclusion_with`].
pub fn verify_inclusion(bytes: &[u8], policy: &Policy, now_ms: u64) -> Result<Inclusion, CouldNotCheck> {
    verify_inclusion_with(bytes, Trust::Policy(policy), now_ms, |_| None)
}

/// Checks an inclusion receipt. `batch_of` reads the batch's size and root out of a record, whose call only the contracts
/// understand; it gives none for a record that issues no batch.
pub fn verify_inclusion_with(
    bytes: &[u8],
    trust: Trust<'_>,
    now_ms: u64,
    batch_of: impl FnOnce(&SignedTransaction) -> Option<BatchHead>,
) -> Result<Inclusion, CouldNotCheck> {
    let InclusionReceipt { recorded, index, path, note } = InclusionReceipt::parse(bytes)?;
    let endorsement = match trust {
        Trust::Policy(policy) => policy.verify(note.as_bytes(), now_ms, COSIGNATURE_SKEW_MS_DEFAULT)?,
        Trust::Pin(pin) if pin.is_live(now_ms) => pin.verify_note(note.as_bytes(), now_ms)?,
        Trust::Pin(pin) => {
            return Err(PinnedHeadError::Expired { expires_at_ms: pin.terms().expires_at_ms, now_ms }.into());
        }
    };
    let RecordedEntry { entry, document } = recorded;
    let checkpoint = &endorsement.checkpoint;
    verify_path(index, checkpoint.size, &leaf_hash(&entry.encode()), &path, &checkpoint.root)?;
    let Entry::Record(record) = entry else { return Err(CouldNotCheck::NotARecord) };
    if let Trust::Pin(pin) = trust
        && record.body.chain != pin.terms().chain
    {
        return Err(CouldNotCheck::OtherChain { got: record.body.chain, expected: pin.terms().chain });
    }
    // The validators checked it before they recorded it; checking again costs nothing and needs none of them.
    record.verify_signature().map_err(CouldNotCheck::RecordSignature)?;
    if let Some(document) = &document {
        let batch = batch_of(&record).ok_or(CouldNotCheck::NoBatch)?;
        let leaf = leaf_hash(&document.leaf);
        verify_path(document.index, batch.size, &leaf, &document.path, &batch.root).map_err(CouldNotCheck::Batch)?;
    }
    Ok(Inclusion {
        index,
        document: document.map(|document| document.leaf),
        log_size: checkpoint.size,
        freshness_ms: endorsement.freshness_ms,
        quorum: endorsement.cosigners.len(),
        record,
    })
}
