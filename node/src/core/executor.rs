//! Builds, validates and executes blocks: pure functions of a parent's view, a time and a list of records.
//!
//! A block holds valid records only. Building drops what does not apply; validating refuses the block for it. Both run
//! the same code, so a block that one node builds is valid on every other.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use dalil_contracts::authority::Place;
use dalil_contracts::authority::upgrade::{PROTOCOL_VERSION, Protocol};
use dalil_contracts::{Closing, Context, Invocation, Outcome, Refusal, apply, authority, close_block};
use dalil_ledger::block::{Attachment, Block, DepartmentId, Entry, HEADER_VERSION, Header, Height, ids_hash};
use dalil_ledger::crypto::Hash;
use dalil_ledger::genesis::Parameters;
use dalil_ledger::log::{self, leaf_hash};
use dalil_ledger::state::{Overlay, ReadCache, StateError, StateView, commitment};
use dalil_ledger::store::{Executed, LedgerView, StoreError};
use dalil_ledger::transaction::{EXPIRY_WINDOW_MS, RECORD_BYTES_MAX, SignedTransaction};
use dalil_ledger::validators::ValidatorSet;
use serde::Serialize;

use super::happened::Happened;

/// A record with the leaf list it names, if it names one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The record.
    pub record: Arc<SignedTransaction>,
    /// Transaction id.
    pub id: Hash,
    /// Leaf hash of its log entry.
    pub leaf: Hash,
    /// Canonical length of the entry, in bytes.
    pub bytes: usize,
    /// The leaf list of a batch.
    pub attachment: Option<Arc<Attachment>>,
}

impl Candidate {
    /// Computes id, leaf hash and length.
    pub fn new(record: SignedTransaction, attachment: Option<Attachment>) -> Self {
        let entry = Entry::Record(record.clone()).encode();
        Self {
            id: record.id(),
            leaf: leaf_hash(&entry),
            bytes: entry.len(),
            record: Arc::new(record),
            attachment: attachment.map(Arc::new),
        }
    }

    /// Bytes that it takes, attachment included.
    pub fn weight(&self) -> usize {
        self.bytes + self.list_bytes()
    }

    /// Bytes of the leaf list.
    pub fn list_bytes(&self) -> usize {
        self.attachment.as_ref().map_or(0, |attachment| attachment.weight())
    }

    /// Whether the leaf list is the one that the record names, and there is none where it names none. The leaf hash does not
    /// say so: it is of the record alone.
    pub fn has_named_list(&self) -> bool {
        named_list(&self.record) == self.attachment.as_ref().map(|attachment| attachment.root())
    }
}

/// The root of the leaf list that a record names; none if it names none, or makes no call that is known.
fn named_list(record: &SignedTransaction) -> Option<Hash> {
    Invocation::decode(&record.body.call).ok().and_then(|invocation| invocation.attachment_root())
}

/// Whether a record and its leaf list may stand in a block at all, by their lengths.
pub fn check_size(candidate: &Candidate, parameters: &Parameters) -> Result<(), Rejection> {
    let list = candidate.list_bytes();
    let limits = &parameters.limits;
    if candidate.bytes > RECORD_BYTES_MAX || candidate.bytes > limits.bytes_max as usize {
        return Err(Rejection::new("T_SIZE", format!("{} bytes, at most {RECORD_BYTES_MAX}", candidate.bytes)));
    }
    if list > limits.attachment_bytes_max as usize {
        let max = limits.attachment_bytes_max;
        return Err(Rejection::new("T_SIZE", format!("a leaf list of {list} bytes, at most {max}")));
    }
    Ok(())
}

/// Says whether a record's signature is good. Shared by mempool and execution, so each is checked once.
pub trait Signatures: Send + Sync {
    /// Whether the signature under `record`, whose entry has `leaf` as its leaf hash, verifies.
    fn verify(&self, leaf: &Hash, record: &SignedTransaction) -> bool;

    /// Told before each of `candidates` is asked for: a chance to check them side by side.
    fn prepare(&self, _candidates: &[Candidate]) {}
}

/// Why a record does not belong on the chain. The code is a rule's, or one of the envelope's (`T_…`).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
#[error("{code}: {message}")]
pub struct Rejection {
    /// Stable code.
    pub code: String,
    /// What was wrong, in plain words.
    pub message: String,
}

impl Rejection {
    /// A rejection of the envelope.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into() }
    }
}

/// Why a block is not valid, or could not be judged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExecutionError {
    /// The block breaks a rule: the same on every node.
    #[error("invalid block: {0}")]
    Invalid(String),
    /// The departments decided on a protocol that this program does not follow: it may not judge the block.
    #[error(
        "from height {height} on blocks follow protocol version {version}, and this program follows {PROTOCOL_VERSION}: \
         install the release that the departments voted for and start it on the same folder"
    )]
    Protocol {
        /// The height of the block.
        height: Height,
        /// The version that judges it.
        version: u32,
    },
    /// This node could not read its own data: no verdict.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// As above.
    #[error(transparent)]
    State(#[from] StateError),
}

enum Trouble {
    Rejected(Rejection),
    State(StateError),
    Store(StoreError),
}

impl From<StateError> for Trouble {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

fn rejected<T>(code: &str, message: impl Into<String>) -> Result<T, Trouble> {
    Err(Trouble::Rejected(Rejection::new(code, message)))
}

/// The set that decides the block above `view`, and cosigns its head.
pub fn next_validators(view: &LedgerView) -> Result<ValidatorSet, StoreError> {
    let set: Option<ValidatorSet> = view.state_value(&authority::validators_key())?;
    set.ok_or_else(|| StoreError::Damaged("the state names no validators".to_owned()))
}

/// Refuses to judge a block above `view`, whose state is `reads`, by other rules than those in force there. Asked before each block is built or
/// executed, and before a record is judged for it.
fn require_known_protocol(view: &LedgerView, reads: &dyn StateView) -> Result<(), ExecutionError> {
    let height = view.head().height + 1;
    let version = Protocol::read(reads)?.at(height);
    if version > PROTOCOL_VERSION { Err(ExecutionError::Protocol { height, version }) } else { Ok(()) }
}

/// A block under construction: the state so far and what has been counted.
struct Draft<'a> {
    view: &'a LedgerView,
    parameters: Parameters,
    time_ms: u64,
    overlay: Overlay<'a>,
    records: Vec<SignedTransaction>,
    leaves: Vec<Hash>,
    ids: Vec<(Hash, u64)>,
    seen: BTreeSet<Hash>,
    attachments: Vec<Attachment>,
    record_bytes: usize,
    attachment_bytes: usize,
    subjects: Vec<(dalil_ledger::document::SubjectId, u64)>,
    events: Vec<(u64, Vec<u8>)>,
}

/// Whether a record that was refused may be tried again in a later block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Full {
    /// The block is full; the record may fit the next one.
    Yes,
    /// There is room.
    No,
}

impl<'a> Draft<'a> {
    /// `reads` is the state of `view`.
    fn new(view: &'a LedgerView, reads: &'a ReadCache<'_>, parameters: Parameters, time_ms: u64) -> Self {
        Self {
            view,
            parameters,
            time_ms,
            overlay: Overlay::new(reads),
            records: Vec::new(),
            leaves: Vec::new(),
            ids: Vec::new(),
            seen: BTreeSet::new(),
            attachments: Vec::new(),
            record_bytes: 0,
            attachment_bytes: 0,
            subjects: Vec::new(),
            events: Vec::new(),
        }
    }

    fn room_for(&self, candidate: &Candidate) -> Full {
        let limits = &self.parameters.limits;
        let attachment = candidate.list_bytes();
        let fits = self.record_bytes + candidate.bytes <= limits.bytes_max as usize
            && self.records.len() < limits.records_max as usize
            && self.attachment_bytes + attachment <= limits.attachment_bytes_max as usize
            && self.overlay.operations() < u64::from(limits.state_operations_max);
        if fits { Full::No } else { Full::Yes }
    }

    /// Applies one record, or leaves the draft as it was.
    fn push(&mut self, candidate: &Candidate, signatures: &dyn Signatures) -> Result<Outcome, Trouble> {
        let record = &candidate.record;
        let id = candidate.id;
        check_envelope(self.view, candidate, &id, self.time_ms)?;
        if self.seen.contains(&id) {
            return rejected("T_DUPLICATE", "the same transaction stands earlier in this block");
        }
        if !signatures.verify(&candidate.leaf, record) {
            return rejected("T_SIGNATURE", "the signature does not verify under the signer's key");
        }
        let attachments = candidate.attachment.as_deref().map(std::slice::from_ref).unwrap_or_default();
        let index = self.view.log_size() + self.records.len() as u64;
        let (outcome, changes, operations) = run(&self.overlay, self.view, self.time_ms, index, record, attachments)?;
        self.overlay.merge(changes, operations);
        self.subjects.extend(outcome.subjects.iter().map(|subject| (subject.clone(), index)));
        self.note(index, outcome.place.clone(), &outcome.events);
        self.record_bytes += candidate.bytes;
        if let Some(attachment) = &candidate.attachment {
            self.attachment_bytes += attachment.weight();
            self.attachments.push(Attachment::clone(attachment));
        }
        self.seen.insert(id);
        self.ids.push((id, record.body.expires_at_ms));
        self.leaves.push(candidate.leaf);
        self.records.push(SignedTransaction::clone(record));
        Ok(outcome)
    }

    /// Notes what happened at a log index.
    fn note(&mut self, index: u64, place: Option<Place>, events: &[dalil_contracts::Event]) {
        if !events.is_empty() {
            let happened = Happened::new(self.height(), self.time_ms, place, events);
            self.events.push((index, happened.encode()));
        }
    }

    fn height(&self) -> Height {
        self.view.head().height + 1
    }

    /// What the block does after its last record. What happens then stands at the log index of its header.
    fn close(&mut self) -> Result<(), StateError> {
        let (parent, height) = (self.view.head_id(), self.height());
        let (time_ms, parameters, origin) = (self.time_ms, &self.parameters, self.view.origin());
        let closing = Closing { height, time_ms, parent, parameters, origin };
        let events = close_block(&mut self.overlay, &closing)?;
        self.note(self.view.log_size() + self.records.len() as u64, None, &events);
        Ok(())
    }

    /// A block without records is always within: what closing it takes is bounded by the contracts.
    fn within_limits(&self) -> bool {
        let limits = &self.parameters.limits;
        let operations = self.overlay.operations() <= u64::from(limits.state_operations_max);
        self.record_bytes <= limits.bytes_max as usize
            && self.records.len() <= limits.records_max as usize
            && self.attachment_bytes <= limits.attachment_bytes_max as usize
            && (operations || self.records.is_empty())
    }

    /// Makes the block, once it is closed.
    fn finish(self, proposer: DepartmentId) -> Result<Executed, ExecutionError> {
        let parent = self.view.head();
        let mut frontier = log::frontier_at(self.view, self.view.log_size())
            .map_err(|error| StoreError::Damaged(error.to_string()))?;
        let mut nodes = frontier.append(self.leaves);
        let records_root = frontier.root();
        let next_validators: Option<ValidatorSet> = self.overlay.get_value(&authority::validators_key())?;
        let next_validators = next_validators.ok_or_else(|| StateError("the state names no validators".to_owned()))?;
        let changes = self.overlay.into_changes();
        let (state_root, pages) = commitment::update(self.view, &changes)?;
        let header = Header {
            version: HEADER_VERSION,
            chain: parent.chain,
            height: parent.height + 1,
            parent: self.view.head_id(),
            timestamp_ms: self.time_ms,
            proposer,
            first_entry: self.view.log_size(),
            record_count: self.records.len() as u32,
            records_root,
            ids_hash: ids_hash(&self.ids),
            attachments_root: Block::attachments_root(&self.attachments),
            state_root,
            validators_hash: parent.next_validators_hash,
            next_validators_hash: next_validators.hash(),
        };
        let block = Block { header, records: self.records, attachments: self.attachments };
        nodes.extend(frontier.append([block.id()]));
        let (subjects, events) = (self.subjects, self.events);
        Ok(Executed { block: Arc::new(block), changes, pages, nodes, subjects, events, next_validators })
    }
}

/// Checks everything about a record but its signature and its call.
fn check_envelope(view: &LedgerView, candidate: &Candidate, id: &Hash, time_ms: u64) -> Result<(), Trouble> {
    let body = &candidate.record.body;
    let chain = view.head().chain;
    if candidate.bytes > RECORD_BYTES_MAX {
        return rejected("T_SIZE", format!("{} bytes, at most {RECORD_BYTES_MAX}", candidate.bytes));
    }
    if body.chain != chain {
        return rejected("T_CHAIN", format!("meant for chain {}, this is {chain}", body.chain));
    }
    if body.expires_at_ms <= view.head().timestamp_ms {
        return rejected("T_EXPIRED", format!("expired at {}, it is {time_ms}", body.expires_at_ms));
    }
    // A block of an earlier time that holds it may still be decided.
    if body.expires_at_ms <= time_ms {
        let expiry = body.expires_at_ms;
        return rejected(
            "T_UNDECIDED",
            format!(
                "expired at {expiry}, it is {time_ms}; whether a block took it in time is settled once the chain's head is \
                 later than that: ask for it by its id, and sign no other until then"
            ),
        );
    }
    if body.expires_at_ms > time_ms.saturating_add(EXPIRY_WINDOW_MS) {
        return rejected(
            "T_EXPIRY_FAR",
            format!("expires at {}, more than an hour ahead of {time_ms}", body.expires_at_ms),
        );
    }
    if let Some(index) = view.index_of(id)? {
        return rejected("T_DUPLICATE", format!("already recorded at log index {index}"));
    }
    Ok(())
}

/// Applies the call of a record on `base`.
fn run(
    base: &dyn StateView,
    view: &LedgerView,
    time_ms: u64,
    index: u64,
    record: &SignedTransaction,
    attachments: &[Attachment],
) -> Result<(Outcome, dalil_ledger::state::Changes, u64), Trouble> {
    let invocation = match Invocation::decode(&record.body.call) {
        Ok(invocation) => invocation,
        Err(error) => return rejected("T_CALL", format!("unknown or malformed kind of record: {error}")),
    };
    let named = invocation.attachment_root();
    if named != attachments.first().map(Attachment::root) {
        return rejected("T_ATTACHMENT", "the batch's leaf list is missing, superfluous or not the one that is named");
    }
    let context = Context {
        chain: view.head().chain,
        height: view.head().height + 1,
        time_ms,
        record: index,
        signer: record.body.signer,
        attachments,
    };
    let mut overlay = Overlay::new(base);
    // A rule that panics is a fault of this program, and the same on every node that runs it: the record belongs in no
    // block, and stops nothing else.
    match catch_unwind(AssertUnwindSafe(|| apply(&mut overlay, &context, &invocation))) {
        Ok(Ok(outcome)) => {
            let operations = overlay.operations();
            Ok((outcome, overlay.into_changes(), operations))
        }
        Ok(Err(Refusal::Rule(reject))) => Err(Trouble::Rejected(Rejection::new(reject.code, reject.message))),
        Ok(Err(Refusal::State(error))) => Err(Trouble::State(error)),
        Err(_) => rejected("T_INTERNAL", "this node failed to judge the record; its log says where"),
    }
}

/// What building a block came to.
pub struct Built {
    /// The block with its effects; none if nothing applied and an empty block was not allowed.
    pub executed: Option<Executed>,
    /// Records that do not apply, and why.
    pub dropped: Vec<(Hash, Rejection)>,
}

/// Whether a block without records is wanted.
pub use dalil_consensus::EmptyBlocks;

/// Builds a block on `view` from as many of `candidates`, in order, as apply and fit.
pub fn build(
    view: &LedgerView,
    parameters: Parameters,
    time_ms: u64,
    proposer: DepartmentId,
    candidates: &[Candidate],
    signatures: &dyn Signatures,
    empty: EmptyBlocks,
) -> Result<Built, ExecutionError> {
    require_known_protocol(view, view)?;
    let reads = ReadCache::new(view);
    let mut draft = Draft::new(view, &reads, parameters, time_ms);
    let mut dropped = Vec::new();
    let mut taken = Vec::new();
    for candidate in candidates {
        if draft.room_for(candidate) == Full::Yes {
            continue;
        }
        match draft.push(candidate, signatures) {
            Ok(_) => taken.push(candidate.clone()),
            Err(Trouble::Rejected(rejection)) => dropped.push((candidate.leaf, rejection)),
            Err(Trouble::State(error)) => return Err(error.into()),
            Err(Trouble::Store(error)) => return Err(error.into()),
        }
    }
    draft.close()?;
    // The last record may have pushed the count of state operations over its limit: it waits for the next block.
    if !draft.within_limits() {
        taken.pop();
        let built = build(view, parameters, time_ms, proposer, &taken, signatures, empty)?;
        return Ok(Built { dropped, ..built });
    }
    let executed =
        if draft.records.is_empty() && empty == EmptyBlocks::Refused { None } else { Some(draft.finish(proposer)?) };
    Ok(Built { executed, dropped })
}

/// Executes a block that somebody else built, and checks every commitment of its header: valid(b) of consensus.
pub fn execute(
    view: &LedgerView,
    parameters: Parameters,
    block: &Arc<Block>,
    signatures: &dyn Signatures,
) -> Result<Executed, ExecutionError> {
    require_known_protocol(view, view)?;
    let invalid = |what: String| Err(ExecutionError::Invalid(what));
    let header = &block.header;
    let parent = view.head();
    if header.parent != view.head_id() || header.height != parent.height + 1 {
        return invalid(format!("block {} at height {} does not follow the head", block.id(), header.height));
    }
    if header.timestamp_ms <= parent.timestamp_ms {
        return invalid("its time does not follow its parent's".to_owned());
    }
    let deciders = next_validators(view)?;
    if deciders.index_of(&header.proposer).is_none() {
        return invalid(format!("{} is no validator at height {}", header.proposer, header.height));
    }
    let mut attachments = block.attachments.iter();
    let candidate = |record: &SignedTransaction| {
        Candidate::new(record.clone(), named_list(record).and_then(|_| attachments.next().cloned()))
    };
    let candidates: Vec<_> = block.records.iter().map(candidate).collect();
    signatures.prepare(&candidates);
    let reads = ReadCache::new(view);
    let mut draft = Draft::new(view, &reads, parameters, header.timestamp_ms);
    for candidate in &candidates {
        match draft.push(candidate, signatures) {
            Ok(_) => {}
            Err(Trouble::Rejected(rejection)) => return invalid(format!("record {}: {rejection}", candidate.leaf)),
            Err(Trouble::State(error)) => return Err(error.into()),
            Err(Trouble::Store(error)) => return Err(error.into()),
        }
    }
    if attachments.next().is_some() {
        return invalid("an attachment that no record names".to_owned());
    }
    draft.close()?;
    if !draft.within_limits() {
        return invalid("over a limit of genesis".to_owned());
    }
    let executed = draft.finish(header.proposer.clone())?;
    if executed.block.header != *header {
        return invalid(format!(
            "its header commits to other results: {header:?}, computed {:?}",
            executed.block.header
        ));
    }
    Ok(Executed { block: block.clone(), ..executed })
}

/// Whether a block's body is the one its header commits to, apart from its execution. A mismatch is missing data.
pub fn body_matches(block: &Block) -> bool {
    block.header.record_count as usize == block.records.len()
        && Block::ids_hash(&block.records) == block.header.ids_hash
        && Block::attachments_root(&block.attachments) == block.header.attachments_root
}

/// Judges a single record on `view` as if it stood alone in a block at `time_ms`. `reads` is the state of `view`, to be
/// shared by the records that are judged together.
pub fn dry_run(
    view: &LedgerView,
    reads: &ReadCache<'_>,
    parameters: Parameters,
    time_ms: u64,
    candidate: &Candidate,
    signatures: &dyn Signatures,
) -> Result<Result<Outcome, Rejection>, ExecutionError> {
    require_known_protocol(view, reads)?;
    let mut draft = Draft::new(view, reads, parameters, time_ms);
    if draft.room_for(candidate) == Full::Yes {
        return Ok(Err(Rejection::new("T_SIZE", "the record or its leaf list is larger than a block may be")));
    }
    let pushed = draft.push(candidate, signatures);
    if pushed.is_ok() {
        draft.close()?;
    }
    match pushed {
        Ok(_) if !draft.within_limits() => {
            Ok(Err(Rejection::new("T_SIZE", "the record reads and writes more of the state than a block may")))
        }
        Ok(outcome) => Ok(Ok(outcome)),
        Err(Trouble::Rejected(rejection)) => Ok(Err(rejection)),
        Err(Trouble::State(error)) => Err(error.into()),
        Err(Trouble::Store(error)) => Err(error.into()),
    }
}
