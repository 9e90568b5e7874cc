//! How often peers failed to send what they were asked for. Whoever failed less is asked first, so that a peer that claims
//! to hold anything and sends nothing holds up nobody. Misses fade: otherwise one that sends little, but never fails, would
//! be asked for ever in place of those that once did.

use std::collections::BTreeMap;

use super::event::Peer;

/// After so long without another one misses count for half, in milliseconds.
const HALF_LIFE_MS: u64 = 30_000;

#[derive(Debug, Default, Clone, Copy)]
struct Missed {
    /// Since the peer last sent something good. Not halved itself: whoever fails again and again is asked ever more seldom.
    count: u32,
    last_ms: u64,
}

/// The misses of all peers. Times are the core's, UTC milliseconds.
#[derive(Debug, Default)]
pub(super) struct Misses {
    missed: BTreeMap<Peer, Missed>,
}

impl Misses {
    /// How many misses of `peer` count at `now_ms`. A clock that was put back meanwhile holds up nothing.
    pub(super) fn of(&self, peer: &Peer, now_ms: u64) -> u32 {
        let Some(Missed { count, last_ms }) = self.missed.get(peer) else { return 0 };
        let halvings = u32::try_from(now_ms.abs_diff(*last_ms) / HALF_LIFE_MS);
        halvings.ok().and_then(|halvings| count.checked_shr(halvings)).unwrap_or_default()
    }

    /// `peer` failed as badly as `times` unanswered requests.
    pub(super) fn add(&mut self, peer: Peer, times: u32, now_ms: u64) {
        let missed = self.missed.entry(peer).or_default();
        missed.count = missed.count.saturating_add(times);
        missed.last_ms = now_ms;
    }

    /// `peer` sent something good.
    pub(super) fn forget(&mut self, peer: &Peer) {
        self.missed.remove(peer);
    }
}
