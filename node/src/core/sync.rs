//! Catching up by blocks: which peer to ask, and what was got.

use std::collections::VecDeque;

use dalil_ledger::block::Height;

use super::event::Peer;
use super::message::DecidedBlock;

/// How long a peer may take to answer, in milliseconds.
pub const SYNC_TIMEOUT_MS: u64 = 3_000;

/// A node that is behind. It never counts as caught up for good: whoever reports a higher height starts it again.
#[derive(Debug, Default)]
pub struct Sync {
    /// The highest height that peers report; a hint.
    target: Height,
    /// Peers to ask, the next one first.
    peers: VecDeque<Peer>,
    /// The peer asked last, and when it must have answered, UTC milliseconds.
    asked: Option<(Peer, u64)>,
    /// Blocks got and not yet committed, of consecutive heights.
    queue: VecDeque<(Peer, DecidedBlock)>,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// Whom.
    pub peer: Peer,
    /// For blocks from this height on.
    pub from: Height,
}

impl Sync {
    /// `peers` report that they decide `height`.
    pub fn behind(&mut self, height: Height, peers: &[Peer]) {
        self.target = self.target.max(height);
        for peer in peers {
            if !self.peers.contains(peer) {
                self.peers.push_back(*peer);
            }
        }
    }

    /// The highest height reported.
    pub fn target(&self) -> Height {
        self.target
    }

    /// The next request, if one is due. `next` is the height above the head.
    pub fn ask(&mut self, next: Height, now_ms: u64) -> Option<Ask> {
        let from = next + self.queue.len() as u64;
        let waiting = self.asked.is_some_and(|(_, deadline)| now_ms < deadline);
        if from >= self.target || waiting || !self.queue.is_empty() {
            return None;
        }
        // Whoever did not answer goes to the end of the line.
        let peer = self.peers.pop_front()?;
        self.peers.push_back(peer);
        self.asked = Some((peer, now_ms.saturating_add(SYNC_TIMEOUT_MS)));
        Some(Ask { peer, from })
    }

    /// Blocks arrived. Those that continue what is held are kept.
    pub fn got(&mut self, from: Peer, next: Height, blocks: Vec<DecidedBlock>) {
        if self.asked.is_some_and(|(peer, _)| peer == from) {
            self.asked = None;
        }
        for decided in blocks {
            let height = decided.block.header.height;
            if height == next + self.queue.len() as u64 {
                self.target = self.target.max(height + 1);
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
            self.queue.pop_front();
        }
    }

    /// What was got from `peer` is worthless: forget all of it, and ask others first.
    pub fn distrust(&mut self, peer: &Peer) {
        self.queue.clear();
        self.asked = None;
        self.peers.retain(|other| other != peer);
        self.peers.push_back(*peer);
    }
}
