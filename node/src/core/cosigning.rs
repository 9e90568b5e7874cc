//! The core's part in cosigning: open a head, sign it when consensus says so, take in what others signed, publish.

use std::sync::Arc;

use dalil_consensus::Cosigned;
use dalil_ledger::checkpoint::{Checkpoint, Policy};
use dalil_ledger::store::Batch;
use dalil_ledger::validators::ValidatorIndex;

use super::cosign::{CosignatureError, Published};
use super::event::{Effect, Notice, Peer, Persist, Timer};
use super::message::{HeadCosignature, Message};
use super::{CONSENSUS, Core, NOTE_KEY, StartError};

/// How long the cosignatures of a head may take to come by themselves before peers are asked, in milliseconds.
const GATHER_AFTER_MS: u64 = 500;

impl Core {
    /// Begins to collect cosignatures of the head.
    pub(super) fn collect_head(&mut self) -> Result<Option<Published>, StartError> {
        let checkpoint =
            Checkpoint { origin: self.origin.clone(), size: self.view.log_size(), root: self.view.log_root()? };
        let policy = Policy::of_set(&self.origin, &self.validators)?;
        let (view, validators) = (self.view.clone(), self.validators.clone());
        let published = self.cosigning.head(checkpoint, policy, view, validators, self.now_ms, self.skew_ms());
        if published.is_none() {
            self.arm_gather();
        }
        Ok(published)
    }

    fn skew_ms(&self) -> u64 {
        u64::from(self.parameters.cosignature_skew_ms)
    }

    /// Consensus recorded that this head is cosigned; now the signatures may leave.
    pub(super) fn cosign(&mut self, cosigned: Cosigned) {
        let (Some(key), Some((cosigner, log))) = (&self.consensus_key, &self.cosigner) else { return };
        if let Some(signed) = self.cosigning.sign(cosigned.size, key, cosigned.time_s, cosigner, log) {
            self.effect(Effect::Broadcast(Message::Cosignature(signed)));
            if let Err(error) = self.take_cosignature(None, signed) {
                self.effect(Effect::Log(Notice::BadCosignature(format!("own: {error}"))));
            }
        }
    }

    /// This node's place in the set of the next height.
    pub(super) fn own_index(&self) -> Option<ValidatorIndex> {
        self.validators.index_of(&self.department()?)
    }

    /// Sets the time of the next cosignature of the same head.
    pub(super) fn arm_cosign(&mut self) {
        let after_ms = u64::from(self.parameters.cosign_interval_ms);
        self.effect(Effect::Arm { timer: Timer::Cosign, after_ms });
    }

    /// Says once more that the head is the head, if nothing stands against it.
    pub(super) fn cosign_again(&mut self) {
        self.arm_cosign();
        // A node that halted rebroadcasts no more, but goes on serving.
        self.serve_anew();
        if self.own_index().is_none() {
            // Nobody thinks of a reader that is not connected to all.
            self.effect(Effect::Broadcast(Message::FetchCosignatures(self.view.log_size())));
        }
        if self.halted.is_none()
            && let Ok(outputs) = self.engine.cosign(self.now_ms)
        {
            self.enqueue(outputs);
        }
    }

    /// A head that has no quorum of cosignatures after a while: whoever holds some is asked. So a node needs no connection
    /// to every validator, and a cosignature that was lost comes again.
    fn arm_gather(&mut self) {
        if !self.gather_armed {
            self.gather_armed = true;
            self.effect(Effect::Arm { timer: Timer::Gather, after_ms: GATHER_AFTER_MS });
        }
    }

    pub(super) fn gather(&mut self) {
        self.gather_armed = false;
        let size = self.view.log_size();
        if !self.cosigning.is_published(size) {
            self.effect(Effect::Broadcast(Message::FetchCosignatures(size)));
            self.arm_gather();
        }
    }

    pub(super) fn serve_cosignatures(&mut self, to: Peer, size: u64) {
        if self.cosignatures_served.insert(to) {
            for held in self.cosigning.held(size) {
                self.effect(Effect::Send(to, Message::Cosignature(held)));
            }
        }
    }

    pub(super) fn cosignature(&mut self, from: Peer, given: HeadCosignature) {
        match self.take_cosignature(Some(from), given) {
            Ok(()) => {}
            // Who relays has checked before, and this head's set and root are known: a wrong one is its sender's fault.
            Err(error @ CosignatureError::Bad(_)) => self.effect(Effect::Score(from, error.to_string())),
            // Nobody's fault for sure, so it costs the sender nothing: it must not fill the log either.
            Err(error) if self.cosignatures_refused.insert(from) => {
                self.effect(Effect::Log(Notice::BadCosignature(format!("from {from}: {error}"))));
            }
            Err(_) => {}
        }
    }

    fn take_cosignature(&mut self, from: Option<Peer>, given: HeadCosignature) -> Result<(), CosignatureError> {
        let published = self.cosigning.add(from, given, self.now_ms, self.skew_ms())?;
        if let Some(published) = published {
            self.publish(published);
        }
        Ok(())
    }

    pub(super) fn publish(&mut self, published: Published) {
        let mut batch = Batch::default();
        batch.put(CONSENSUS, NOTE_KEY, published.note.as_bytes());
        if let Some((seq, persist)) = self.fifo.push(Some(Persist::Batch(batch)), Vec::new()) {
            self.effect(Effect::Persist { seq, persist });
        }
        let published = Arc::new(published);
        self.hold_published(&published);
        self.effect(Effect::Publish(published));
    }
}
