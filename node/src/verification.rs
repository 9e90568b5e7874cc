//! What node and command line share when they check receipts: the pin, what a receipt is about, and what contracts know of
//! batches.

use dalil_contracts::certificate::certificate_in;
use dalil_contracts::{Call, Invocation};
use dalil_ledger::block::Height;
use dalil_ledger::checkpoint::{KeyName, Pin, PinError, PinTerms};
use dalil_ledger::document::{Status, Uri};
use dalil_ledger::genesis::Genesis;
use dalil_ledger::receipt::{BatchHead, CouldNotCheck, Question, StatusReceipt};
use dalil_ledger::transaction::SignedTransaction;
use dalil_ledger::validators::ValidatorSet;

/// How every document's URI begins, by DigiLocker's convention: no other number does.
pub const URI_PREFIX: &str = "in.gov.";
/// How long a pin is good for, in milliseconds.
pub const PIN_LIFETIME_MS: u64 = 180 * 24 * 3_600_000;

/// The pin of a validator set and the first height that it decides, on the chain of `genesis`, good from `now_ms` on.
pub fn pin_of(
    origin: &KeyName,
    genesis: &Genesis,
    (validators, from_height): (&ValidatorSet, Height),
    now_ms: u64,
) -> Result<Pin, PinError> {
    let parameters = &genesis.parameters;
    let terms = PinTerms {
        chain: genesis.chain_id(),
        from_height,
        expires_at_ms: now_ms.saturating_add(PIN_LIFETIME_MS),
        cosignature_skew_ms: u64::from(parameters.cosignature_skew_ms),
        absence_age_max_ms: parameters.absence_age_max_ms,
    };
    Pin::new(origin, validators.clone(), terms)
}

/// The batch that a record issues, anew or as copies, if it issues one.
pub fn batch_of(record: &SignedTransaction) -> Option<BatchHead> {
    let Call::Certificate(call) = Invocation::decode(&record.body.call).ok()?.call else { return None };
    call.list().map(|list| BatchHead { size: u64::from(list.count), root: list.root })
}

/// URI of the document in a leaf of a batch.
pub fn leaf_uri(leaf: &[u8]) -> Option<Uri> {
    certificate_in(leaf).map(|certificate| certificate.uri)
}

/// What a status receipt says that it is about, by its first read; none if it reads no document. Proves nothing by itself.
pub fn question_of(receipt: &[u8]) -> Result<Option<Question>, CouldNotCheck> {
    let receipt = StatusReceipt::parse(receipt)?;
    Ok(receipt.reads.first().and_then(|read| {
        let key = read.key.as_str();
        if let Some(digest) = key.strip_prefix("doc/digest/") {
            return digest.parse().ok().map(Question::Digest);
        }
        if let Some(uri) = key.strip_prefix("doc/uri/") {
            return uri.parse().ok().map(Question::Uri);
        }
        let is_slot = key.starts_with("cert/number/") && key.bytes().all(|byte| byte.is_ascii_graphic());
        is_slot.then(|| Question::Slot(key.to_owned()))
    }))
}

/// The name of a status in JSON.
pub fn status_name(status: Status) -> String {
    serde_json::to_value(status).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}
