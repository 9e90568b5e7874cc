//! Contradictions of consensus keys (rule 13): kept, passed on, put on the chain, shown to whoever asks.
//!
//! The engine finds them or a peer sends them. What a peer sends is judged as the chain will judge it (A9): the key must
//! have been in the set of that height, by the state of the head, and both signatures must be good. It is durable before
//! it is passed on, once; after that all that is not on record yet is said again slowly, for those who were away.
//!
//! Every validator makes the record that puts a contradiction on the chain, but not at once: they take turns by their
//! place in the set, so that mostly one record is made, and a validator that does nothing hinders nobody. The records are
//! signed with a key of this purpose alone, derived from the consensus key: the chain takes evidence from anybody.
//!
//! Bounded whatever arrives: one piece a position, [`EVIDENCE_PER_HEIGHT_MAX`] a key and height,
//! [`EVIDENCE_PER_KEY_MAX`] a key, and only of keys that were a validator's. The first ones stay.

use std::collections::BTreeMap;

use dalil_consensus::{Accusation, Evidence, Position};
use dalil_contracts::authority::evidence::{
    ANYBODY, EVIDENCE_PREFIX, RecordedEvidence, accused, recorded, require_open,
};
use dalil_contracts::authority::{AuthorityCall, ConsensusKey};
use dalil_contracts::{Call, Invocation, Refusal};
use dalil_ledger::block::Height;
use dalil_ledger::codec::{self, CANONICAL_BYTES_MAX};
use dalil_ledger::crypto::{Hash, PublicKey, SecretKey, sha256};
use dalil_ledger::state::Overlay;
use dalil_ledger::store::{Batch, Executed, Family, Snapshot, StoreError};
use dalil_ledger::transaction::TransactionBody;

use super::event::{Effect, Notice, Peer, Persist, Timer};
use super::message::Message;
use super::{CONSENSUS, Core, Then};

/// The most pieces kept of one key and height.
pub const EVIDENCE_PER_HEIGHT_MAX: usize = 4;
/// The most pieces kept of one key. Those on the chain, which has a bound of its own, are kept in any case.
pub const EVIDENCE_PER_KEY_MAX: usize = 256;
/// The most heights of which an accusation is kept.
pub const ACCUSATIONS_MAX: usize = 64;

/// What is not on record yet is said again every so many rebroadcast intervals.
const SAY_AGAIN_INTERVALS: u64 = 10;
/// The most pieces said again at a time.
const SAID_AGAIN_MAX: usize = 32;
/// The most records under way at a time.
const RECORDS_MAX: usize = 16;
/// How long such a record may wait for its block, in milliseconds. One that lapsed is made again.
const RECORD_LIFE_MS: u64 = 10 * 60_000;

/// Keys of evidence in [`Family::Consensus`] begin with this.
const EVIDENCE: &[u8] = b"evidence/";
/// Keys of accusations begin with this; the height follows.
const ACCUSATION: &[u8] = b"accusation/";

/// What one record of the chain is about.
type Place = (Height, PublicKey);

/// How far a contradiction that is not on record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Open {
    /// Rebroadcast intervals until this node makes a record.
    intervals: u64,
    /// Leaf hash of the record that it made last.
    made: Option<Hash>,
}

/// The contradictions that this node holds.
#[derive(Debug, Default)]
pub(super) struct EvidenceBook {
    held: BTreeMap<Place, BTreeMap<Position, Evidence>>,
    per_key: BTreeMap<PublicKey, usize>,
    /// Not on record yet.
    open: BTreeMap<Place, Open>,
    accusations: BTreeMap<Height, Accusation>,
    /// Since the start.
    intervals: u64,
    armed: bool,
}

fn place_of(evidence: &Evidence) -> Place {
    (evidence.height(), evidence.key)
}

fn store_key(evidence: &Evidence) -> Vec<u8> {
    let Position { height, round, phase } = evidence.position();
    [EVIDENCE, &height.to_be_bytes(), &evidence.key.0, &round.to_be_bytes(), &[phase as u8]].concat()
}

fn accusation_key(height: Height) -> Vec<u8> {
    [ACCUSATION, &height.to_be_bytes()].concat()
}

impl EvidenceBook {
    fn is_held(&self, evidence: &Evidence) -> bool {
        self.held.get(&place_of(evidence)).is_some_and(|pieces| pieces.contains_key(&evidence.position()))
    }

    /// Whether a piece is new and there is room for it.
    fn wants(&self, evidence: &Evidence) -> bool {
        let at_height = self.held.get(&place_of(evidence)).map_or(0, BTreeMap::len);
        let of_key = self.per_key.get(&evidence.key).copied().unwrap_or_default();
        !self.is_held(evidence) && at_height < EVIDENCE_PER_HEIGHT_MAX && of_key < EVIDENCE_PER_KEY_MAX
    }

    fn insert(&mut self, evidence: Evidence) {
        let pieces = self.held.entry(place_of(&evidence)).or_default();
        if pieces.insert(evidence.position(), evidence).is_none() {
            *self.per_key.entry(evidence.key).or_default() += 1;
        }
    }

    /// The first piece of each of the oldest places that are not on record.
    fn unrecorded(&self, count: usize) -> Vec<Evidence> {
        let first = |place: &Place| self.held.get(place).and_then(|pieces| pieces.values().next()).copied();
        self.open.keys().filter_map(first).take(count).collect()
    }

    /// How many contradictions are held: keys at heights.
    pub(super) fn places(&self) -> usize {
        self.held.len()
    }

    /// How many of them are not on record.
    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    /// How many accusations are held.
    pub(super) fn accusations(&self) -> usize {
        self.accusations.len()
    }
}

/// The key that signs records of evidence and nothing else.
pub(super) fn reporter_of(consensus: &SecretKey) -> SecretKey {
    consensus.derive("reporter")
}

fn decoded<T: codec::Canonical>(bytes: &[u8], what: &str) -> Result<T, StoreError> {
    codec::decode(bytes, CANONICAL_BYTES_MAX).map_err(|error| StoreError::Damaged(format!("{what}: {error}")))
}

/// Up to `limit` pieces of evidence that a node holds, oldest height first, each with its place in the list; those after
/// `after`, if that is given.
pub fn evidence_held(
    snapshot: &dyn Snapshot,
    after: Option<&[u8]>,
    limit: usize,
) -> Result<Vec<(Vec<u8>, Evidence)>, StoreError> {
    // The next key in order.
    let from = after.map(|after| [EVIDENCE, after, &[0]].concat()).unwrap_or_default();
    let pairs = snapshot.scan(Family::Consensus, EVIDENCE, &from, limit)?;
    pairs.into_iter().map(|(key, bytes)| Ok((key[EVIDENCE.len()..].to_vec(), decoded(&bytes, "evidence")?))).collect()
}

/// All accusations that a node holds, lowest height first.
pub fn accusations_held(snapshot: &dyn Snapshot) -> Result<Vec<Accusation>, StoreError> {
    let pairs = snapshot.scan(Family::Consensus, ACCUSATION, &[], ACCUSATIONS_MAX)?;
    pairs.into_iter().map(|(_, bytes)| decoded(&bytes, "accusation")).collect()
}

impl Core {
    /// Takes up what was held before the stop, and what the chain holds.
    pub(super) fn open_evidence(&mut self) -> Result<(), StoreError> {
        let snapshot = self.ledger.kv().snapshot();
        for (_, evidence) in evidence_held(&*snapshot, None, usize::MAX)? {
            self.evidence.insert(evidence);
        }
        for accusation in accusations_held(&*snapshot)? {
            self.evidence.accusations.insert(accusation.commit.subject.height, accusation);
        }
        self.take_up_recorded()?;
        for place in self.evidence.held.keys().copied().collect::<Vec<_>>() {
            self.open_place(place);
        }
        Ok(())
    }

    /// Holds what is on the chain, however this node came by its state.
    pub(super) fn take_up_recorded(&mut self) -> Result<(), StoreError> {
        let recorded = recorded(&self.view).map_err(|error| StoreError::Damaged(error.to_string()))?;
        self.take_recorded(recorded.into_iter().map(|recorded| recorded.evidence).collect());
        Ok(())
    }

    /// The engine proved a contradiction.
    pub(super) fn evidence_found(&mut self, evidence: Evidence) {
        if self.evidence.wants(&evidence) {
            self.keep_evidence(evidence);
        }
    }

    /// A peer claims to prove one.
    pub(super) fn evidence_arrived(&mut self, from: Peer, evidence: Evidence) {
        // What cannot be judged by this node's head is left to those who are further.
        if !self.evidence.wants(&evidence) || self.accused(place_of(&evidence)).is_err() {
            return;
        }
        match evidence.verify(&self.chain) {
            Ok(()) => self.keep_evidence(evidence),
            // Whoever relays has checked before.
            Err(error) => self.effect(Effect::Score(from, format!("evidence: {error}"))),
        }
    }

    fn keep_evidence(&mut self, evidence: Evidence) {
        self.evidence.insert(evidence);
        let mut batch = Batch::default();
        batch.put(CONSENSUS, store_key(&evidence), codec::encode(&evidence));
        self.queue(Some(Persist::Batch(batch)), vec![Then::Evidence(Box::new(evidence))]);
    }

    /// The evidence is durable.
    pub(super) fn evidence_kept(&mut self, evidence: Evidence) {
        self.effect(Effect::Broadcast(Message::Evidence(evidence)));
        let department = self.accused(place_of(&evidence)).map(|accused| accused.department.to_string());
        let Position { height, round, phase } = evidence.position();
        let own = self.consensus_key == Some(evidence.key);
        let advice = if own { "; the key is this node's own: is it in use on another machine? Stop one" } else { "" };
        self.effect(Effect::Log(Notice::Evidence(format!(
            "the validator of {} ({}) said two things at height {height}, round {round}, {phase:?}{advice}",
            department.unwrap_or_default(),
            evidence.key
        ))));
        self.open_place(place_of(&evidence));
    }

    /// The engine holds certificates that do not get along.
    pub(super) fn accusation_found(&mut self, accusation: Accusation) {
        let height = accusation.commit.subject.height;
        let book = &mut self.evidence.accusations;
        if book.len() >= ACCUSATIONS_MAX || book.contains_key(&height) {
            return;
        }
        let mut batch = Batch::default();
        batch.put(CONSENSUS, accusation_key(height), codec::encode(&accusation));
        let accused: Vec<_> = accusation.accused.iter().map(ToString::to_string).collect();
        book.insert(height, accusation);
        self.queue(Some(Persist::Batch(batch)), Vec::new());
        self.effect(Effect::Log(Notice::Evidence(format!(
            "certificates of height {height} contradict each other; those who signed both are accused: {}",
            accused.join(", ")
        ))));
    }

    /// The key at `place`, if it was in the set of that height.
    fn accused(&self, (height, key): Place) -> Result<ConsensusKey, Refusal> {
        accused(&Overlay::new(&self.view), &key, height, self.view.head().height + 1)
    }

    /// Whether the chain would still take evidence of `place`.
    fn is_open(&self, place: Place) -> bool {
        let (height, key) = place;
        self.accused(place).and_then(|accused| require_open(&Overlay::new(&self.view), &key, height, &accused)).is_ok()
    }

    /// From now on `place` is to come on record, if it is not.
    fn open_place(&mut self, place: Place) {
        if !self.evidence.open.contains_key(&place) && self.is_open(place) {
            let intervals = self.turn(place.0);
            self.evidence.open.insert(place, Open { intervals, made: None });
            self.arm_evidence();
        }
    }

    /// How many intervals this node leaves to others: each department has its turn to be the first.
    fn turn(&self, height: Height) -> u64 {
        let n = self.validators.len().max(1) as u64;
        self.own_index().map_or(0, |own| (own.0 as u64 + height % n) % n)
    }

    fn arm_evidence(&mut self) {
        if !self.evidence.armed {
            self.evidence.armed = true;
            let after_ms = u64::from(self.parameters.timeouts.rebroadcast_ms);
            self.effect(Effect::Arm { timer: Timer::Evidence, after_ms });
        }
    }

    /// Another interval: say again what is not on record, and make records where it is this node's turn.
    pub(super) fn pursue_evidence(&mut self) {
        self.evidence.armed = false;
        if self.halted.is_some() {
            return;
        }
        let settled: Vec<Place> = self.evidence.open.keys().copied().filter(|place| !self.is_open(*place)).collect();
        for place in settled {
            self.evidence.open.remove(&place);
        }
        if self.evidence.open.is_empty() {
            return;
        }
        if self.evidence.intervals.is_multiple_of(SAY_AGAIN_INTERVALS) {
            for evidence in self.evidence.unrecorded(SAID_AGAIN_MAX) {
                self.effect(Effect::Broadcast(Message::Evidence(evidence)));
            }
        }
        self.evidence.intervals += 1;
        // Until this node's turn comes again every other one has had its own, twice.
        let again = 2 * self.validators.len() as u64;
        let mut due = Vec::new();
        for evidence in self.evidence.unrecorded(RECORDS_MAX) {
            let Some(open) = self.evidence.open.get_mut(&place_of(&evidence)) else { continue };
            match open.intervals.checked_sub(1) {
                Some(left) => open.intervals = left,
                None => {
                    open.intervals = again;
                    // One that waits for its block will do.
                    if open.made.is_none_or(|leaf| !self.mempool.contains(&leaf)) {
                        due.push(evidence);
                    }
                }
            }
        }
        for evidence in due {
            self.report(&evidence);
        }
        self.arm_evidence();
    }

    /// Makes a record of evidence and takes it in like anybody's.
    fn report(&mut self, evidence: &Evidence) {
        let Some(reporter) = self.reporter.clone().filter(|_| self.own_index().is_some()) else { return };
        let call = Call::Authority(AuthorityCall::RecordEvidence { evidence: *evidence });
        let Ok(posting) = ANYBODY.parse() else { return };
        let expires_at_ms = self.admission_time_ms().saturating_add(RECORD_LIFE_MS);
        let mut salt = [0; 16];
        salt.copy_from_slice(&sha256(&codec::encode(evidence)).0[..16]);
        let body = TransactionBody {
            chain: self.chain,
            signer: reporter.public(),
            expires_at_ms,
            salt,
            call: Invocation { posting, call }.encode(),
        };
        let made = self.submit_own(body.sign(&reporter));
        if let Some(open) = self.evidence.open.get_mut(&place_of(evidence)) {
            open.made = Some(made);
        }
    }

    /// What a block put on record is held from now on, however it came to this node.
    pub(super) fn evidence_committed(&mut self, executed: &Executed) {
        let prefix = EVIDENCE_PREFIX.as_bytes();
        let recorded: Vec<Evidence> = executed
            .changes
            .range(prefix.to_vec()..)
            .take_while(|(key, _)| key.starts_with(prefix))
            .filter_map(|(_, value)| decoded::<RecordedEvidence>(value.as_ref()?, "recorded evidence").ok())
            .map(|recorded| recorded.evidence)
            .collect();
        for evidence in &recorded {
            self.evidence.open.remove(&place_of(evidence));
        }
        self.take_recorded(recorded);
    }

    fn take_recorded(&mut self, recorded: Vec<Evidence>) {
        let mut batch = Batch::default();
        for evidence in recorded {
            if !self.evidence.is_held(&evidence) {
                self.evidence.insert(evidence);
                batch.put(CONSENSUS, store_key(&evidence), codec::encode(&evidence));
            }
        }
        if !batch.writes.is_empty() {
            self.queue(Some(Persist::Batch(batch)), Vec::new());
        }
    }
}
