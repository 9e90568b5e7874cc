//! The bounds of the mempool and the order in which peers are asked for blocks.

use std::sync::Arc;

use dalil_ledger::block::{Block, Header};
use dalil_ledger::crypto::{PublicKey, Signature};
use dalil_ledger::store::{Ledger, MemoryKv};
use dalil_ledger::transaction::SignedTransaction;
use dalil_ledger::validators::ValidatorSet;
use dalil_ledger::validators::{Certificate, VoteKind, VoteSubject};
use dalil_node::core::executor::Candidate;
use dalil_node::core::mempool::{MEMPOOL_BYTES_MAX, MEMPOOL_SIGNER_RECORDS_MAX, Mempool};
use dalil_node::core::message::DecidedBlock;
use dalil_node::core::sync::Sync;
use dalil_node::core::{Core, StartError};

use crate::support::{START_MS, genesis, token};

/// A record of an unchecked signer: the mempool judges room and identity only.
fn candidate(signer: u8, number: u64, bytes: usize) -> Candidate {
    let mut salt = [0; 16];
    salt[..8].copy_from_slice(&number.to_le_bytes());
    let body = dalil_ledger::transaction::TransactionBody {
        chain: genesis().chain_id(),
        signer: PublicKey([signer; 32]),
        expires_at_ms: START_MS + number,
        salt,
        call: vec![0; bytes],
    };
    Candidate::new(SignedTransaction { body, signature: Signature([0; 64]) }, None)
}

fn code(mempool: &mut Mempool, candidate: Candidate) -> String {
    mempool.insert(candidate).map_or_else(|rejection| rejection.code, |()| "taken".to_owned())
}

#[test]
fn a_busy_signer_fills_its_share_only() {
    let mut mempool = Mempool::default();
    for number in 0..MEMPOOL_SIGNER_RECORDS_MAX as u64 {
        mempool.insert(candidate(1, number, 10)).unwrap();
    }
    assert_eq!(code(&mut mempool, candidate(1, u64::from(u32::MAX), 10)), "T_SHARE");
    assert_eq!(code(&mut mempool, candidate(2, 0, 10)), "taken");
    assert_eq!(code(&mut mempool, candidate(2, 0, 10)), "T_DUPLICATE");
    // Room that is given back can be used again.
    let gone = mempool.expire(START_MS + 4);
    assert_eq!(gone.len(), 6);
    assert_eq!(code(&mut mempool, candidate(1, u64::from(u32::MAX), 10)), "taken");
}

#[test]
fn the_mempool_is_bounded_by_bytes() {
    let mut mempool = Mempool::default();
    let each = candidate(0, 0, 30_000).weight();
    let fit = MEMPOOL_BYTES_MAX / each;
    for number in 0..fit {
        mempool.insert(candidate((number % 4) as u8, number as u64, 30_000)).unwrap();
    }
    let next = candidate(5, 1 << 40, 30_000);
    assert_eq!(code(&mut mempool, next.clone()), "T_FULL");
    let oldest = mempool.oldest(10, 70_000);
    assert_eq!(oldest.len(), 2);
    assert!(mempool.remove_leaf(&oldest[0].leaf).is_some());
    assert!(mempool.get(&oldest[0].leaf).is_none());
    assert_eq!(code(&mut mempool, next), "taken");
}

#[test]
fn the_next_peer_is_asked_when_one_does_not_answer() {
    let (one, two, low) = (PublicKey([1; 32]), PublicKey([2; 32]), PublicKey([3; 32]));
    let mut sync = Sync::default();
    assert_eq!(sync.ask(1, 0), None);
    sync.reports(low, 1);
    sync.reports(one, 9);
    sync.reports(two, 9);
    let first = sync.ask(1, 0).unwrap();
    assert_eq!((first.peer, first.from), (one, 1));
    assert_eq!(sync.ask(1, 0), None, "one request at a time");
    sync.overdue(first.number + 7, 0);
    assert_eq!(sync.ask(1, 0), None, "the timer of another request");
    sync.overdue(first.number, 0);
    assert_eq!(sync.ask(1, 0).unwrap().peer, two);
    // Who failed is asked again only where nobody who answers is ahead.
    sync.overdue(first.number + 1, 0);
    let good = PublicKey([4; 32]);
    sync.reports(good, 9);
    for _ in 0..3 {
        assert_eq!(sync.ask(1, 0).unwrap().peer, good);
        sync.got(good, 1, vec![decided(1)]);
        sync.passed(1);
    }
    // Who holds no blocks from there on is not asked for them.
    sync.holds_from(good, 5);
    assert_eq!(sync.ask(1, 0).unwrap().peer, one);
    sync.overdue(first.number + 5, 0);
    assert_eq!(sync.ask(5, 0).unwrap().peer, good);
    // What a single peer claims is asked for, but believed by nobody.
    sync.reports(low, u64::MAX);
    assert_eq!((sync.target(), sync.credible(1)), (u64::MAX, 9));
    // Members go before others, if enough of them were heard.
    sync.know([one].into_iter().collect());
    assert_eq!((sync.credible(0), sync.credible(1)), (9, 9));
}

/// A block of which nothing is looked at but its height.
fn decided(height: u64) -> DecidedBlock {
    let ledger = Ledger::create(Arc::new(MemoryKv::default()), genesis()).unwrap();
    let header = Header { height, ..ledger.view().unwrap().head().clone() };
    let block = Block { header, records: Vec::new(), attachments: Vec::new() };
    let subject = VoteSubject { height, round: 0, block: None };
    let certificate = Certificate { kind: VoteKind::Precommit, subject, signers: 0, signatures: Vec::new() };
    DecidedBlock { block, certificate }
}

#[test]
fn what_does_not_begin_with_the_block_asked_for_is_no_answer() {
    let (useless, honest) = (PublicKey([1; 32]), PublicKey([2; 32]));
    let mut sync = Sync::default();
    sync.reports(useless, 9);
    sync.reports(honest, 9);
    let first = sync.ask(3, 0).unwrap();
    assert_eq!(first.peer, useless);
    for answer in [Vec::new(), vec![decided(2)], vec![decided(4)]] {
        sync.got(useless, 3, answer);
        assert_eq!(sync.ask(3, 0), None, "its time goes on");
    }
    sync.holds_from(useless, 3);
    assert_eq!(sync.ask(3, 0), None, "it says that it holds what it was asked for");
    sync.overdue(first.number, 0);
    for _ in 0..3 {
        assert_eq!(sync.ask(3, 0).unwrap().peer, honest);
        sync.got(honest, 3, vec![decided(3)]);
        sync.passed(3);
    }
}

#[test]
fn misses_fade_so_that_a_peer_that_sends_little_is_not_asked_for_ever_in_place_of_others() {
    let (little, once_failed) = (PublicKey([1; 32]), PublicKey([2; 32]));
    let mut sync = Sync::default();
    sync.reports(once_failed, 1_000);
    sync.reports(little, 1_000);
    let missed = sync.ask(1, 0).unwrap();
    assert_eq!(missed.peer, once_failed);
    sync.overdue(missed.number, 3_000);
    let mut next = 1;
    let mut asked = |now_ms: u64| {
        let peer = sync.ask(next, now_ms).unwrap().peer;
        sync.got(peer, next, vec![decided(next)]);
        sync.was_good(&peer);
        sync.passed(next);
        next += 1;
        peer
    };
    assert!((1..10).all(|turn| asked(3_000 + turn * 2_900) == little));
    let later = [asked(33_000), asked(33_100), asked(33_200)];
    assert!(later.contains(&once_failed), "{later:?}");
}

#[test]
fn blocks_are_out_of_reach_by_the_word_of_members_and_where_nobody_ahead_answers() {
    let members = [1, 2, 3].map(|number| PublicKey([number; 32]));
    let observers = [4, 5].map(|number| PublicKey([number; 32]));
    let mut sync = Sync::default();
    sync.know(members.into_iter().collect());
    for peer in members.into_iter().chain(observers) {
        sync.reports(peer, 9);
    }
    for liar in [observers[0], observers[1], members[0]] {
        sync.holds_from(liar, 5);
    }
    assert!(!sync.is_out_of_reach(1, 1, 0), "no more than one member says so");
    sync.holds_from(members[1], 5);
    assert!(!sync.is_out_of_reach(1, 1, 0), "the third member may hold it");
    for _ in 0..3 {
        assert!(!sync.is_out_of_reach(1, 1, 0), "it failed, but not often enough");
        let ask = sync.ask(1, 0).unwrap();
        assert_eq!(ask.peer, members[2]);
        sync.overdue(ask.number, 0);
    }
    assert!(sync.is_out_of_reach(1, 1, 0), "it claims to hold it and sends nothing");
    assert!(!sync.is_out_of_reach(5, 1, 0), "from there on it is held");
    // Of nobody who is known a word was heard: that of any peer counts.
    sync.know([PublicKey([9; 32])].into_iter().collect());
    assert!(sync.is_out_of_reach(1, 1, 0));
}

#[test]
fn a_chain_whose_blocks_no_message_could_carry_is_not_started() {
    let mut genesis = genesis().clone();
    genesis.parameters.limits.attachment_bytes_max = 6 << 20;
    let ledger = Ledger::create(Arc::new(MemoryKv::default()), &genesis).unwrap();
    assert!(matches!(Core::start(ledger, None, START_MS), Err(StartError::Limits { got: 8_388_608 })));
}

#[test]
fn a_chain_whose_validators_cannot_name_their_keys_is_not_made() {
    let mut genesis = genesis().clone();
    let mut members: Vec<_> = genesis.validators.iter().cloned().collect();
    members[0].department = token("fin+ance");
    genesis.validators = ValidatorSet::new(members).unwrap();
    let refused = Ledger::create(Arc::new(MemoryKv::default()), &genesis).map(|_| ()).unwrap_err();
    assert!(refused.to_string().contains("is no key name"), "{refused}");
}
