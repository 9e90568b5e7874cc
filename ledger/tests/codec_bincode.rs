//! Canonical bytes are bincode's: every wire type is encoded by the ledger's codec and, through a mirror type, by
//! bincode 2.0.1 with `legacy()`, and the bytes are compared. Decoding is exact.

#![allow(clippy::unwrap_used, clippy::panic)]

use bincode::config::legacy;
use dalil_ledger::block::{Attachment, Block, Entry, Header};
use dalil_ledger::checkpoint::{Cosignature, Handover, LogSignature};
use dalil_ledger::codec::{self, Canonical, CodecError, Set, Token};
use dalil_ledger::crypto::{Hash, PublicKey, SecretKey, Signature};
use dalil_ledger::document::{
    Class, Dependency, DocumentEntry, Extension, Issuer, Left, Provenance, Standing, StatusEvent, Strike, StrikeTurn,
    Strikes,
};
use dalil_ledger::genesis::{Genesis, InitialEntry, Parameters};
use dalil_ledger::log::Frontier;
use dalil_ledger::state::StateProof;
use dalil_ledger::state::proof::Terminal;
use dalil_ledger::transaction::{SignedTransaction, TransactionBody};
use dalil_ledger::validators::{Certificate, Validator, ValidatorSet, VoteKind, VoteSubject};
use proptest::prelude::*;

/// A value whose layout is restated, field by field, in types of bincode's own.
trait Mirrored: Canonical + PartialEq + std::fmt::Debug {
    type Mirror: bincode::Encode;
    fn mirror(&self) -> Self::Mirror;
}

fn agrees<T: Mirrored>(value: &T) {
    let bytes = codec::encode(value);
    assert_eq!(bytes, bincode::encode_to_vec(value.mirror(), legacy()).unwrap());
    assert_eq!(&codec::decode::<T>(&bytes, bytes.len()).unwrap(), value);
    let longer = [&bytes[..], &[0]].concat();
    assert!(codec::decode::<T>(&longer, longer.len()).is_err(), "trailing byte");
    assert!(codec::decode::<T>(&bytes[..bytes.len() - 1], bytes.len()).is_err(), "last byte missing");
    let short = codec::decode::<T>(&bytes, bytes.len() - 1);
    assert_eq!(short, Err(CodecError::TooLong { got: bytes.len(), max: bytes.len() - 1 }));
}

/// Mirrors of structs: the fields in order, as a tuple.
macro_rules! mirror {
    ($($type:ty => $mirror:ty, |$value:ident| $fields:expr;)*) => {
        $(impl Mirrored for $type {
            type Mirror = $mirror;
            fn mirror(&self) -> $mirror {
                let $value = self;
                $fields
            }
        })*
    };
}

type Bytes32 = [u8; 32];
type Bytes64 = [u8; 64];

#[derive(bincode::Encode)]
enum EntryMirror {
    Record(<SignedTransaction as Mirrored>::Mirror),
    Header(Box<<Header as Mirrored>::Mirror>),
}

#[derive(bincode::Encode)]
enum KindMirror {
    Prevote,
    Precommit,
}

#[derive(bincode::Encode)]
enum ProvenanceMirror {
    Decided,
    Imported,
    Deemed,
    AutoRenewed,
}

#[derive(bincode::Encode)]
enum StandingMirror {
    Active,
    Suspended,
    Revoked,
    Superseded,
    Consumed,
    Cancelled,
    Seized,
}

#[derive(bincode::Encode)]
enum TerminalMirror {
    Empty,
    Leaf { path: Bytes32, value_hash: Bytes32 },
}

fn all<T: Mirrored>(items: &[T]) -> Vec<T::Mirror> {
    items.iter().map(Mirrored::mirror).collect()
}

fn text<const MAX: usize>(token: &Token<MAX>) -> String {
    token.to_string()
}

mirror! {
    Hash => Bytes32, |v| v.0;
    PublicKey => Bytes32, |v| v.0;
    Signature => Bytes64, |v| v.0;
    TransactionBody => (Bytes32, Bytes32, u64, [u8; 16], Vec<u8>),
        |v| (v.chain.0, v.signer.0, v.expires_at_ms, v.salt, v.call.clone());
    SignedTransaction => (<TransactionBody as Mirrored>::Mirror, Bytes64), |v| (v.body.mirror(), v.signature.0);
    Header => ((u32, Bytes32, u64, Bytes32, u64, String, u64, u32), [Bytes32; 6]),
        |v| (
            (v.version, v.chain.0, v.height, v.parent.0, v.timestamp_ms, text(&v.proposer), v.first_entry, v.record_count),
            [v.records_root, v.ids_hash, v.attachments_root, v.state_root, v.validators_hash, v.next_validators_hash].map(|h| h.0),
        );
    Entry => EntryMirror, |v| match v {
        Entry::Record(record) => EntryMirror::Record(record.mirror()),
        Entry::Header(header) => EntryMirror::Header(Box::new(header.mirror())),
    };
    Attachment => Vec<Vec<u8>>, |v| v.leaves.clone();
    Block => (<Header as Mirrored>::Mirror, Vec<<SignedTransaction as Mirrored>::Mirror>, Vec<Vec<Vec<u8>>>),
        |v| (v.header.mirror(), all(&v.records), all(&v.attachments));
    Validator => (String, [Bytes32; 4]),
        |v| (text(&v.department), [v.consensus, v.cosigner, v.log, v.network].map(|key| key.0));
    ValidatorSet => Vec<<Validator as Mirrored>::Mirror>, |v| v.iter().map(Mirrored::mirror).collect();
    VoteKind => KindMirror, |v| match v {
        VoteKind::Prevote => KindMirror::Prevote,
        VoteKind::Precommit => KindMirror::Precommit,
    };
    VoteSubject => (u64, u32, Option<Bytes32>), |v| (v.height, v.round, v.block.map(|block| block.0));
    Certificate => (KindMirror, <VoteSubject as Mirrored>::Mirror, u64, Vec<Bytes64>),
        |v| (v.kind.mirror(), v.subject.mirror(), v.signers, all(&v.signatures));
    Handover => (<Header as Mirrored>::Mirror, <Certificate as Mirrored>::Mirror, <ValidatorSet as Mirrored>::Mirror),
        |v| (v.header.mirror(), v.certificate.mirror(), v.next.mirror());
    Cosignature => (u64, Bytes64), |v| (v.time_s, v.signature.0);
    LogSignature => Bytes64, |v| v.0.0;
    Frontier => (u64, Vec<Bytes32>), |v| (v.size(), all(v.complete()));
    Terminal => TerminalMirror, |v| match v {
        Terminal::Empty => TerminalMirror::Empty,
        Terminal::Leaf { path, value_hash } => TerminalMirror::Leaf { path: path.0, value_hash: value_hash.0 },
    };
    StateProof => (TerminalMirror, Vec<Bytes32>), |v| (v.terminal.mirror(), all(&v.siblings));
    Issuer => (String, String, Bytes32), |v| (text(&v.department), text(&v.office), v.officer.0);
    Dependency => (String, u64), |v| (text(&v.key), v.version);
    Class => (String, String), |v| (text(&v.kind), text(&v.class));
    Left => (u64, u64, u64), |v| (v.recorded_at_ms, v.effective_from_ms, v.record);
    Extension => (u64, u64, String, u64), |v| (v.valid_until_ms, v.recorded_at_ms, text(&v.reason), v.record);
    StrikeTurn => (u64, u64), |v| (v.recorded_at_ms, v.record);
    Provenance => ProvenanceMirror, |v| match v {
        Provenance::Decided => ProvenanceMirror::Decided,
        Provenance::Imported => ProvenanceMirror::Imported,
        Provenance::Deemed => ProvenanceMirror::Deemed,
        Provenance::AutoRenewed => ProvenanceMirror::AutoRenewed,
    };
    Standing => StandingMirror, |v| match v {
        Standing::Active => StandingMirror::Active,
        Standing::Suspended => StandingMirror::Suspended,
        Standing::Revoked => StandingMirror::Revoked,
        Standing::Superseded => StandingMirror::Superseded,
        Standing::Consumed => StandingMirror::Consumed,
        Standing::Cancelled => StandingMirror::Cancelled,
        Standing::Seized => StandingMirror::Seized,
    };
    StatusEvent => (StandingMirror, u64, u64, String, u64),
        |v| (v.standing.mirror(), v.recorded_at_ms, v.effective_from_ms, text(&v.reason), v.record);
    Strike => (u64, u64, u64, u64, Bytes32, Option<Bytes32>, Vec<(u64, u64)>, u64),
        |v| (
            v.issued_from_ms, v.issued_until_ms, v.effective_from_ms, v.recorded_at_ms,
            v.order.0, v.saving_clause.map(|clause| clause.0), all(&v.turns), v.record,
        );
    Strikes => Vec<<Strike as Mirrored>::Mirror>, |v| all(&v.strikes);
    DocumentEntry => DocumentMirror, |v| (
        (text(&v.uri), v.digest.0, text(&v.kind), v.issuer.mirror(), text(&v.subject), v.valid_from_ms, v.valid_until_ms),
        (v.claims_root.map(|root| root.0), all(v.classes.as_slice()), all(v.depends.as_slice()), v.provenance.mirror()),
        (v.issued_at_ms, v.record, v.status_age_max_ms, all(&v.events), all(&v.extensions)),
        (v.superseded_by.as_ref().map(text), v.supersedes.as_ref().map(text)),
    );
    InitialEntry => (Vec<u8>, Vec<u8>), |v| (v.key.clone(), v.value.clone());
}

type DocumentMirror = (
    (String, Bytes32, String, <Issuer as Mirrored>::Mirror, String, u64, Option<u64>),
    (Option<Bytes32>, Vec<<Class as Mirrored>::Mirror>, Vec<<Dependency as Mirrored>::Mirror>, ProvenanceMirror),
    (u64, u64, u64, Vec<<StatusEvent as Mirrored>::Mirror>, Vec<<Extension as Mirrored>::Mirror>),
    (Option<String>, Option<String>),
);

fn hash() -> impl Strategy<Value = Hash> {
    any::<[u8; 32]>().prop_map(Hash)
}

fn signature() -> impl Strategy<Value = Signature> {
    (any::<[u8; 32]>(), any::<[u8; 32]>()).prop_map(|(r, s)| Signature([r, s].concat().try_into().unwrap()))
}

fn token<const MAX: usize>() -> impl Strategy<Value = Token<MAX>> {
    let characters = prop::collection::vec(0x21u8..=0x7e, 1..=MAX.min(24));
    characters.prop_map(|bytes| String::from_utf8(bytes).unwrap().parse().unwrap())
}

fn list<S: Strategy>(item: S) -> impl Strategy<Value = Vec<S::Value>> {
    prop::collection::vec(item, 0..4)
}

fn record() -> impl Strategy<Value = SignedTransaction> {
    let parts =
        (hash(), hash(), any::<u64>(), any::<[u8; 16]>(), prop::collection::vec(any::<u8>(), 0..80), signature());
    parts.prop_map(|(chain, signer, expires_at_ms, salt, call, signature)| SignedTransaction {
        body: TransactionBody { chain, signer: PublicKey(signer.0), expires_at_ms, salt, call },
        signature,
    })
}

fn header() -> impl Strategy<Value = Header> {
    let numbers = (any::<u32>(), any::<u64>(), any::<u64>(), any::<u64>(), any::<u32>());
    (numbers, token(), [hash(), hash(), hash(), hash()], [hash(), hash(), hash(), hash()]).prop_map(
        |((version, height, timestamp_ms, first_entry, record_count), proposer, a, b)| Header {
            version,
            chain: a[0],
            height,
            parent: a[1],
            timestamp_ms,
            proposer,
            first_entry,
            record_count,
            records_root: a[2],
            ids_hash: a[3],
            attachments_root: b[0],
            state_root: b[1],
            validators_hash: b[2],
            next_validators_hash: b[3],
        },
    )
}

fn certificate() -> impl Strategy<Value = Certificate> {
    let kind = prop_oneof![Just(VoteKind::Prevote), Just(VoteKind::Precommit)];
    let subject = (any::<u64>(), any::<u32>(), prop::option::of(hash()));
    (kind, subject, any::<u64>(), list(signature())).prop_map(|(kind, (height, round, block), signers, signatures)| {
        Certificate { kind, subject: VoteSubject { height, round, block }, signers, signatures }
    })
}

fn validators() -> impl Strategy<Value = ValidatorSet> {
    (1usize..8, any::<[u8; 32]>()).prop_map(|(count, seed)| {
        let root = SecretKey::from_seed(&seed);
        let key = |n: usize, what: &str| root.derive(&format!("{n} {what}")).public();
        let member = |n| Validator {
            department: format!("d{n}").parse().unwrap(),
            consensus: key(n, "consensus"),
            cosigner: key(n, "cosigner"),
            log: key(n, "log"),
            network: key(n, "network"),
        };
        ValidatorSet::new((0..count).map(member).collect()).unwrap()
    })
}

fn standing() -> impl Strategy<Value = Standing> {
    use Standing::{Active, Cancelled, Consumed, Revoked, Seized, Superseded, Suspended};
    prop::sample::select(vec![Active, Suspended, Revoked, Superseded, Consumed, Cancelled, Seized])
}

fn provenance() -> impl Strategy<Value = Provenance> {
    use Provenance::{AutoRenewed, Decided, Deemed, Imported};
    prop::sample::select(vec![Decided, Imported, Deemed, AutoRenewed])
}

fn document() -> impl Strategy<Value = DocumentEntry> {
    let names = (token(), token(), token(), token(), token(), prop::option::of(token()), prop::option::of(token()));
    let numbers = (any::<u64>(), any::<Option<u64>>(), any::<u64>(), any::<u64>(), any::<u64>());
    let hashes = (hash(), hash(), prop::option::of(hash()));
    let class = (token(), token()).prop_map(|(kind, class)| Class { kind, class });
    let dependency = (token(), any::<u64>()).prop_map(|(key, version)| Dependency { key, version });
    let event = (standing(), any::<u64>(), any::<u64>(), token(), any::<u64>()).prop_map(
        |(standing, recorded_at_ms, effective_from_ms, reason, record)| StatusEvent {
            standing,
            recorded_at_ms,
            effective_from_ms,
            reason,
            record,
        },
    );
    let extension = (any::<[u64; 3]>(), token()).prop_map(|([valid_until_ms, recorded_at_ms, record], reason)| {
        Extension { valid_until_ms, recorded_at_ms, reason, record }
    });
    let events = (list(event), list(extension));
    (names, numbers, hashes, list(class), list(dependency), events, provenance()).prop_map(
        |(names, numbers, hashes, classes, depends, (events, extensions), provenance)| DocumentEntry {
            uri: names.0,
            digest: hashes.0,
            kind: names.1,
            issuer: Issuer { department: names.2, office: names.3, officer: PublicKey(hashes.1.0) },
            subject: names.4,
            valid_from_ms: numbers.0,
            valid_until_ms: numbers.1,
            claims_root: hashes.2,
            classes: classes.into_iter().collect(),
            depends: depends.into_iter().collect(),
            provenance,
            issued_at_ms: numbers.2,
            record: numbers.3,
            status_age_max_ms: numbers.4,
            events,
            extensions,
            superseded_by: names.5,
            supersedes: names.6,
        },
    )
}

fn strike() -> impl Strategy<Value = Strike> {
    (any::<[u64; 5]>(), hash(), prop::option::of(hash()), list(any::<[u64; 2]>())).prop_map(
        |(
            [issued_from_ms, issued_until_ms, effective_from_ms, recorded_at_ms, record],
            order,
            saving_clause,
            turns,
        )| {
            Strike {
                issued_from_ms,
                issued_until_ms,
                effective_from_ms,
                recorded_at_ms,
                order,
                saving_clause,
                turns: turns
                    .into_iter()
                    .map(|[recorded_at_ms, record]| StrikeTurn { recorded_at_ms, record })
                    .collect(),
                record,
            }
        },
    )
}

fn terminal() -> impl Strategy<Value = Terminal> {
    let leaf = (hash(), hash()).prop_map(|(path, value_hash)| Terminal::Leaf { path, value_hash });
    prop_oneof![Just(Terminal::Empty), leaf]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn log_entries(record in record(), header in header()) {
        agrees(&record.body);
        agrees(&Entry::Record(record));
        agrees(&Entry::Header(header));
    }

    #[test]
    fn blocks(header in header(), records in list(record()), leaves in list(list(prop::collection::vec(any::<u8>(), 0..9)))) {
        let attachments = leaves.into_iter().map(|leaves| Attachment { leaves }).collect();
        agrees(&Block { header, records, attachments });
    }

    #[test]
    fn certificates_and_handovers(header in header(), certificate in certificate(), next in validators()) {
        agrees(&certificate.subject);
        agrees(&certificate);
        agrees(&Handover { header, certificate, next });
    }

    #[test]
    fn cosignatures_and_frontiers(time_s in any::<u64>(), signature in signature(), size in 0u64..1 << 40, seed in hash()) {
        agrees(&Cosignature { time_s, signature });
        agrees(&LogSignature(signature));
        agrees(&Frontier::from_parts(size, vec![seed; size.count_ones() as usize]).unwrap());
    }

    #[test]
    fn state_proofs(terminal in terminal(), siblings in list(hash())) {
        agrees(&StateProof { terminal, siblings });
    }

    #[test]
    fn documents(entry in document(), strikes in list(strike()), times in any::<[u64; 3]>()) {
        agrees(&entry);
        agrees(&Strikes { strikes });
        agrees(&Left { recorded_at_ms: times[0], effective_from_ms: times[1], record: times[2] });
    }

    #[test]
    fn any_bytes_decode_or_fail_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = codec::decode::<Entry>(&bytes, 400);
        let _ = codec::decode::<Block>(&bytes, 400);
        let _ = codec::decode::<DocumentEntry>(&bytes, 400);
        let _ = codec::decode::<Handover>(&bytes, 400);
        let _ = codec::decode::<Frontier>(&bytes, 400);
        let _ = codec::decode::<Genesis>(&bytes, 400);
    }

    #[test]
    fn spoilt_bytes_never_decode_to_the_same_value(record in record(), at in any::<prop::sample::Index>(), flip in 0u8..8) {
        let entry = Entry::Record(record);
        let mut bytes = entry.encode();
        let place = at.index(bytes.len());
        bytes[place] ^= 1 << flip;
        if let Ok(other) = Entry::decode(&bytes) {
            prop_assert_ne!(&other, &entry);
            prop_assert_eq!(other.encode(), bytes);
        }
    }
}

#[test]
fn genesis_is_exact_too() {
    let root = SecretKey::from_seed(&[9; 32]);
    let keys = ["consensus", "cosigner", "log", "network"].map(|what| root.derive(what).public());
    let [consensus, cosigner, log, network] = keys;
    let member = Validator { department: "land".parse().unwrap(), consensus, cosigner, log, network };
    let genesis = Genesis {
        origin: "ledger.example/test".parse().unwrap(),
        nonce: [1; 32],
        time_ms: 1,
        parameters: Parameters::default(),
        validators: ValidatorSet::new(vec![member]).unwrap(),
        initial_state: [InitialEntry { key: b"k".to_vec(), value: b"v".to_vec() }].into_iter().collect(),
    };
    let bytes = codec::encode(&genesis);
    assert_eq!(codec::decode::<Genesis>(&bytes, bytes.len()).unwrap(), genesis);
    assert!(codec::decode::<Genesis>(&[&bytes[..], &[0]].concat(), bytes.len() + 1).is_err());
    agrees(&genesis.validators);
    agrees(&genesis.initial_state.as_slice()[0]);
}

#[test]
fn sets_out_of_order_or_repeated_are_refused() {
    let sorted = codec::encode(&[1u64, 2, 3].into_iter().collect::<Set<u64>>());
    assert_eq!(sorted, bincode::encode_to_vec(vec![1u64, 2, 3], legacy()).unwrap());
    for other in [vec![2u64, 1, 3], vec![1, 1, 2], vec![3, 2, 1]] {
        let bytes = bincode::encode_to_vec(&other, legacy()).unwrap();
        assert_eq!(codec::decode::<Set<u64>>(&bytes, 100), Err(CodecError::NotCanonical), "{other:?}");
    }
}

#[test]
fn tokens_outside_their_alphabet_or_length_are_refused() {
    let decode = |text: &[u8]| codec::decode::<Token<8>>(&bincode::encode_to_vec(text, legacy()).unwrap(), 100);
    assert_eq!(decode(b"in.gov").unwrap().as_str(), "in.gov");
    for text in [&b""[..], b"123456789", b"a b", b"a\n", b"\x7f", b"\xc3\xa9", b"\0\0"] {
        assert_eq!(decode(text), Err(CodecError::NotCanonical), "{text:?}");
    }
}

#[test]
fn a_lone_nul_is_no_token() {
    let bytes = bincode::encode_to_vec(&b"\0"[..], legacy()).unwrap();
    assert!(codec::decode::<Token<8>>(&bytes, 100).is_err());
}

#[test]
fn lengths_beyond_the_input_allocate_nothing() {
    for length in [u64::MAX, 1 << 62, 1 << 40, 1 << 24] {
        let bytes = length.to_le_bytes();
        assert!(codec::decode::<Vec<u8>>(&bytes, 100).is_err());
        assert!(codec::decode::<Vec<Hash>>(&bytes, 100).is_err());
        assert!(codec::decode::<Vec<Vec<u8>>>(&bytes, 100).is_err());
        assert!(codec::decode::<Set<u64>>(&bytes, 100).is_err());
    }
}
