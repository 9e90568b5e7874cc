//! Fetching decided blocks from peers.

use std::sync::Arc;

use dalil_consensus::HeightKnowledge;
use dalil_ledger::block::Height;

use super::Core;
use super::bodies::fits;
use super::event::{Effect, Notice, Peer, Source, Timer};
use super::message::{DecidedBlock, Message, SYNC_BLOCKS_MAX};
use super::progress::Progress;
use super::sync::SYNC_TIMEOUT_MS;

impl Core {
    /// Asks a peer for the blocks above the head, if peers report some and nothing is under way.
    pub(super) fn ask_for_blocks(&mut self) {
        let next = self.view.head().height + 1;
        self.note_pace();
        self.consider_snapshot();
        if self.snapshot_goes_first() {
            return;
        }
        if let Some(ask) = self.sync.ask(next, self.now_ms) {
            // What a single peer claims is asked for, but not told to the operator.
            if let progress @ Progress::Blocks { .. } = self.progress() {
                self.effect(Effect::Log(Notice::CatchingUp(progress)));
            }
            self.effect(Effect::Send(ask.peer, Message::FetchDecided(ask.from)));
            self.effect(Effect::Arm { timer: Timer::Sync(ask.number), after_ms: SYNC_TIMEOUT_MS });
        }
    }

    pub(super) fn decided_arrived(&mut self, from: Peer, blocks: Vec<DecidedBlock>) {
        let next = self.view.head().height + 1;
        self.sync.got(from, next, blocks.into_iter().take(SYNC_BLOCKS_MAX).collect());
        self.take_decided();
    }

    pub(super) fn held_from(&mut self, from: Peer, first: Height) {
        self.sync.holds_from(from, first);
        self.ask_for_blocks();
    }

    /// Commits the next block that was fetched, if its certificate is good.
    pub(super) fn take_decided(&mut self) {
        if self.deciding.is_some() || self.halted.is_some() || self.snapshots.is_switching() {
            return;
        }
        let next = self.view.head().height + 1;
        let Some((from, decided)) = self.sync.front(next).cloned() else { return };
        if self.certified(&decided) {
            self.sync.was_good(&from);
            self.decide(Arc::new(decided.block), decided.certificate, Source::Sync);
        } else {
            self.effect(Effect::Score(from, format!("block {next} with a certificate that proves nothing")));
            self.sync.distrust(&from, self.now_ms);
            self.ask_for_blocks();
        }
    }

    /// What is known of the height above the head: decided, if its block and a good certificate are in hand.
    pub(super) fn next_knowledge(&self) -> HeightKnowledge {
        let next = self.view.head().height + 1;
        match self.sync.front(next) {
            Some((_, decided)) if self.certified(decided) => HeightKnowledge::Decided,
            _ => HeightKnowledge::Open,
        }
    }

    fn certified(&self, decided: &DecidedBlock) -> bool {
        let header = &decided.block.header;
        decided.certificate.commits(self.view.head().height + 1, &decided.block.id())
            && header.validators_hash == self.validators.hash()
            && fits(&self.view, &decided.block)
            && decided.certificate.verify(&self.validators, &self.chain).is_ok()
    }
}
