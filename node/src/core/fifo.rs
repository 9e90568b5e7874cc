//! Persist, then act: one queue of durable writes and of what may happen only after them.

use std::collections::VecDeque;

use super::event::Persist;

struct Slot<A> {
    waits_for: Option<u64>,
    then: Vec<A>,
}

/// The queue. `A` is what is released.
pub(super) struct Fifo<A> {
    slots: VecDeque<Slot<A>>,
    next_seq: u64,
    durable: u64,
}

impl<A> Default for Fifo<A> {
    fn default() -> Self {
        Self { slots: VecDeque::new(), next_seq: 1, durable: 0 }
    }
}

impl<A> Fifo<A> {
    /// Appends a write, if there is one, and what waits for it and for all writes before. Returns the write with the
    /// number under which it is to be reported durable.
    pub(super) fn push(&mut self, persist: Option<Persist>, then: Vec<A>) -> Option<(u64, Persist)> {
        let numbered = persist.map(|persist| {
            let seq = self.next_seq;
            self.next_seq += 1;
            (seq, persist)
        });
        self.slots.push_back(Slot { waits_for: numbered.as_ref().map(|(seq, _)| *seq), then });
        numbered
    }

    /// All writes up to `seq` are durable.
    pub(super) fn durable(&mut self, seq: u64) {
        self.durable = self.durable.max(seq);
    }

    /// The actions of the first slot, if nothing it waits for is outstanding.
    pub(super) fn release(&mut self) -> Option<Vec<A>> {
        let front = self.slots.front()?;
        if front.waits_for.is_some_and(|seq| seq > self.durable) {
            return None;
        }
        self.slots.pop_front().map(|slot| slot.then)
    }
}
