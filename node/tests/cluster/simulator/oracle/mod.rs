//! What must hold in every run, judged from disks, messages and answers alone.
//!
//! Nothing here calls what it judges: the tree, the quorums, the transaction ids, the sign-bytes and the checks of
//! signatures are written anew; of the product only public types are taken apart. Each check names what was broken and
//! the first broken one ends the run.
//!
//! `log` holds that there is one log: agreement, one state root a height, checkpoints that are its prefixes, no record
//! twice or lost. `votes` holds that honest keys sign once and keep their locks, and that a committed block is the only one
//! with a polka from then on. `cosignatures` holds that heads are cosigned in order and never after a precommit above them.

mod cosignatures;
mod evidence;
mod log;
mod merkle;
#[cfg(test)]
mod planted;
mod signing;
mod votes;

use std::collections::{BTreeMap, BTreeSet};

use dalil_consensus::Message as Vote;
use dalil_ledger::block::{Header, Height};
use dalil_ledger::crypto::{Hash, PublicKey};
use dalil_ledger::store::LedgerView;
use dalil_ledger::validators::{Certificate, ValidatorSet, VoteKind};
use dalil_node::core::Message;
use dalil_node::core::message::HeadCosignature;

use cosignatures::{Cosignatures, Seen};
pub use evidence::accused;
use log::Log;
use votes::{Kind, Statement, Votes, quorum};

/// The keys of one height, in canonical order.
struct Keys {
    consensus: Vec<PublicKey>,
    log: Vec<PublicKey>,
}

/// How often the interesting happened: a run without them proves little.
#[derive(Debug, Default, Clone, Copy)]
pub struct Witness {
    pub heights: u64,
    pub round_max: u64,
    /// Heights that were decided in a round after the first.
    pub late_rounds: u64,
    pub reproposals: u64,
    pub relocks: u64,
    /// Decisions by a certificate of a round that the node had left.
    pub past_rounds: u64,
    pub checkpoints: u64,
    pub acknowledged: u64,
}

/// The judge of one run.
pub struct Oracle {
    chain: Hash,
    origin: String,
    sets: BTreeMap<Height, Keys>,
    /// Consensus keys that need not keep the rules.
    pub byzantine: BTreeSet<PublicKey>,
    log: Log,
    votes: Votes,
    cosignatures: Cosignatures,
    acknowledged: BTreeMap<Hash, u64>,
    witness: Witness,
    violation: Option<String>,
}

impl Oracle {
    pub fn new(chain: Hash, origin: &str) -> Self {
        Self {
            chain,
            origin: origin.to_owned(),
            sets: BTreeMap::new(),
            byzantine: BTreeSet::new(),
            log: Log::default(),
            votes: Votes::default(),
            cosignatures: Cosignatures::default(),
            acknowledged: BTreeMap::new(),
            witness: Witness::default(),
            violation: None,
        }
    }

    /// The first rule that was broken.
    pub fn violation(&self) -> Option<&str> {
        self.violation.as_deref()
    }

    pub fn witness(&self) -> Witness {
        let heights = (self.log.heads.len() as u64).saturating_sub(1);
        Witness { heights, relocks: self.votes.relocks, ..self.witness }
    }

    /// The highest round in which an honest key has spoken at the height that is being decided.
    pub fn round(&self) -> u64 {
        u64::from(self.votes.highest_round(self.log.heads.len() as u64))
    }

    /// Takes note of a broken rule.
    pub fn judge(&mut self, result: Result<(), String>) {
        if let Err(broken) = result {
            self.violation.get_or_insert(broken);
        }
    }

    /// A node sent this. `own` is the consensus key of a node that keeps the rules; a node that does not may say what it
    /// likes, but what it can prove counts.
    pub fn sent(&mut self, own: Option<PublicKey>, honest: bool, message: &Message) {
        let result = match message {
            Message::Consensus(Vote::Certificate(certificate)) => self.certificate(honest, certificate),
            Message::Consensus(Vote::Proposal(proposal)) => {
                let subject = &proposal.subject;
                let said = Statement {
                    height: subject.height,
                    round: subject.round,
                    kind: Kind::Proposal,
                    block: Some(subject.block),
                    valid_round: subject.valid_round,
                    signer: proposal.signer,
                };
                let polka = proposal.polka.as_ref().map_or(Ok(()), |polka| self.certificate(honest, polka));
                polka.and_then(|()| if honest { self.statement(own, said) } else { Ok(()) })
            }
            Message::Consensus(Vote::Vote(vote)) => {
                let subject = &vote.subject;
                let said = Statement {
                    height: subject.height,
                    round: subject.round,
                    kind: kind_of(vote.kind),
                    block: subject.block,
                    valid_round: None,
                    signer: vote.signer,
                };
                if honest { self.statement(own, said) } else { self.claim(vote, &said) }
            }
            Message::Cosignature(said) if honest => self.cosignature(own, said),
            _ => Ok(()),
        };
        self.judge(result);
    }

    fn statement(&mut self, own: Option<PublicKey>, said: Statement) -> Result<(), String> {
        let Some(set) = self.sets.get(&said.height) else { return Ok(()) };
        let n = set.consensus.len();
        let Some(key) = set.consensus.get(usize::from(said.signer)).copied() else {
            return Err(format!("passed on a statement of nobody: {said:?}"));
        };
        if self.byzantine.contains(&key) {
            return self.votes.count(&said, n);
        }
        if !self.votes.honest(said, n)? || own != Some(key) {
            return Ok(());
        }
        self.witness.round_max = self.witness.round_max.max(u64::from(said.round));
        match (said.kind, said.block) {
            (Kind::Proposal, _) => self.witness.reproposals += u64::from(said.valid_round.is_some()),
            (Kind::Precommit, Some(_)) => {
                let head = self.log.heads.get((said.height - 1) as usize);
                let size = head.map_or(0, |head| head.size);
                self.cosignatures.precommits(key, said.height, size)?;
            }
            _ => {}
        }
        self.votes.own(&said)
    }

    /// A vote that a faulty node lets others have counts if its signature is good.
    fn claim(&mut self, vote: &dalil_consensus::Vote, said: &Statement) -> Result<(), String> {
        let Some(set) = self.sets.get(&said.height) else { return Ok(()) };
        let Some(key) = set.consensus.get(usize::from(said.signer)) else { return Ok(()) };
        let news = !self.votes.has_counted(said);
        let bytes = signing::vote_bytes(&self.chain, vote.kind, &vote.subject);
        if news && signing::verifies(key, &bytes, &vote.signature) {
            return self.votes.count(said, set.consensus.len());
        }
        Ok(())
    }

    /// A certificate counts for its signers. One that an honest node sends is a quorum's; any other is checked first.
    fn certificate(&mut self, honest: bool, certificate: &Certificate) -> Result<(), String> {
        let subject = &certificate.subject;
        let Some(set) = self.sets.get(&subject.height) else { return Ok(()) };
        let n = set.consensus.len();
        let quorum = quorum(n);
        if honest && (certificate.signers.count_ones() as usize, certificate.signatures.len()) != (quorum, quorum) {
            return Err(format!("sent a certificate of another number than {quorum}: {certificate:?}"));
        }
        let kind = kind_of(certificate.kind);
        let said = |signer| Statement {
            height: subject.height,
            round: subject.round,
            kind,
            block: subject.block,
            valid_round: None,
            signer,
        };
        let signers = (0..n as u8).filter(|bit| certificate.signers >> bit & 1 == 1);
        let news: Vec<_> = signers.map(said).filter(|said| !self.votes.has_counted(said)).collect();
        if news.is_empty() || !honest && !signing::certifies(&set.consensus, quorum, &self.chain, certificate) {
            return Ok(());
        }
        for said in news {
            let key = self.sets[&said.height].consensus[usize::from(said.signer)];
            if self.byzantine.contains(&key) {
                self.votes.count(&said, n)?;
            } else {
                self.votes.honest(said, n)?;
            }
        }
        Ok(())
    }

    fn cosignature(&mut self, own: Option<PublicKey>, said: &HeadCosignature) -> Result<(), String> {
        let Some(height) = self.log.height_of(said.size) else {
            return Err(format!("{own:?} sent a cosignature of {} leaves, which are no head", said.size));
        };
        let place = usize::from(said.signer);
        let Some(keys) = self.sets.get(&(height + 1)) else { return Ok(()) };
        let Some(key) = keys.consensus.get(place).copied() else {
            return Err(format!("{own:?} sent a cosignature by validator {place}, who is nobody"));
        };
        if self.byzantine.contains(&key) {
            return Ok(());
        }
        if own == Some(key) {
            self.cosignatures.says(key, height, said)?;
        }
        if self.cosignatures.states(key, said)? == Seen::First {
            let root = self.log.tree.root_at(said.size).unwrap_or_default();
            let text = signing::checkpoint(&self.origin, said.size, &root);
            if !signing::verifies(&keys.log[place], text.as_bytes(), &said.log_signature) {
                return Err(format!("{key:?} cosigned another root of {} leaves than the log's", said.size));
            }
        }
        Ok(())
    }

    /// The node with consensus key `own` has made the head of `view` durable; genesis counts as such.
    pub fn committed(&mut self, own: Option<PublicKey>, view: &LedgerView, next: &ValidatorSet) {
        let result = self.take_block(own, view);
        self.judge(result);
        self.decides(view.head().height + 1, next);
    }

    /// Who decides a height: known from the first node on, faulty or not, that has the block below.
    pub fn decides(&mut self, height: Height, next: &ValidatorSet) {
        self.sets.entry(height).or_insert_with(|| Keys {
            consensus: next.iter().map(|member| member.consensus).collect(),
            log: next.iter().map(|member| member.log).collect(),
        });
    }

    fn take_block(&mut self, own: Option<PublicKey>, view: &LedgerView) -> Result<(), String> {
        let header: &Header = view.head();
        let read = |error: dalil_ledger::store::StoreError| format!("unreadable after a commit: {error}");
        let entries = view.entries_bytes(header.first_entry, header.record_count as usize + 1).map_err(read)?;
        let first = header.height == self.log.heads.len() as u64;
        self.log.commit(header, &entries)?;
        if header.height == 0 {
            return Ok(());
        }
        let Some(certificate) = view.commit(header.height).map_err(read)? else {
            return Err(format!("no certificate at height {}", header.height));
        };
        let subject = &certificate.subject;
        let id = self.log.heads.get(header.height as usize).map(|head| head.id);
        if (certificate.kind, subject.height, subject.block.map(|id| id.0)) != (VoteKind::Precommit, header.height, id)
        {
            return Err(format!("the certificate of height {} is not of its block", header.height));
        }
        let Some(set) = self.sets.get(&header.height) else { return Ok(()) };
        if first {
            self.witness.late_rounds += u64::from(subject.round > 0);
            if !signing::certifies(&set.consensus, quorum(set.consensus.len()), &self.chain, &certificate) {
                return Err(format!("the certificate of height {} proves nothing", header.height));
            }
        }
        let place = set.consensus.iter().position(|key| Some(*key) == own);
        if place.is_some_and(|place| self.votes.round_of(header.height, place as u8) > subject.round) {
            self.witness.past_rounds += 1;
        }
        Ok(())
    }

    /// A submitter was told that its record is final.
    pub fn acknowledged(&mut self, id: Hash, index: u64) {
        self.witness.acknowledged += 1;
        let stands = self.log.places.get(&id.0) == Some(&index);
        let before = *self.acknowledged.entry(id).or_insert(index);
        self.judge(if stands && before == index {
            Ok(())
        } else {
            Err(format!("record {id} was acknowledged at {index}, where it does not stand"))
        });
    }

    /// A node published a checkpoint.
    pub fn published(&mut self, note: &str) {
        self.witness.checkpoints += 1;
        let result = self.take_note(note);
        self.judge(result);
    }

    fn take_note(&self, note: &str) -> Result<(), String> {
        let Some((size, root, cosigners)) = signing::note(&self.origin, note) else {
            return Err(format!("published what is no checkpoint: {note}"));
        };
        if self.log.tree.root_at(size) != Some(root) {
            return Err(format!("published a checkpoint of {size} leaves that is none of the log's"));
        }
        let set = self.log.height_of(size).and_then(|height| self.sets.get(&(height + 1)));
        let Some(set) = set else { return Err(format!("published a checkpoint of {size} leaves, which are no head")) };
        let quorum = quorum(set.consensus.len());
        if cosigners < quorum {
            return Err(format!("published a checkpoint of {size} leaves with {cosigners} of {quorum} cosigners"));
        }
        Ok(())
    }

    /// What an honest node holds on disk is of the log, and its own root over it is the log's.
    pub fn check_prefix(&mut self, view: &LedgerView) {
        let result = self.prefix(view);
        self.judge(result);
    }

    fn prefix(&self, view: &LedgerView) -> Result<(), String> {
        let size = view.log_size();
        // A node that was restored from a snapshot holds the log from there on.
        let first = view.base().index;
        let entries = view.entries_bytes(first, (size - first) as usize).map_err(|error| error.to_string())?;
        if entries.len() as u64 != size - first {
            return Err(format!("{} entries on disk from {first} on, the head says {size}", entries.len()));
        }
        self.log.compare(first, &entries)?;
        let root = view.log_root().map_err(|error| error.to_string())?;
        if self.log.tree.root_at(size) != Some(root.0) {
            return Err(format!("a node takes another root for that of {size} leaves"));
        }
        Ok(())
    }

    /// Additionally nothing that was acknowledged below `size` is missing: for a node that has caught up so far.
    pub fn check_complete(&mut self, view: &LedgerView, size: u64) {
        self.check_prefix(view);
        let held = view.log_size();
        let missing = self.acknowledged.iter().find(|(_, index)| (held..size).contains(*index));
        let missing = missing.map(|(id, _)| format!("acknowledged record {id} is lost"));
        self.judge(missing.map_or(Ok(()), Err));
    }
}

fn kind_of(kind: VoteKind) -> Kind {
    match kind {
        VoteKind::Prevote => Kind::Prevote,
        VoteKind::Precommit => Kind::Precommit,
    }
}
