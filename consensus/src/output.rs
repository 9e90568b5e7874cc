//! What the engine asks of the driver: one FIFO of persists and actions.

use std::sync::Arc;

use dalil_ledger::block::{Block, BlockId, Height, Round};
use dalil_ledger::crypto::Hash;
use dalil_ledger::evidence::Evidence;
use dalil_ledger::validators::{Certificate, ValidatorIndex};

use crate::event::TimerId;
use crate::evidence::Accusation;
use crate::message::Message;
use crate::record::ConsensusRecord;
use crate::sign_record::{Cosigned, SignRecord};

/// One entry of the FIFO: first `persist`, then, when it and all before it are durable, `then`.
#[derive(Debug, Clone)]
#[must_use]
pub struct Output {
    /// Number in the FIFO; strictly increasing from 1 over the life of the engine.
    pub seq: u64,
    /// What must be durable first.
    pub persist: Option<Persist>,
    /// What to do afterwards, in order.
    pub then: Vec<Action>,
}

/// One durable write.
#[derive(Debug, Clone)]
pub enum Persist {
    /// One synced batch of the database.
    Database(Box<Batch>),
    /// The sign record's file: write beside, sync, rename, sync the folder. Never part of a backup.
    SignRecord(Box<SignRecord>),
}

/// What goes into the database at once.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Replaces the consensus record.
    pub record: ConsensusRecord,
    /// Bodies that the record refers to and that were not written before, to be stored by id.
    pub blocks: Vec<Arc<Block>>,
}

/// Whether a proposer may propose a block without a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmptyBlocks {
    /// Round 0: no record, no block.
    Refused,
    /// Later rounds: a height that started must be able to end.
    Allowed,
}

/// What block a proposer wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockDemand {
    /// Height to build.
    pub height: Height,
    /// Round in which it will be proposed; not part of the block.
    pub round: Round,
    /// The head to build on.
    pub parent: BlockId,
    /// The header's timestamp: max(now, parent's + 1 ms), UTC milliseconds.
    pub timestamp_ms: u64,
    /// Whether a block without a record will do.
    pub empty: EmptyBlocks,
}

/// What the driver is to do. Indexes are places in set([`crate::Engine::height`]) at the time of the call.
#[derive(Debug, Clone)]
pub enum Action {
    /// Send to every validator and to observers. A proposal's body goes beside it in compact form
    /// ([`crate::Engine::block`]).
    Broadcast(Message),
    /// Send to one validator.
    SendTo(ValidatorIndex, Message),
    /// Hand in [`crate::Event::Timer`] with this id after so many milliseconds.
    ArmTimer {
        /// The id to hand back.
        id: TimerId,
        /// Milliseconds from now.
        after_ms: u64,
    },
    /// Fetch the body of a block by id and hand it in as [`crate::Event::Block`]. Asked again at each rebroadcast while
    /// the body is missing; the latest list of holders replaces earlier ones. A driver that is rebuilding the block from
    /// its compact form finishes that first.
    FetchBlock {
        /// The block.
        id: BlockId,
        /// Its height.
        height: Height,
        /// Validators that claim to hold it: the proposer, or the signers of a certificate.
        from: Vec<ValidatorIndex>,
    },
    /// Execute the block on `parent` and answer [`crate::Event::BlockChecked`].
    CheckBlock {
        /// Height.
        height: Height,
        /// The head to execute on.
        parent: BlockId,
        /// The block's id.
        id: BlockId,
        /// The block.
        block: Arc<Block>,
    },
    /// Build a block and answer [`crate::Event::BlockBuilt`].
    BuildBlock(BlockDemand),
    /// The height is decided (L49): commit block and certificate in one synced batch, then [`crate::Event::NewHeight`].
    Decide {
        /// The block; valid.
        block: Arc<Block>,
        /// Its commit certificate.
        certificate: Certificate,
    },
    /// Sign this checkpoint with the cosigner key and publish it; its record is durable.
    Cosign(Cosigned),
    /// A peer works on a lower height: send it that height's block and commit certificate, at a limited rate.
    PeerBehind {
        /// The peer.
        who: ValidatorIndex,
        /// The height it works on.
        height: Height,
    },
    /// Peers work on higher heights: fetch blocks. Said at once for a height beyond the next one, and again at each
    /// rebroadcast while it holds.
    Behind {
        /// The highest height reported; a hint, a faulty peer may say anything.
        height: Height,
        /// The peers that reported a higher one.
        from: Vec<ValidatorIndex>,
    },
    /// Rule 12: tell peers the leaf hashes of the oldest pending records, bounded.
    AdvertiseRecords,
    /// Rule 13: keep, gossip and record.
    Evidence(Box<Evidence>),
    /// Two certificates that get along only if members broke the lock rule: keep and show. Once a height.
    Accusation(Box<Accusation>),
    /// The peer that relayed the message at hand committed a stateless fault; score it.
    Misbehaviour {
        /// The peer as given with the message.
        from: Option<ValidatorIndex>,
        /// What was wrong.
        fault: PeerFault,
    },
    /// This node must not vote any more. The engine ignores every further event.
    Halt {
        /// Why.
        reason: HaltReason,
    },
}

/// A fault that can be seen from the message alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PeerFault {
    /// The claimed signer is not in set(h).
    #[error("signer {0} is not in the validator set")]
    UnknownSigner(usize),
    /// The signature does not verify.
    #[error("a signature of validator {0} does not verify")]
    BadSignature(usize),
    /// A proposal by a validator whose turn it is not.
    #[error("proposal by validator {got}, expected {expected}")]
    WrongProposer {
        /// proposer(h, r).
        expected: usize,
        /// The signer.
        got: usize,
    },
    /// A proposal whose polka is missing, superfluous or for something else.
    #[error("the proposal's polka does not fit it")]
    WrongPolka,
    /// A certificate of no known sort, or one that does not verify.
    #[error("the certificate proves nothing")]
    BadCertificate,
}

/// Why a node stops voting for ever.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HaltReason {
    /// A quorum vouches for a block that this node finds invalid.
    #[error(
        "block {block} at height {height} is invalid here but certified by a quorum: this node has diverged. \
         Keep its data for inspection, restore from a snapshot that other validators confirm, and compare versions"
    )]
    Diverged {
        /// Height.
        height: Height,
        /// The block.
        block: BlockId,
        /// The certificate over it.
        certificate: Box<Certificate>,
    },
    /// The head contradicts a checkpoint that this node cosigned.
    #[error(
        "log of {size} leaves has root {found} but this node cosigned root {cosigned}: the database is not the one that \
         was cosigned. Restore the right database and keep the sign record"
    )]
    ContradictsCosigned {
        /// Leaves.
        size: u64,
        /// Root of the head.
        found: Hash,
        /// Root in the sign record.
        cosigned: Hash,
    },
}

/// Why the head is not cosigned now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CosignRefused {
    /// This node signs nothing at this height.
    #[error("this node signs nothing at this height")]
    NotSigning,
    /// A lock or a precommit for a block is held: the head may no longer be the newest.
    #[error("a lock or a precommit for a block is held at this height")]
    Locked,
    /// A larger checkpoint was cosigned before.
    #[error("size {size} is below {cosigned}, which was cosigned before")]
    SizeDown {
        /// Size of the head.
        size: u64,
        /// Size cosigned.
        cosigned: u64,
    },
    /// The clock does not exceed the time cosigned at this size.
    #[error("time {time_s} s does not exceed {cosigned_s} s, which was cosigned at this size")]
    TimeNotUp {
        /// Time asked for, UTC seconds.
        time_s: u64,
        /// Time cosigned, UTC seconds.
        cosigned_s: u64,
    },
    /// Another root was cosigned at this size.
    #[error("another root was cosigned at size {size}")]
    OtherRoot {
        /// The size.
        size: u64,
    },
}

/// Collects the outputs of one call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outbox {
    next_seq: u64,
    outputs: Vec<Output>,
}

impl Outbox {
    /// Appends a write; later actions wait for it. Returns its seq.
    pub(crate) fn persist(&mut self, persist: Persist) -> u64 {
        self.push(Some(persist))
    }

    /// Appends an action.
    pub(crate) fn act(&mut self, action: Action) {
        if self.outputs.is_empty() {
            self.push(None);
        }
        if let Some(output) = self.outputs.last_mut() {
            output.then.push(action);
        }
    }

    /// The outputs so far.
    pub(crate) fn take(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.outputs)
    }

    fn push(&mut self, persist: Option<Persist>) -> u64 {
        self.next_seq += 1;
        self.outputs.push(Output { seq: self.next_seq, persist, then: Vec::new() });
        self.next_seq
    }
}
