//! Messages from outside: which are kept, which are checked, which are faults. Cheap questions come before signatures.

use std::sync::Arc;

use dalil_ledger::block::{Block, Round};
use dalil_ledger::crypto::Signature;
use dalil_ledger::evidence::Evidence;
use dalil_ledger::statement::{Phase, SignedStatement, Statement};
use dalil_ledger::validators::{Certificate, ValidatorIndex, VoteKind};

use super::Engine;
use crate::evidence::Accusation;
use crate::message::{Message, Proposal, Vote};
use crate::output::{Action, PeerFault};
use crate::tally::{CertificateSort, Change, sort_of};

impl Engine {
    pub(super) fn on_message(&mut self, from: Option<ValidatorIndex>, message: Message) {
        if let Message::Status(status) = message {
            // A status speaks for the peer that sends it; of no use from anybody else.
            if let Some(peer) = from.filter(|peer| self.context.validators.get(*peer).is_some()) {
                self.on_status(peer, status);
            }
            return;
        }
        if let Some(peer) = from {
            self.note_heard(peer);
        }
        if message.height() != self.context.height {
            self.on_other_height(from, message);
            return;
        }
        let taken = match message {
            Message::Proposal(proposal) => self.take_proposal(proposal),
            Message::Vote(vote) => self.take_vote(&vote),
            Message::Certificate(certificate) => self.take_certificate(certificate),
            Message::Status(_) => Ok(()),
        };
        if let Err(fault) = taken {
            self.outbox.act(Action::Misbehaviour { from, fault });
        }
    }

    /// Checks a signature and notes that its signer is alive.
    fn verify(&mut self, who: ValidatorIndex, statement: &Statement, signature: &Signature) -> Result<(), PeerFault> {
        let member = self.context.validators.get(who).ok_or(PeerFault::UnknownSigner(who.0))?;
        let verified = statement.verify(&member.consensus, &self.config.chain, signature);
        verified.map_err(|_| PeerFault::BadSignature(who.0))?;
        self.note_heard(who);
        Ok(())
    }

    fn take_proposal(&mut self, proposal: Proposal) -> Result<(), PeerFault> {
        let (subject, who) = (proposal.subject, proposal.signer());
        let expected = self.context.validators.proposer(subject.height, subject.round);
        if who != expected {
            return Err(PeerFault::WrongProposer { expected: expected.0, got: who.0 });
        }
        let held = self.at.tally.proposal(subject.round).map(|held| held.proposal.subject);
        let reported = held.is_some() && self.is_reported(who, &proposal.statement());
        if held == Some(subject) || reported || !self.at.tally.keeps(subject.round, who) {
            return Ok(());
        }
        self.verify(who, &proposal.statement(), &proposal.signature)?;
        match (subject.valid_round, &proposal.polka) {
            (None, None) => {}
            (Some(valid_round), Some(polka)) => {
                let fits = polka.kind == VoteKind::Prevote
                    && polka.subject.height == subject.height
                    && polka.subject.block == Some(subject.block)
                    && polka.subject.round == valid_round
                    && valid_round < subject.round;
                if !fits {
                    return Err(PeerFault::WrongPolka);
                }
                self.prove(polka)?;
            }
            _ => return Err(PeerFault::WrongPolka),
        }
        let signed = proposal.signed();
        if let Change::Conflict(held) = self.at.tally.insert_proposal(proposal, self.now_ms) {
            self.report(who, held.signed(), signed);
        }
        Ok(())
    }

    fn take_vote(&mut self, vote: &Vote) -> Result<(), PeerFault> {
        let who = vote.signer();
        if self.context.validators.get(who).is_none() {
            return Err(PeerFault::UnknownSigner(who.0));
        }
        let held = self.at.tally.cast(vote.kind, vote.subject.round, who);
        if held.is_some_and(|held| held.block == vote.subject.block) || !self.at.tally.keeps(vote.subject.round, who) {
            return Ok(());
        }
        if held.is_some() && self.is_reported(who, &vote.statement()) {
            return Ok(());
        }
        self.verify(who, &vote.statement(), &vote.signature)?;
        if let Change::Conflict(held) = self.at.tally.insert_vote(&self.context.validators, vote) {
            self.report(who, held.signed(vote.kind, &vote.subject), vote.signed());
        }
        Ok(())
    }

    /// Takes a certificate of this height: it counts for its signers as their votes.
    fn take_certificate(&mut self, certificate: Certificate) -> Result<(), PeerFault> {
        let subject = certificate.subject;
        let sort = sort_of(&certificate).ok_or(PeerFault::BadCertificate)?;
        // A second certificate of one sort for the same block says nothing new.
        let known = self.at.tally.knows(sort, subject.round) && !self.is_contradicted(sort, &certificate);
        if known || self.is_outdated(sort, subject.round) {
            return Ok(());
        }
        self.verify_certificate(&certificate)?;
        self.count(certificate);
        Ok(())
    }

    /// The polka that a re-proposal rests on. It releases locks, so it is verified whatever is held of its round, unless
    /// just this was verified before.
    fn prove(&mut self, polka: &Certificate) -> Result<(), PeerFault> {
        let (subject, at) = (polka.subject, &self.at);
        let held = at.tally.polka(subject.round).into_iter().chain(at.valid.as_ref().map(|valid| &valid.polka));
        if held.map(|held| held.subject).any(|held| held == subject) {
            return Ok(());
        }
        self.verify_certificate(polka)?;
        if !self.is_outdated(CertificateSort::Polka, subject.round) {
            self.count(polka.clone());
        }
        Ok(())
    }

    fn verify_certificate(&mut self, certificate: &Certificate) -> Result<(), PeerFault> {
        let verified = certificate.verify(&self.context.validators, &self.config.chain);
        verified.map_err(|_| PeerFault::BadCertificate)?;
        for who in certificate.signer_indexes() {
            self.note_heard(who);
        }
        Ok(())
    }

    /// Counts a verified certificate for its signers; a contradiction is evidence.
    fn count(&mut self, certificate: Certificate) {
        let (kind, subject) = (certificate.kind, certificate.subject);
        if let Some(commit) = self.at.tally.commit() {
            self.accuse(Accusation::of(commit, &certificate, &self.context.validators));
        }
        for (who, held, signature) in self.at.tally.insert_certificate(certificate) {
            let signed = SignedStatement { statement: Statement::Vote { kind, subject }, signature };
            self.report(who, held.signed(kind, &subject), signed);
        }
    }

    /// Whether a certificate of the same sort, and of the same round or a commit, is held for another block. That takes
    /// more than f faulty signers, who are to be told once.
    fn is_contradicted(&self, sort: CertificateSort, certificate: &Certificate) -> bool {
        let (held, told) = match sort {
            CertificateSort::Polka => {
                let told = certificate.signer_indexes().any(|who| self.is_reported(who, &certificate.statement()));
                (self.at.tally.polka(certificate.subject.round), told)
            }
            CertificateSort::Commit => (self.at.tally.commit(), self.at.accused),
            CertificateSort::Nil => (None, true),
        };
        !told && held.is_some_and(|held| held.subject.block != certificate.subject.block)
    }

    /// Whether a polka is of a round that `valid` is beyond and whose votes count no more.
    fn is_outdated(&self, sort: CertificateSort, round: Round) -> bool {
        let beyond = self.at.valid.as_ref().is_some_and(|valid| round <= valid.round);
        sort == CertificateSort::Polka && beyond && round.saturating_add(1) < self.at.round
    }

    fn is_reported(&self, who: ValidatorIndex, statement: &Statement) -> bool {
        let position = statement.position();
        self.reported.contains(&(who, position.round, position.phase))
    }

    /// Rule 13, once a signer and place.
    fn report(&mut self, who: ValidatorIndex, one: SignedStatement, other: SignedStatement) {
        let Some(member) = self.context.validators.get(who) else { return };
        let position = one.statement.position();
        let place: (ValidatorIndex, u32, Phase) = (who, position.round, position.phase);
        if !self.reported.insert(place) {
            return;
        }
        while self.reported.len() > super::REPORTED_MAX {
            self.reported.pop_first();
        }
        let evidence = Evidence::new(member.consensus, one, other);
        self.outbox.act(Action::Evidence(Box::new(evidence)));
    }

    /// Shows that certificates held do not get along: the lock rule was broken.
    pub(super) fn accuse_held(&mut self) {
        if let Some(commit) = self.at.tally.commit().filter(|_| !self.at.accused) {
            let set = &self.context.validators;
            let accusation = self.at.tally.polkas().find_map(|(_, polka)| Accusation::of(commit, polka, set));
            self.accuse(accusation);
        }
    }

    /// Rule 13, once a height.
    fn accuse(&mut self, accusation: Option<Accusation>) {
        if let Some(accusation) = accusation.filter(|_| !self.at.accused) {
            self.at.accused = true;
            self.outbox.act(Action::Accusation(Box::new(accusation)));
        }
    }

    /// The body of a block. One that nothing refers to is dropped.
    pub(super) fn on_block(&mut self, block: Arc<Block>) {
        let id = block.id();
        if self.wanted().contains(&id) {
            self.at.blocks.insert(id, block);
        }
    }
}
