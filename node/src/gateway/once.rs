//! One request, one record: what a request comes to, whatever was cut short before.
//!
//! | The node stopped | The retry finds | and |
//! |---|---|---|
//! | before the entry was durable | nothing: nothing was handed in | signs |
//! | after it, before or after handing in | the entry, the record not on record, not lapsed | hands in the very same record: the chain takes an id once |
//! | after the block | the id on record | answers |
//! | and the record lapsed meanwhile | the entry; the head's time is past the expiry and the id is not on record | signs anew: every later block is later still, so the first one is dead |
//! | and the head has not come so far | the entry, lapsed by the clock alone | hands in the same record, which admission refuses: a block in between could still hold it |
//! | and a snapshot was restored after the record lapsed | the entry; ids so old are not held | refuses: another node knows |

use dalil_ledger::crypto::Hash;
use dalil_ledger::store::{Base, LedgerView, StoreError};
use dalil_ledger::transaction::SignedTransaction;

use super::book::{Book, BookError};

/// What the chain says at one head.
pub trait Chain {
    /// The log index of the record with transaction id `id`.
    fn index_of(&self, id: &Hash) -> Result<Option<u64>, StoreError>;
    /// Time of the head, UTC milliseconds.
    fn head_time_ms(&self) -> u64;
    /// Of records that lapsed by then, UTC milliseconds, [`Self::index_of`] may not know; zero where it knows all.
    fn knows_from_ms(&self) -> Result<u64, StoreError>;
}

impl Chain for LedgerView {
    fn index_of(&self, id: &Hash) -> Result<Option<u64>, StoreError> {
        self.index_of(id)
    }

    fn head_time_ms(&self) -> u64 {
        self.head().timestamp_ms
    }

    fn knows_from_ms(&self) -> Result<u64, StoreError> {
        // A snapshot brings the ids that were alive at its head.
        let base = self.base();
        if base == Base::default() {
            return Ok(0);
        }
        Ok(self.header(base.height)?.map_or(u64::MAX, |header| header.timestamp_ms))
    }
}

/// What a request comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Hand this in.
    HandIn(Box<SignedTransaction>, Attempt),
    /// It is on record.
    Recorded {
        /// Transaction id.
        id: Hash,
        /// Log index.
        index: u64,
    },
}

/// Whether a record was signed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// It was: nobody else has seen it.
    First,
    /// It was signed for an earlier attempt, which may have handed it in.
    Repeated,
}

/// Why a request comes to nothing now.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The key belongs to another request.
    #[error(
        "this Idempotency-Key was used for another request; give each request a key of its own, and the same one only when sending the same request again"
    )]
    OtherRequest,
    /// It was handed in so long ago that this node does not know what became of it.
    #[error(
        "this node was restored from a snapshot and does not know whether record {id} was taken: ask another node for /v1/records/{id}"
    )]
    NotKnownHere {
        /// Transaction id.
        id: Hash,
    },
    /// The book cannot be kept.
    #[error(transparent)]
    Book(#[from] BookError),
    /// The node cannot read its own data.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system gives no randomness for a salt.
    #[error("the record cannot be signed: {0}")]
    Sign(anyhow::Error),
}

/// What the request `request`, sent under `key`, comes to; `sign` makes a record that no call before has returned.
pub fn settle(
    book: &mut Book,
    key: Hash,
    request: Hash,
    chain: &impl Chain,
    sign: impl FnOnce() -> anyhow::Result<SignedTransaction>,
) -> Result<Step, Refused> {
    let head_ms = chain.head_time_ms();
    if let Some(held) = book.find(&key, head_ms) {
        let id = held.id;
        if held.request != request {
            return Err(Refused::OtherRequest);
        }
        if let Some(index) = chain.index_of(&id)? {
            return Ok(Step::Recorded { id, index });
        }
        if head_ms < held.expires_at_ms {
            return Ok(Step::HandIn(Box::new(book.read(held)?), Attempt::Repeated));
        }
        if held.expires_at_ms <= chain.knows_from_ms()? {
            return Err(Refused::NotKnownHere { id });
        }
    }
    let record = sign().map_err(Refused::Sign)?;
    book.enter(key, request, &record, head_ms)?;
    Ok(Step::HandIn(Box::new(record), Attempt::First))
}
