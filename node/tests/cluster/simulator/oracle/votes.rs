//! Every statement that was seen, counted anew: who said what, which quorums there were, and what locks forbade.

use std::collections::BTreeMap;

use dalil_ledger::block::{BlockId, Height, Round};

/// What a consensus key may sign once a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Proposal,
    Prevote,
    Precommit,
}

/// One signed statement, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    pub height: Height,
    pub round: Round,
    pub kind: Kind,
    pub block: Option<BlockId>,
    /// Of a proposal: the round of the polka that it brings along.
    pub valid_round: Option<Round>,
    /// Place of the signer in set(h).
    pub signer: u8,
}

/// How many of a set of `n` make a quorum: all but as many as may be faulty.
pub fn quorum(n: usize) -> usize {
    n - (n - 1) / 3
}

/// What was said at each place.
#[derive(Default)]
pub struct Votes {
    /// The first statement of each key that keeps the rules.
    said: BTreeMap<(Height, Round, Kind, u8), Statement>,
    /// Bit i: validator i was seen to vote so.
    counted: BTreeMap<(Height, Round, Kind, Option<BlockId>), u64>,
    polkas: BTreeMap<(Height, Round), BlockId>,
    commits: BTreeMap<Height, (Round, BlockId)>,
    pub relocks: u64,
}

impl Votes {
    /// A vote of which nothing is expected: of a faulty key, or within a certificate.
    pub fn count(&mut self, said: &Statement, n: usize) -> Result<(), String> {
        if said.kind == Kind::Proposal {
            return Ok(());
        }
        let voters = self.counted.entry((said.height, said.round, said.kind, said.block)).or_default();
        let before = voters.count_ones() as usize;
        *voters |= 1 << said.signer;
        let made_quorum = before < quorum(n) && voters.count_ones() as usize >= quorum(n);
        match (said.kind, said.block) {
            (Kind::Prevote, Some(block)) if made_quorum => self.polka(said.height, said.round, block),
            (Kind::Precommit, Some(block)) if made_quorum => self.commit(said.height, said.round, block),
            _ => Ok(()),
        }
    }

    /// Whether the validator was seen to vote so.
    pub fn has_counted(&self, said: &Statement) -> bool {
        let voters = self.counted.get(&(said.height, said.round, said.kind, said.block));
        voters.is_some_and(|voters| voters >> said.signer & 1 == 1)
    }

    /// A statement of a key that keeps the rules, said by itself or passed on by another node. Returns whether it is new.
    pub fn honest(&mut self, said: Statement, n: usize) -> Result<bool, String> {
        let place = (said.height, said.round, said.kind, said.signer);
        match self.said.get(&place) {
            Some(first) if *first == said => return Ok(false),
            Some(first) => return Err(format!("validator {} signed {said:?} after {first:?}", said.signer)),
            None => self.said.insert(place, said),
        };
        self.count(&said, n)?;
        Ok(true)
    }

    /// A new statement by the key's own node. Its locks are judged by what was said before.
    pub fn own(&mut self, said: &Statement) -> Result<(), String> {
        let Some(block) = said.block else { return Ok(()) };
        let lock = self.precommitted(said, |before| before != block);
        match said.kind {
            Kind::Prevote => match lock {
                Some((round, locked))
                    if !self.polkas_of(said.height, block).any(|at| at > round && at < said.round) =>
                {
                    Err(format!(
                        "validator {} prevoted against its lock on {locked:?} of round {round}: {said:?}",
                        said.signer
                    ))
                }
                _ => Ok(()),
            },
            Kind::Precommit => {
                if self.precommitted(said, |_| true).is_some() {
                    self.relocks += 1;
                }
                if self.polkas.get(&(said.height, said.round)) != Some(&block) {
                    return Err(format!("validator {} precommitted without a polka: {said:?}", said.signer));
                }
                Ok(())
            }
            Kind::Proposal => Ok(()),
        }
    }

    /// The newest earlier precommit of the signer for a block that is `wanted`; none if a newer one is not.
    fn precommitted(&self, said: &Statement, wanted: impl Fn(BlockId) -> bool) -> Option<(Round, BlockId)> {
        let earlier =
            self.said.range((said.height, 0, Kind::Proposal, 0)..(said.height, said.round, Kind::Proposal, 0));
        let mut precommits =
            earlier.rev().filter(|((.., kind, who), _)| *kind == Kind::Precommit && *who == said.signer);
        let newest = precommits.find_map(|((_, round, ..), said)| Some((*round, said.block?)))?;
        wanted(newest.1).then_some(newest)
    }

    fn polkas_of(&self, height: Height, block: BlockId) -> impl Iterator<Item = Round> {
        let at_height = self.polkas.range((height, 0)..=(height, Round::MAX));
        at_height.filter(move |(_, of)| **of == block).map(|((_, round), _)| *round)
    }

    fn polka(&mut self, height: Height, round: Round, block: BlockId) -> Result<(), String> {
        if let Some(other) = self.polkas.insert((height, round), block).filter(|other| *other != block) {
            return Err(format!("two polkas at height {height}, round {round}: {other:?} and {block:?}"));
        }
        match self.commits.get(&height) {
            Some((committed_at, committed)) if round > *committed_at && *committed != block => Err(format!(
                "a polka for {block:?} at height {height}, round {round}, after {committed:?} was committed in round {committed_at}"
            )),
            _ => Ok(()),
        }
    }

    fn commit(&mut self, height: Height, round: Round, block: BlockId) -> Result<(), String> {
        if let Some((at, other)) = self.commits.get(&height).filter(|(_, other)| *other != block) {
            return Err(format!(
                "height {height} is committed twice: {other:?} in round {at} and {block:?} in round {round}"
            ));
        }
        if self.polkas.get(&(height, round)) != Some(&block) {
            return Err(format!("a commit without a polka at height {height}, round {round}"));
        }
        let later = self.polkas.range((height, round)..=(height, Round::MAX)).find(|(_, polka)| **polka != block);
        if let Some(((_, at), other)) = later {
            return Err(format!(
                "{block:?} is committed at height {height} in round {round} but {other:?} has a polka in round {at}"
            ));
        }
        let first = self.commits.entry(height).or_insert((round, block));
        first.0 = first.0.min(round);
        Ok(())
    }

    /// The highest round in which a key that keeps the rules has said anything at a height.
    pub fn highest_round(&self, height: Height) -> Round {
        let mut at_height =
            self.said.range((height, 0, Kind::Proposal, 0)..=(height, Round::MAX, Kind::Precommit, u8::MAX));
        at_height.next_back().map_or(0, |((_, round, ..), _)| *round)
    }

    /// The highest round in which this validator has said anything at a height.
    pub fn round_of(&self, height: Height, signer: u8) -> Round {
        let at_height =
            self.said.range((height, 0, Kind::Proposal, 0)..=(height, Round::MAX, Kind::Precommit, u8::MAX));
        at_height.rev().find(|((.., who), _)| *who == signer).map_or(0, |((_, round, ..), _)| *round)
    }
}
