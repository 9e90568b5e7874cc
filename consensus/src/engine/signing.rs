//! Persist, then send: the order in which a signature leaves, and cosigning.

use dalil_ledger::block::BlockId;
use dalil_ledger::statement::{SignedStatement, Statement};

use super::height::own_message;
use super::{Engine, Standing};
use crate::message::Message;
use crate::output::{Action, Batch, CosignRefused, HaltReason, Persist};
use crate::record::{ConsensusRecord, PendingSignature};
use crate::sign_record::{Cosigned, Quarantine};

/// A signature on its way to the disk. It counts, and the next is made, when it is durable.
#[derive(Debug, Clone)]
pub(super) struct InFlight {
    pub(super) seq: u64,
    pub(super) message: Message,
}

impl InFlight {
    pub(super) fn block(&self) -> Option<BlockId> {
        match &self.message {
            Message::Proposal(proposal) => Some(proposal.subject.block),
            _ => None,
        }
    }
}

/// Whether a statement was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signing {
    Done,
    Refused,
}

impl Engine {
    /// Signs a statement: database batch, sign record, broadcast. The sign record may refuse; then nothing happens.
    pub(super) fn sign(&mut self, statement: Statement) -> Signing {
        let Some(index) = self.index else { return Signing::Refused };
        let Some(signer) = &mut self.signer else { return Signing::Refused };
        let Ok(signature) = signer.record.sign(statement, &signer.key) else { return Signing::Refused };
        self.last_signature = Some(PendingSignature { counter: signer.record.counter(), statement });
        let record = Box::new(signer.record.clone());
        // A set has at most 32 members.
        let entry = SignedStatement { statement, signature };
        let message = own_message(entry, index.0 as u8, self.at.proposed_polka.as_ref());
        self.persist_database();
        let seq = self.outbox.persist(Persist::SignRecord(record));
        self.outbox.act(Action::Broadcast(message.clone()));
        self.in_flight = Some(InFlight { seq, message });
        Signing::Done
    }

    /// One database batch with the present state and the bodies it refers to.
    pub(super) fn persist_database(&mut self) {
        let at = &self.at;
        let record = ConsensusRecord {
            height: self.context.height,
            round: at.round,
            locked: at.locked,
            valid: at.valid.clone(),
            commit: at.tally.commit().cloned(),
            nil: at.tally.newest_nil().cloned(),
            proposed: at.proposed,
            proposed_polka: at.proposed_polka.clone(),
            signature: self.last_signature,
        };
        let blocks = self.at.blocks.take_unstored(&record.block_ids());
        self.at.commit_stored = record.commit.is_some();
        self.outbox.persist(Persist::Database(Box::new(Batch { record, blocks })));
    }

    pub(super) fn on_persisted(&mut self, seq: u64) {
        if let Some(flight) = self.in_flight.take_if(|flight| flight.seq <= seq) {
            self.count_own(flight.message);
        }
    }

    /// Whether the head was cosigned, without which no block is precommitted on top of it. A lock shows that it was, also
    /// where the record of it was lost.
    pub(super) fn head_is_cosigned(&self) -> bool {
        if self.at.locked.is_some() {
            return true;
        }
        let Some(cosigned) = self.signer.as_ref().and_then(|signer| signer.record.cosigned()) else { return false };
        cosigned.size == self.context.head_size && cosigned.root == self.context.head_root
    }

    /// Cosigns the head for the first time. After a restart at the same head the recorded cosignature is released again:
    /// it may have been durable but not out, and the same bytes may always be signed again.
    pub(super) fn cosign_on_entry(&mut self) {
        if !matches!(self.standing, Standing::Signs(_)) {
            return;
        }
        let recorded = self.signer.as_ref().and_then(|signer| signer.record.cosigned());
        match recorded.filter(|cosigned| cosigned.size == self.context.head_size) {
            Some(cosigned) if cosigned.root == self.context.head_root => self.outbox.act(Action::Cosign(cosigned)),
            Some(cosigned) => self.halt(HaltReason::ContradictsCosigned {
                size: cosigned.size,
                found: self.context.head_root,
                cosigned: cosigned.root,
            }),
            // A refusal leaves the head uncosigned, and rule 5 waiting.
            None => drop(self.cosign_head()),
        }
    }

    /// Cosigns the head at the present time: only while neither a lock nor a precommit for a block is held.
    pub(super) fn cosign_head(&mut self) -> Result<(), CosignRefused> {
        let Standing::Signs(_) = self.standing else { return Err(CosignRefused::NotSigning) };
        let Some(signer) = &mut self.signer else { return Err(CosignRefused::NotSigning) };
        if self.at.locked.is_some() || signer.record.block_precommit_round(self.context.height).is_some() {
            return Err(CosignRefused::Locked);
        }
        let context = &self.context;
        let checkpoint = Cosigned { size: context.head_size, root: context.head_root, time_s: self.now_ms / 1_000 };
        signer.record.cosign(checkpoint)?;
        let record = Box::new(signer.record.clone());
        self.outbox.persist(Persist::SignRecord(record));
        self.outbox.act(Action::Cosign(checkpoint));
        Ok(())
    }

    /// Fixes the first height at which a key without a history may sign.
    pub(super) fn fix_quarantine(&mut self, until: u64) {
        if let Some(signer) = &mut self.signer {
            signer.record.set_quarantine(Quarantine::Until(until));
            let record = Box::new(signer.record.clone());
            self.outbox.persist(Persist::SignRecord(record));
        }
    }
}
