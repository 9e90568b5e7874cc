//! What validators have said at one height, and what follows from counting it.
//!
//! Bounded whatever arrives: of each validator the votes and proposals of the current round, the one before, and its own
//! highest round are kept. So votes of rounds up to 2³² − 1 cost no memory.

use std::collections::{BTreeMap, BTreeSet};

use dalil_ledger::block::{BlockId, Round};
use dalil_ledger::crypto::Signature;
use dalil_ledger::statement::{SignedStatement, Statement};
use dalil_ledger::validators::{Certificate, ValidatorIndex, ValidatorSet, VoteKind, VoteSubject};

use crate::message::{Proposal, Vote};

/// How many polkas are kept; the highest rounds win. More than one is needed only while bodies are missing.
const POLKAS_MAX: usize = 8;

/// A vote as it is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Cast {
    pub(crate) block: Option<BlockId>,
    pub(crate) signature: Signature,
}

impl Cast {
    /// The vote as it was signed, at the place that `subject` names.
    pub(crate) fn signed(&self, kind: VoteKind, subject: &VoteSubject) -> SignedStatement {
        let statement = Statement::vote(kind, subject.height, subject.round, self.block);
        SignedStatement { statement, signature: self.signature }
    }
}

/// A proposal with the time of its arrival, by which timely(b) is judged.
#[derive(Debug, Clone, Hash)]
pub(crate) struct HeldProposal {
    pub(crate) proposal: Proposal,
    pub(crate) received_ms: u64,
}

/// What became of something new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change<T> {
    /// It is held now.
    New,
    /// It was held already, or is of a round that is not kept.
    Unchanged,
    /// Its signer said something else at this place, which stays held.
    Conflict(T),
}

/// The three sorts of certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CertificateSort {
    Polka,
    Commit,
    Nil,
}

/// The sort of a certificate; q nil prevotes make none.
pub(crate) fn sort_of(certificate: &Certificate) -> Option<CertificateSort> {
    match (certificate.kind, certificate.subject.block) {
        (VoteKind::Prevote, Some(_)) => Some(CertificateSort::Polka),
        (VoteKind::Precommit, Some(_)) => Some(CertificateSort::Commit),
        (VoteKind::Precommit, None) => Some(CertificateSort::Nil),
        (VoteKind::Prevote, None) => None,
    }
}

type RoundVotes = BTreeMap<(VoteKind, ValidatorIndex), Cast>;

/// The tally of one height.
#[derive(Debug, Clone, Hash)]
pub(crate) struct Tally {
    height: u64,
    current: Round,
    votes: BTreeMap<Round, RoundVotes>,
    proposals: BTreeMap<Round, HeldProposal>,
    /// The highest round of each validator that said anything.
    highest: BTreeMap<ValidatorIndex, Round>,
    /// Who voted at this height at all (rule 14).
    voters: BTreeSet<ValidatorIndex>,
    polkas: BTreeMap<Round, Certificate>,
    /// Nil certificates from the round before the current one on.
    nils: BTreeMap<Round, Certificate>,
    commit: Option<Certificate>,
}

impl Tally {
    pub(crate) fn new(height: u64) -> Self {
        Self {
            height,
            current: 0,
            votes: BTreeMap::new(),
            proposals: BTreeMap::new(),
            highest: BTreeMap::new(),
            voters: BTreeSet::new(),
            polkas: BTreeMap::new(),
            nils: BTreeMap::new(),
            commit: None,
        }
    }

    /// Moves to a round and drops what is no longer kept.
    pub(crate) fn start_round(&mut self, round: Round) {
        self.current = round;
        let Self { votes, proposals, highest, nils, .. } = self;
        let kept = |at: Round, who: &ValidatorIndex| is_recent(at, round) || highest.get(who) == Some(&at);
        for (at, cast) in votes.iter_mut() {
            cast.retain(|(_, who), _| kept(*at, who));
        }
        votes.retain(|_, cast| !cast.is_empty());
        proposals.retain(|at, held| kept(*at, &held.proposal.signer()));
        nils.retain(|at, _| at.saturating_add(1) >= round);
    }

    /// Whether something that `who` says of `round` would be kept.
    pub(crate) fn keeps(&self, round: Round, who: ValidatorIndex) -> bool {
        is_recent(round, self.current) || self.highest.get(&who).is_none_or(|highest| round >= *highest)
    }

    fn note_round(&mut self, round: Round, who: ValidatorIndex) {
        let before = self.highest.insert(who, round);
        match before {
            Some(before) if before > round => {
                self.highest.insert(who, before);
            }
            Some(before) if before < round && !is_recent(before, self.current) => self.forget(before, who),
            _ => {}
        }
    }

    fn forget(&mut self, round: Round, who: ValidatorIndex) {
        if let Some(cast) = self.votes.get_mut(&round) {
            cast.retain(|(_, signer), _| *signer != who);
            if cast.is_empty() {
                self.votes.remove(&round);
            }
        }
        if self.proposals.get(&round).is_some_and(|held| held.proposal.signer() == who) {
            self.proposals.remove(&round);
        }
    }

    /// The vote that `who` cast.
    pub(crate) fn cast(&self, kind: VoteKind, round: Round, who: ValidatorIndex) -> Option<&Cast> {
        self.votes.get(&round)?.get(&(kind, who))
    }

    /// Takes a vote whose signature is verified, and assembles the certificate that it completes.
    pub(crate) fn insert_vote(&mut self, set: &ValidatorSet, vote: &Vote) -> Change<Cast> {
        let change = self.insert_cast(vote.kind, vote.subject, vote.signer(), vote.signature);
        if change == Change::New {
            self.assemble(set, vote.kind, vote.subject);
        }
        change
    }

    fn insert_cast(
        &mut self,
        kind: VoteKind,
        subject: VoteSubject,
        who: ValidatorIndex,
        signature: Signature,
    ) -> Change<Cast> {
        self.voters.insert(who);
        if !self.keeps(subject.round, who) {
            return Change::Unchanged;
        }
        self.note_round(subject.round, who);
        let slots = self.votes.entry(subject.round).or_default();
        match slots.get(&(kind, who)) {
            Some(held) if held.block == subject.block => Change::Unchanged,
            Some(held) => Change::Conflict(*held),
            None => {
                slots.insert((kind, who), Cast { block: subject.block, signature });
                Change::New
            }
        }
    }

    fn assemble(&mut self, set: &ValidatorSet, kind: VoteKind, subject: VoteSubject) {
        if self.count(kind, subject.round, subject.block) < set.quorum() {
            return;
        }
        let Some(slots) = self.votes.get(&subject.round) else { return };
        let equal = slots.iter().filter(|((slot, _), cast)| *slot == kind && cast.block == subject.block);
        let votes = equal.map(|((_, who), cast)| (*who, &cast.signature));
        if let Some(certificate) = Certificate::assemble(set, kind, subject, votes) {
            self.hold(certificate);
        }
    }

    /// Whether a certificate of this sort and round is held, or would not be kept.
    pub(crate) fn knows(&self, sort: CertificateSort, round: Round) -> bool {
        match sort {
            CertificateSort::Polka => self.polkas.contains_key(&round),
            CertificateSort::Commit => self.commit.is_some(),
            CertificateSort::Nil => self.nils.contains_key(&round) || round.saturating_add(1) < self.current,
        }
    }

    /// Takes a verified certificate: it counts for its signers as their votes. Returns the votes that contradict it.
    pub(crate) fn insert_certificate(&mut self, certificate: Certificate) -> Vec<(ValidatorIndex, Cast, Signature)> {
        let mut conflicts = Vec::new();
        for (who, signature) in certificate.signer_indexes().zip(&certificate.signatures) {
            let change = self.insert_cast(certificate.kind, certificate.subject, who, *signature);
            if let Change::Conflict(held) = change {
                conflicts.push((who, held, *signature));
            }
        }
        self.hold(certificate);
        conflicts
    }

    fn hold(&mut self, certificate: Certificate) {
        let round = certificate.subject.round;
        match sort_of(&certificate) {
            Some(CertificateSort::Polka) => {
                self.polkas.entry(round).or_insert(certificate);
                while self.polkas.len() > POLKAS_MAX {
                    self.polkas.pop_first();
                }
            }
            Some(CertificateSort::Commit) => {
                self.commit.get_or_insert(certificate);
            }
            Some(CertificateSort::Nil) => {
                self.nils.entry(round).or_insert(certificate);
            }
            None => {}
        }
    }

    /// Takes a verified proposal.
    pub(crate) fn insert_proposal(&mut self, proposal: Proposal, received_ms: u64) -> Change<Proposal> {
        let (round, who) = (proposal.subject.round, proposal.signer());
        if !self.keeps(round, who) {
            return Change::Unchanged;
        }
        if let Some(held) = self.proposals.get(&round) {
            let same = held.proposal.subject == proposal.subject;
            return if same { Change::Unchanged } else { Change::Conflict(held.proposal.clone()) };
        }
        self.note_round(round, who);
        self.proposals.insert(round, HeldProposal { proposal, received_ms });
        Change::New
    }

    /// The proposal of a round.
    pub(crate) fn proposal(&self, round: Round) -> Option<&HeldProposal> {
        self.proposals.get(&round)
    }

    /// All proposals held.
    pub(crate) fn proposals(&self) -> impl Iterator<Item = &HeldProposal> {
        self.proposals.values()
    }

    /// How many validators cast any vote of this kind; each counts once.
    pub(crate) fn count_any(&self, kind: VoteKind, round: Round) -> usize {
        self.votes.get(&round).map_or(0, |slots| slots.keys().filter(|(slot, _)| *slot == kind).count())
    }

    /// How many validators cast this vote.
    pub(crate) fn count(&self, kind: VoteKind, round: Round, block: Option<BlockId>) -> usize {
        let equal =
            |slots: &RoundVotes| slots.iter().filter(|((slot, _), cast)| *slot == kind && cast.block == block).count();
        self.votes.get(&round).map_or(0, equal)
    }

    /// Who prevoted for a block in a round, and so holds its body.
    pub(crate) fn prevoters(&self, round: Round, block: BlockId) -> Vec<ValidatorIndex> {
        let Some(slots) = self.votes.get(&round) else { return Vec::new() };
        let equal = slots.iter().filter(|((kind, _), cast)| *kind == VoteKind::Prevote && cast.block == Some(block));
        equal.map(|((_, who), _)| *who).collect()
    }

    /// How many validators voted at this height, in any round (rule 14).
    pub(crate) fn voters(&self) -> usize {
        self.voters.len()
    }

    /// Rule 10: the (f+1)-th highest round over validators, if so many spoke. At least one honest validator is there.
    pub(crate) fn catch_up_round(&self, max_faulty: usize) -> Option<Round> {
        let mut rounds: Vec<Round> = self.highest.values().copied().collect();
        rounds.sort_unstable_by(|a, b| b.cmp(a));
        rounds.get(max_faulty).copied()
    }

    /// The polka of a round.
    pub(crate) fn polka(&self, round: Round) -> Option<&Certificate> {
        self.polkas.get(&round)
    }

    /// All polkas held, by round.
    pub(crate) fn polkas(&self) -> impl DoubleEndedIterator<Item = (Round, &Certificate)> {
        self.polkas.iter().map(|(round, polka)| (*round, polka))
    }

    /// Drops polkas of rounds below `round`: `valid` is beyond them.
    pub(crate) fn forget_polkas_below(&mut self, round: Round) {
        self.polkas = self.polkas.split_off(&round);
    }

    /// The nil certificate of a round.
    pub(crate) fn nil(&self, round: Round) -> Option<&Certificate> {
        self.nils.get(&round)
    }

    /// The newest nil certificate.
    pub(crate) fn newest_nil(&self) -> Option<&Certificate> {
        self.nils.last_key_value().map(|(_, certificate)| certificate)
    }

    /// The highest round that a polka or nil certificate is held of.
    pub(crate) fn certified_round(&self) -> Option<Round> {
        let polka = self.polkas.last_key_value().map(|(round, _)| *round);
        polka.max(self.nils.last_key_value().map(|(round, _)| *round))
    }

    /// The commit certificate.
    pub(crate) fn commit(&self) -> Option<&Certificate> {
        self.commit.as_ref()
    }

    /// All votes held of the current and the previous round, for rule 12.
    pub(crate) fn recent_votes(&self) -> Vec<Vote> {
        self.votes().filter(|vote| is_recent(vote.subject.round, self.current)).collect()
    }

    /// All votes held.
    pub(crate) fn votes(&self) -> impl Iterator<Item = Vote> + '_ {
        let slots = self.votes.iter().flat_map(|(round, slots)| slots.iter().map(move |slot| (*round, slot)));
        slots.map(|(round, ((kind, who), cast))| {
            let subject = VoteSubject { height: self.height, round, block: cast.block };
            // A validator set has at most 32 members.
            Vote { kind: *kind, subject, signer: who.0 as u8, signature: cast.signature }
        })
    }
}

/// Whether `round` is the current one or the one before.
fn is_recent(round: Round, current: Round) -> bool {
    round == current || round.checked_add(1) == Some(current)
}
