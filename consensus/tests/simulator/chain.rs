//! A chain of toy blocks: keys, genesis, building and judging. Deterministic, and nothing of the ledger's execution.

use std::collections::BTreeSet;
use std::sync::Arc;

use dalil_consensus::{HeightContext, HeightKnowledge, Verdict};
use dalil_ledger::block::{Block, DepartmentId, Header};
use dalil_ledger::crypto::{Domain, Hash, PublicKey, SecretKey, Signature, sha256};
use dalil_ledger::genesis::Timeouts;
use dalil_ledger::transaction::{SignedTransaction, TransactionBody};
use dalil_ledger::validators::{Certificate, Validator, ValidatorSet};

pub const CHAIN: Hash = Hash([7; 32]);
/// Simulated time starts here, UTC milliseconds.
pub const START_MS: u64 = 1_790_000_000_000;
/// Invalid on every node: a Byzantine proposer's mark.
pub const BAD_STATE: Hash = Hash([0xbd; 32]);

pub const TIMEOUTS: Timeouts =
    Timeouts { propose_ms: 300, prevote_ms: 150, precommit_ms: 150, delta_ms: 100, cap_ms: 2_000, rebroadcast_ms: 400 };
pub const DRIFT_MS: u32 = 500;

pub fn department(index: usize) -> DepartmentId {
    format!("d{index:02}").parse().expect("a token")
}

pub fn consensus_key(index: usize) -> SecretKey {
    SecretKey::from_seed(&sha256(&[index as u8]).0)
}

pub fn validator_set(n: usize) -> ValidatorSet {
    let member = |index: usize| {
        let key = consensus_key(index);
        let public = |purpose: &str| key.derive(purpose).public();
        Validator {
            department: department(index),
            consensus: key.public(),
            cosigner: public("cosigner"),
            log: public("log"),
            network: public("network"),
        }
    };
    ValidatorSet::new((0..n).map(member).collect()).expect("a valid set")
}

/// What a node knows of its head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub height: u64,
    pub id: Hash,
    pub time_ms: u64,
    pub size: u64,
}

impl Head {
    pub fn genesis() -> Self {
        Self { height: 0, id: sha256(b"genesis"), time_ms: START_MS - 1_000, size: 1 }
    }

    pub fn of(block: &Block) -> Self {
        let header = &block.header;
        Self { height: header.height, id: block.id(), time_ms: header.timestamp_ms, size: header.log_size() }
    }

    pub fn context(&self, set: &ValidatorSet, knowledge: HeightKnowledge) -> HeightContext {
        HeightContext {
            height: self.height + 1,
            validators: set.clone(),
            parent_id: self.id,
            parent_time_ms: self.time_ms,
            head_size: self.size,
            head_root: root(&self.id),
            knowledge,
        }
    }
}

/// The log root of a head; any function of the head does.
pub fn root(id: &Hash) -> Hash {
    sha256(&id.0)
}

/// A record that carries nothing but its number.
pub fn record(number: u64) -> SignedTransaction {
    let mut salt = [0; 16];
    salt[..8].copy_from_slice(&number.to_le_bytes());
    let body =
        TransactionBody { chain: CHAIN, signer: PublicKey([1; 32]), expires_at_ms: u64::MAX, salt, call: Vec::new() };
    SignedTransaction { body, signature: Signature([0; 64]) }
}

pub fn record_number(record: &SignedTransaction) -> u64 {
    u64::from_le_bytes(record.body.salt[..8].try_into().expect("8 bytes"))
}

pub fn records_of(block: &Block) -> BTreeSet<u64> {
    block.records.iter().map(record_number).collect()
}

pub fn build(head: &Head, proposer: usize, timestamp_ms: u64, records: &BTreeSet<u64>, state_root: Hash) -> Arc<Block> {
    let records: Vec<_> = records.iter().map(|number| record(*number)).collect();
    let header = Header {
        version: 1,
        chain: CHAIN,
        height: head.height + 1,
        parent: head.id,
        timestamp_ms,
        proposer: department(proposer),
        first_entry: head.size,
        record_count: records.len() as u32,
        records_root: Hash::ZERO,
        ids_hash: Block::ids_hash(&records),
        attachments_root: Hash::ZERO,
        state_root,
        validators_hash: Hash::ZERO,
        next_validators_hash: Hash::ZERO,
    };
    Arc::new(Block { header, records, attachments: Vec::new() })
}

/// valid(b) on `head`: free of clock and round.
pub fn judge(head: &Head, recorded: &BTreeSet<u64>, block: &Block) -> Verdict {
    let header = &block.header;
    let on_head = header.height == head.height + 1 && header.parent == head.id && header.first_entry == head.size;
    let later = header.timestamp_ms > head.time_ms;
    let fresh = records_of(block).is_disjoint(recorded);
    if on_head && later && fresh && header.state_root != BAD_STATE { Verdict::Valid } else { Verdict::Invalid }
}

/// Whether `certificate` decides `block` on `head`.
pub fn decides(set: &ValidatorSet, head: &Head, block: &Block, certificate: &Certificate) -> bool {
    certificate.commits(head.height + 1, &block.id()) && certificate.verify(set, &CHAIN).is_ok()
}

pub fn sign(index: usize, domain: Domain, message: &[u8]) -> Signature {
    consensus_key(index).sign(domain, &CHAIN, message)
}
