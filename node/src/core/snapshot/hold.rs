//! The snapshots that this node offers: versions of its ledger at published heads, kept while the chain goes on.

use std::sync::Arc;

use dalil_ledger::block::{BlockId, Height};

use crate::core::cosign::Published;

/// How many versions are held. Each keeps the store from giving back what was replaced since.
const HELD_MAX: usize = 3;
/// A version is held no longer, however many ask for it, in milliseconds.
const HELD_MS_MAX: u64 = 12 * 3_600_000;

struct Held {
    published: Arc<Published>,
    id: BlockId,
    since_ms: u64,
    asked_ms: u64,
}

/// The versions held, lowest height first.
#[derive(Default)]
pub(super) struct Holdings {
    held: Vec<Held>,
}

impl Holdings {
    /// Whether a head at `height` is one to hold: each one at a multiple of `every`, so that nodes offer the same ones, and
    /// any where none was held lately.
    pub(super) fn wants(&self, height: Height, every: u64) -> bool {
        let every = every.max(1);
        match self.held.last().map(|held| held.published.view.head().height) {
            None => true,
            Some(newest) if height <= newest => false,
            Some(newest) => height.is_multiple_of(every) || height - newest >= every.saturating_mul(2),
        }
    }

    /// Holds a published head in place of what nobody asked for the longest.
    pub(super) fn hold(&mut self, published: Arc<Published>, now_ms: u64) {
        self.held.retain(|held| now_ms.abs_diff(held.since_ms) < HELD_MS_MAX);
        if self.held.len() >= HELD_MAX
            && let Some((idle, _)) = self.held.iter().enumerate().min_by_key(|(_, held)| held.asked_ms)
        {
            self.held.remove(idle);
        }
        let id = published.view.head_id();
        self.held.push(Held { published, id, since_ms: now_ms, asked_ms: now_ms });
    }

    /// The newest one at or above `height`.
    pub(super) fn newest(&mut self, height: Height, now_ms: u64) -> Option<Arc<Published>> {
        let newest = self.held.last_mut().filter(|held| held.published.view.head().height >= height)?;
        newest.asked_ms = now_ms;
        Some(newest.published.clone())
    }

    /// The one whose head has this id.
    pub(super) fn get(&mut self, id: &BlockId, now_ms: u64) -> Option<Arc<Published>> {
        let held = self.held.iter_mut().find(|held| held.id == *id)?;
        held.asked_ms = now_ms;
        Some(held.published.clone())
    }
}
