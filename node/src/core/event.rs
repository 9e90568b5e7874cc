//! What comes into the core and what it asks of the shell.

use std::collections::BTreeSet;
use std::sync::Arc;

use dalil_consensus::{BlockDemand, TimerId};
use dalil_ledger::block::{Attachment, Block, BlockId, DepartmentId, Height};
use dalil_ledger::crypto::{Hash, PublicKey};
use dalil_ledger::snapshot::{Checked, Chunk, Known, Offer, Prefix, Window, WindowBlock};
use dalil_ledger::store::{Area, Batch, Executed, LedgerView};
use dalil_ledger::transaction::SignedTransaction;
use dalil_ledger::validators::Certificate;
use serde::Serialize;

use super::cosign::Published;
use super::executor::{Built, Candidate, ExecutionError, Rejection};
use super::message::Message;
use super::progress::Progress;
use super::serve::Request;

/// A peer, by its network key.
pub type Peer = PublicKey;
/// Names one submission until it is answered.
pub type RequestId = u64;

/// What happened.
pub enum Event {
    /// A peer said something.
    Message {
        /// The authenticated peer.
        from: Peer,
        /// What it said.
        message: Box<Message>,
    },
    /// A client submits a record.
    Submit {
        /// To be used in the answer.
        request: RequestId,
        /// The record.
        record: Box<SignedTransaction>,
        /// The leaf list that it names.
        attachment: Option<Attachment>,
    },
    /// A timer fired.
    Timer(Timer),
    /// A piece of work is finished.
    Done(Done),
    /// The persist with this number, and all before it, are durable.
    Persisted(u64),
}

/// The core's timers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// One of consensus.
    Consensus(TimerId),
    /// Cosign the head again.
    Cosign,
    /// Look whether the head's cosignatures came.
    Gather,
    /// Say evidence again, and put it on the chain.
    Evidence,
    /// Look whether wanted bodies and records came.
    Fetch,
    /// Look whether the peer that was asked with this number sent its blocks.
    Sync(u64),
    /// Look whether the part of a snapshot that was asked for with this number came.
    Part(u64),
    /// Look how a snapshot gets on.
    Snapshot,
}

/// What the shell is to do.
pub enum Effect {
    /// Make durable, in order of `seq`, then report [`Event::Persisted`].
    Persist {
        /// Number, strictly increasing.
        seq: u64,
        /// What.
        persist: Persist,
    },
    /// Send to one peer.
    Send(Peer, Message),
    /// Send to every connected peer.
    Broadcast(Message),
    /// Hand in [`Event::Timer`] after so many milliseconds.
    Arm {
        /// The timer.
        timer: Timer,
        /// Milliseconds from now.
        after_ms: u64,
    },
    /// Do this on a worker and report [`Event::Done`].
    Work(Work),
    /// Answer a submission.
    Answer(RequestId, Answer),
    /// A head with a quorum of cosignatures: readers use it from now on.
    Publish(Arc<Published>),
    /// Let in these peers, and of those that the core ever named no others. What the operator configured stays.
    Admit(BTreeSet<Peer>),
    /// A peer committed a fault that can be seen from its message alone.
    Score(Peer, String),
    /// Write a line to the log.
    Log(Notice),
    /// Stop voting for ever; go on serving reads.
    Halt(String),
}

/// Worth a line in the log.
#[derive(Debug, Clone)]
pub enum Notice {
    /// A block was decided and is durable.
    Committed {
        /// Its height.
        height: Height,
        /// Its id.
        id: BlockId,
        /// Its records.
        records: usize,
        /// How it came.
        source: Source,
    },
    /// This node is behind, and how it gets on.
    CatchingUp(Progress),
    /// A snapshot was restored: it is the ledger now.
    Restored {
        /// Height of its head.
        height: Height,
        /// Id of its head.
        id: BlockId,
    },
    /// A validator contradicted itself, or certificates contradict each other.
    Evidence(String),
    /// A peer's cosignature is worth nothing.
    BadCosignature(String),
}

/// How a block came to be committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Decided here.
    Consensus,
    /// Fetched with its certificate.
    Sync,
}

/// One durable write.
pub enum Persist {
    /// Replace the sign record's file.
    SignRecord(Vec<u8>),
    /// A batch beside blocks.
    Batch(Batch),
    /// A decided block, everything that follows from it, and `also`.
    Commit {
        /// The block.
        executed: Arc<Executed>,
        /// What decided it.
        certificate: Box<Certificate>,
        /// Written in the same batch.
        also: Batch,
    },
}

/// Slow work, done apart on an immutable view.
pub enum Work {
    /// Check signature, envelope and call of records.
    Admit {
        /// The head to check on.
        view: LedgerView,
        /// Time to check at: max(now, head's + 1 ms), UTC milliseconds.
        time_ms: u64,
        /// The records.
        candidates: Vec<Candidate>,
    },
    /// Check again, after a block, whether waiting records still apply.
    Recheck {
        /// The new head.
        view: LedgerView,
        /// As for admission.
        time_ms: u64,
        /// The records.
        candidates: Vec<Candidate>,
    },
    /// Build a block.
    Build {
        /// The head.
        view: LedgerView,
        /// What is wanted.
        demand: BlockDemand,
        /// This node's department.
        proposer: DepartmentId,
        /// Records, oldest first.
        candidates: Vec<Candidate>,
    },
    /// Execute a block.
    Execute {
        /// The head.
        view: LedgerView,
        /// The block.
        block: Arc<Block>,
    },
    /// Read what a peer asked for.
    Serve {
        /// The peer.
        to: Peer,
        /// The version to read.
        view: LedgerView,
        /// What.
        request: Request,
    },
    /// Check something of a snapshot.
    Check {
        /// The peer that sent it.
        from: Peer,
        /// What it must be.
        claim: Box<Claim>,
    },
    /// Look for what replaced or abandoned snapshots left over.
    Sweep {
        /// The version that is read.
        view: LedgerView,
        /// The area of the snapshot that is being restored.
        restoring: Option<Area>,
    },
}

/// Something of a snapshot with what it is checked against.
pub enum Claim {
    /// An offer.
    Offer(Box<Offer>, Known),
    /// A chunk of the state and the hash of its subtree.
    Chunk {
        /// Block id of the snapshot's head.
        snapshot: BlockId,
        /// Where it lies.
        prefix: Prefix,
        /// The chunk.
        chunk: Chunk,
        /// Hash of the subtree there.
        expected: Hash,
    },
    /// Blocks of the window and the window that they continue.
    Window {
        /// Block id of the snapshot's head.
        snapshot: BlockId,
        /// The blocks.
        blocks: Vec<WindowBlock>,
        /// What is known above them.
        above: Window,
    },
}

/// Something of a snapshot that is proven.
pub enum Proven {
    /// An offer.
    Offer(Box<Offer>),
    /// What lies under a prefix.
    Chunk(Prefix, Checked),
    /// Blocks of the window and the window that is known with them.
    Window(Vec<WindowBlock>, Window),
}

/// What became of work.
pub enum Done {
    /// Of [`Work::Admit`], one verdict a record in order.
    Admitted(Vec<(Candidate, Result<(), Rejection>)>),
    /// Of [`Work::Recheck`]: the head it was done on and the records that no longer apply.
    Rechecked {
        /// The head.
        parent: BlockId,
        /// No longer applicable.
        dropped: Vec<(Hash, Rejection)>,
    },
    /// Of [`Work::Build`].
    Built {
        /// What was wanted.
        demand: BlockDemand,
        /// The block, if any.
        built: Built,
    },
    /// Of [`Work::Execute`].
    Executed {
        /// The head it was executed on.
        parent: BlockId,
        /// The block.
        block: Arc<Block>,
        /// Its effects, or why it is invalid.
        result: Result<Arc<Executed>, String>,
    },
    /// Of [`Work::Serve`]: what to send, if anything.
    Served {
        /// The peer.
        to: Peer,
        /// The answer.
        message: Option<Box<Message>>,
    },
    /// Of [`Work::Check`].
    Checked {
        /// The peer that sent it.
        from: Peer,
        /// The snapshot that it is a part of; none of an offer.
        snapshot: Option<BlockId>,
        /// What is proven, if this node can tell, or what is wrong with it.
        result: Result<Option<Box<Proven>>, String>,
    },
    /// Of [`Work::Sweep`]: deletions to be written; none left if empty.
    Swept(Batch),
    /// This node cannot read its own data, or may not judge the block.
    Failed(ExecutionError),
}

/// What a client is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Answer {
    /// Final: it stands in the log.
    Recorded {
        /// Transaction id.
        id: Hash,
        /// Log index.
        index: u64,
        /// Height of its block.
        height: Height,
        /// Block time, UTC milliseconds.
        timestamp_ms: u64,
    },
    /// Refused.
    Rejected(Rejection),
}
