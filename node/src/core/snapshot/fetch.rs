//! Which snapshot is fetched, and which peer is asked for which part of it. Decides; sends nothing.

use std::collections::{BTreeMap, BTreeSet};

use dalil_ledger::block::{BlockId, Height};
use dalil_ledger::snapshot::{Offer, Restore};

use crate::core::event::Peer;
use crate::core::message::PartName;
use crate::core::misses::Misses;

/// Offers that are proven and wait to be chosen from.
const OFFERS_MAX: usize = 64;
/// Parts that may wait for the disk before more are asked for.
pub(super) const WRITING_MAX: usize = 8;

/// A peer that holds the snapshot.
#[derive(Debug, Default)]
struct Source {
    /// What it was asked for and has not sent, with the number of the request.
    asked: Option<(PartName, u64)>,
    /// What it sent and is being checked.
    checking: BTreeSet<PartName>,
}

/// A proven offer and who made it.
#[derive(Debug)]
struct Offered {
    offer: Offer,
    by: BTreeSet<Peer>,
}

/// A part to be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) peer: Peer,
    pub(super) name: PartName,
    pub(super) number: u64,
}

/// A snapshot on its way here.
#[derive(Default)]
pub(super) struct Fetch {
    /// The one that is being restored.
    restore: Option<Restore>,
    sources: BTreeMap<Peer, Source>,
    offers: BTreeMap<BlockId, Offered>,
    /// Peers that were asked for an offer and have not made one.
    asked_to_offer: BTreeSet<Peer>,
    /// Snapshots that came to a standstill; others are tried first.
    given_up: BTreeSet<BlockId>,
    misses: Misses,
    /// Peers that sent something false. Nothing more is taken from them while this node runs.
    distrusted: BTreeSet<Peer>,
    /// Parts that nobody has sent right yet, with the peers that sent something false when they were asked.
    refused: BTreeMap<PartName, BTreeSet<Peer>>,
    /// Parts that wait for the disk.
    writing: usize,
    requests: u64,
}

impl Fetch {
    /// Goes on with what was begun before a restart.
    pub(super) fn resume(restore: Option<Restore>) -> Self {
        Self { restore, ..Self::default() }
    }

    pub(super) fn restore(&self) -> Option<&Restore> {
        self.restore.as_ref()
    }

    pub(super) fn restore_mut(&mut self) -> Option<&mut Restore> {
        self.restore.as_mut()
    }

    pub(super) fn has_sources(&self) -> bool {
        !self.sources.is_empty()
    }

    fn is_under_way(&self, id: &BlockId) -> bool {
        self.restore.as_ref().is_some_and(|restore| restore.id() == *id)
    }

    /// Whether `peer` is to be asked for an offer.
    pub(super) fn asks_for_offer(&mut self, peer: Peer) -> bool {
        let useful = !self.distrusted.contains(&peer) && !self.sources.contains_key(&peer);
        if useful {
            self.asked_to_offer.insert(peer);
        }
        useful
    }

    /// Whether an offer of `peer` is worth checking: it was asked for one.
    pub(super) fn expects_offer(&mut self, peer: &Peer) -> bool {
        self.asked_to_offer.remove(peer)
    }

    /// An offer is proven. Its maker is a source, if it is the one under way.
    pub(super) fn offered(&mut self, peer: Peer, offer: Offer) {
        let id = offer.id();
        if self.is_under_way(&id) {
            self.sources.entry(peer).or_default();
            return;
        }
        for offered in self.offers.values_mut() {
            offered.by.remove(&peer);
        }
        self.offers.retain(|_, offered| !offered.by.is_empty());
        if self.offers.len() < OFFERS_MAX {
            self.offers.entry(id).or_insert_with(|| Offered { offer, by: BTreeSet::new() }).by.insert(peer);
        }
    }

    /// Drops offers at or below `height`.
    pub(super) fn passed(&mut self, height: Height) {
        self.offers.retain(|_, offered| offered.offer.header.height > height);
    }

    /// Takes the best offer: one that did not come to a standstill, of the most peers that did not fail lately, the
    /// highest.
    pub(super) fn choose(&mut self, now_ms: u64) -> Option<Offer> {
        let never_failed = |peer: &&Peer| self.misses.of(peer, now_ms) == 0;
        let rank = |(id, offered): &(&BlockId, &Offered)| {
            let fresh = !self.given_up.contains(*id);
            (fresh, offered.by.iter().filter(never_failed).count(), offered.offer.header.height)
        };
        let (id, _) = self.offers.iter().max_by_key(rank)?;
        let id = *id;
        let Offered { offer, by } = self.offers.remove(&id)?;
        self.sources = by.into_iter().map(|peer| (peer, Source::default())).collect();
        Some(offer)
    }

    /// Whether there is an offer of a snapshot that did not come to a standstill.
    pub(super) fn has_other_offer(&self) -> bool {
        self.offers.keys().any(|id| !self.given_up.contains(id))
    }

    pub(super) fn begun(&mut self, restore: Restore) {
        self.restore = Some(restore);
    }

    /// Whether something false was sent for a part that nobody has sent right.
    pub(super) fn is_suspect(&self) -> bool {
        !self.refused.is_empty()
    }

    /// Gives up what is under way; `standstill` if its sources fell silent. Who was distrusted for a part that nobody sent
    /// right is trusted again: what was wanted may have been wrong.
    pub(super) fn give_up(&mut self, standstill: bool, now_ms: u64) -> Option<Restore> {
        let restore = self.restore.take()?;
        let sources = std::mem::take(&mut self.sources);
        if standstill {
            self.given_up.insert(restore.id());
            sources.into_keys().for_each(|peer| self.misses.add(peer, 1, now_ms));
        }
        for peer in std::mem::take(&mut self.refused).into_values().flatten() {
            self.distrusted.remove(&peer);
        }
        Some(restore)
    }

    /// What to ask for now. Sources that failed are asked only where all others failed as often, so that a silent one
    /// holds up a part once.
    pub(super) fn ask(&mut self, now_ms: u64) -> Vec<Asked> {
        let Some(restore) = &self.restore else { return Vec::new() };
        let misses = |peer: &Peer| self.misses.of(peer, now_ms);
        let Some(least) = self.sources.keys().map(misses).min() else { return Vec::new() };
        let mut idle: Vec<Peer> = self
            .sources
            .iter()
            .filter(|(peer, source)| source.asked.is_none() && misses(peer) == least)
            .map(|(peer, _)| *peer)
            .collect();
        // Everybody gets something of everything.
        let turn = self.requests % (idle.len().max(1) as u64);
        idle.rotate_left(turn as usize);
        let under_way = |source: &Source| source.asked.map(|(name, _)| name).into_iter().chain(source.checking.clone());
        let busy: BTreeSet<PartName> = self.sources.values().flat_map(under_way).collect();
        let room = WRITING_MAX.saturating_sub(self.writing + busy.len());
        // Of the window one part at a time: each says which block comes next.
        let window_is_busy = busy.iter().any(|name| matches!(name, PartName::Window(_)));
        let window = restore.window().wanted().filter(|_| !window_is_busy).map(PartName::Window);
        let chunks = restore.wanted().map(|(prefix, _)| PartName::Chunk(*prefix)).filter(|name| !busy.contains(name));
        let names: Vec<PartName> = window.into_iter().chain(chunks).take(room.min(idle.len())).collect();
        let mut asks = Vec::new();
        for (peer, name) in idle.into_iter().zip(names) {
            self.requests += 1;
            let number = self.requests;
            if let Some(source) = self.sources.get_mut(&peer) {
                source.asked = Some((name, number));
                asks.push(Asked { peer, name, number });
            }
        }
        asks
    }

    /// A part of `snapshot` arrived. Whether it was asked for, is still wanted, and so is to be checked.
    pub(super) fn arrived(&mut self, peer: &Peer, snapshot: &BlockId, name: Option<PartName>) -> bool {
        let Some(restore) = self.restore.as_ref().filter(|restore| restore.id() == *snapshot) else { return false };
        let Some(source) = self.sources.get_mut(peer) else { return false };
        let Some(name) = name.filter(|name| source.asked.is_some_and(|(asked, _)| asked == *name)) else {
            return false;
        };
        source.asked = None;
        let wanted = match &name {
            PartName::Window(height) => restore.window().wanted() == Some(*height),
            PartName::Chunk(prefix) => restore.expected(prefix).is_some(),
        };
        wanted && source.checking.insert(name)
    }

    /// A part is proven.
    pub(super) fn was_good(&mut self, peer: &Peer, name: &PartName) {
        self.misses.forget(peer);
        self.refused.remove(name);
        if let Some(source) = self.sources.get_mut(peer) {
            source.checking.remove(name);
        }
    }

    /// A part is on its way to the disk.
    pub(super) fn writes(&mut self) {
        self.writing += 1;
    }

    /// One more part is durable.
    pub(super) fn written(&mut self) {
        self.writing = self.writing.saturating_sub(1);
    }

    /// A peer sent something false. What it was asked for is asked of others.
    pub(super) fn distrust(&mut self, peer: Peer) {
        self.distrusted.insert(peer);
        for name in self.sources.remove(&peer).unwrap_or_default().checking {
            self.refused.entry(name).or_default().insert(peer);
        }
        for offered in self.offers.values_mut() {
            offered.by.remove(&peer);
        }
        self.offers.retain(|_, offered| !offered.by.is_empty());
    }

    /// The time of request `number` is over; another peer is asked for the part.
    pub(super) fn overdue(&mut self, number: u64, now_ms: u64) {
        let late = |source: &mut Source| source.asked.take_if(|(_, asked)| *asked == number).is_some();
        let late = self.sources.iter_mut().find_map(|(peer, source)| late(source).then_some(*peer));
        if let Some(peer) = late {
            self.misses.add(peer, 1, now_ms);
        }
    }

    /// `peer` no longer holds the snapshot.
    pub(super) fn gone(&mut self, peer: &Peer, snapshot: &BlockId) {
        if self.is_under_way(snapshot) {
            self.sources.remove(peer);
        }
        if let Some(offered) = self.offers.get_mut(snapshot) {
            offered.by.remove(peer);
        }
        self.offers.retain(|_, offered| !offered.by.is_empty());
    }
}
