//! Catching up by blocks: which peer to ask, and what was got.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use dalil_ledger::block::Height;

use super::event::Peer;
use super::message::{DecidedBlock, MESSAGE_BYTES_MAX, SYNC_BLOCKS_MAX};
use super::misses::Misses;

/// How long a peer may take to answer, in milliseconds.
pub const SYNC_TIMEOUT_MS: u64 = 3_000;
/// A peer whose blocks are worthless is asked as if it had failed to answer so often.
const WORTHLESS_MISSES: u32 = 8;
/// A peer that failed so often lately is not counted on to hold what it says it holds.
const HOLDER_MISSES_MAX: u32 = 3;

/// A node that is behind. It never counts as caught up for good: whoever reports a higher height starts it again.
#[derive(Debug, Default)]
pub struct Sync {
    /// The height that each peer reported to decide; a hint, a faulty peer may say anything.
    reported: BTreeMap<Peer, Height>,
    /// Members of the set of the next height.
    members: BTreeSet<Peer>,
    /// Peers to ask, the next one first.
    peers: VecDeque<Peer>,
    misses: Misses,
    /// The lowest height that a peer says it holds, where it said so.
    held_from: BTreeMap<Peer, Height>,
    /// The request that is not answered yet.
    asked: Option<Ask>,
    /// Requests so far.
    requests: u64,
    /// Blocks got and not yet committed, of consecutive heights.
    queue: VecDeque<(Peer, DecidedBlock)>,
    queued_bytes: usize,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// Whom.
    pub peer: Peer,
    /// For blocks from this height on.
    pub from: Height,
    /// To be handed to [`Sync::overdue`] after [`SYNC_TIMEOUT_MS`].
    pub number: u64,
}

impl Sync {
    /// `peer` speaks of `height` as of the one to decide; it may have been at a higher one.
    pub fn reports(&mut self, peer: Peer, height: Height) {
        let highest = self.reported.entry(peer).or_default();
        *highest = height.max(*highest);
        if !self.peers.contains(&peer) {
            self.peers.push_back(peer);
        }
    }

    /// The highest height reported.
    pub fn target(&self) -> Height {
        self.reported.values().copied().max().unwrap_or_default()
    }

    /// The validators of the next height are now these.
    pub fn know(&mut self, members: BTreeSet<Peer>) {
        self.members = members;
    }

    /// The peers of whom one is right where more than `faulty` say the same: members. Where no more than that were heard,
    /// as on a node that was away while the set changed, the word of any peer counts.
    fn trusted(&self, faulty: usize) -> Vec<&Peer> {
        let members: Vec<&Peer> = self.reported.keys().filter(|peer| self.members.contains(*peer)).collect();
        if members.len() > faulty { members } else { self.reported.keys().collect() }
    }

    /// The highest height that more than `faulty` of the trusted peers report to have reached.
    pub fn credible(&self, faulty: usize) -> Height {
        let reported = self.trusted(faulty).into_iter().filter_map(|peer| self.reported.get(peer));
        let mut heights: Vec<Height> = reported.copied().collect();
        heights.sort_unstable_by(|one, other| other.cmp(one));
        heights.get(faulty).copied().unwrap_or_default()
    }

    /// The next request, if one is due. `next` is the height above the head.
    pub fn ask(&mut self, next: Height, now_ms: u64) -> Option<Ask> {
        if self.asked.is_some() || !self.queue.is_empty() {
            return None;
        }
        let can_serve = |(_, peer): &(usize, &Peer)| self.is_ahead(peer, next) && !self.lacks(peer, next);
        let misses = |(_, peer): &(usize, &Peer)| self.misses.of(peer, now_ms);
        // Of those who failed equally often the first in line.
        let (place, _) = self.peers.iter().enumerate().filter(can_serve).min_by_key(misses)?;
        let peer = self.peers.remove(place)?;
        self.peers.push_back(peer);
        self.requests += 1;
        self.asked = Some(Ask { peer, from: next, number: self.requests });
        self.asked
    }

    fn is_ahead(&self, peer: &Peer, next: Height) -> bool {
        self.reported.get(peer).is_some_and(|height| *height > next)
    }

    fn lacks(&self, peer: &Peer, next: Height) -> bool {
        self.held_from.get(peer).is_some_and(|first| *first > next)
    }

    /// The peers that report to be above `next`.
    pub fn ahead(&self, next: Height) -> impl Iterator<Item = Peer> + '_ {
        self.peers.iter().copied().filter(move |peer| self.is_ahead(peer, next))
    }

    /// Whether the block at `next` cannot be had any more: more than `faulty` of the trusted peers say that they do not
    /// hold it, and nobody who is ahead can be counted on to.
    pub fn is_out_of_reach(&self, next: Height, faulty: usize, now_ms: u64) -> bool {
        let lacking =
            self.trusted(faulty).into_iter().filter(|peer| self.is_ahead(peer, next) && self.lacks(peer, next));
        let holds = |peer: &Peer| !self.lacks(peer, next) && self.misses.of(peer, now_ms) < HOLDER_MISSES_MAX;
        lacking.count() > faulty && !self.ahead(next).any(|peer| holds(&peer))
    }

    /// `peer` holds no block below `first`. That is an answer, unless it was asked for one from there on.
    pub fn holds_from(&mut self, peer: Peer, first: Height) {
        self.held_from.insert(peer, first);
        self.asked.take_if(|asked| asked.peer == peer && first > asked.from);
    }

    /// A block that `peer` sent is good.
    pub fn was_good(&mut self, peer: &Peer) {
        self.misses.forget(peer);
    }

    /// The time of request `number` is over; another peer may be asked if it was not answered.
    pub fn overdue(&mut self, number: u64, now_ms: u64) {
        if let Some(asked) = self.asked.take_if(|asked| asked.number == number) {
            self.misses.add(asked.peer, 1, now_ms);
        }
    }

    /// Blocks arrived. Those that continue what is held are kept, as far as there is room. What does not begin with the
    /// block asked for is no answer: it may have been sent before the question came, and the peer's time goes on.
    pub fn got(&mut self, from: Peer, next: Height, blocks: Vec<DecidedBlock>) {
        let first = blocks.first().map(|decided| decided.block.header.height);
        self.asked.take_if(|asked| asked.peer == from && first == Some(asked.from));
        for decided in blocks {
            let weight = decided.weight();
            let room = self.queue.len() < SYNC_BLOCKS_MAX && self.queued_bytes + weight <= MESSAGE_BYTES_MAX;
            if room && decided.block.header.height == next + self.queue.len() as u64 {
                self.queued_bytes += weight;
                self.queue.push_back((from, decided));
            }
        }
    }

    /// The block to commit next, if it is here.
    pub fn front(&self, next: Height) -> Option<&(Peer, DecidedBlock)> {
        self.queue.front().filter(|(_, decided)| decided.block.header.height == next)
    }

    /// Drops what the head has passed.
    pub fn passed(&mut self, head: Height) {
        while self.queue.front().is_some_and(|(_, decided)| decided.block.header.height <= head) {
            if let Some((_, decided)) = self.queue.pop_front() {
                self.queued_bytes -= decided.weight();
            }
        }
    }

    /// What was got from `peer` is worthless: forget all that is held, and ask others first.
    pub fn distrust(&mut self, peer: &Peer, now_ms: u64) {
        self.queue.clear();
        self.queued_bytes = 0;
        self.asked.take_if(|asked| asked.peer == *peer);
        self.misses.add(*peer, WORTHLESS_MISSES, now_ms);
    }
}
