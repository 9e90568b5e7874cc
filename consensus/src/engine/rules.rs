//! The rules, as conditions: [`Engine::settle`] lets one fire after the other until none does.

use dalil_ledger::block::{BlockId, Round};
use dalil_ledger::statement::{ProposalSubject, Statement};
use dalil_ledger::validators::VoteKind;

use super::blocks::Judgement;
use super::height::{Build, Step, Waking};
use super::signing::Signing;
use super::timers::TimerState;
use super::{Engine, Phase, Standing};
use crate::event::TimerKind;
use crate::message::Message;
use crate::output::{Action, BlockDemand, EmptyBlocks};
use crate::record::{Lock, ValidBlock};
use crate::timeouts::duration_ms;

/// Whether a rule fired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fired {
    Yes,
    No,
}

impl Engine {
    /// Evaluates the rules until none fires. While a signature is on its way to the disk they wait.
    pub(super) fn settle(&mut self) {
        self.accuse_held();
        while self.phase == Phase::Running {
            self.seek_blocks();
            if let Some(reason) = self.divergence() {
                self.halt(reason);
            } else if self.in_flight.is_some() || self.fire_one() == Fired::No {
                break;
            }
        }
        self.drop_unwanted_blocks();
    }

    /// Fires the first rule whose condition holds. The order: what ends the height or the round first, then votes, then
    /// the bookkeeping that rule 1 builds on, and timeouts last.
    fn fire_one(&mut self) -> Fired {
        const RULES: [fn(&mut Engine) -> Fired; 12] = [
            Engine::rule_09_decide,
            Engine::rule_10_catch_up,
            Engine::rule_02_03_prevote,
            Engine::rule_05_lock,
            Engine::rule_07_precommit_nil,
            Engine::rule_06_valid,
            Engine::rule_08_nil_certificate,
            Engine::rule_14_wake,
            Engine::rule_01_propose,
            Engine::rule_01_arm,
            Engine::rules_04_08_arm,
            Engine::rule_11_timeouts,
        ];
        for rule in RULES {
            if rule(self) == Fired::Yes {
                return Fired::Yes;
            }
        }
        Fired::No
    }

    fn signs(&self) -> bool {
        matches!(self.standing, Standing::Signs(_))
    }

    /// Whether this node takes part in round 0 (rule 14). Later rounds are always under way.
    fn is_awake(&self) -> bool {
        self.at.round > 0 || self.pending || self.at.waking == Waking::Awake
    }

    /// L49: a commit certificate of any round and the valid block.
    fn rule_09_decide(&mut self) -> Fired {
        let Some(certificate) = self.at.tally.commit().cloned() else { return Fired::No };
        let Some(id) = certificate.subject.block else { return Fired::No };
        if let (Judgement::Valid, Some(block)) = (self.at.blocks.judgement(&id), self.at.blocks.body(&id)) {
            let block = block.clone();
            self.phase = Phase::Decided;
            self.outbox.act(Action::Decide { block, certificate });
            return Fired::Yes;
        }
        if !self.at.commit_stored {
            // Its block is still to come, and may come after a restart.
            self.persist_database();
        }
        Fired::No
    }

    /// L55, and ★ a polka or nil certificate of a higher round, which shows a quorum there.
    fn rule_10_catch_up(&mut self) -> Fired {
        let spoken = self.at.tally.catch_up_round(self.context.validators.max_faulty());
        match spoken.max(self.at.tally.certified_round()).filter(|round| *round > self.at.round) {
            Some(round) => {
                self.start_round(round);
                Fired::Yes
            }
            None => Fired::No,
        }
    }

    /// L22 and L28: the first vote on the round's proposal.
    fn rule_02_03_prevote(&mut self) -> Fired {
        if !self.signs() || self.at.step != Step::Propose {
            return Fired::No;
        }
        let Some(held) = self.at.tally.proposal(self.at.round) else { return Fired::No };
        let (subject, received_ms) = (held.proposal.subject, held.received_ms);
        let locked_on_other = |lock: &Lock| lock.block != subject.block;
        let vote = match (self.at.blocks.judgement(&subject.block), subject.valid_round) {
            (Judgement::Unknown | Judgement::Checking, _) => return Fired::No,
            // Alone it wakes nobody: an idle chain stays silent.
            (Judgement::Invalid, _) if !self.is_awake() => return Fired::No,
            (Judgement::Invalid, _) => None,
            (Judgement::Valid, None) => {
                let free = !self.at.locked.as_ref().is_some_and(locked_on_other);
                (free && self.is_timely(&subject, received_ms)).then_some(subject.block)
            }
            (Judgement::Valid, Some(valid_round)) => {
                let held_back = |lock: &Lock| locked_on_other(lock) && lock.round > valid_round;
                (!self.at.locked.as_ref().is_some_and(held_back)).then_some(subject.block)
            }
        };
        self.prevote(vote)
    }

    /// timely(b) of a fresh proposal, judged by the time of its receipt.
    fn is_timely(&self, subject: &ProposalSubject, received_ms: u64) -> bool {
        let Some(block) = self.at.blocks.body(&subject.block) else { return false };
        let header = &block.header;
        let proposer = self.context.validators.proposer(subject.height, subject.round);
        let right_proposer = self.context.validators.get(proposer).is_some_and(|it| it.department == header.proposer);
        let drift_ms = u64::from(self.config.drift_ms);
        let back_ms = duration_ms(&self.config.timeouts, TimerKind::Propose, subject.round).saturating_add(drift_ms);
        let earliest = received_ms.saturating_sub(back_ms);
        let latest = received_ms.saturating_add(drift_ms);
        let parent_ms = self.context.parent_time_ms;
        // Clocks of a quorum may have been ahead for one block; the chain must go on from there.
        let follows_parent = parent_ms > received_ms && parent_ms.checked_add(1) == Some(header.timestamp_ms);
        let in_time = (earliest..=latest).contains(&header.timestamp_ms) || follows_parent;
        let fit_to_record = subject.round > 0 || header.record_count > 0;
        right_proposer && in_time && fit_to_record
    }

    fn prevote(&mut self, block: Option<BlockId>) -> Fired {
        self.at.step = Step::Prevote;
        self.sign(Statement::vote(VoteKind::Prevote, self.context.height, self.at.round, block));
        Fired::Yes
    }

    fn precommit(&mut self, block: Option<BlockId>) -> Fired {
        self.at.step = Step::Precommit;
        self.sign(Statement::vote(VoteKind::Precommit, self.context.height, self.at.round, block));
        Fired::Yes
    }

    /// The polka of `round` and its block, if the block is valid here.
    fn valid_polka(&self, round: Round) -> Option<(BlockId, ValidBlock)> {
        let polka = self.at.tally.polka(round)?.clone();
        let block = polka.subject.block.filter(|id| self.at.blocks.is_valid(id))?;
        Some((block, ValidBlock { block, round, polka }))
    }

    /// L36 before the own precommit of this round; afterwards rule 6 sets `valid`.
    fn rule_05_lock(&mut self) -> Fired {
        if !self.signs() || self.at.step == Step::Precommit || !self.head_is_cosigned() {
            return Fired::No;
        }
        let Some((block, valid)) = self.valid_polka(self.at.round) else { return Fired::No };
        let polka = valid.polka.clone();
        self.at.locked = Some(Lock { block, round: self.at.round });
        self.set_valid(valid);
        let fired = self.precommit(Some(block));
        self.outbox.act(Action::Broadcast(Message::Certificate(polka)));
        fired
    }

    fn set_valid(&mut self, valid: ValidBlock) {
        self.at.tally.forget_polkas_below(valid.round);
        self.at.valid = Some(valid);
    }

    /// ★ The newest polka beyond `valid` whose block is valid: what a proposer would propose, never a lock.
    fn rule_06_valid(&mut self) -> Fired {
        let known = self.at.valid.as_ref().map(|valid| valid.round);
        let newer = |round: &Round| known.is_none_or(|known| *round > known) && *round <= self.at.round;
        let rounds = self.at.tally.polkas().rev().map(|(round, _)| round).filter(newer);
        let Some((_, valid)) = rounds.filter_map(|round| self.valid_polka(round)).next() else { return Fired::No };
        self.set_valid(valid);
        if self.signs() {
            self.persist_database();
        }
        Fired::Yes
    }

    /// L44, in step prevote only: no certificate shows others q nil prevotes, so they may need this node's own.
    fn rule_07_precommit_nil(&mut self) -> Fired {
        let nil = self.at.tally.count(VoteKind::Prevote, self.at.round, None);
        if !self.signs() || self.at.step != Step::Prevote || nil < self.context.validators.quorum() {
            return Fired::No;
        }
        self.precommit(None)
    }

    /// ★ A nil certificate ends its round: at once, but after T_precommit where the round before ended so too, so that
    /// validators that find nothing to agree on do not spin.
    fn rule_08_nil_certificate(&mut self) -> Fired {
        let round = self.at.round;
        let Some(nil) = self.at.tally.nil(round).cloned() else { return Fired::No };
        let Some(next) = round.checked_add(1) else { return Fired::No };
        let nil_before = round.checked_sub(1).is_some_and(|before| self.at.tally.nil(before).is_some());
        if self.signs() {
            if nil_before && self.at.timers.precommit != TimerState::Fired {
                return Fired::No;
            }
            self.outbox.act(Action::Broadcast(Message::Certificate(nil)));
        }
        self.start_round(next);
        Fired::Yes
    }

    /// ★ What wakes an idle node apart from a pending record: others need it.
    fn rule_14_wake(&mut self) -> Fired {
        if self.at.waking == Waking::Awake {
            return Fired::No;
        }
        let proposal = self.at.tally.proposal(self.at.round).map(|held| held.proposal.subject.block);
        let proposed = proposal.is_some_and(|id| self.at.blocks.is_valid(&id));
        if proposed || self.at.tally.voters() > self.context.validators.max_faulty() {
            self.at.waking = Waking::Awake;
            return Fired::Yes;
        }
        Fired::No
    }

    /// L14–L19: the proposer proposes `valid` again, ★ with its polka, or has a block built.
    fn rule_01_propose(&mut self) -> Fired {
        let (height, round) = (self.context.height, self.at.round);
        let mine = self.index == Some(self.context.validators.proposer(height, round));
        let open = self.at.step == Step::Propose && self.at.tally.proposal(round).is_none();
        if !self.signs() || !mine || !open || !self.is_awake() || self.at.build == Build::Closed {
            return Fired::No;
        }
        if let Some(valid) = self.at.valid.as_ref().filter(|valid| valid.round < round) {
            let (block, valid_round, polka) = (valid.block, valid.round, valid.polka.clone());
            return self.propose(block, Some((valid_round, polka)));
        }
        if self.at.build != Build::Open {
            return Fired::No;
        }
        self.at.build = Build::Asked;
        let timestamp_ms = self.now_ms.max(self.context.parent_time_ms.saturating_add(1));
        let empty = if round == 0 { EmptyBlocks::Refused } else { EmptyBlocks::Allowed };
        let parent = self.context.parent_id;
        self.outbox.act(Action::BuildBlock(BlockDemand { height, round, parent, timestamp_ms, empty }));
        Fired::Yes
    }

    fn propose(&mut self, block: BlockId, polka: Option<(Round, dalil_ledger::validators::Certificate)>) -> Fired {
        let (valid_round, polka) = polka.unzip();
        let before = (self.at.proposed, self.at.proposed_polka.take());
        self.at.proposed = Some(block);
        self.at.proposed_polka = polka;
        let subject = ProposalSubject { height: self.context.height, round: self.at.round, block, valid_round };
        self.at.build = Build::Closed;
        if self.sign(Statement::Proposal(subject)) == Signing::Refused {
            (self.at.proposed, self.at.proposed_polka) = before;
        }
        Fired::Yes
    }

    /// A block built on demand: proposed if it is still wanted.
    pub(super) fn on_built(&mut self, round: Round, block: Option<std::sync::Arc<dalil_ledger::block::Block>>) {
        if round != self.at.round || self.at.build != Build::Asked {
            return;
        }
        let Some(block) = block else {
            self.at.build = Build::Closed;
            // Nothing applies any more: what was pending is gone.
            self.pending = self.pending && round > 0;
            return;
        };
        if self.at.step != Step::Propose || self.in_flight.is_some() {
            return;
        }
        let id = block.id();
        self.at.blocks.insert(id, block);
        self.at.blocks.judge(id, crate::event::Verdict::Valid);
        self.propose(id, None);
    }

    /// L21: T_propose. ★ It counts as fired at once where the proposer is dead; an idle node disarms it.
    fn rule_01_arm(&mut self) -> Fired {
        let waiting = self.signs() && self.at.step == Step::Propose;
        match self.at.timers.propose {
            TimerState::Off if waiting && self.is_awake() => {
                let dead = self.is_dead(self.context.validators.proposer(self.context.height, self.at.round));
                let state = if dead { TimerState::Fired } else { self.arm(TimerKind::Propose) };
                self.at.timers.propose = state;
                Fired::Yes
            }
            TimerState::Armed(_) if waiting && !self.is_awake() => {
                self.at.timers.propose = TimerState::Off;
                Fired::Yes
            }
            _ => Fired::No,
        }
    }

    /// L34 and L47: q votes of any kind.
    fn rules_04_08_arm(&mut self) -> Fired {
        if !self.signs() {
            return Fired::No;
        }
        let quorum = self.context.validators.quorum();
        let any = |kind| self.at.tally.count_any(kind, self.at.round) >= quorum;
        let mixed_prevotes = self.at.step == Step::Prevote && any(VoteKind::Prevote);
        if self.at.timers.prevote == TimerState::Off && mixed_prevotes {
            self.at.timers.prevote = self.arm(TimerKind::Prevote);
            return Fired::Yes;
        }
        if self.at.timers.precommit == TimerState::Off && any(VoteKind::Precommit) {
            self.at.timers.precommit = self.arm(TimerKind::Precommit);
            return Fired::Yes;
        }
        Fired::No
    }

    /// L57, L61, L65.
    fn rule_11_timeouts(&mut self) -> Fired {
        if !self.signs() {
            return Fired::No;
        }
        let timers = &self.at.timers;
        if timers.propose == TimerState::Fired && self.at.step == Step::Propose {
            return self.prevote(None);
        }
        if timers.prevote == TimerState::Fired && self.at.step == Step::Prevote {
            return self.precommit(None);
        }
        match self.at.round.checked_add(1) {
            Some(next) if timers.precommit == TimerState::Fired => {
                self.start_round(next);
                Fired::Yes
            }
            _ => Fired::No,
        }
    }
}
