//! How often peers showed a fault lately, and who is shut out for it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use libp2p::PeerId;

/// Faults after which a peer is shut out.
pub const FAULTS_MAX: u32 = 5;
/// Faults are forgotten when none was added for so long: a validator that erred now and then over a year is no attacker.
pub const FORGOTTEN_AFTER: Duration = Duration::from_secs(600);
/// How long a peer stays outside.
pub const BANISHED_FOR: Duration = Duration::from_secs(60);

/// What a fault leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The connection is closed; the peer may come back.
    Closed {
        /// Faults that count.
        faults: u32,
    },
    /// The peer is shut out for [`BANISHED_FOR`].
    Banished,
}

/// Faults by peer. Only peers that were let in have any, so the map is bounded.
#[derive(Debug, Default)]
pub struct Faults {
    counted: BTreeMap<PeerId, (u32, Instant)>,
    banished: BTreeMap<PeerId, Instant>,
}

impl Faults {
    /// Notes a fault of `peer`.
    pub fn note(&mut self, peer: PeerId, now: Instant) -> Verdict {
        let (faults, newest) = self.counted.entry(peer).or_insert((0, now));
        if now.saturating_duration_since(*newest) >= FORGOTTEN_AFTER {
            *faults = 0;
        }
        *faults += 1;
        *newest = now;
        if *faults < FAULTS_MAX {
            return Verdict::Closed { faults: *faults };
        }
        self.banished.insert(peer, now + BANISHED_FOR);
        Verdict::Banished
    }

    /// Whether `peer` is shut out.
    pub fn is_banished(&self, peer: &PeerId) -> bool {
        self.banished.contains_key(peer)
    }

    /// Who may come back now; their faults are forgotten.
    pub fn released(&mut self, now: Instant) -> Vec<PeerId> {
        let released: Vec<PeerId> = self.banished.extract_if(.., |_, until| *until <= now).map(|(id, _)| id).collect();
        for id in &released {
            self.counted.remove(id);
        }
        released
    }
}
