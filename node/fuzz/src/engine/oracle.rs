//! What a key has said and what was durable when it did.

use std::collections::{BTreeMap, BTreeSet};

use dalil_consensus::{
    Action, ConsensusRecord, Cosigned, Message, Phase, Position, SignRecord, SignedStatement, Statement,
};
use dalil_ledger::validators::VoteKind;

/// Actions that one event may lead to: everything held of two rounds, and a little more.
pub(super) const ACTIONS_MAX: usize = 600;

/// The life of one key.
#[derive(Default)]
pub(super) struct Oracle {
    /// By position: the one statement that was durable there.
    signed: BTreeMap<Position, Statement>,
    /// Statements that were released.
    released: BTreeSet<Position>,
    /// Checkpoints that were durable.
    cosigned: Vec<Cosigned>,
    /// Block precommits whose lock was durable.
    locked: BTreeSet<Position>,
}

impl Oracle {
    /// A sign record is durable, beside the consensus record that was durable before it.
    pub(super) fn sign_record(&mut self, height: u64, record: &SignRecord, database: Option<&ConsensusRecord>) {
        for SignedStatement { statement, .. } in record.signed_at(height) {
            let position = statement.position();
            let before = self.signed.insert(position, statement);
            assert!(before.is_none_or(|before| before == statement), "{before:?} and {statement:?}");
            if let Statement::Vote { kind: VoteKind::Precommit, subject } = statement
                && let Some(block) = subject.block
                && !self.locked.contains(&position)
            {
                let lock = database.filter(|database| database.height == height).and_then(|database| database.locked);
                let lock = lock.unwrap_or_else(|| panic!("{statement:?} without a lock"));
                assert!(lock.round > subject.round || (lock.round, lock.block) == (subject.round, block), "{lock:?}");
                self.locked.insert(position);
            }
        }
        if let Some(cosigned) = record.cosigned()
            && self.cosigned.last() != Some(&cosigned)
        {
            if let Some(last) = self.cosigned.last() {
                assert!(cosigned.size >= last.size, "{last:?} then {cosigned:?}");
                if cosigned.size == last.size {
                    assert_eq!(cosigned.root, last.root);
                    assert!(cosigned.time_s > last.time_s, "{last:?} then {cosigned:?}");
                    let precommitted =
                        self.signed.values().any(|said| said.is_block_precommit() && is_at(said, height));
                    assert!(!precommitted, "head {} is cosigned again after a precommit on top of it", height - 1);
                }
            }
            self.cosigned.push(cosigned);
        }
    }

    /// An action is released; `me` is the key's place in the set.
    pub(super) fn released(&mut self, action: &Action, me: usize) {
        let (Action::Broadcast(message) | Action::SendTo(_, message)) = action else {
            if let Action::Cosign(cosigned) = action {
                assert!(self.cosigned.contains(cosigned), "{cosigned:?} left before it was durable");
            }
            return;
        };
        let statement = match message {
            Message::Vote(vote) if usize::from(vote.signer) == me => vote.statement(),
            Message::Proposal(proposal) if usize::from(proposal.signer) == me => proposal.statement(),
            _ => return,
        };
        assert_eq!(self.signed.get(&statement.position()), Some(&statement), "left before it was durable");
        self.released.insert(statement.position());
    }

    /// Whether anything but proposals was said.
    pub(super) fn voted(&self) -> bool {
        self.released.iter().any(|position| position.phase != Phase::Propose)
    }
}

fn is_at(statement: &Statement, height: u64) -> bool {
    statement.position().height == height
}
