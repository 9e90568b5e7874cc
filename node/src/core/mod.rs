//! The deterministic heart of a node: one state machine, `core.handle(event, now) -> effects`.
//!
//! Here every decision is taken: what enters the mempool, what goes to consensus, what is written before what is sent,
//! whom to ask for blocks, when to cosign. It holds no socket, clock, thread or tokio; it reads the ledger through
//! immutable views, and everything it wants done leaves as an [`Effect`]. The shell carries effects out and feeds the
//! results back; a simulator may do the same on a seeded clock, network and disk.
//!
//! `admission.rs` takes records in, `admitted.rs` says whom to let in, `driver.rs` runs consensus and commits,
//! `catch_up.rs` fetches blocks that are missing and `snapshot` the ledger where too many are, `serve.rs` gives others what
//! they ask for, `cosigning.rs` publishes heads, `evidence.rs` keeps contradictions of validators and puts them on the
//! chain. Slow work (signatures, execution) leaves as [`Work`] and comes back as [`Done`].

mod admission;
mod admitted;
mod bodies;
mod catch_up;
pub mod cosign;
mod cosigning;
mod driver;
pub mod event;
pub mod evidence;
pub mod executor;
mod fifo;
pub mod happened;
pub mod mempool;
pub mod message;
mod misses;
pub mod progress;
pub mod serve;
pub mod snapshot;
pub mod sync;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use dalil_consensus::{Config, ConsensusRecord, Engine, HeightContext, HeightKnowledge, Restored, SignRecord, Signer};
use dalil_ledger::block::{Block, BlockId, DepartmentId, Height, Round};
use dalil_ledger::checkpoint::{KeyError, KeyName, PolicyError};
use dalil_ledger::codec::{self, CANONICAL_BYTES_MAX};
use dalil_ledger::crypto::{Hash, PublicKey, SecretKey};
use dalil_ledger::evidence::Evidence;
use dalil_ledger::genesis::Parameters;
use dalil_ledger::store::{Executed, Family, Ledger, LedgerView, StoreError};
use dalil_ledger::validators::{Certificate, ValidatorIndex, ValidatorSet};
use schemars::JsonSchema;
use serde::Serialize;

pub use snapshot::SyncSettings;

pub use event::{Answer, Done, Effect, Event, Notice, Peer, Persist, RequestId, Source, Timer, Work};
use message::BLOCK_BYTES_MAX;
pub use message::Message;

use admission::Admission;
use bodies::Bodies;
use cosign::Cosigning;
use evidence::EvidenceBook;
use executor::ExecutionError;
use fifo::Fifo;
use mempool::Mempool;
use progress::{Pace, Progress};
use serve::Served;
use snapshot::Snapshots;
use sync::Sync;

/// Key of the consensus record in [`Family::Consensus`].
const RECORD_KEY: &[u8] = b"record";
/// Why this database's node diverged from the others; absent for one that did not.
const DIVERGED_KEY: &[u8] = b"diverged";
/// Prefix of the bodies that the consensus record refers to.
const BODY_PREFIX: &[u8] = b"body/";
/// Key of the newest published note.
pub const NOTE_KEY: &[u8] = b"note";

/// A validator's keys and what the consensus key has signed.
pub struct ValidatorKeys {
    /// Signs proposals and votes.
    pub consensus: SecretKey,
    /// Signs cosignatures.
    pub cosigner: SecretKey,
    /// Signs checkpoints as the log.
    pub log: SecretKey,
    /// The sign record, read from its file.
    pub record: SignRecord,
}

/// Why a node cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The ledger.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The sign record.
    #[error(transparent)]
    Sign(#[from] dalil_consensus::StartError),
    /// The node diverged from a quorum: it never votes on this database again.
    #[error(
        "this node stopped for good: {0}. To go on, move its data folder away and start it again: it fetches the chain from \
         its peers. Leave the sign record where it is"
    )]
    Diverged(String),
    /// The origin or a department is no key name.
    #[error(transparent)]
    Origin(#[from] KeyError),
    /// The validators give no policy.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// Genesis allows blocks that no message can carry: the first large one would stop the chain.
    #[error("genesis allows a block of {got} bytes with its attachments; the network carries {BLOCK_BYTES_MAX}")]
    Limits {
        /// Sum of the limits of genesis.
        got: u64,
    },
}

/// What is released by the FIFO.
enum Then {
    /// An engine's action.
    Act(Box<dalil_consensus::Action>),
    /// The engine's persist with this number is durable.
    Durable(u64),
    /// A block is durable.
    Committed { executed: Arc<Executed>, source: Source },
    /// Evidence is durable.
    Evidence(Box<Evidence>),
    /// A part of a snapshot is durable.
    PartWritten,
    /// A snapshot is the ledger.
    Restored,
    /// What was left over is deleted.
    Swept,
}

/// A decision whose block is being executed again or written.
struct Deciding {
    id: BlockId,
    certificate: Certificate,
    source: Source,
    stage: Stage,
}

/// How far a decision is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Executing,
    Writing,
}

/// Where the node stands, for operators.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Standing {
    /// Height of the head.
    pub height: Height,
    /// Id of the head.
    pub head: BlockId,
    /// Time of the head, UTC milliseconds.
    pub head_time_ms: u64,
    /// Entries in the log.
    pub log_size: u64,
    /// Round of the height being decided.
    pub round: Round,
    /// Whether this node signs, and if not, why.
    pub signing: String,
    /// The height that more than f peers report to have reached.
    pub target: Height,
    /// What the node is doing to get there.
    pub progress: Progress,
    /// Records waiting.
    pub pending: usize,
    /// Contradictions of validators that are proven: keys at heights.
    pub contradictions: usize,
    /// How many of them are not on the chain yet.
    pub contradictions_unrecorded: usize,
    /// Heights of which certificates contradict each other.
    pub accusations: usize,
    /// Why the node stopped voting, if it did.
    pub halted: Option<String>,
}

/// One node. See the module's documentation.
pub struct Core {
    chain: Hash,
    parameters: Parameters,
    origin: KeyName,
    consensus_key: Option<PublicKey>,
    cosigner: Option<(SecretKey, SecretKey)>,
    /// Signs records of evidence.
    reporter: Option<SecretKey>,
    ledger: Ledger,
    view: LedgerView,
    validators: ValidatorSet,
    /// The set before the last change.
    former_validators: ValidatorSet,
    /// The peers that the shell was told to let in.
    admitted: BTreeSet<Peer>,
    engine: Engine,
    fifo: Fifo<Then>,
    mempool: Mempool,
    admission: Admission,
    bodies: Bodies,
    executed: BTreeMap<BlockId, Arc<Executed>>,
    executing: BTreeMap<BlockId, Height>,
    /// Why blocks of this height that consensus holds are invalid.
    invalid: BTreeMap<BlockId, String>,
    deciding: Option<Deciding>,
    /// Keys of the bodies in the database that the next commit deletes.
    stored_bodies: Vec<Vec<u8>>,
    sync: Sync,
    snapshots: Snapshots,
    pace: Option<Pace>,
    /// What each peer was given since the last rebroadcast.
    served: BTreeMap<Peer, Served>,
    /// Who was given cosignatures since then.
    cosignatures_served: BTreeSet<Peer>,
    /// Of whose refused cosignatures the log has a line since then.
    cosignatures_refused: BTreeSet<Peer>,
    cosigning: Cosigning,
    gather_armed: bool,
    evidence: EvidenceBook,
    waiters: BTreeMap<Hash, Vec<RequestId>>,
    recheck_running: bool,
    proposed: Option<BlockId>,
    halted: Option<String>,
    now_ms: u64,
    effects: VecDeque<Effect>,
}

impl Core {
    /// Takes up the ledger where it is. Replay is finished on return; only then may messages be fed in.
    pub fn start(ledger: Ledger, keys: Option<ValidatorKeys>, now_ms: u64) -> Result<(Self, Vec<Effect>), StartError> {
        Self::start_with(ledger, keys, SyncSettings::default(), now_ms)
    }

    /// As [`Self::start`], with an operator's settings.
    pub fn start_with(
        ledger: Ledger,
        keys: Option<ValidatorKeys>,
        settings: SyncSettings,
        now_ms: u64,
    ) -> Result<(Self, Vec<Effect>), StartError> {
        let genesis = ledger.genesis()?;
        let limits = &genesis.parameters.limits;
        let got = u64::from(limits.bytes_max) + u64::from(limits.attachment_bytes_max);
        if got > BLOCK_BYTES_MAX as u64 {
            return Err(StartError::Limits { got });
        }
        let view = ledger.view()?;
        if let Some(why) = view.consensus(DIVERGED_KEY)? {
            return Err(StartError::Diverged(String::from_utf8_lossy(&why).into_owned()));
        }
        let validators = executor::next_validators(&view)?;
        let origin: KeyName = genesis.origin.as_str().parse()?;
        let config = Config {
            chain: genesis.chain_id(),
            timeouts: genesis.parameters.timeouts,
            drift_ms: genesis.parameters.clock_drift_ms,
        };
        let restored = restore(&view)?;
        let snapshots = Snapshots::start(&ledger, settings)?;
        let stored_bodies = stored_bodies(&ledger)?;
        let consensus_key = keys.as_ref().map(|keys| keys.consensus.public());
        let reporter = keys.as_ref().map(|keys| evidence::reporter_of(&keys.consensus));
        let (signer, cosigner) = match keys {
            None => (None, None),
            Some(ValidatorKeys { consensus, cosigner, log, record }) => {
                (Some(Signer { key: consensus, record }), Some((cosigner, log)))
            }
        };
        let former_validators = admitted::former_validators(&view, &genesis)?;
        let context = height_context(&view, &validators, HeightKnowledge::Open)?;
        let (engine, outputs) = Engine::start(config, signer, restored, context, now_ms)?;
        let mut core = Self {
            chain: genesis.chain_id(),
            parameters: genesis.parameters,
            origin,
            consensus_key,
            cosigner,
            reporter,
            ledger,
            view,
            validators,
            former_validators,
            admitted: BTreeSet::new(),
            engine,
            fifo: Fifo::default(),
            mempool: Mempool::default(),
            admission: Admission::default(),
            bodies: Bodies::default(),
            executed: BTreeMap::new(),
            executing: BTreeMap::new(),
            invalid: BTreeMap::new(),
            deciding: None,
            stored_bodies,
            sync: Sync::default(),
            snapshots,
            pace: None,
            served: BTreeMap::new(),
            cosignatures_served: BTreeSet::new(),
            cosignatures_refused: BTreeSet::new(),
            cosigning: Cosigning::default(),
            gather_armed: false,
            evidence: EvidenceBook::default(),
            waiters: BTreeMap::new(),
            recheck_running: false,
            proposed: None,
            halted: None,
            now_ms,
            effects: VecDeque::new(),
        };
        core.open_head()?;
        core.open_evidence()?;
        core.arm_cosign();
        core.consider_snapshot();
        core.sweep();
        core.enqueue(outputs);
        core.settle();
        let effects = core.effects.drain(..).collect();
        Ok((core, effects))
    }

    /// Takes one event and returns what is to be done. `now_ms` is UTC milliseconds. It may go back: a clock that ran ahead
    /// for a moment and was put right must not leave the node in the future. So nothing here waits for a time to come;
    /// waiting is what timers are for.
    pub fn handle(&mut self, event: Event, now_ms: u64) -> Vec<Effect> {
        self.now_ms = now_ms;
        match event {
            Event::Message { from, message } => self.message(from, *message),
            Event::Submit { request, record, attachment } => self.submit(request, *record, attachment),
            Event::Timer(Timer::Consensus(id)) => self.engine(dalil_consensus::Event::Timer(id)),
            Event::Timer(Timer::Cosign) => self.cosign_again(),
            Event::Timer(Timer::Gather) => self.gather(),
            Event::Timer(Timer::Evidence) => self.pursue_evidence(),
            Event::Timer(Timer::Fetch) => self.fetch_missing(),
            Event::Timer(Timer::Sync(number)) => {
                self.sync.overdue(number, self.now_ms);
                self.ask_for_blocks();
            }
            Event::Timer(Timer::Part(number)) => self.part_overdue(number),
            Event::Timer(Timer::Snapshot) => self.snapshot_tick(),
            Event::Done(done) => self.done(done),
            Event::Persisted(seq) => self.fifo.durable(seq),
        }
        self.settle();
        self.effects.drain(..).collect()
    }

    /// Where the node stands.
    pub fn standing(&self) -> Standing {
        let head = self.view.head();
        Standing {
            height: head.height,
            head: self.view.head_id(),
            head_time_ms: head.timestamp_ms,
            log_size: self.view.log_size(),
            round: self.engine.round(),
            signing: signing_words(self.engine.standing()),
            target: self.sync.credible(self.validators.max_faulty()).saturating_sub(1).max(head.height),
            progress: self.progress(),
            pending: self.mempool.len(),
            contradictions: self.evidence.places(),
            contradictions_unrecorded: self.evidence.open(),
            accusations: self.evidence.accusations(),
            halted: self.halted.clone(),
        }
    }

    fn message(&mut self, from: Peer, message: Message) {
        match message {
            Message::Consensus(message) => self.vote(from, message),
            Message::Cosignature(cosignature) => self.cosignature(from, cosignature),
            Message::Advertise(leaves) => self.advertised(from, &leaves),
            Message::FetchCosignatures(size) => self.serve_cosignatures(from, size),
            Message::Evidence(evidence) => self.evidence_arrived(from, evidence),
            Message::FetchRecords(leaves) => self.serve_records(from, &leaves),
            Message::FetchBlock(id) => self.serve_body(from, id),
            Message::FetchDecided(height) => self.serve_decided(from, height),
            Message::Records(records) => self.records_arrived(from, records),
            Message::Compact(compact) => self.compact_arrived(from, compact),
            Message::Block(block) => self.body_arrived(from, block),
            Message::Decided(blocks) => self.decided_arrived(from, blocks),
            Message::HeldFrom(height) => self.held_from(from, height),
            Message::FetchSnapshot(above) => self.serve_offer(from, above),
            Message::Snapshot(offer) => self.offer_arrived(from, offer),
            Message::FetchPart { snapshot, name } => self.serve_part(from, snapshot, name),
            Message::Part { snapshot, part } => self.part_arrived(from, snapshot, part),
            Message::SnapshotGone(snapshot) => self.snapshot_gone(&from, &snapshot),
        }
    }

    fn done(&mut self, done: Done) {
        match done {
            Done::Admitted(verdicts) => self.admitted(verdicts),
            Done::Rechecked { parent, dropped } => self.rechecked(parent, dropped),
            Done::Built { demand, built } => self.built(demand, built),
            Done::Executed { parent, block, result } => self.executed(parent, block, result),
            Done::Served { to, message } => {
                if let Some(message) = message {
                    self.effect(Effect::Send(to, *message));
                }
            }
            Done::Checked { from, snapshot, result } => self.snapshot_checked(from, snapshot, result),
            Done::Swept(batch) => self.swept(batch),
            Done::Failed(error @ ExecutionError::Protocol { .. }) => self.halt(error.to_string()),
            Done::Failed(error) => self.halt(format!(
                "this node cannot read its own data: {error}. Stop it, move its data folder away and start it again: it \
                 fetches the chain from its peers. Leave the sign record where it is"
            )),
        }
    }

    fn effect(&mut self, effect: Effect) {
        self.effects.push_back(effect);
    }

    fn halt(&mut self, reason: String) {
        if self.halted.is_none() {
            self.halted = Some(reason.clone());
            self.effect(Effect::Halt(reason));
        }
    }

    /// The place of a peer in the set that decides the present height.
    fn index_of(&self, peer: &Peer) -> Option<ValidatorIndex> {
        self.validators.iter().position(|validator| validator.network == *peer).map(ValidatorIndex)
    }

    /// This node's department, if it is a validator at the present height.
    fn department(&self) -> Option<DepartmentId> {
        let key = self.consensus_key?;
        self.validators
            .iter()
            .find(|validator| validator.consensus == key)
            .map(|validator| validator.department.clone())
    }

    fn peer_at(&self, index: ValidatorIndex) -> Option<Peer> {
        self.validators.get(index).map(|validator| validator.network)
    }

    /// Time by which a record is judged before it stands in a block.
    fn admission_time_ms(&self) -> u64 {
        self.now_ms.max(self.view.head().timestamp_ms + 1)
    }

    /// The next height's context, and the bookkeeping of a new head.
    fn open_head(&mut self) -> Result<(), StartError> {
        self.admit()?;
        let published = self.collect_head()?;
        if let Some(published) = published {
            self.publish(published);
        }
        Ok(())
    }

    /// The network key that the set names beside this node's consensus key, if it names that.
    pub fn named_network_key(&self) -> Option<PublicKey> {
        let key = self.consensus_key?;
        self.validators.iter().find(|validator| validator.consensus == key).map(|validator| validator.network)
    }
}

/// Whether this node signs, in words.
fn signing_words(standing: dalil_consensus::Standing) -> String {
    use dalil_consensus::Standing as S;
    match standing {
        S::Signs(index) => format!("yes, as validator {}", index.0),
        S::Follower => "no: it is no validator at this height".to_owned(),
        S::BelowFloor { floor } => format!("not below height {floor}, where it signed before: it is catching up"),
        S::LostLock { round } => format!("not at this height: its precommit of round {round} has lost its lock"),
        S::Quarantined => "not yet: its key came here without its sign record".to_owned(),
        S::KnownDecided => "not at this height, which is decided already".to_owned(),
    }
}

/// What consensus had written before the stop.
fn restore(view: &LedgerView) -> Result<Restored, StoreError> {
    let Some(bytes) = view.consensus(RECORD_KEY)? else { return Ok(Restored::default()) };
    let damaged = |error: codec::CodecError| StoreError::Damaged(format!("consensus record: {error}"));
    let record: ConsensusRecord = codec::decode(&bytes, CANONICAL_BYTES_MAX).map_err(damaged)?;
    let mut blocks = Vec::new();
    for id in record.block_ids() {
        if let Some(bytes) = view.consensus(&body_key(&id))? {
            blocks.push(Arc::new(codec::decode::<Block>(&bytes, CANONICAL_BYTES_MAX).map_err(damaged)?));
        }
    }
    Ok(Restored { record: Some(record), blocks })
}

/// Keys of all bodies in the database, also of those that the record no longer refers to.
fn stored_bodies(ledger: &Ledger) -> Result<Vec<Vec<u8>>, StoreError> {
    let pairs = ledger.kv().snapshot().scan(CONSENSUS, BODY_PREFIX, &[], usize::MAX)?;
    Ok(pairs.into_iter().map(|(key, _)| key).collect())
}

fn body_key(id: &BlockId) -> Vec<u8> {
    [BODY_PREFIX, &id.0].concat()
}

fn height_context(
    view: &LedgerView,
    validators: &ValidatorSet,
    knowledge: HeightKnowledge,
) -> Result<HeightContext, StoreError> {
    let head = view.head();
    Ok(HeightContext {
        height: head.height + 1,
        validators: validators.clone(),
        parent_id: view.head_id(),
        parent_time_ms: head.timestamp_ms,
        head_size: view.log_size(),
        head_root: view.log_root()?,
        knowledge,
    })
}

/// The family in which everything of this room is kept beside blocks.
const CONSENSUS: Family = Family::Consensus;
