//! Entering a height: afresh, after a restart, or after sync.

use std::collections::BTreeMap;

use dalil_ledger::block::{BlockId, Round};
use dalil_ledger::statement::{self, SignedStatement, Statement};
use dalil_ledger::validators::{Certificate, VoteKind};

use super::blocks::Blocks;
use super::timers::RoundTimers;
use super::{Engine, Phase, Standing};
use crate::event::{HeightContext, HeightKnowledge};
use crate::message::{Message, Proposal, Vote};
use crate::output::HaltReason;
use crate::record::{ConsensusRecord, Lock, Restored, ValidBlock};
use crate::sign_record::Quarantine;
use crate::tally::Tally;

/// The step of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Step {
    Propose,
    Prevote,
    Precommit,
}

/// How far the proposer is with a block of its own in this round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Build {
    /// Nothing asked yet.
    Open,
    /// [`crate::Action::BuildBlock`] is under way.
    Asked,
    /// There is nothing to record, or the sign record refused.
    Closed,
}

/// Whether this node saw a reason to end the height that others share (rule 14).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Waking {
    Asleep,
    Awake,
}

/// Everything that is forgotten when the height ends.
#[derive(Debug, Clone, Hash)]
pub(super) struct AtHeight {
    pub(super) round: Round,
    pub(super) step: Step,
    pub(super) locked: Option<Lock>,
    pub(super) valid: Option<ValidBlock>,
    pub(super) tally: Tally,
    pub(super) blocks: Blocks,
    pub(super) timers: RoundTimers,
    pub(super) build: Build,
    pub(super) waking: Waking,
    /// The block of the newest own proposal and the polka that went with it.
    pub(super) proposed: Option<BlockId>,
    pub(super) proposed_polka: Option<Certificate>,
    /// The commit certificate went into a batch.
    pub(super) commit_stored: bool,
    /// Two certificates that accuse members of amnesia were shown.
    pub(super) accused: bool,
}

impl AtHeight {
    pub(super) fn new(height: u64) -> Self {
        Self {
            round: 0,
            step: Step::Propose,
            locked: None,
            valid: None,
            tally: Tally::new(height),
            blocks: Blocks::default(),
            timers: RoundTimers::default(),
            build: Build::Open,
            waking: Waking::Asleep,
            proposed: None,
            proposed_polka: None,
            commit_stored: false,
            accused: false,
        }
    }
}

impl Engine {
    /// Forgets the old height and takes up `context`.
    pub(super) fn enter_height(&mut self, context: HeightContext, restored: Restored) {
        let height = context.height;
        self.leave_height(&context);
        self.context = context;
        self.phase = Phase::Running;
        self.in_flight = None;
        self.pending = false;
        self.at = AtHeight::new(height);
        self.index = self
            .signer
            .as_ref()
            .and_then(|signer| {
                let public = signer.key.public();
                self.context.validators.iter().position(|member| member.consensus == public)
            })
            .map(dalil_ledger::validators::ValidatorIndex);
        self.enter_peers();
        if let Some(signer) = &mut self.signer {
            signer.record.enter_height(height);
            if matches!(signer.record.quarantine(), Quarantine::Until(until) if height >= until) {
                signer.record.set_quarantine(Quarantine::None);
            }
        }
        if let Some(record) = restored.record.filter(|record| record.height == height) {
            self.restore(record, restored.blocks);
        }
        self.judge_reports();
        self.standing = self.find_standing();
        self.feed_back();
        self.cosign_on_entry();
        self.replay_future();
    }

    fn restore(&mut self, record: ConsensusRecord, blocks: Vec<std::sync::Arc<dalil_ledger::block::Block>>) {
        for block in blocks {
            self.at.blocks.restore(block);
        }
        self.at.round = record.round;
        self.at.tally.start_round(record.round);
        self.at.locked = record.locked;
        self.at.valid = record.valid;
        self.at.proposed = record.proposed;
        self.at.proposed_polka = record.proposed_polka;
        self.at.commit_stored = record.commit.is_some();
        let polka = self.at.valid.as_ref().map(|valid| valid.polka.clone());
        for certificate in [record.commit, record.nil, polka].into_iter().flatten() {
            // What the own database holds was verified, but a damaged file must not decide anything.
            if certificate.verify(&self.context.validators, &self.config.chain).is_ok() {
                self.at.tally.insert_certificate(certificate);
            }
        }
    }

    fn find_standing(&self) -> Standing {
        let (Some(signer), Some(index)) = (&self.signer, self.index) else { return Standing::Follower };
        let (record, height) = (&signer.record, self.context.height);
        let lost = |round: &Round| self.at.locked.is_none_or(|lock| lock.round < *round);
        if height < record.floor() {
            Standing::BelowFloor { floor: record.floor() }
        } else if let Some(round) = record.block_precommit_round(height).filter(lost) {
            Standing::LostLock { round }
        } else if matches!(record.quarantine(), Quarantine::AwaitingReports | Quarantine::Until(_)) {
            Standing::Quarantined
        } else if self.context.knowledge == HeightKnowledge::Decided {
            Standing::KnownDecided
        } else {
            Standing::Signs(index)
        }
    }

    /// Own signatures of this height are messages like any other (a node that forgets its own vote can stall for ever),
    /// and the round and step follow from them.
    fn feed_back(&mut self) {
        let (Some(signer), Some(index)) = (&self.signer, self.index) else { return };
        let signed = signer.record.signed_at(self.context.height);
        let Some(last) = signed.last().map(|entry| entry.statement.position()) else { return };
        if last.round >= self.at.round {
            self.at.round = last.round;
            self.at.tally.start_round(last.round);
            self.at.step = match last.phase {
                statement::Phase::Propose => Step::Propose,
                statement::Phase::Prevote => Step::Prevote,
                statement::Phase::Precommit => Step::Precommit,
            };
        }
        // Only a node that others woke, or that had a record, ever signed.
        self.at.waking = Waking::Awake;
        for entry in signed {
            self.count_own(own_message(entry, index.0 as u8, self.at.proposed_polka.as_ref()));
        }
    }

    /// Counts an own statement that is durable.
    pub(super) fn count_own(&mut self, message: Message) {
        match message {
            Message::Proposal(proposal) => {
                let fits = proposal.subject.valid_round.is_some() == proposal.polka.is_some();
                if fits {
                    self.at.tally.insert_proposal(proposal, self.now_ms);
                }
            }
            Message::Vote(vote) => {
                self.at.tally.insert_vote(&self.context.validators, &vote);
            }
            Message::Certificate(_) | Message::Status(_) => {}
        }
    }

    /// StartRound (L11). The tally keeps what is needed of the round left behind.
    pub(super) fn start_round(&mut self, round: Round) {
        self.at.round = round;
        self.at.step = Step::Propose;
        self.at.timers = RoundTimers::default();
        self.at.build = Build::Open;
        self.at.tally.start_round(round);
    }

    /// Own precommits for blocks are kept for the whole height and sent again (rule 12).
    pub(super) fn own_block_precommit(&self) -> Option<Message> {
        let (signer, index) = (self.signer.as_ref()?, self.index?);
        let signed = signer.record.signed_at(self.context.height);
        let entry = signed.into_iter().rfind(|entry| entry.statement.is_block_precommit())?;
        Some(own_message(entry, index.0 as u8, None))
    }

    pub(super) fn halt(&mut self, reason: HaltReason) {
        self.phase = Phase::Halted;
        self.future = BTreeMap::new();
        self.outbox.act(crate::output::Action::Halt { reason });
    }
}

/// An own signature as the message that carries it.
pub(super) fn own_message(entry: SignedStatement, signer: u8, polka: Option<&Certificate>) -> Message {
    let signature = entry.signature;
    match entry.statement {
        Statement::Vote { kind, subject } => Message::Vote(Vote { kind, subject, signer, signature }),
        Statement::Proposal(subject) => {
            let goes_with = |polka: &&Certificate| {
                polka.kind == VoteKind::Prevote
                    && polka.subject.block == Some(subject.block)
                    && Some(polka.subject.round) == subject.valid_round
            };
            Message::Proposal(Proposal { subject, signer, signature, polka: polka.filter(goes_with).cloned() })
        }
    }
}
