//! Fetching decided blocks from peers, and serving them.

use std::sync::Arc;

use dalil_consensus::HeightKnowledge;
use dalil_ledger::block::Height;

use super::Core;
use super::bodies::fits;
use super::event::{Effect, Notice, Peer, Source, Timer};
use super::message::{DecidedBlock, Message, SYNC_BLOCKS_MAX, SYNC_BYTES_MAX};
use super::sync::SYNC_TIMEOUT_MS;

/// How many answers with blocks a peer gets in one rebroadcast interval.
const SERVED_MAX: u32 = 64;

impl Core {
    /// Asks a peer for the blocks above the head, if peers report some and nothing is under way.
    pub(super) fn ask_for_blocks(&mut self) {
        let next = self.view.head().height + 1;
        if let Some(ask) = self.sync.ask(next) {
            self.effect(Effect::Log(Notice::CatchingUp { from: ask.from, to: self.sync.target() - 1 }));
            self.effect(Effect::Send(ask.peer, Message::FetchDecided(ask.from)));
            self.effect(Effect::Arm { timer: Timer::Sync(ask.number), after_ms: SYNC_TIMEOUT_MS });
        }
    }

    pub(super) fn decided_arrived(&mut self, from: Peer, blocks: Vec<DecidedBlock>) {
        let next = self.view.head().height + 1;
        self.sync.got(from, next, blocks.into_iter().take(SYNC_BLOCKS_MAX).collect());
        self.take_decided();
    }

    /// Commits the next block that was fetched, if its certificate is good.
    pub(super) fn take_decided(&mut self) {
        if self.deciding.is_some() || self.halted.is_some() {
            return;
        }
        let next = self.view.head().height + 1;
        let Some((from, decided)) = self.sync.front(next).cloned() else { return };
        if self.certified(&decided) {
            self.decide(Arc::new(decided.block), decided.certificate, Source::Sync);
        } else {
            self.effect(Effect::Score(from, format!("block {next} with a certificate that proves nothing")));
            self.sync.distrust(&from);
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

    /// A new interval begins, in which every peer may be given something again.
    pub(super) fn serve_anew(&mut self) {
        self.served.clear();
        self.cosignatures_served.clear();
    }

    /// Whether a peer may be given more blocks before the next rebroadcast. What it may have is far more than it can
    /// execute meanwhile; beyond that it costs this node only.
    pub(super) fn may_serve(&mut self, peer: Peer) -> bool {
        let served = self.served.entry(peer).or_default();
        *served += 1;
        *served <= SERVED_MAX
    }

    pub(super) fn serve_decided(&mut self, to: Peer, from: Height) {
        if from > self.view.head().height || !self.may_serve(to) {
            return;
        }
        let mut bytes = 0;
        let mut blocks = Vec::new();
        for height in (from.max(1)..=self.view.head().height).take(SYNC_BLOCKS_MAX) {
            let found = self.view.block(height).ok().flatten().zip(self.view.commit(height).ok().flatten());
            let Some((block, certificate)) = found else { break };
            let decided = DecidedBlock { block, certificate };
            bytes += decided.weight();
            blocks.push(decided);
            if bytes > SYNC_BYTES_MAX {
                break;
            }
        }
        if !blocks.is_empty() {
            self.effect(Effect::Send(to, Message::Decided(blocks)));
        }
    }

    /// Rule 12: a lower peer gets that height's block and certificate, once a rebroadcast interval.
    pub(super) fn answer_behind(&mut self, peer: Peer, height: Height) {
        if self.served.contains_key(&peer) {
            return;
        }
        let found = self.view.block(height).ok().flatten().zip(self.view.commit(height).ok().flatten());
        if let Some((block, certificate)) = found
            && self.may_serve(peer)
        {
            self.effect(Effect::Send(peer, Message::Decided(vec![DecidedBlock { block, certificate }])));
        }
    }
}
