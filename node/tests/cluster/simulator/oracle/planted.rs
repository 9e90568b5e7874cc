//! Every rule of the oracle, broken on purpose and seen to be.

use dalil_consensus::{Message as Vote, Proposal, ProposalSubject};
use dalil_ledger::block::{Entry, Header};
use dalil_ledger::crypto::{Hash, PublicKey, Signature};
use dalil_ledger::validators::{VoteKind, VoteSubject};
use dalil_node::core::Message;
use dalil_node::core::message::HeadCosignature;

use super::log::{Log, record_id};
use super::merkle;
use super::votes::{Kind, Statement, Votes};
use super::{Cosignatures, Oracle};
use crate::simulator::world::World;

const ONE: Hash = Hash([1; 32]);
const TWO: Hash = Hash([2; 32]);

fn said(kind: Kind, round: u32, block: Option<Hash>, signer: u8) -> Statement {
    Statement { height: 1, round, kind, block, valid_round: None, signer }
}

/// Four validators: q equal votes of validators 0, 1 and 2.
fn quorum_of(votes: &mut Votes, kind: Kind, round: u32, block: Hash) -> Result<(), String> {
    (0..3).try_for_each(|signer| votes.count(&said(kind, round, Some(block), signer), 4))
}

fn broken(result: Result<impl Sized, String>) -> String {
    result.err().expect("the rule is broken")
}

#[test]
fn a_key_that_signs_twice() {
    for kind in [Kind::Proposal, Kind::Prevote, Kind::Precommit] {
        for other in [None, Some(TWO)] {
            let mut votes = Votes::default();
            assert_eq!(votes.honest(said(kind, 2, Some(ONE), 3), 4), Ok(true));
            assert_eq!(votes.honest(said(kind, 2, Some(ONE), 3), 4), Ok(false));
            assert!(broken(votes.honest(said(kind, 2, other, 3), 4)).contains("signed"));
        }
    }
    let mut votes = Votes::default();
    votes.honest(said(Kind::Proposal, 2, Some(ONE), 3), 4).unwrap();
    let again = Statement { valid_round: Some(1), ..said(Kind::Proposal, 2, Some(ONE), 3) };
    assert!(broken(votes.honest(again, 4)).contains("signed"));
}

#[test]
fn two_polkas_in_one_round() {
    let mut votes = Votes::default();
    quorum_of(&mut votes, Kind::Prevote, 0, ONE).unwrap();
    assert!(broken(quorum_of(&mut votes, Kind::Prevote, 0, TWO)).contains("two polkas"));
}

#[test]
fn a_commit_that_is_not_the_only_one_from_then_on() {
    let mut votes = Votes::default();
    assert!(broken(quorum_of(&mut votes, Kind::Precommit, 0, ONE)).contains("without a polka"));
    let committed = || {
        let mut votes = Votes::default();
        quorum_of(&mut votes, Kind::Prevote, 1, ONE).unwrap();
        quorum_of(&mut votes, Kind::Precommit, 1, ONE).unwrap();
        votes
    };
    assert!(broken(quorum_of(&mut committed(), Kind::Prevote, 2, TWO)).contains("after"));
    assert_eq!(quorum_of(&mut committed(), Kind::Prevote, 0, TWO), Ok(()), "an earlier one may be another's");
    let mut votes = Votes::default();
    quorum_of(&mut votes, Kind::Prevote, 3, TWO).unwrap();
    quorum_of(&mut votes, Kind::Prevote, 1, ONE).unwrap();
    assert!(broken(quorum_of(&mut votes, Kind::Precommit, 1, ONE)).contains("has a polka"));
    let mut votes = committed();
    quorum_of(&mut votes, Kind::Prevote, 0, TWO).unwrap();
    assert!(broken(quorum_of(&mut votes, Kind::Precommit, 0, TWO)).contains("committed twice"));
}

#[test]
fn votes_against_a_lock_and_precommits_without_a_polka() {
    let mut votes = Votes::default();
    assert!(broken(votes.own(&said(Kind::Precommit, 0, Some(ONE), 0))).contains("without a polka"));
    quorum_of(&mut votes, Kind::Prevote, 0, ONE).unwrap();
    let lock = said(Kind::Precommit, 0, Some(ONE), 0);
    votes.honest(lock, 4).unwrap();
    assert_eq!(votes.own(&lock), Ok(()));
    assert_eq!(votes.own(&said(Kind::Prevote, 2, Some(ONE), 0)), Ok(()));
    assert_eq!(votes.own(&said(Kind::Prevote, 2, None, 0)), Ok(()));
    assert!(broken(votes.own(&said(Kind::Prevote, 2, Some(TWO), 0))).contains("against its lock"));
    assert_eq!(votes.own(&said(Kind::Prevote, 2, Some(TWO), 1)), Ok(()), "another's lock");
    quorum_of(&mut votes, Kind::Prevote, 1, TWO).unwrap();
    assert_eq!(votes.own(&said(Kind::Prevote, 2, Some(TWO), 0)), Ok(()), "a newer polka");
}

#[test]
fn heads_cosigned_out_of_order() {
    let key = PublicKey([7; 32]);
    let of = |size, time_s, root: u8| HeadCosignature {
        size,
        signer: 0,
        time_s,
        signature: Signature([0; 64]),
        log_signature: Signature([root; 64]),
    };
    let mut cosignatures = Cosignatures::default();
    cosignatures.states(key, &of(5, 100, 1)).unwrap();
    assert!(broken(cosignatures.states(key, &of(5, 101, 2))).contains("two roots"));
    let mut cosignatures = Cosignatures::default();
    assert!(broken(cosignatures.precommits(key, 1, 1)).contains("without having cosigned"));
    cosignatures.says(key, 2, &of(5, 100, 1)).unwrap();
    assert!(broken(cosignatures.says(key, 1, &of(3, 100, 1))).contains("after"));
    cosignatures.precommits(key, 3, 5).unwrap();
    assert_eq!(cosignatures.says(key, 2, &of(5, 100, 1)), Ok(()), "said before, and said again");
    assert!(broken(cosignatures.says(key, 2, &of(5, 115, 1))).contains("after it had precommitted"));
}

/// A header that continues `log` with these records, and the block's entries.
fn block(log: &Log, records: &[Vec<u8>]) -> (Header, Vec<Vec<u8>>) {
    let mut tree = merkle::Tree::default();
    for hash in &log.tree.leaves {
        tree.append(*hash);
    }
    for record in records {
        tree.append(merkle::leaf(record));
    }
    let height = log.heads.len() as u64;
    let header = Header {
        version: 1,
        chain: ONE,
        height,
        parent: Hash(log.heads.last().map_or([0; 32], |head| head.id)),
        timestamp_ms: 1_000 + height,
        proposer: crate::support::token("land"),
        first_entry: log.tree.size(),
        record_count: records.len() as u32,
        records_root: Hash(tree.root_at(tree.size()).unwrap()),
        ids_hash: ONE,
        attachments_root: ONE,
        state_root: ONE,
        validators_hash: ONE,
        next_validators_hash: ONE,
    };
    with_header(header, records)
}

fn with_header(header: Header, records: &[Vec<u8>]) -> (Header, Vec<Vec<u8>>) {
    let entries = records.iter().cloned().chain([Entry::Header(header.clone()).encode()]).collect();
    (header, entries)
}

/// A log with genesis and one record, and the second block.
fn some_log() -> (Log, Header, Vec<Vec<u8>>) {
    let mut log = Log::default();
    let (genesis, entries) = block(&log, &[]);
    log.commit(&genesis, &entries).unwrap();
    let (header, entries) = block(&log, &[vec![3; 200]]);
    log.commit(&header, &entries).unwrap();
    (log, header, entries)
}

#[test]
fn a_fork_and_another_state() {
    let (mut log, header, entries) = some_log();
    assert_eq!(log.commit(&header, &entries), Ok(()), "the same again");
    let (other, others) = with_header(Header { timestamp_ms: 9_999, ..header.clone() }, &entries[..1]);
    assert!(broken(log.commit(&other, &others)).contains("fork"));
    let lying = Header { state_root: TWO, ..header.clone() };
    assert!(broken(log.commit(&lying, &entries)).contains("state root"));
    let mut swapped = entries.clone();
    swapped[0][50] ^= 1;
    assert!(broken(log.commit(&header, &swapped)).contains("another entry"));
}

#[test]
fn a_block_that_does_not_continue_the_log() {
    let (mut log, header, entries) = some_log();
    let twice = block(&log, &[vec![3; 200]]);
    assert!(broken(log.commit(&twice.0, &twice.1)).contains("twice"));
    let (log, wrong) = {
        let (log, ..) = some_log();
        let (next, _) = block(&log, &[vec![4; 200]]);
        (log, next)
    };
    let cases = [
        (Header { parent: TWO, ..wrong.clone() }, "parent"),
        (Header { first_entry: 9, ..wrong.clone() }, "continue"),
        (Header { records_root: TWO, ..wrong.clone() }, "records root"),
        (Header { timestamp_ms: 1, ..wrong.clone() }, "time"),
        (Header { height: 7, ..wrong }, "durable before"),
    ];
    drop((log, header, entries));
    for (header, words) in cases {
        let (mut log, ..) = some_log();
        let (header, entries) = with_header(header, &[vec![4; 200]]);
        assert!(broken(log.commit(&header, &entries)).contains(words), "{words}");
    }
}

#[test]
fn a_record_whose_signature_alone_differs_is_the_same_record() {
    let mut other = vec![3; 200];
    other[199] = 4;
    assert_eq!(record_id(&[3; 200]), record_id(&other));
}

/// A world with a few records in it, which breaks no rule.
fn world() -> World {
    let mut world = World::up(1);
    for number in 0..3 {
        let record = world.domicile(number);
        let request = world.submit(number as usize, record, None);
        world.run_until(20_000, "recorded", |world| world.is_recorded(request));
    }
    world.run_until(20_000, "all agree", |world| world.agree_at(3));
    world.run_for(2_000);
    world.check();
    world
}

fn violation(oracle: &Oracle) -> &str {
    oracle.violation().expect("the rule is broken")
}

#[test]
fn an_answer_that_is_not_true_and_a_record_that_is_lost() {
    let mut lied = world();
    lied.oracle.acknowledged(TWO, 3);
    assert!(violation(&lied.oracle).contains("does not stand"));
    let mut wiped = world();
    wiped.nodes[2].wipe();
    wiped.check_disks(u64::MAX);
    assert!(violation(&wiped.oracle).contains("lost"));
}

#[test]
fn a_disk_with_another_log() {
    let mut other = World::up(2);
    let record = other.domicile(77);
    let request = other.submit(0, record, None);
    other.run_until(20_000, "recorded", |world| world.is_recorded(request));
    let view = other.nodes[0].view();
    let mut forked = world();
    forked.oracle.check_prefix(&view);
    assert!(violation(&forked.oracle).contains("another entry"));
    let mut forked = world();
    forked.oracle.committed(None, &view, &other.chain.genesis.validators);
    assert!(violation(&forked.oracle).contains("fork"));
}

#[test]
fn checkpoints_that_are_none() {
    let note = world().nodes[0].running.as_ref().unwrap().published.as_ref().unwrap().note.clone();
    let told = |note: &str| {
        let mut world = world();
        world.oracle.published(note);
        world.oracle.violation().map(str::to_owned)
    };
    assert_eq!(told(&note), None);
    let lines: Vec<&str> = note.lines().collect();
    let with_line = |at: usize, line: &str| {
        let mut lines = lines.clone();
        lines[at] = line;
        lines.join("\n") + "\n"
    };
    let root = dalil_ledger::crypto::sha256(b"another root");
    let root = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, root.0);
    assert!(told(&with_line(2, &root)).unwrap().contains("none of the log's"));
    assert!(told(&with_line(1, "6000")).unwrap().contains("none of the log's"));
    assert!(told(&with_line(0, "elsewhere.example/log")).unwrap().contains("no checkpoint"));
    let short: Vec<&str> = lines[..lines.len() - 1].to_vec();
    assert!(told(&(short.join("\n") + "\n")).unwrap().contains("cosigners"));
}

#[test]
fn messages_of_honest_nodes_that_break_the_rules() {
    let world_with = |message: &Message, node: usize| {
        let mut world = world();
        let own = world.nodes[node].consensus;
        world.oracle.sent(own, true, message);
        world.oracle.violation().map(str::to_owned)
    };
    let honest = world();
    // The same statement with another block under the same key.
    let own =
        |message: &&Message| matches!(message, Message::Consensus(Vote::Vote(vote)) if vote.subject.block.is_some());
    let Some(Message::Consensus(Vote::Vote(vote))) = honest.sent.iter().find(own).cloned() else { panic!("no vote") };
    let other = dalil_consensus::Vote { subject: VoteSubject { block: Some(TWO), ..vote.subject }, ..vote };
    let other = Message::Consensus(Vote::Vote(other));
    assert!(world_with(&other, usize::from(vote.signer)).unwrap().contains("signed"));
    // A certificate of too few, and a statement of nobody.
    let certificate = honest.sent.iter().find_map(|message| match message {
        Message::Consensus(Vote::Certificate(it)) => Some(it.clone()),
        _ => None,
    });
    let mut few = certificate.expect("a certificate");
    few.signatures.pop();
    assert!(world_with(&Message::Consensus(Vote::Certificate(few)), 0).unwrap().contains("another number"));
    let subject = ProposalSubject { height: 1, round: 0, block: ONE, valid_round: None };
    let nobody = Proposal { subject, signer: 9, signature: Signature([0; 64]), polka: None };
    assert!(world_with(&Message::Consensus(Vote::Proposal(nobody)), 0).unwrap().contains("nobody"));
    // A cosignature of another root, and one of no head.
    let cosignature = honest.sent.iter().find_map(|message| match message {
        Message::Cosignature(it) => Some(*it),
        _ => None,
    });
    let mut wrong = cosignature.expect("a cosignature");
    wrong.log_signature = Signature([1; 64]);
    assert!(world_with(&Message::Cosignature(wrong), usize::from(wrong.signer)).unwrap().contains("root"));
    wrong.size = 2;
    assert!(world_with(&Message::Cosignature(wrong), usize::from(wrong.signer)).unwrap().contains("no head"));
}

/// What faulty nodes say proves nothing unless its signatures are good.
#[test]
fn what_a_faulty_node_makes_up_counts_for_nothing() {
    let mut world = world();
    let subject = VoteSubject { height: 4, round: 0, block: Some(TWO) };
    for signer in 0..4 {
        for kind in [VoteKind::Prevote, VoteKind::Precommit] {
            let vote = dalil_consensus::Vote { kind, subject, signer, signature: Signature([3; 64]) };
            world.oracle.sent(None, false, &Message::Consensus(Vote::Vote(vote)));
        }
    }
    let certificate = dalil_ledger::validators::Certificate {
        kind: VoteKind::Precommit,
        subject,
        signers: 0b111,
        signatures: vec![Signature([3; 64]); 3],
    };
    world.oracle.sent(None, false, &Message::Consensus(Vote::Certificate(certificate)));
    assert_eq!(world.oracle.violation(), None);
}
