//! Canonical bytes of every type that travels or is stored.
//!
//! The first byte of an input chooses the type. Oracle: what decodes is encoded again to the same bytes, decodes to the
//! same value, and neither a byte more nor one less decodes; memory is bounded ([`crate::memory`]); and the operations that
//! a reader applies at once, before any signature is checked, keep their promises.

use std::fmt::Debug;
use std::str::FromStr;

use dalil_consensus::{
    ConsensusRecord, Evidence, MESSAGE_BYTES_MAX, Message, PendingSignature, SignRecord, SignedStatement, Statement,
};
use dalil_contracts::Invocation;
use dalil_ledger::block::{Attachment, Block, ENTRY_BYTES_MAX, Entry, Header};
use dalil_ledger::checkpoint::{Cosignature, HANDOVER_BYTES_MAX, Handover, LogSignature};
use dalil_ledger::codec::{self, CANONICAL_BYTES_MAX, Canonical};
use dalil_ledger::crypto::{Hash, sha256};
use dalil_ledger::document::{DOCUMENT_BYTES_MAX, DocumentEntry, Left, Moment, Slots, Strikes, read_set, status};
use dalil_ledger::genesis::{GENESIS_BYTES_MAX, Genesis, Parameters};
use dalil_ledger::log::{Frontier, LOG_SIZE_MAX};
use dalil_ledger::receipt::BatchDocument;
use dalil_ledger::state::StateProof;
use dalil_ledger::transaction::{RECORD_BYTES_MAX, SignedTransaction, TransactionBody};
use dalil_ledger::validators::{Certificate, ValidatorSet, VoteSubject};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Taken;
use crate::memory::bounded;

/// One type: how its bytes are checked. Its place in the table is the first byte of an input.
pub(crate) type Wire = fn(&[u8]) -> Taken;

/// Runs the type that the first byte chooses on the rest.
pub(crate) fn choose(table: &[Wire], bytes: &[u8]) -> Taken {
    let Some((first, rest)) = bytes.split_first() else { return Taken::No };
    table.get(usize::from(*first)).map_or(Taken::No, |wire| wire(rest))
}

/// Decodes canonical bytes of at most `max`, and checks that they are the only ones of their value.
pub(crate) fn exact<T: Canonical + PartialEq + Debug>(bytes: &[u8], max: usize) -> Option<T> {
    let value: T = bounded(bytes, || codec::decode(bytes, max)).ok()?;
    assert_eq!(codec::encode(&value), bytes);
    assert_eq!(codec::decode::<T>(bytes, max).as_ref(), Ok(&value));
    let longer = [bytes, &[0]].concat();
    assert!(codec::decode::<T>(&longer, longer.len()).is_err(), "a trailing byte");
    if let Some((_, shorter)) = bytes.split_last() {
        assert!(codec::decode::<T>(shorter, max).is_err(), "the last byte is missing");
        assert!(codec::decode::<T>(bytes, bytes.len() - 1).is_err(), "longer than allowed");
    }
    Some(value)
}

/// As [`exact`], with a look at the value.
pub(crate) fn wire<T: Canonical + PartialEq + Debug>(bytes: &[u8], max: usize, look: impl FnOnce(T)) -> Taken {
    exact(bytes, max).map_or(Taken::No, |value| {
        look(value);
        Taken::Yes
    })
}

/// A value survives its JSON form.
pub(crate) fn survives_json<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let json = serde_json::to_string(value).unwrap();
    assert_eq!(&serde_json::from_str::<T>(&json).unwrap(), value, "{json}");
}

/// A value survives its text form.
pub(crate) fn survives_text<T: FromStr<Err: Debug> + ToString + PartialEq + Debug>(value: &T) {
    assert_eq!(&value.to_string().parse::<T>().unwrap(), value);
}

/// The ledger's types.
pub fn ledger(bytes: &[u8]) -> Taken {
    const TABLE: &[Wire] = &[
        |bytes| wire(bytes, RECORD_BYTES_MAX, transaction),
        |bytes| wire::<TransactionBody>(bytes, RECORD_BYTES_MAX, |_| ()),
        |bytes| wire(bytes, ENTRY_BYTES_MAX, entry),
        |bytes| wire(bytes, ENTRY_BYTES_MAX, header),
        |bytes| wire(bytes, CANONICAL_BYTES_MAX, block),
        |bytes| wire(bytes, CANONICAL_BYTES_MAX, attachment),
        |bytes| wire(bytes, CANONICAL_BYTES_MAX, certificate),
        |bytes| wire(bytes, CANONICAL_BYTES_MAX, validator_set),
        |bytes| wire(bytes, GENESIS_BYTES_MAX, genesis),
        |bytes| wire::<Parameters>(bytes, GENESIS_BYTES_MAX, |parameters| survives_json(&parameters)),
        |bytes| wire(bytes, HANDOVER_BYTES_MAX, handover),
        |bytes| wire::<Cosignature>(bytes, CANONICAL_BYTES_MAX, |_| ()),
        |bytes| wire::<LogSignature>(bytes, CANONICAL_BYTES_MAX, |_| ()),
        |bytes| wire(bytes, CANONICAL_BYTES_MAX, frontier),
        |bytes| wire(bytes, CANONICAL_BYTES_MAX, state_proof),
        |bytes| wire(bytes, DOCUMENT_BYTES_MAX, document),
        |bytes| wire(bytes, DOCUMENT_BYTES_MAX, strikes),
        |bytes| wire::<Left>(bytes, DOCUMENT_BYTES_MAX, |left| survives_json(&left)),
        |bytes| wire::<BatchDocument>(bytes, ENTRY_BYTES_MAX, |_| ()),
        |bytes| wire(bytes, CANONICAL_BYTES_MAX, |subject: VoteSubject| assert_eq!(subject.sign_bytes(), bytes)),
    ];
    choose(TABLE, bytes)
}

fn transaction(record: SignedTransaction) {
    let id = record.id();
    // The id is of the body alone, the leaf of everything.
    let mut other = record.clone();
    other.signature.0[0] ^= 1;
    assert_eq!(other.id(), id);
    let good = [&record, &other].map(|record| record.verify_signature().is_ok());
    assert_ne!(good, [true, true]);
}

fn entry(entry: Entry) {
    match entry {
        Entry::Record(record) => transaction(record),
        Entry::Header(found) => header(found),
    }
}

fn header(header: Header) {
    assert!(header.log_size() > header.first_entry || header.log_size() == u64::MAX);
    let mut other = header.clone();
    other.timestamp_ms ^= 1;
    assert_ne!(other.id(), header.id());
}

fn block(block: Block) {
    assert_eq!(block.id(), block.header.id());
    let _ = (Block::ids_hash(&block.records), Block::attachments_root(&block.attachments));
}

fn attachment(attachment: Attachment) {
    assert_eq!(attachment.weight(), codec::encode(&attachment).len());
    let _ = attachment.root();
}

fn certificate(certificate: Certificate) {
    assert_eq!(certificate.signer_indexes().count() as u32, certificate.signers.count_ones());
    let (set, chain) = crate::receipts::validators();
    if certificate.verify(set, &chain).is_ok() {
        assert_eq!(certificate.signatures.len(), set.quorum());
        let mut other = certificate;
        other.subject.round ^= 1;
        assert!(other.verify(set, &chain).is_err(), "the signatures of one round serve another");
    }
}

fn validator_set(set: ValidatorSet) {
    let Ok(checked) = set.clone().checked() else { return };
    assert_eq!(checked, set);
    let (n, f, q) = (set.len(), set.max_faulty(), set.quorum());
    assert!(3 * f < n && q + f == n && 2 * q > n + f, "two quorums share an honest member");
    for round in [0, 1, u32::MAX] {
        assert!(set.get(set.proposer(u64::MAX, round)).is_some());
    }
    for member in set.iter() {
        assert_eq!(set.get(set.index_of(&member.department).unwrap()), Some(member));
    }
    assert_eq!(ValidatorSet::new(set.iter().rev().cloned().collect()), Ok(set.clone()));
    survives_json(&set);
}

fn genesis(genesis: Genesis) {
    let mut other = genesis.clone();
    other.nonce[0] ^= 1;
    assert_ne!(other.chain_id(), genesis.chain_id());
}

fn handover(handover: Handover) {
    let (set, chain) = crate::receipts::validators();
    assert!(handover.verify(set, &chain, u64::MAX).is_err() || handover.header.height == u64::MAX);
}

fn frontier(frontier: Frontier) {
    assert_eq!(Frontier::from_parts(frontier.size(), frontier.complete().to_vec()), Some(frontier.clone()));
    if frontier.size() < LOG_SIZE_MAX {
        let mut longer = frontier.clone();
        longer.push(Hash::ZERO);
        assert_eq!(longer.size(), frontier.size() + 1);
        assert_ne!(longer.root(), frontier.root());
    }
}

fn state_proof(proof: StateProof) {
    // One proof shows presence or absence, and one value.
    let root = Hash::ZERO;
    let key = b"key".as_slice();
    let shown = [None, Some(b"one".as_slice()), Some(b"other".as_slice())];
    let shown = shown.into_iter().filter(|value| proof.verify(&root, key, *value).is_ok()).count();
    assert!(shown <= 1);
    survives_json(&proof);
}

fn document(entry: DocumentEntry) {
    survives_json(&entry);
    let keys = read_set(&entry);
    let nothing = Slots::decode(&entry, &vec![None; keys.len()]).unwrap();
    for known_at_ms in [0, entry.issued_at_ms, u64::MAX] {
        for as_of_ms in [0, entry.valid_from_ms, entry.valid_until_ms.unwrap_or(u64::MAX), u64::MAX] {
            assert!(!status(&entry, &nothing, Moment { as_of_ms, known_at_ms }).reason.is_empty());
        }
    }
}

fn strikes(strikes: Strikes) {
    survives_json(&strikes);
}

/// The contracts' type: a call, whose JSON is what officers write and readers are shown. Names within a call may have bytes
/// but no text, such as a khatian of the mouza `2991-/06`; then no rule may accept it.
pub fn contracts(bytes: &[u8]) -> Taken {
    wire(bytes, RECORD_BYTES_MAX, |invocation: Invocation| {
        assert_eq!(invocation.encode(), bytes);
        let json = serde_json::to_string(&invocation).unwrap();
        match serde_json::from_str::<Invocation>(&json) {
            Ok(read) => assert_eq!(read, invocation, "{json}"),
            Err(_) => assert!(!crate::contracts::is_accepted(&invocation), "{json}"),
        }
        let _ = invocation.attachment_root();
    })
}

/// The types of consensus, and the sign record as a file.
pub fn consensus(bytes: &[u8]) -> Taken {
    const TABLE: &[Wire] = &[
        |bytes| wire(bytes, MESSAGE_BYTES_MAX, |message: Message| assert_eq!(message.encode(), bytes)),
        |bytes| wire::<Evidence>(bytes, CANONICAL_BYTES_MAX, evidence),
        |bytes| wire::<ConsensusRecord>(bytes, CANONICAL_BYTES_MAX, |record| assert!(record.block_ids().is_sorted())),
        |bytes| wire::<Statement>(bytes, CANONICAL_BYTES_MAX, |_| ()),
        |bytes| wire::<SignedStatement>(bytes, CANONICAL_BYTES_MAX, |_| ()),
        |bytes| wire::<PendingSignature>(bytes, CANONICAL_BYTES_MAX, |_| ()),
        sign_record,
    ];
    choose(TABLE, bytes)
}

fn evidence(evidence: Evidence) {
    let (_, chain) = crate::receipts::validators();
    if evidence.verify(&chain).is_ok() {
        let (first, second) = (evidence.first.statement, evidence.second.statement);
        assert_eq!(first.position(), second.position());
        assert_ne!(first, second);
    }
}

/// The input is the content; its checksum is added, without which nothing is looked at.
fn sign_record(content: &[u8]) -> Taken {
    assert!(SignRecord::decode(content).is_err() || content.len() > 32);
    let file = [content, sha256(content).as_bytes()].concat();
    let Ok(record) = bounded(content, || SignRecord::decode(&file)) else { return Taken::No };
    assert_eq!(record.encode(), file);
    for at in [0, file.len() / 2, file.len() - 1] {
        let mut damaged = file.clone();
        damaged[at] ^= 1;
        assert!(SignRecord::decode(&damaged).is_err(), "byte {at}");
    }
    assert!(record.signed_at(1).is_sorted_by_key(|entry| entry.statement.position()));
    Taken::Yes
}
