//! How long blocks took until a quorum's signatures of them were in hand, as this node saw it: a few measurements in memory,
//! of blocks that were decided while the node followed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dalil_ledger::block::{Header, Height};

/// How many blocks are remembered.
pub const BLOCKS_MAX: usize = 256;

/// One measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finalised {
    /// Height of the block.
    pub height: Height,
    /// From the block's own time, by its proposer's clock, until this node published the block's head with a quorum of
    /// cosignatures, by this node's clock; milliseconds. 0 where the proposer's clock is ahead by that much.
    pub took_ms: u64,
}

/// The newest measurements. Clones share them.
#[derive(Clone, Default)]
pub struct Finality(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    measured: VecDeque<Finalised>,
    /// Of blocks up to this height nothing more is measured.
    past: Height,
}

impl Finality {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Blocks up to `height` were there before, or came from another node long after they were decided: to measure them
    /// would say nothing about how the validators fare.
    pub fn skip(&self, height: Height) {
        let mut kept = self.kept();
        kept.past = kept.past.max(height);
    }

    /// Takes note that the head `header` was published at `now_ms`. A head that is published again, with newer signatures,
    /// was final before.
    pub fn note(&self, header: &Header, now_ms: u64) {
        let mut kept = self.kept();
        if header.height <= kept.past {
            return;
        }
        kept.past = header.height;
        if kept.measured.len() == BLOCKS_MAX {
            kept.measured.pop_front();
        }
        let took_ms = now_ms.saturating_sub(header.timestamp_ms);
        kept.measured.push_back(Finalised { height: header.height, took_ms });
    }

    /// What was measured of heights from `first` on, oldest first.
    pub fn since(&self, first: Height) -> Vec<Finalised> {
        self.kept().measured.iter().filter(|it| it.height >= first).copied().collect()
    }
}
