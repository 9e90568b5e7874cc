//! Blocks, votes and cosignatures of the test chain's other validators.

use std::sync::{Arc, OnceLock};

use dalil_consensus::{BlockDemand, EmptyBlocks};
use dalil_ledger::block::Attachment;
use dalil_ledger::checkpoint::{Checkpoint, Cosignature, LogSignature, Note, Policy};
use dalil_ledger::crypto::SecretKey;
use dalil_ledger::store::{Batch, Executed, Kv, Ledger, LedgerView, MemoryKv};
use dalil_ledger::transaction::SignedTransaction;
use dalil_ledger::validators::{Certificate, ValidatorIndex, VoteKind, VoteSubject};
use dalil_node::core::executor::Candidate;
use dalil_node::core::message::HeadCosignature;
use dalil_node::core::{Done, Work};
use dalil_node::shell::home::NodeKeys;
use dalil_node::shell::workers::Workers;

use super::fixture::{DEPARTMENTS, VALIDATORS, genesis, node_keys, token};

/// The keys of the validator at a place of the set.
pub(super) fn keys(place: usize) -> &'static NodeKeys {
    static KEYS: OnceLock<Vec<NodeKeys>> = OnceLock::new();
    &KEYS.get_or_init(|| DEPARTMENTS[..VALIDATORS].iter().map(|it| node_keys(it)).collect())[place]
}

/// The consensus key of the validator at a place of the set.
pub(super) fn consensus_key(place: usize) -> &'static SecretKey {
    static KEYS: OnceLock<Vec<SecretKey>> = OnceLock::new();
    &KEYS.get_or_init(|| (0..VALIDATORS).map(|place| keys(place).consensus().unwrap()).collect())[place]
}

/// A database with genesis in it.
pub(super) fn fresh_database() -> MemoryKv {
    static BASE: OnceLock<MemoryKv> = OnceLock::new();
    let base = BASE.get_or_init(|| {
        let kv = MemoryKv::default();
        Ledger::create(Arc::new(kv.clone()), genesis()).unwrap();
        kv
    });
    base.fork()
}

/// The ledger in a database.
pub(super) fn open(kv: &MemoryKv) -> Ledger {
    let kv: Arc<dyn Kv> = Arc::new(kv.clone());
    Ledger::open(kv, Some(&genesis().chain_id())).expect("what is durable hangs together")
}

/// A block of the validator at `place` on the head of `view`, with those of `records` that apply.
pub(super) fn build(
    view: &LedgerView,
    workers: &Workers,
    place: usize,
    timestamp_ms: u64,
    records: Vec<(SignedTransaction, Option<Attachment>)>,
) -> Arc<Executed> {
    let timestamp_ms = timestamp_ms.max(view.head().timestamp_ms + 1);
    let (height, parent) = (view.head().height + 1, view.head_id());
    let demand = BlockDemand { height, round: 0, parent, timestamp_ms, empty: EmptyBlocks::Allowed };
    let candidates = records.into_iter().map(|(record, attachment)| Candidate::new(record, attachment)).collect();
    let proposer = token(DEPARTMENTS[place]);
    let work = Work::Build { view: view.clone(), demand, proposer, candidates };
    let Done::Built { built, .. } = workers.run(work) else { panic!("a block was asked for") };
    Arc::new(built.executed.expect("an empty block will do"))
}

/// The certificate of the first q validators but `left_out`.
pub(super) fn certificate(kind: VoteKind, subject: VoteSubject, left_out: usize) -> Certificate {
    let chain = genesis().chain_id();
    let signers = (0..VALIDATORS).filter(|place| *place != left_out);
    let sign = |place| consensus_key(place).sign(kind.domain(), &chain, &subject.sign_bytes());
    let votes: Vec<_> = signers.map(|place| (ValidatorIndex(place), sign(place))).collect();
    let votes = votes.iter().map(|(index, signature)| (*index, signature));
    Certificate::assemble(&genesis().validators, kind, subject, votes).expect("a quorum")
}

/// The commit certificate of a block by all but `left_out`.
pub(super) fn commit(executed: &Executed, left_out: usize) -> Certificate {
    let block = &executed.block;
    let subject = VoteSubject { height: block.header.height, round: 0, block: Some(block.id()) };
    certificate(VoteKind::Precommit, subject, left_out)
}

/// Appends a block to a ledger.
pub(super) fn append(ledger: &Ledger, executed: &Executed) {
    ledger.commit(executed, Some(&commit(executed, VALIDATORS - 1)), Batch::default()).unwrap();
}

/// The checkpoint of a head.
pub(super) fn checkpoint(view: &LedgerView) -> Checkpoint {
    let origin = genesis().origin.as_str().parse().unwrap();
    Checkpoint { origin, size: view.log_size(), root: view.log_root().unwrap() }
}

/// The note of a head: its first q validators cosign it.
pub(super) fn note(view: &LedgerView, policy: &Policy, time_s: u64) -> String {
    let said: Vec<_> = (0..genesis().validators.quorum()).map(|place| cosignature(view, place, time_s)).collect();
    let log = LogSignature(said[0].log_signature).to_line(&policy.logs()[0]);
    let cosigned = said.iter().zip(policy.witnesses()).map(|(said, witness)| {
        let cosignature = Cosignature { time_s, signature: said.signature };
        cosignature.to_line(&witness.key)
    });
    let signatures = std::iter::once(log).chain(cosigned).collect();
    Note { text: checkpoint(view).to_string(), signatures }.to_string()
}

/// What the validator at `place` says of a head.
pub(super) fn cosignature(view: &LedgerView, place: usize, time_s: u64) -> HeadCosignature {
    let checkpoint = checkpoint(view);
    HeadCosignature {
        size: checkpoint.size,
        signer: place as u8,
        time_s,
        signature: Cosignature::sign(&checkpoint, &keys(place).cosigner().unwrap(), time_s).signature,
        log_signature: LogSignature::sign(&checkpoint, &keys(place).log().unwrap()).0,
    }
}
