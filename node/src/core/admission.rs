//! Records on their way in: from clients and peers into the mempool, and out of it again.
//!
//! Checks run in batches on a worker: one batch is under way, the next one gathers. So under load the work is shared out
//! in large pieces, and an idle node answers at once.
//!
//! What waits for its check stands in lines: one for all that is handed in here, one a peer. Each has its own bounds, and a
//! batch takes of each in turn, so that a peer which sends more than can be checked delays nobody but itself.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use dalil_ledger::block::{Attachment, BlockId};
use dalil_ledger::crypto::Hash;
use dalil_ledger::transaction::SignedTransaction;

use super::Core;
use super::event::{Answer, Effect, Peer, RequestId, Work};
use super::executor::{self, Candidate, Rejection};
use super::mempool::Arrival;
use super::message::{
    ADVERTISED_RECORDS_MAX, FETCH_RECORDS_MAX, LooseRecord, MESSAGE_BYTES_MAX, Message, SYNC_BYTES_MAX,
};

/// The most records checked in one batch.
const BATCH_RECORDS_MAX: usize = 512;
/// The most records that were handed in here and wait for their check.
const LINE_RECORDS_MAX: usize = 20_000;
/// Their most bytes, attachments included.
const LINE_BYTES_MAX: usize = 64 << 20;
/// The most records of one peer that wait for their check: as many as one message brings.
const PEER_LINE_RECORDS_MAX: usize = FETCH_RECORDS_MAX;
/// Their most bytes, attachments included.
const PEER_LINE_BYTES_MAX: usize = MESSAGE_BYTES_MAX;
/// The most submissions of one record that wait for its end.
const WAITERS_MAX: usize = 64;
/// The most waiting records that are checked again after each block.
const RECHECKED_RECORDS_MAX: usize = 256;
/// So few waiting records are all checked again. Of more, those that the block passed over: the others came after it was
/// built and are looked at when a later block passes them over.
const RECHECKED_ALL_MAX: usize = 32;
/// How long records of a peer that relayed a bad signature are left unread, in milliseconds.
const UNREAD_MS: u64 = 10_000;

/// Where a record came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Client(RequestId),
    /// This node itself.
    Own,
    Peer(Peer),
}

impl Origin {
    /// Whose line it waits in; none is this node's own.
    fn line(self) -> Option<Peer> {
        match self {
            Self::Peer(peer) => Some(peer),
            Self::Client(_) | Self::Own => None,
        }
    }
}

/// Records of one source that wait for their check, in the order of arrival.
#[derive(Debug, Default)]
struct Line {
    waiting: VecDeque<(Origin, Candidate)>,
    bytes: usize,
}

/// Records that wait for their check, and those under check.
#[derive(Debug, Default)]
pub(super) struct Admission {
    /// By peer; none is what was handed in here. No line is empty.
    lines: BTreeMap<Option<Peer>, Line>,
    checking: BTreeMap<Hash, Vec<Origin>>,
    queued: BTreeSet<Hash>,
    /// Peers whose records are left unread until this time, UTC milliseconds.
    unread: BTreeMap<Peer, u64>,
}

impl Admission {
    /// Whether so many bytes more have no room in a line.
    fn is_full(&self, line: Option<Peer>, bytes: usize) -> bool {
        let (records_max, bytes_max) = match line {
            None => (LINE_RECORDS_MAX, LINE_BYTES_MAX),
            Some(_) => (PEER_LINE_RECORDS_MAX, PEER_LINE_BYTES_MAX),
        };
        let full = |line: &Line| line.waiting.len() >= records_max || line.bytes + bytes > bytes_max;
        self.lines.get(&line).is_some_and(full)
    }

    fn push(&mut self, origin: Origin, candidate: Candidate) {
        self.queued.insert(candidate.leaf);
        let line = self.lines.entry(origin.line()).or_default();
        line.bytes += candidate.weight();
        line.waiting.push_back((origin, candidate));
    }

    /// The next records to check, of each line in turn.
    fn next_batch(&mut self) -> Vec<(Origin, Candidate)> {
        let mut batch = Vec::new();
        while batch.len() < BATCH_RECORDS_MAX && !self.lines.is_empty() {
            for line in self.lines.values_mut().take(BATCH_RECORDS_MAX - batch.len()) {
                if let Some((origin, candidate)) = line.waiting.pop_front() {
                    line.bytes -= candidate.weight();
                    batch.push((origin, candidate));
                }
            }
            self.lines.retain(|_, line| !line.waiting.is_empty());
        }
        batch
    }
}

impl Core {
    pub(super) fn submit(&mut self, request: RequestId, record: SignedTransaction, attachment: Option<Attachment>) {
        if self.halted.is_some() {
            let rejection = Rejection::new("T_HALTED", "this node takes part no more; submit to another one");
            self.effect(Effect::Answer(request, Answer::Rejected(rejection)));
            return;
        }
        let candidate = Candidate::new(record, attachment);
        if self.mempool.contains(&candidate.leaf) {
            self.wait_for(candidate.id, request);
            return;
        }
        self.queue_candidate(Origin::Client(request), candidate);
    }

    /// A record that this node made. Returns its leaf hash.
    pub(super) fn submit_own(&mut self, record: SignedTransaction) -> Hash {
        let candidate = Candidate::new(record, None);
        let leaf = candidate.leaf;
        if !self.mempool.contains(&leaf) && !self.admission.queued.contains(&leaf) {
            self.queue_candidate(Origin::Own, candidate);
        }
        leaf
    }

    /// A submission of a record that waits in the mempool: it is told the same end as all others of these bytes.
    fn wait_for(&mut self, id: Hash, request: RequestId) {
        let waiters = self.waiters.entry(id).or_default();
        if waiters.len() < WAITERS_MAX {
            waiters.push(request);
        } else {
            let rejection = Rejection::new("T_FULL", "this record is waited for often enough; ask for it by its id");
            self.effect(Effect::Answer(request, Answer::Rejected(rejection)));
        }
    }

    pub(super) fn records_arrived(&mut self, from: Peer, records: Vec<LooseRecord>) {
        // A clock that was set back must not leave a peer unread for longer.
        let unread = |until: &u64| self.now_ms < *until && *until <= self.now_ms.saturating_add(UNREAD_MS);
        let unread = self.admission.unread.get(&from).is_some_and(unread);
        for loose in records.into_iter().take(FETCH_RECORDS_MAX) {
            let candidate = Candidate::new(loose.record, loose.attachment);
            if executor::check_size(&candidate, &self.parameters).is_err() {
                continue;
            }
            self.bodies.offer(&candidate, &self.parameters.limits);
            if !unread && !self.mempool.contains(&candidate.leaf) && !self.admission.queued.contains(&candidate.leaf) {
                self.queue_candidate(Origin::Peer(from), candidate);
            }
        }
        self.complete_bodies();
    }

    fn queue_candidate(&mut self, origin: Origin, candidate: Candidate) {
        let full = self.admission.is_full(origin.line(), candidate.weight());
        let room =
            match executor::check_size(&candidate, &self.parameters).and_then(|()| self.mempool.admits(&candidate)) {
                Ok(()) if full => Err(Rejection::new("T_FULL", "too many records are waiting; try again later")),
                other => other,
            };
        if let Err(rejection) = room {
            if let Origin::Client(request) = origin {
                self.effect(Effect::Answer(request, Answer::Rejected(rejection)));
            }
            return;
        }
        self.admission.push(origin, candidate);
        self.check_next_batch();
    }

    fn check_next_batch(&mut self) {
        if !self.admission.checking.is_empty() || self.admission.lines.is_empty() {
            return;
        }
        let mut candidates: Vec<Candidate> = Vec::new();
        let mut places = BTreeMap::new();
        for (origin, candidate) in self.admission.next_batch() {
            let leaf = candidate.leaf;
            let place = *places.entry(leaf).or_insert(candidates.len());
            match candidates.get(place) {
                // The leaf says nothing of the list: a copy with another one is judged by itself.
                Some(first) if first.attachment != candidate.attachment => {
                    self.admission.push(origin, candidate);
                    continue;
                }
                Some(_) => {}
                None => candidates.push(candidate),
            }
            self.admission.checking.entry(leaf).or_default().push(origin);
        }
        let time_ms = self.admission_time_ms();
        self.effect(Effect::Work(Work::Admit { view: self.view.clone(), time_ms, candidates }));
    }

    pub(super) fn admitted(&mut self, verdicts: Vec<(Candidate, Result<(), Rejection>)>) {
        let mut fresh = Vec::new();
        for (candidate, verdict) in verdicts {
            self.admission.queued.remove(&candidate.leaf);
            let origins = self.admission.checking.remove(&candidate.leaf).unwrap_or_default();
            let id = candidate.id;
            // A block may have recorded it while it was being checked.
            let recorded = self.view.index_of(&id).ok().flatten();
            let held = self.mempool.contains(&candidate.leaf);
            let verdict = match recorded {
                Some(index) => Err(Rejection::new("T_DUPLICATE", format!("already recorded at log index {index}"))),
                // The same bytes were submitted again while they were being checked.
                None if held => Ok(()),
                None => verdict.and_then(|()| self.mempool.insert(candidate.clone())),
            };
            match verdict {
                Ok(()) => {
                    let from_here = |origin: &Origin| matches!(origin, Origin::Client(_) | Origin::Own);
                    if !held && origins.iter().any(from_here) {
                        // Only what entered here is passed on unasked: every validator hears it from its entry.
                        fresh.push(loose(&candidate));
                    }
                    for origin in origins {
                        if let Origin::Client(request) = origin {
                            self.wait_for(id, request);
                        }
                    }
                }
                Err(rejection) => {
                    for origin in origins {
                        match origin {
                            Origin::Client(request) => {
                                self.effect(Effect::Answer(request, Answer::Rejected(rejection.clone())));
                            }
                            // One signer must not split the validators: a peer is not cut off for what it relays, only
                            // its unasked records are left unread for a while.
                            Origin::Peer(peer) if rejection.code == "T_SIGNATURE" => {
                                self.admission.unread.insert(peer, self.now_ms.saturating_add(UNREAD_MS));
                            }
                            Origin::Peer(_) | Origin::Own => {}
                        }
                    }
                }
            }
        }
        self.admission.checking.clear();
        self.gossip(fresh);
        self.complete_bodies();
        self.say_pending();
        self.check_next_batch();
    }

    /// Passes records on, in messages that no peer refuses for their length.
    fn gossip(&mut self, fresh: Vec<LooseRecord>) {
        let mut part = Vec::new();
        let mut bytes = 0;
        for record in fresh {
            bytes += record.weight();
            part.push(record);
            if bytes > SYNC_BYTES_MAX {
                self.effect(Effect::Broadcast(Message::Records(std::mem::take(&mut part))));
                bytes = 0;
            }
        }
        if !part.is_empty() {
            self.effect(Effect::Broadcast(Message::Records(part)));
        }
    }

    /// Tells consensus whether a record is held (rule 14).
    pub(super) fn say_pending(&mut self) {
        let pending = !self.mempool.is_empty();
        self.engine(dalil_consensus::Event::RecordsPending(pending));
    }

    /// Removes a record that no longer applies and tells who waits for it.
    pub(super) fn drop_record(&mut self, leaf: &Hash, rejection: &Rejection) {
        if let Some(candidate) = self.mempool.remove_leaf(leaf) {
            self.answer(&candidate.id, &Answer::Rejected(rejection.clone()));
        }
    }

    pub(super) fn answer(&mut self, id: &Hash, answer: &Answer) {
        for request in self.waiters.remove(id).unwrap_or_default() {
            self.effect(Effect::Answer(request, answer.clone()));
        }
    }

    /// After a block: forget what it recorded and what expired, and look whether the oldest rest still applies.
    pub(super) fn settle_mempool(&mut self, recorded: &[(Hash, Answer)]) {
        let newest = recorded.iter().filter_map(|(id, _)| self.mempool.arrival_of(id)).max().unwrap_or_default();
        for (id, answer) in recorded {
            self.mempool.remove_id(id);
            self.answer(id, answer);
        }
        for candidate in self.mempool.expire(self.view.head().timestamp_ms) {
            let rejection = Rejection::new("T_EXPIRED", "it expired before a block took it");
            self.answer(&candidate.id, &Answer::Rejected(rejection));
        }
        // A restored snapshot recorded whatever it did.
        let all = self.mempool.len() <= RECHECKED_ALL_MAX || recorded.is_empty();
        let before = if all { u64::MAX } else { newest };
        self.recheck(before);
    }

    /// Looks whether the oldest records that arrived before `before` still apply on the head.
    fn recheck(&mut self, before: Arrival) {
        if self.recheck_running {
            return;
        }
        let candidates = self.mempool.oldest_before(before, RECHECKED_RECORDS_MAX, SYNC_BYTES_MAX);
        if !candidates.is_empty() {
            self.recheck_running = true;
            let time_ms = self.admission_time_ms();
            self.effect(Effect::Work(Work::Recheck { view: self.view.clone(), time_ms, candidates }));
        }
    }

    pub(super) fn rechecked(&mut self, parent: BlockId, dropped: Vec<(Hash, Rejection)>) {
        self.recheck_running = false;
        if parent == self.view.head_id() {
            for (leaf, rejection) in dropped {
                self.drop_record(&leaf, &rejection);
            }
        } else {
            // The head moved meanwhile: what did not apply on the old one may apply on this one.
            self.recheck(u64::MAX);
        }
        self.say_pending();
    }

    pub(super) fn advertise(&mut self) {
        self.serve_anew();
        let leaves: Vec<Hash> = self
            .mempool
            .oldest(ADVERTISED_RECORDS_MAX, SYNC_BYTES_MAX)
            .iter()
            .map(|candidate| candidate.leaf)
            .collect();
        if !leaves.is_empty() {
            self.effect(Effect::Broadcast(Message::Advertise(leaves)));
        }
    }

    pub(super) fn advertised(&mut self, from: Peer, leaves: &[Hash]) {
        let held = |leaf: &&Hash| !self.mempool.contains(leaf) && !self.admission.queued.contains(leaf);
        let missing: Vec<Hash> = leaves.iter().take(ADVERTISED_RECORDS_MAX).filter(held).copied().collect();
        if !missing.is_empty() {
            self.effect(Effect::Send(from, Message::FetchRecords(missing)));
        }
    }

    pub(super) fn serve_records(&mut self, to: Peer, leaves: &[Hash]) {
        let most = self.record_bytes_left(&to).min(SYNC_BYTES_MAX);
        let mut bytes = 0;
        let mut given = BTreeSet::new();
        let mut records = Vec::new();
        for leaf in leaves.iter().take(FETCH_RECORDS_MAX) {
            if bytes >= most {
                break;
            }
            if let Some(found) = self.mempool.get(leaf).filter(|_| given.insert(leaf)) {
                bytes += found.weight();
                records.push(loose(found));
            }
        }
        if !records.is_empty() {
            self.gave_records(to, bytes);
            self.effect(Effect::Send(to, Message::Records(records)));
        }
    }
}

fn loose(candidate: &Candidate) -> LooseRecord {
    LooseRecord {
        record: SignedTransaction::clone(&candidate.record),
        attachment: candidate.attachment.as_ref().map(|attachment| Attachment::clone(attachment)),
    }
}
