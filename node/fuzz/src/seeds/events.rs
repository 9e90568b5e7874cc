//! The life of an engine as bytes: see `engine/machine.rs` for what each means.

use dalil_consensus::{
    ConsensusRecord, Evidence, Message, PendingSignature, Proposal, ProposalSubject, SignRecord, SignedStatement,
    Statement, Status, Vote,
};
use dalil_ledger::block::BlockId;
use dalil_ledger::codec;
use dalil_ledger::crypto::Hash;
use dalil_ledger::validators::{Certificate, ValidatorIndex, VoteKind, VoteSubject};

use super::{Basket, Seed, piece};
use crate::engine::toy::{CHAIN, consensus_key, sign, validator_set};

/// Four validators, of which this is the first: proposer(1, r) = (1 + r) mod 4.
const FOUR: &[u8] = &[0, 0];
const PENDING: &[u8] = &[15, 0, 1];
const FLUSH: &[u8] = &[9];
const WORK: &[u8] = &[10, 1];
const CRASH: &[u8] = &[13, 0];
const NEXT_HEIGHT: &[u8] = &[14, 0, 0];
const PREVOTE: u8 = 0;
const PRECOMMIT: u8 = 1;

/// A proposal with its body; `round` is counted from two below the present one, but not below 0.
fn propose(round: u8, block: u8) -> Vec<u8> {
    vec![3, round, block, 0, 0, 0]
}

fn propose_again(round: u8, block: u8, valid_round: u8) -> Vec<u8> {
    vec![3, round, block, 2, valid_round, 0, 0]
}

fn everybody(kind: u8, round: u8, block: u8) -> Vec<u8> {
    vec![5, kind, round, block]
}

fn fire(which: u8) -> Vec<u8> {
    vec![11, which]
}

pub(super) fn seeds() -> Vec<Seed> {
    let start = [FOUR, PENDING].concat();
    let proposed = [start.clone(), propose(0, 1), FLUSH.into(), WORK.into(), FLUSH.into()].concat();
    let polka = [proposed.clone(), everybody(PREVOTE, 0, 1)].concat();
    let locked = [polka.clone(), FLUSH.into()].concat();
    let decided = [locked.clone(), everybody(PRECOMMIT, 0, 1), FLUSH.into(), NEXT_HEIGHT.into()].concat();
    let nil_round = [locked.clone(), everybody(PRECOMMIT, 0, 0), FLUSH.into()].concat();
    let mut events = Basket::new("engine-events");
    events.put("decided", decided.clone());
    events.put("two-heights", [decided.clone(), PENDING.into(), propose(0, 2), WORK.into(), FLUSH.into()].concat());
    events.put("crash-after-a-vote", [proposed.clone(), CRASH.into(), everybody(PREVOTE, 0, 1), FLUSH.into()].concat());
    // The batch with the lock is durable, the sign record is not.
    events.put("crash-between-the-writes", [polka, vec![8], CRASH.into(), FLUSH.into()].concat());
    events
        .put("lock-and-propose-again", [nil_round.clone(), propose_again(1, 1, 0), WORK.into(), FLUSH.into()].concat());
    events.put("lock-and-another-block", [nil_round, propose(1, 2), WORK.into(), FLUSH.into()].concat());
    events.put(
        "database-lost",
        [locked, vec![13, 7], everybody(PREVOTE, 0, 1), FLUSH.into(), vec![14, 3, 1, 0]].concat(),
    );
    events.put(
        "timeouts",
        [start, FLUSH.into(), fire(1), FLUSH.into(), fire(0), fire(1), fire(2), FLUSH.into()].concat(),
    );
    events.put("own-proposal", [&[0, 1], PENDING, FLUSH, WORK, FLUSH, &everybody(PREVOTE, 0, 0)].concat());
    [events.seeds, disk(), wire()].concat()
}

fn certificate(kind: VoteKind, round: u32, block: Option<BlockId>) -> Certificate {
    let subject = VoteSubject { height: 1, round, block };
    let votes: Vec<_> =
        (1..4).map(|signer| (ValidatorIndex(signer), sign(signer, kind.domain(), &subject.sign_bytes()))).collect();
    let votes = votes.iter().map(|(index, signature)| (*index, signature));
    Certificate::assemble(&validator_set(4), kind, subject, votes).expect("a quorum")
}

fn statement(round: u32) -> SignedStatement {
    let statement = Statement::vote(VoteKind::Prevote, 1, round, Some(Hash([1; 32])));
    SignedStatement { statement, signature: sign(0, statement.domain(), &statement.sign_bytes()) }
}

fn consensus_record() -> ConsensusRecord {
    let block = Hash([1; 32]);
    let polka = certificate(VoteKind::Prevote, 0, Some(block));
    ConsensusRecord {
        height: 1,
        round: 1,
        locked: Some(dalil_consensus::Lock { block, round: 0 }),
        valid: Some(dalil_consensus::ValidBlock { block, round: 0, polka: polka.clone() }),
        commit: None,
        nil: Some(certificate(VoteKind::Precommit, 0, None)),
        proposed: Some(block),
        proposed_polka: Some(polka),
        signature: Some(PendingSignature { counter: 1, statement: statement(0).statement }),
    }
}

fn content(record: &SignRecord) -> Vec<u8> {
    codec::encode(record)
}

fn disk() -> Vec<Seed> {
    let key = consensus_key(0).public();
    let (fresh, moved) = (SignRecord::new(CHAIN, key), SignRecord::for_moved_key(CHAIN, key));
    let mut basket = Basket::new("engine-disk");
    basket.put("fresh", [piece(&content(&fresh)), piece(&[])].concat());
    basket.put("moved", [piece(&content(&moved)), piece(&[])].concat());
    basket.put("one-behind", [piece(&content(&fresh)), piece(&codec::encode(&consensus_record()))].concat());
    basket.seeds
}

fn wire() -> Vec<Seed> {
    let (prevote, block) = (statement(0), Hash([1; 32]));
    let subject = ProposalSubject { height: 1, round: 1, block, valid_round: Some(0) };
    let said = Statement::Proposal(subject);
    let polka = certificate(VoteKind::Prevote, 0, Some(block));
    let signature = sign(2, said.domain(), &said.sign_bytes());
    let proposal = Proposal { subject, signer: 2, signature, polka: Some(polka.clone()) };
    let vote = Vote {
        kind: VoteKind::Prevote,
        subject: VoteSubject { height: 1, round: 0, block: Some(block) },
        signer: 0,
        signature: prevote.signature,
    };
    let second = Statement::vote(VoteKind::Prevote, 1, 0, None);
    let second = SignedStatement { statement: second, signature: sign(0, second.domain(), &second.sign_bytes()) };
    let evidence = Evidence::new(consensus_key(0).public(), prevote, second);
    let pending = PendingSignature { counter: 1, statement: prevote.statement };
    let mut basket = Basket::new("consensus-wire");
    basket.put_chosen(0, "proposal", Message::Proposal(proposal).encode());
    basket.put_chosen(0, "vote", Message::Vote(vote).encode());
    basket.put_chosen(0, "certificate", Message::Certificate(polka).encode());
    basket.put_chosen(0, "status", Message::Status(Status { height: 1, round: 2, head_size: 3 }).encode());
    basket.put_chosen(1, "evidence", codec::encode(&evidence));
    basket.put_chosen(2, "consensus-record", codec::encode(&consensus_record()));
    basket.put_chosen(3, "statement", codec::encode(&said));
    basket.put_chosen(4, "signed-statement", codec::encode(&prevote));
    basket.put_chosen(5, "pending-signature", codec::encode(&pending));
    basket.put_chosen(6, "sign-record", content(&SignRecord::new(CHAIN, consensus_key(0).public())));
    basket.seeds
}
