//! Records on their way in: from clients and peers into the mempool, and out of it again.
//!
//! Checks run in batches on a worker: one batch is under way, the next one gathers. So under load the work is shared out
//! in large pieces, and an idle node answers at once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use dalil_ledger::block::{Attachment, BlockId};
use dalil_ledger::crypto::Hash;
use dalil_ledger::transaction::SignedTransaction;

use super::Core;
use super::event::{Answer, Effect, Peer, RequestId, Work};
use super::executor::{self, Candidate, Rejection};
use super::mempool::Arrival;
use super::message::{ADVERTISED_RECORDS_MAX, FETCH_RECORDS_MAX, LooseRecord, Message, SYNC_BYTES_MAX};

/// The most records checked in one batch.
const BATCH_RECORDS_MAX: usize = 512;
/// The most records waiting for their check.
const QUEUE_RECORDS_MAX: usize = 20_000;
/// The most bytes waiting for their check, attachments included.
const QUEUE_BYTES_MAX: usize = 64 << 20;
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

/// Records that wait for their check, and those under check.
#[derive(Debug, Default)]
pub(super) struct Admission {
    queue: VecDeque<(Origin, Candidate)>,
    checking: BTreeMap<Hash, Vec<Origin>>,
    queued: BTreeSet<Hash>,
    queued_bytes: usize,
    /// Peers whose records are left unread until this time, UTC milliseconds.
    unread: BTreeMap<Peer, u64>,
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
            self.bodies.offer(&candidate);
            if !unread && !self.mempool.contains(&candidate.leaf) && !self.admission.queued.contains(&candidate.leaf) {
                self.queue_candidate(Origin::Peer(from), candidate);
            }
        }
        self.complete_bodies();
    }

    fn queue_candidate(&mut self, origin: Origin, candidate: Candidate) {
        let full = self.admission.queue.len() >= QUEUE_RECORDS_MAX
            || self.admission.queued_bytes + candidate.weight() > QUEUE_BYTES_MAX;
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
        self.admission.queued.insert(candidate.leaf);
        self.admission.queued_bytes += candidate.weight();
        self.admission.queue.push_back((origin, candidate));
        self.check_next_batch();
    }

    fn check_next_batch(&mut self) {
        if !self.admission.checking.is_empty() || self.admission.queue.is_empty() {
            return;
        }
        let mut candidates = Vec::new();
        while candidates.len() < BATCH_RECORDS_MAX
            && let Some((origin, candidate)) = self.admission.queue.pop_front()
        {
            self.admission.queued_bytes -= candidate.weight();
            let origins = self.admission.checking.entry(candidate.leaf).or_default();
            if origins.is_empty() {
                candidates.push(candidate);
            }
            origins.push(origin);
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
        let mut bytes = 0;
        let mut records = Vec::new();
        for leaf in leaves.iter().take(FETCH_RECORDS_MAX) {
            let Some(found) = self.mempool.get(leaf).cloned() else { continue };
            bytes += found.weight();
            records.push(loose(&found));
            if bytes > SYNC_BYTES_MAX {
                break;
            }
        }
        if !records.is_empty() {
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
