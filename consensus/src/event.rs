//! What comes into the engine.

use std::sync::Arc;

use dalil_ledger::block::{Block, BlockId, Height, Round};
use dalil_ledger::crypto::Hash;
use dalil_ledger::validators::{ValidatorIndex, ValidatorSet};

use crate::message::Message;

/// The height to decide and the head it stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeightContext {
    /// h, one above the head's height.
    pub height: Height,
    /// set(h): it decides h and cosigns the head.
    pub validators: ValidatorSet,
    /// Id of the head.
    pub parent_id: BlockId,
    /// The head's timestamp, UTC milliseconds.
    pub parent_time_ms: u64,
    /// Leaves in the log whose last leaf is the head's header.
    pub head_size: u64,
    /// Log root at `head_size`, which is what a checkpoint of the head states.
    pub head_root: Hash,
    /// Whether the driver already knows that h is decided.
    pub knowledge: HeightKnowledge,
}

/// What the driver knows of a height when it enters it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeightKnowledge {
    /// Nothing: the height is to be decided here. The engine cosigns the head.
    Open,
    /// A verified commit certificate of this height or of a higher one is in hand (block sync). The engine signs nothing
    /// at this height and skips cosigning its head.
    Decided,
}

/// The driver's judgement of valid(b): clock-free and round-free, for ever the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Every rule of execution holds.
    Valid,
    /// Some rule fails.
    Invalid,
}

/// Which timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimerKind {
    /// T_propose (L57): waiting for a proposal.
    Propose,
    /// T_prevote (L61): waiting for a polka after mixed prevotes.
    Prevote,
    /// T_precommit (L65): waiting for a commit after mixed precommits.
    Precommit,
    /// Rule 12; armed for ever.
    Rebroadcast,
}

/// Names one arming of a timer. A firing of an earlier arming is ignored, so the shell need not cancel timers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimerId {
    /// Which timer.
    pub kind: TimerKind,
    /// Unique over the life of the engine.
    pub serial: u64,
}

/// What happened. Whatever does not fit the present height and parent is dropped.
#[derive(Debug, Clone)]
pub enum Event {
    /// A message arrived.
    Message {
        /// Place in set(h) of the authenticated peer that relayed it, h being [`crate::Engine::height`]; none if the peer
        /// is no validator.
        from: Option<ValidatorIndex>,
        /// What it said.
        message: Message,
    },
    /// The body of a block that the engine wants arrived; it matches its header's commitments.
    Block(Arc<Block>),
    /// Answer to [`crate::Action::CheckBlock`].
    BlockChecked {
        /// Height of the request.
        height: Height,
        /// Parent on which it was executed.
        parent: BlockId,
        /// The block.
        id: BlockId,
        /// valid(b).
        verdict: Verdict,
    },
    /// Answer to [`crate::Action::BuildBlock`].
    BlockBuilt {
        /// Height of the request.
        height: Height,
        /// Round of the request.
        round: Round,
        /// Parent on which it was built.
        parent: BlockId,
        /// The block, valid by construction; none if there was nothing to record and an empty block was not allowed.
        block: Option<Arc<Block>>,
    },
    /// A timer fired.
    Timer(TimerId),
    /// The persists of all outputs up to this seq are durable.
    Persisted(u64),
    /// Whether this node holds a record that still applies on the head (rule 14).
    RecordsPending(bool),
    /// The head moved, by a decision or by sync; heights may be skipped. A height that is not above the present one is
    /// ignored.
    NewHeight(HeightContext),
}
