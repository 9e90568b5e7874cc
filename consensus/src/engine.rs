//! The engine: one node's part in deciding one height after the other.

mod blocks;
mod height;
mod identity;
mod ingest;
mod past;
mod peers;
mod rules;
mod signing;
mod timers;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dalil_ledger::block::{Block, BlockId, DepartmentId, Height, Round};
use dalil_ledger::crypto::{Hash, SecretKey};
use dalil_ledger::genesis::Timeouts;
use dalil_ledger::statement;
use dalil_ledger::validators::{Certificate, ValidatorIndex};

use self::height::{AtHeight, Build};
use self::past::Past;
use self::signing::InFlight;
use self::timers::TimerState;
use crate::event::{Event, HeightContext};
use crate::message::Message;
use crate::output::{CosignRefused, Outbox, Output, Persist};
use crate::record::{Lock, PendingSignature, Restored, ValidBlock};
use crate::sign_record::{SignRecord, StartError};

/// Messages of the next height kept for one relaying peer.
const FUTURE_MESSAGES_MAX: usize = 64;

/// Places of contradictions remembered within a height, so that each is reported once.
const REPORTED_MAX: usize = 1_024;

/// What holds for the life of the engine.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// The chain id.
    pub chain: Hash,
    /// Timeouts, from genesis.
    pub timeouts: Timeouts,
    /// How far a proposal's time may be ahead of, or its sending behind, this node's clock, in milliseconds.
    pub drift_ms: u32,
}

/// A validator's consensus key with its sign record. Neither goes without the other.
#[derive(Debug, Clone)]
pub struct Signer {
    /// The consensus key.
    pub key: SecretKey,
    /// What it has signed, as read from its file.
    pub record: SignRecord,
}

/// Whether this node signs at the present height.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It signs, as this validator.
    Signs(ValidatorIndex),
    /// It has no key, or its key is not in set(h).
    Follower,
    /// The height is below the sign record's floor: the database lost blocks and is catching up.
    BelowFloor {
        /// The lowest height that may be signed.
        floor: Height,
    },
    /// The sign record holds a precommit for a block without the lock that goes with it; silent until h is decided.
    LostLock {
        /// Round of the precommit.
        round: Round,
    },
    /// The key came to this machine without its history.
    Quarantined,
    /// The height is known to be decided.
    KnownDecided,
}

/// How far the present height is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Phase {
    Running,
    /// Decided; the driver commits.
    Decided,
    /// Stopped for ever.
    Halted,
}

/// One node's Tendermint state machine. See the crate's documentation for the contract.
#[derive(Debug, Clone)]
pub struct Engine {
    config: Config,
    signer: Option<Signer>,
    context: HeightContext,
    /// This node's place in set(h).
    index: Option<ValidatorIndex>,
    standing: Standing,
    phase: Phase,
    at: AtHeight,
    in_flight: Option<InFlight>,
    /// The newest signature announced to the database, of whatever height.
    last_signature: Option<PendingSignature>,
    /// The driver holds a record that still applies.
    pending: bool,
    /// The height at which each member was heard last.
    heard: BTreeMap<DepartmentId, Height>,
    /// The height that each peer works on.
    peers: BTreeMap<ValidatorIndex, Height>,
    /// Heights reported to a key without a history.
    reports: BTreeMap<DepartmentId, Height>,
    /// Messages of the next height, by the peer that relayed them.
    future: BTreeMap<Option<ValidatorIndex>, Vec<Message>>,
    /// Contradictions of this height that were reported.
    reported: BTreeSet<(ValidatorIndex, Round, statement::Phase)>,
    /// The heights just left, which are still listened to for evidence.
    past: BTreeMap<Height, Past>,
    rebroadcast: TimerState,
    timer_serial: u64,
    now_ms: u64,
    outbox: Outbox,
}

impl Engine {
    /// Starts at the height above the database's tip. `signer` is none for a follower. `now_ms` is UTC milliseconds.
    ///
    /// Returns the first outputs. A [`StartError`] must end the process with its words.
    pub fn start(
        config: Config,
        signer: Option<Signer>,
        restored: Restored,
        context: HeightContext,
        now_ms: u64,
    ) -> Result<(Self, Vec<Output>), StartError> {
        let tip = context.height.saturating_sub(1);
        let mut outbox = Outbox::default();
        let signer = match signer {
            Some(Signer { key, record: stored }) => {
                let record = stored.clone().check_start(&key, &config.chain, tip, restored.record.as_ref())?;
                if record != stored {
                    // Before the next batch announces another signature: the record may be one behind, never two.
                    outbox.persist(Persist::SignRecord(Box::new(record.clone())));
                }
                Some(Signer { key, record })
            }
            None => None,
        };
        let mut engine = Self {
            config,
            signer,
            at: AtHeight::new(context.height),
            context: context.clone(),
            index: None,
            standing: Standing::Follower,
            phase: Phase::Running,
            in_flight: None,
            last_signature: restored.record.as_ref().and_then(|record| record.signature),
            pending: false,
            heard: BTreeMap::new(),
            peers: BTreeMap::new(),
            reports: BTreeMap::new(),
            future: BTreeMap::new(),
            reported: BTreeSet::new(),
            past: BTreeMap::new(),
            rebroadcast: TimerState::Off,
            timer_serial: 0,
            now_ms,
            outbox,
        };
        engine.enter_height(context, restored);
        // What was signed before a crash may never have left.
        engine.on_rebroadcast();
        engine.settle();
        let outputs = engine.outbox.take();
        Ok((engine, outputs))
    }

    /// Takes one event and returns what follows from it. `now_ms` is UTC milliseconds.
    pub fn handle(&mut self, event: Event, now_ms: u64) -> Vec<Output> {
        if self.phase == Phase::Halted {
            return Vec::new();
        }
        self.now_ms = now_ms;
        match event {
            Event::Message { from, message } => self.on_message(from, message),
            Event::Block(block) => self.on_block(block),
            Event::BlockChecked { height, parent, id, verdict } if self.is_here(height, parent) => {
                self.at.blocks.judge(id, verdict);
            }
            Event::BlockBuilt { height, round, parent, block } if self.is_here(height, parent) => {
                self.on_built(round, block);
            }
            // Work of a height or parent that is no longer the head's.
            Event::BlockChecked { .. } | Event::BlockBuilt { .. } => {}
            Event::Timer(id) => self.on_timer(id),
            Event::Persisted(seq) => self.on_persisted(seq),
            Event::RecordsPending(pending) => {
                self.pending = pending;
                if pending && self.at.build == Build::Closed {
                    self.at.build = Build::Open;
                }
            }
            Event::NewHeight(context) if context.height > self.context.height => {
                self.enter_height(context, Restored::default());
            }
            Event::NewHeight(_) => {}
        }
        self.settle();
        self.outbox.take()
    }

    fn is_here(&self, height: Height, parent: BlockId) -> bool {
        self.phase == Phase::Running && height == self.context.height && parent == self.context.parent_id
    }

    /// Cosigns the head again, at `now_ms` rounded down to seconds. The driver calls it at the genesis parameter's
    /// interval while nothing is recorded; the first time at each head the engine does it by itself.
    pub fn cosign(&mut self, now_ms: u64) -> Result<Vec<Output>, CosignRefused> {
        if self.phase != Phase::Running {
            return Err(CosignRefused::NotSigning);
        }
        self.now_ms = now_ms;
        self.cosign_head()?;
        Ok(self.outbox.take())
    }

    /// The height being decided.
    pub fn height(&self) -> Height {
        self.context.height
    }

    /// The round of it.
    pub fn round(&self) -> Round {
        self.at.round
    }

    /// The height's context.
    pub fn context(&self) -> &HeightContext {
        &self.context
    }

    /// Whether this node signs at the present height, and if not, why.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// locked, for the operator's view.
    pub fn locked(&self) -> Option<Lock> {
        self.at.locked
    }

    /// valid, for the operator's view.
    pub fn valid(&self) -> Option<&ValidBlock> {
        self.at.valid.as_ref()
    }

    /// The commit certificate of the present height, if one is held: a driver that missed the decision can sync by it.
    pub fn commit(&self) -> Option<&Certificate> {
        self.at.tally.commit()
    }

    /// The sign record as it will be when every output is durable; none for a follower.
    pub fn sign_record(&self) -> Option<&SignRecord> {
        self.signer.as_ref().map(|signer| &signer.record)
    }

    /// A body that the engine holds at this height, for serving peers.
    pub fn block(&self, id: &BlockId) -> Option<Arc<Block>> {
        self.at.blocks.body(id).cloned()
    }
}
