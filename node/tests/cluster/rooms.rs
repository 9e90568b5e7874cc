//! The bounds of the mempool and the order in which peers are asked for blocks.

use std::sync::Arc;

use dalil_ledger::crypto::{PublicKey, Signature};
use dalil_ledger::store::{Ledger, MemoryKv};
use dalil_ledger::transaction::SignedTransaction;
use dalil_node::core::executor::Candidate;
use dalil_node::core::mempool::{MEMPOOL_BYTES_MAX, MEMPOOL_SIGNER_RECORDS_MAX, Mempool};
use dalil_node::core::sync::Sync;
use dalil_node::core::{Core, StartError};

use crate::support::{START_MS, genesis};

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
    assert_eq!(sync.ask(1), None);
    sync.reports(low, 1);
    sync.reports(one, 9);
    sync.reports(two, 9);
    let first = sync.ask(1).unwrap();
    assert_eq!((first.peer, first.from), (one, 1));
    assert_eq!(sync.ask(1), None, "one request at a time");
    sync.overdue(first.number + 7);
    assert_eq!(sync.ask(1), None, "the timer of another request");
    sync.overdue(first.number);
    assert_eq!(sync.ask(1).unwrap().peer, two);
    // Who failed is asked again only where nobody who answers is ahead.
    sync.overdue(first.number + 1);
    let good = PublicKey([4; 32]);
    sync.reports(good, 9);
    for _ in 0..3 {
        assert_eq!(sync.ask(1).unwrap().peer, good);
        sync.got(good, 1, Vec::new());
    }
    // Who holds no blocks from there on is not asked for them.
    sync.holds_from(good, 5);
    assert_eq!(sync.lacking(1), 1);
    assert_eq!(sync.ask(1).unwrap().peer, one);
    sync.overdue(first.number + 5);
    assert_eq!(sync.ask(5).unwrap().peer, good);
    // What a single peer claims is asked for, but believed by nobody.
    sync.reports(low, u64::MAX);
    assert_eq!((sync.target(), sync.credible(1)), (u64::MAX, 9));
    // Members go before others, if enough of them were heard.
    sync.know([one].into_iter().collect());
    assert_eq!((sync.credible(0), sync.credible(1)), (9, 9));
}

#[test]
fn a_chain_whose_blocks_no_message_could_carry_is_not_started() {
    let mut genesis = genesis().clone();
    genesis.parameters.limits.attachment_bytes_max = 6 << 20;
    let ledger = Ledger::create(Arc::new(MemoryKv::default()), &genesis).unwrap();
    assert!(matches!(Core::start(ledger, None, START_MS), Err(StartError::Limits { got: 8_388_608 })));
}
