//! The heights just left: what is heard of them counts for nothing any more, except as evidence (rule 13).
//!
//! A height may end before two nodes that one key told different things hear of each other. Of two statements that
//! contradict each other at most one is for the block that was decided. So each node says once more what it heard *against*
//! it, nil votes included, and whoever holds the other half reports. A height without dissent costs no message.

use std::collections::{BTreeMap, BTreeSet};

use dalil_ledger::block::{BlockId, Round};
use dalil_ledger::crypto::Hash;
use dalil_ledger::evidence::Evidence;
use dalil_ledger::statement::{Phase, SignedStatement};
use dalil_ledger::validators::{Certificate, ValidatorIndex, ValidatorSet};

use super::Engine;
use crate::event::HeightContext;
use crate::evidence::Accusation;
use crate::message::Message;
use crate::output::{Action, PeerFault};

/// How many heights are listened to after they were left.
const PAST_HEIGHTS: usize = 4;
/// How often dissent is said again, once a rebroadcast interval: the first time it may be lost, or come to a node that is
/// not so far yet.
const REPEATS: u32 = 3;

/// Who spoke where.
type Place = (ValidatorIndex, Round, Phase);

/// A height that was left.
#[derive(Debug, Clone)]
pub(super) struct Past {
    validators: ValidatorSet,
    decided: BlockId,
    /// The rounds in which something new is still heard: the last two.
    rounds: [Round; 2],
    /// One verified statement a place.
    held: BTreeMap<Place, SignedStatement>,
    reported: BTreeSet<Place>,
    commit: Option<Certificate>,
    accused: bool,
    dissent: Vec<Message>,
    repeats: u32,
}

impl std::hash::Hash for Past {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        // The set follows from the height.
        let Self { validators: _, decided, rounds, held, reported, commit, accused, dissent, repeats } = self;
        (decided, rounds, held, reported, commit, accused, dissent, repeats).hash(state);
    }
}

impl Engine {
    /// Keeps what evidence may need of the present height, which `next` follows.
    pub(super) fn leave_height(&mut self, next: &HeightContext) {
        if next.height != self.context.height.saturating_add(1) {
            // It was skipped: whoever took part in it looks after it.
            return;
        }
        let decided = next.parent_id;
        let tally = &self.at.tally;
        let mut held = BTreeMap::new();
        let mut dissent = Vec::new();
        let rounds = [self.at.round.saturating_sub(1), self.at.round];
        for proposal in tally.proposals().map(|held| &held.proposal) {
            held.insert((proposal.signer(), proposal.subject.round, Phase::Propose), proposal.signed());
            if proposal.subject.block != decided {
                dissent.push(Message::Proposal(proposal.clone()));
            }
        }
        for vote in tally.votes() {
            let position = vote.statement().position();
            held.insert((vote.signer(), position.round, position.phase), vote.signed());
            if vote.subject.block != Some(decided) {
                dissent.push(Message::Vote(vote));
            }
        }
        for message in &dissent {
            self.outbox.act(Action::Broadcast(message.clone()));
        }
        let past = Past {
            validators: self.context.validators.clone(),
            decided,
            rounds,
            held,
            reported: self.reported.clone(),
            commit: tally.commit().cloned(),
            accused: self.at.accused,
            repeats: if dissent.is_empty() { 0 } else { REPEATS },
            dissent,
        };
        self.past.insert(self.context.height, past);
        while self.past.len() > PAST_HEIGHTS {
            self.past.pop_first();
        }
    }

    /// Says dissent again, a few times.
    pub(super) fn repeat_dissent(&mut self) {
        for past in self.past.values_mut().filter(|past| past.repeats > 0) {
            past.repeats -= 1;
            for message in &past.dissent {
                self.outbox.act(Action::Broadcast(message.clone()));
            }
        }
    }

    /// A message of a height that was left.
    pub(super) fn on_past_height(&mut self, from: Option<ValidatorIndex>, message: Message) {
        let Some(past) = self.past.get_mut(&message.height()) else { return };
        let chain = &self.config.chain;
        let heard = match message {
            Message::Proposal(proposal) => {
                let expected = past.validators.proposer(proposal.subject.height, proposal.subject.round);
                match proposal.signer() {
                    who if who == expected => past.hear(who, proposal.signed(), chain),
                    who => Err(PeerFault::WrongProposer { expected: expected.0, got: who.0 }),
                }
            }
            Message::Vote(vote) => past.hear(vote.signer(), vote.signed(), chain),
            Message::Certificate(certificate) => past.compare(&certificate, chain),
            Message::Status(_) => Ok(None),
        };
        match heard {
            Ok(None) => {}
            Ok(Some(action)) => self.outbox.act(action),
            Err(fault) => self.outbox.act(Action::Misbehaviour { from, fault }),
        }
    }
}

impl Past {
    /// Takes a statement, or the evidence that it makes with the one held.
    fn hear(
        &mut self,
        who: ValidatorIndex,
        signed: SignedStatement,
        chain: &Hash,
    ) -> Result<Option<Action>, PeerFault> {
        let member = self.validators.get(who).ok_or(PeerFault::UnknownSigner(who.0))?;
        let position = signed.statement.position();
        let place = (who, position.round, position.phase);
        let held = self.held.get(&place);
        let known = held.is_some_and(|held| held.statement == signed.statement) || self.reported.contains(&place);
        if known || (held.is_none() && !self.rounds.contains(&position.round)) {
            return Ok(None);
        }
        signed.verify(&member.consensus, chain).map_err(|_| PeerFault::BadSignature(who.0))?;
        let evidence = held.map(|held| Evidence::new(member.consensus, *held, signed));
        match evidence {
            Some(evidence) => {
                self.reported.insert(place);
                Ok(Some(Action::Evidence(Box::new(evidence))))
            }
            None => {
                self.held.insert(place, signed);
                Ok(None)
            }
        }
    }

    /// Compares a certificate for another block with the one that decided.
    fn compare(&mut self, certificate: &Certificate, chain: &Hash) -> Result<Option<Action>, PeerFault> {
        let other = certificate.subject.block.is_some_and(|block| block != self.decided);
        let Some(commit) = self.commit.as_ref().filter(|_| other && !self.accused) else { return Ok(None) };
        let Some(accusation) = Accusation::of(commit, certificate, &self.validators) else { return Ok(None) };
        certificate.verify(&self.validators, chain).map_err(|_| PeerFault::BadCertificate)?;
        self.accused = true;
        Ok(Some(Action::Accusation(Box::new(accusation))))
    }
}
