//! Where the others are: who was heard, who is behind, who is ahead, and what is said again and again (rule 12).

use std::collections::BTreeMap;

use dalil_ledger::block::Height;
use dalil_ledger::validators::ValidatorIndex;

use super::{Engine, FUTURE_MESSAGES_MAX, Phase};
use crate::event::TimerKind;
use crate::message::{Message, Status};
use crate::output::Action;
use crate::sign_record::Quarantine;

impl Engine {
    /// At a new height: members seen for the first time count as heard, so that nobody is skipped unheard-of.
    pub(super) fn enter_peers(&mut self) {
        let height = self.context.height;
        let members = self.context.validators.iter();
        let heard = members.map(|it| (it.department.clone(), *self.heard.get(&it.department).unwrap_or(&height)));
        self.heard = heard.collect();
        // Indexes may mean other departments now.
        self.peers = BTreeMap::new();
        self.reports.retain(|department, _| self.heard.contains_key(department));
        self.reported.clear();
    }

    pub(super) fn note_heard(&mut self, who: ValidatorIndex) {
        let Some(member) = self.context.validators.get(who) else { return };
        if let Some(heard) = self.heard.get_mut(&member.department) {
            *heard = self.context.height;
        }
    }

    /// Rule 1 ★: nothing from this proposer in the last n heights while a quorum was heard.
    pub(super) fn is_dead(&self, proposer: ValidatorIndex) -> bool {
        if self.index == Some(proposer) {
            return false;
        }
        let n = self.context.validators.len() as u64;
        let is_heard = |(at, member): (usize, &dalil_ledger::validators::Validator)| {
            let heard = self.heard.get(&member.department).copied().unwrap_or(self.context.height);
            self.index == Some(ValidatorIndex(at)) || self.context.height.saturating_sub(heard) < n
        };
        let set = &self.context.validators;
        let heard = set.iter().enumerate().filter(|member| is_heard(*member)).count();
        let proposer_heard = set.get(proposer).is_none_or(|member| is_heard((proposer.0, member)));
        !proposer_heard && heard >= set.quorum()
    }

    pub(super) fn on_status(&mut self, peer: ValidatorIndex, status: Status) {
        self.note_heard(peer);
        self.note_ahead(peer, status.height);
        self.on_quarantine_report(peer, status.height);
        if status.height < self.context.height {
            self.outbox.act(Action::PeerBehind { who: peer, height: status.height });
        } else if status.height == self.context.height
            && let Some(nil) = self.at.tally.newest_nil().filter(|nil| nil.subject.round >= status.round)
        {
            self.outbox.act(Action::SendTo(peer, Message::Certificate(nil.clone())));
        }
    }

    /// Notes that a peer works on `height`; says so at once where block sync must help.
    fn note_ahead(&mut self, peer: ValidatorIndex, height: Height) {
        let before = self.peers.insert(peer, height);
        let beyond_next = height > self.context.height.saturating_add(1);
        if beyond_next && before.is_none_or(|before| before < height) {
            self.outbox.act(Action::Behind { height, from: vec![peer] });
        }
    }

    /// The next height is kept for, a little a peer; of higher ones only the fact is. Of lower ones evidence may come.
    pub(super) fn on_other_height(&mut self, from: Option<ValidatorIndex>, message: Message) {
        let height = message.height();
        if height < self.context.height {
            return self.on_past_height(from, message);
        }
        if let Some(peer) = from.filter(|peer| self.context.validators.get(*peer).is_some()) {
            self.note_ahead(peer, height);
        }
        if height == self.context.height.saturating_add(1) {
            let kept = self.future.entry(from).or_default();
            if kept.len() < FUTURE_MESSAGES_MAX && !kept.contains(&message) {
                kept.push(message);
            }
        }
    }

    /// Takes what came early for the height that was just entered.
    pub(super) fn replay_future(&mut self) {
        for (from, messages) in std::mem::take(&mut self.future) {
            for message in messages {
                if message.height() == self.context.height {
                    // `from` was a place in the old set; the signatures speak for themselves.
                    let _ = from;
                    self.on_message(None, message);
                }
            }
        }
    }

    /// A key without a history waits until q others said where they are: one of them knows of the highest height that
    /// the key may have signed at.
    fn on_quarantine_report(&mut self, peer: ValidatorIndex, height: Height) {
        let Some(member) = self.context.validators.get(peer) else { return };
        if self.index != Some(peer) && self.awaits_reports() {
            self.reports.insert(member.department.clone(), height);
            self.judge_reports();
        }
    }

    fn awaits_reports(&self) -> bool {
        self.signer.as_ref().is_some_and(|it| it.record.quarantine() == Quarantine::AwaitingReports)
    }

    /// Fixes the quarantine once q members of the present set have reported and this node is where they are.
    pub(super) fn judge_reports(&mut self) {
        if !self.awaits_reports() || self.reports.len() < self.context.validators.quorum() {
            return;
        }
        let highest = self.reports.values().copied().max().unwrap_or_default();
        if highest <= self.context.height {
            // The height reported and two beyond are decided before the first signature.
            self.fix_quarantine(highest.saturating_add(3));
        }
    }

    /// Rule 12. Whatever a lost message could have carried is said again; receivers drop what they hold before they
    /// check a signature.
    pub(super) fn on_rebroadcast(&mut self) {
        self.rebroadcast = self.arm(TimerKind::Rebroadcast);
        if self.phase == Phase::Running {
            self.at.blocks.forget_requests();
            for message in self.standing_messages() {
                self.outbox.act(Action::Broadcast(message));
            }
        }
        self.repeat_dissent();
        let status = Status { height: self.context.height, round: self.at.round, head_size: self.context.head_size };
        self.outbox.act(Action::Broadcast(Message::Status(status)));
        self.outbox.act(Action::AdvertiseRecords);
        let ahead: Vec<_> = self.peers.iter().filter(|(_, height)| **height > self.context.height).collect();
        if let Some(height) = ahead.iter().map(|(_, height)| **height).max() {
            let from = ahead.into_iter().map(|(peer, _)| *peer).collect();
            self.outbox.act(Action::Behind { height, from });
        }
    }

    fn standing_messages(&self) -> Vec<Message> {
        let at = &self.at;
        let mut messages = Vec::new();
        let proposals = [at.round.checked_sub(1), Some(at.round)].into_iter().flatten();
        for held in proposals.filter_map(|round| at.tally.proposal(round)) {
            if Some(held.proposal.signer()) == self.index {
                messages.push(Message::Proposal(held.proposal.clone()));
            }
        }
        messages.extend(at.tally.recent_votes().into_iter().map(Message::Vote));
        let precommit = self.own_block_precommit();
        messages.extend(
            precommit.filter(|message| self.in_flight.as_ref().is_none_or(|flight| flight.message != *message)),
        );
        let polka = at.valid.as_ref().map(|valid| valid.polka.clone());
        let nil = at.tally.newest_nil().cloned();
        let newest_polka = at.tally.polkas().next_back().map(|(_, polka)| polka.clone());
        let newest_polka = newest_polka.filter(|newest| Some(newest) != polka.as_ref());
        let certificates = [polka, newest_polka, nil, at.tally.commit().cloned()];
        messages.extend(certificates.into_iter().flatten().map(Message::Certificate));
        messages
    }
}
