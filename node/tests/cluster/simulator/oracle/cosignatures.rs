//! What each validator cosigned, and when it said so relative to its precommits.

use std::collections::BTreeMap;

use dalil_ledger::block::Height;
use dalil_ledger::crypto::{PublicKey, Signature};
use dalil_node::core::message::HeadCosignature;

/// Cosignatures by consensus key of the cosigner.
#[derive(Default)]
pub struct Cosignatures {
    /// The newest: size and time.
    newest: BTreeMap<PublicKey, (u64, u64)>,
    /// The log's signature over the checkpoint alone: the same bytes exactly if the root is the same.
    roots: BTreeMap<(PublicKey, u64), Signature>,
    /// The highest height at which a block was precommitted.
    precommitted: BTreeMap<PublicKey, Height>,
}

/// Whether a root was seen under this key and size before.
#[derive(Debug, PartialEq, Eq)]
pub enum Seen {
    First,
    Again,
}

impl Cosignatures {
    /// `key` itself says that the head at `height` is its head.
    pub fn says(&mut self, key: PublicKey, height: Height, said: &HeadCosignature) -> Result<(), String> {
        let now = (said.size, said.time_s);
        let before = self.newest.get(&key).copied();
        if before.is_some_and(|before| now < before) {
            // What was said may be said again to whoever asks.
            let again = self.roots.contains_key(&(key, said.size));
            return if again { Ok(()) } else { Err(format!("{key:?} cosigned {now:?} after {before:?}")) };
        }
        if before != Some(now) && self.precommitted.get(&key).is_some_and(|at| *at > height) {
            return Err(format!("{key:?} cosigned head {height} after it had precommitted a block above it"));
        }
        self.newest.insert(key, now);
        Ok(())
    }

    /// Whoever says so: `key` stands under a checkpoint.
    pub fn states(&mut self, key: PublicKey, said: &HeadCosignature) -> Result<Seen, String> {
        match self.roots.insert((key, said.size), said.log_signature) {
            None => Ok(Seen::First),
            Some(first) if first == said.log_signature => Ok(Seen::Again),
            Some(_) => Err(format!("{key:?} cosigned two roots of {} leaves", said.size)),
        }
    }

    /// `key` precommits a block on top of a head of `head_size` leaves.
    pub fn precommits(&mut self, key: PublicKey, height: Height, head_size: u64) -> Result<(), String> {
        let highest = self.precommitted.entry(key).or_default();
        *highest = height.max(*highest);
        if self.newest.get(&key).is_none_or(|(size, _)| *size < head_size) {
            return Err(format!("{key:?} precommitted at height {height} without having cosigned the head below"));
        }
        Ok(())
    }
}
