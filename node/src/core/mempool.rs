//! Records that wait for a block: checked, bounded, fair.
//!
//! Bounded by count and bytes, with a share a signer, so that one busy gateway cannot crowd out the rest. Order is that
//! of arrival.

use std::collections::{BTreeMap, BTreeSet};

use dalil_ledger::crypto::{Hash, PublicKey};

use super::executor::{Candidate, Rejection};

/// The most records waiting.
pub const MEMPOOL_RECORDS_MAX: usize = 50_000;
/// The most bytes waiting, attachments included.
pub const MEMPOOL_BYTES_MAX: usize = 64 << 20;
/// The most records of one signer waiting.
pub const MEMPOOL_SIGNER_RECORDS_MAX: usize = 10_000;

/// A record's place in the order of arrival.
pub(super) type Arrival = u64;

/// The records that wait.
#[derive(Debug, Default)]
pub struct Mempool {
    by_arrival: BTreeMap<Arrival, Candidate>,
    by_leaf: BTreeMap<Hash, Arrival>,
    by_id: BTreeMap<Hash, Arrival>,
    by_signer: BTreeMap<PublicKey, usize>,
    by_expiry: BTreeSet<(u64, Arrival)>,
    bytes: usize,
    next: Arrival,
}

impl Mempool {
    /// How many records wait.
    pub fn len(&self) -> usize {
        self.by_arrival.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.by_arrival.is_empty()
    }

    /// Whether this entry waits.
    pub fn contains(&self, leaf: &Hash) -> bool {
        self.by_leaf.contains_key(leaf)
    }

    /// The entry with this leaf hash.
    pub fn get(&self, leaf: &Hash) -> Option<&Candidate> {
        self.by_arrival.get(self.by_leaf.get(leaf)?)
    }

    /// Whether a record would be refused for want of room or as a duplicate, before anybody checks its signature.
    pub fn admits(&self, candidate: &Candidate) -> Result<(), Rejection> {
        if self.by_id.contains_key(&candidate.id) {
            return Err(Rejection::new("T_DUPLICATE", "the same transaction is waiting already"));
        }
        let signer = self.by_signer.get(&candidate.record.body.signer).copied().unwrap_or_default();
        if signer >= MEMPOOL_SIGNER_RECORDS_MAX {
            return Err(Rejection::new(
                "T_SHARE",
                format!("{signer} records of this signer are waiting; try again later"),
            ));
        }
        if self.len() >= MEMPOOL_RECORDS_MAX || self.bytes + candidate.weight() > MEMPOOL_BYTES_MAX {
            return Err(Rejection::new("T_FULL", "too many records are waiting; try again later"));
        }
        Ok(())
    }

    /// Adds a record that was checked.
    pub fn insert(&mut self, candidate: Candidate) -> Result<(), Rejection> {
        self.admits(&candidate)?;
        let arrival = self.next;
        self.next += 1;
        let body = &candidate.record.body;
        self.by_id.insert(candidate.id, arrival);
        self.by_leaf.insert(candidate.leaf, arrival);
        self.by_expiry.insert((body.expires_at_ms, arrival));
        *self.by_signer.entry(body.signer).or_default() += 1;
        self.bytes += candidate.weight();
        self.by_arrival.insert(arrival, candidate);
        Ok(())
    }

    /// When the record with transaction id `id` arrived.
    pub(super) fn arrival_of(&self, id: &Hash) -> Option<Arrival> {
        self.by_id.get(id).copied()
    }

    /// Up to `count` records of `bytes` that arrived before `before`, oldest first.
    pub(super) fn oldest_before(&self, before: Arrival, count: usize, bytes: usize) -> Vec<Candidate> {
        within(self.by_arrival.range(..before).map(|(_, candidate)| candidate), count, bytes)
    }

    /// Removes the record with transaction id `id`, which may wait under another signature than the one recorded.
    pub fn remove_id(&mut self, id: &Hash) -> Option<Candidate> {
        let arrival = *self.by_id.get(id)?;
        self.remove(arrival)
    }

    /// Removes an entry.
    pub fn remove_leaf(&mut self, leaf: &Hash) -> Option<Candidate> {
        let arrival = *self.by_leaf.get(leaf)?;
        self.remove(arrival)
    }

    fn remove(&mut self, arrival: Arrival) -> Option<Candidate> {
        let candidate = self.by_arrival.remove(&arrival)?;
        let body = &candidate.record.body;
        self.by_id.remove(&candidate.id);
        self.by_leaf.remove(&candidate.leaf);
        self.by_expiry.remove(&(body.expires_at_ms, arrival));
        if let Some(count) = self.by_signer.get_mut(&body.signer) {
            *count -= 1;
            if *count == 0 {
                self.by_signer.remove(&body.signer);
            }
        }
        self.bytes -= candidate.weight();
        Some(candidate)
    }

    /// Removes and returns what has expired by block time `time_ms`.
    pub fn expire(&mut self, time_ms: u64) -> Vec<Candidate> {
        let expired: Vec<Arrival> =
            self.by_expiry.iter().take_while(|(expiry, _)| *expiry <= time_ms).map(|(_, arrival)| *arrival).collect();
        expired.into_iter().filter_map(|arrival| self.remove(arrival)).collect()
    }

    /// The oldest records, up to `count` and `bytes`.
    pub fn oldest(&self, count: usize, bytes: usize) -> Vec<Candidate> {
        within(self.by_arrival.values(), count, bytes)
    }
}

/// The first of `candidates`, up to `count` and `bytes`, and one in any case.
fn within<'a>(candidates: impl Iterator<Item = &'a Candidate>, count: usize, bytes: usize) -> Vec<Candidate> {
    let mut sum = 0;
    let within = candidates.take(count).take_while(|candidate| {
        sum += candidate.weight();
        sum <= bytes || sum == candidate.weight()
    });
    within.cloned().collect()
}
