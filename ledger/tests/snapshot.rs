//! A ledger restored from a snapshot is the one it was made of; every part of a snapshot that was tampered with is refused.

#![cfg(feature = "store")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use common::{DAY_MS, Keys, MINUTE_MS, T0_MS, four, origin, set_of};
use dalil_ledger::block::{Block, Entry, HEADER_VERSION, Header};
use dalil_ledger::checkpoint::{Checkpoint, Cosignature, Handover, LogSignature, Note, Policy};
use dalil_ledger::crypto::{Hash, sha256};
use dalil_ledger::genesis::{Genesis, InitialEntry, Parameters};
use dalil_ledger::log::tile::{Tile, TileKind};
use dalil_ledger::log::{self, leaf_hash, verify_consistency, verify_inclusion};
use dalil_ledger::snapshot::{
    Checked, Chunk, ChunkError, IdExpiry, Known, Offer, OfferError, Prefix, Restore, WindowBlock, WindowError,
    covers_window, read_chunk, read_window, sweep,
};
use dalil_ledger::state::commitment::Subtree;
use dalil_ledger::state::{Changes, StateView as _, commitment};
use dalil_ledger::store::{Batch, Executed, Family, Kv as _, Ledger, LedgerView, MemoryKv, StoreError};
use dalil_ledger::transaction::{SignedTransaction, TransactionBody};
use dalil_ledger::validators::ValidatorSet;
use proptest::prelude::*;

/// Parts this small make a tree of a few dozen keys many of them.
const SMALL: usize = 700;

/// A chain that is not executed but stored as if it were.
struct Source {
    ledger: Ledger,
    genesis: Genesis,
    keys: Vec<Keys>,
    salt: u64,
}

impl Source {
    fn with_state(state: BTreeMap<Vec<u8>, Vec<u8>>) -> Self {
        let keys = four();
        let genesis = Genesis {
            origin: origin().as_str().parse().unwrap(),
            nonce: [3; 32],
            time_ms: T0_MS,
            parameters: Parameters::default(),
            validators: set_of(&keys),
            initial_state: state.into_iter().map(|(key, value)| InitialEntry { key, value }).collect(),
        };
        let ledger = Ledger::create(Arc::new(MemoryKv::default()), &genesis).unwrap();
        Self { ledger, genesis, keys, salt: 0 }
    }

    fn view(&self) -> LedgerView {
        self.ledger.view().unwrap()
    }

    fn record(&mut self, expires_at_ms: u64) -> SignedTransaction {
        self.salt += 1;
        let officer = common::Chain::officer();
        let mut salt = [0; 16];
        salt[..8].copy_from_slice(&self.salt.to_le_bytes());
        let chain = self.genesis.chain_id();
        TransactionBody { chain, signer: officer.public(), expires_at_ms, salt, call: b"call".to_vec() }.sign(&officer)
    }

    /// A block of `records` records that expire after half an hour.
    fn block(&mut self, time_ms: u64, records: usize, changes: Changes) -> Header {
        let records: Vec<_> = (0..records).map(|_| self.record(time_ms + 30 * MINUTE_MS)).collect();
        let next = set_of(&self.keys);
        let executed = follow(&self.view(), time_ms, records, changes, &next);
        let header = executed.block.header.clone();
        self.ledger.commit(&executed, None, Batch::default()).unwrap();
        header
    }

    /// A block by which the present validators hand over to `next`.
    fn hand_over(&mut self, time_ms: u64, next: Vec<Keys>) -> Handover {
        let next_set = set_of(&next);
        let made = follow(&self.view(), time_ms, Vec::new(), Changes::new(), &next_set);
        let header = made.block.header.clone();
        let chain = common::Chain { id: self.genesis.chain_id(), ..common::Chain::new() };
        let certificate = chain.certificate(&header, &self.keys);
        self.ledger.commit(&made, Some(&certificate), Batch::default()).unwrap();
        self.keys = next;
        Handover { header, certificate, next: next_set }
    }

    fn offer(&self) -> Offer {
        let view = self.view();
        Offer::of(&view, &self.note(&view), 1).unwrap()
    }

    /// The head's note by a quorum of the present keys.
    fn note(&self, view: &LedgerView) -> String {
        let checkpoint = Checkpoint { origin: origin(), size: view.log_size(), root: view.log_root().unwrap() };
        let set = set_of(&self.keys);
        let policy = Policy::of_set(&origin(), &set).unwrap();
        let key_of = |department: &str| self.keys.iter().find(|keys| keys.department == department).unwrap();
        let members: Vec<&Keys> = set.iter().map(|member| key_of(member.department.as_str())).collect();
        let log = LogSignature::sign(&checkpoint, &members[0].log).to_line(&policy.logs()[0]);
        let cosigned = members.iter().zip(policy.witnesses()).take(set.quorum());
        let cosigned =
            cosigned.map(|(keys, witness)| Cosignature::sign(&checkpoint, &keys.cosigner, T0_MS).to_line(&witness.key));
        Note { text: checkpoint.to_string(), signatures: std::iter::once(log).chain(cosigned).collect() }.to_string()
    }

    fn known(&self) -> Known {
        Known {
            chain: self.genesis.chain_id(),
            origin: origin(),
            validators: self.genesis.validators.clone(),
            height: 1,
        }
    }

    /// A node that knows genesis alone.
    fn newcomer(&self) -> (MemoryKv, Ledger) {
        let kv = MemoryKv::default();
        let ledger = Ledger::create(Arc::new(kv.clone()), &self.genesis).unwrap();
        (kv, ledger)
    }
}

/// The block above the head of `view`.
fn follow(
    view: &LedgerView,
    timestamp_ms: u64,
    records: Vec<SignedTransaction>,
    changes: Changes,
    next_set: &ValidatorSet,
) -> Executed {
    let parent = view.head();
    let (state_root, pages) = commitment::update(view, &changes).unwrap();
    let mut frontier = log::frontier_at(view, view.log_size()).unwrap();
    let mut nodes = frontier.append(records.iter().map(|record| leaf_hash(&Entry::Record(record.clone()).encode())));
    let header = Header {
        version: HEADER_VERSION,
        chain: parent.chain,
        height: parent.height + 1,
        parent: view.head_id(),
        timestamp_ms,
        proposer: parent.proposer.clone(),
        first_entry: view.log_size(),
        record_count: records.len() as u32,
        records_root: frontier.root(),
        ids_hash: Block::ids_hash(&records),
        attachments_root: Block::attachments_root(&[]),
        state_root,
        validators_hash: parent.next_validators_hash,
        next_validators_hash: next_set.hash(),
    };
    let subject = "khatian/1".parse().unwrap();
    let subjects =
        (0..records.len() as u64).map(|place| (Clone::clone(&subject), header.first_entry + place)).collect();
    let events = (0..=records.len() as u64).map(|place| header.first_entry + place);
    let events = events.map(|index| (index, format!("events of {index}").into_bytes())).collect();
    let block = Block { header, records, attachments: Vec::new() };
    nodes.extend(frontier.append([block.id()]));
    Executed { block: Arc::new(block), changes, pages, nodes, subjects, events, next_validators: next_set.clone() }
}

fn changes(from: u32, count: u32, bytes: usize) -> Changes {
    let key = |number: u32| format!("doc/{number}").into_bytes();
    (from..from + count).map(|number| (key(number), Some(vec![number as u8; bytes]))).collect()
}

/// Fetches what is wanted from `view` until nothing is, and returns every write on the way, the last one included.
fn restore_from(view: &LedgerView, restore: &mut Restore, mut order: impl FnMut(usize) -> usize) -> Vec<Batch> {
    let mut batches = Vec::new();
    loop {
        let wanted: Vec<Prefix> = restore.wanted().map(|(prefix, _)| *prefix).collect();
        if let Some(height) = restore.window().wanted() {
            let blocks = read_window(view, height, SMALL).unwrap();
            let known = restore.window().check(&blocks).unwrap();
            batches.push(restore.take_window(&blocks, known));
        } else if wanted.is_empty() {
            break;
        }
        if !wanted.is_empty() {
            let prefix = wanted[order(wanted.len())];
            let expected = restore.expected(&prefix).unwrap();
            let checked = read_chunk(view, &prefix, SMALL).unwrap().check(&prefix, &expected).unwrap();
            batches.push(restore.take_chunk(&prefix, checked).unwrap());
        }
    }
    batches.push(restore.finish(Batch::default()).unwrap());
    batches
}

fn restored(source: &Source) -> (MemoryKv, Ledger) {
    let (kv, ledger) = source.newcomer();
    let offer = source.offer();
    offer.verify(&source.known()).unwrap();
    let (mut restore, begun) = Restore::begin(offer, Restore::highest_area(&ledger).unwrap());
    kv.write(begun).unwrap();
    for batch in restore_from(&source.view(), &mut restore, |_| 0) {
        kv.write(batch).unwrap();
    }
    let ledger = Ledger::open(Arc::new(kv.clone()), Some(&source.genesis.chain_id())).unwrap();
    (kv, ledger)
}

/// A few hours of blocks with changing keys.
fn long_source() -> Source {
    let mut source = Source::with_state(BTreeMap::from([(b"authority".to_vec(), vec![1; 100])]));
    for number in 0..24 {
        let mut changes = changes(number * 3, 8, 300);
        changes.insert(format!("doc/{}", number * 2).into_bytes(), None);
        source.block(T0_MS + u64::from(number + 1) * 10 * MINUTE_MS, number as usize % 4, changes);
    }
    source
}

#[test]
fn a_restored_ledger_has_the_head_the_state_and_the_log() {
    let source = long_source();
    let (_, ledger) = restored(&source);
    let (old, new) = (source.view(), ledger.view().unwrap());
    assert_eq!((new.head(), new.head_id(), new.log_root()), (old.head(), old.head_id(), old.log_root()));
    for number in 0..100 {
        let key = format!("doc/{number}").into_bytes();
        let (value, proof) = new.prove(&key).unwrap();
        assert_eq!(value, old.get(&key).unwrap());
        proof.verify(&new.head().state_root, &key, value.as_deref()).unwrap();
    }
}

#[test]
fn a_restored_ledger_goes_on_like_the_one_it_was_made_of() {
    let mut source = long_source();
    let (_, ledger) = restored(&source);
    let first = ledger.view().unwrap().base().index;
    assert_eq!(first, source.view().head().entry_index());
    let next = set_of(&source.keys);
    for number in 0..20 {
        let time_ms = T0_MS + DAY_MS + u64::from(number) * MINUTE_MS;
        let records: Vec<_> = (0..number % 3).map(|_| source.record(time_ms + MINUTE_MS)).collect();
        let made = follow(&ledger.view().unwrap(), time_ms, records, changes(number * 5, 6, 50), &next);
        ledger.commit(&made, None, Batch::default()).unwrap();
        source.ledger.commit(&made, None, Batch::default()).unwrap();
        let (old, new) = (source.view(), ledger.view().unwrap());
        assert_eq!((new.head_id(), new.log_root()), (old.head_id(), old.log_root()));
        let size = new.log_size();
        for index in first..size {
            let path = new.inclusion_proof(index, size).unwrap();
            let leaf = leaf_hash(&new.entry_bytes(index).unwrap().unwrap());
            verify_inclusion(index, size, &leaf, &path, &new.log_root().unwrap()).unwrap();
            let (then, path) = (old.log_root_at(index).unwrap(), new.consistency_proof(index, size).unwrap());
            assert_eq!(new.log_root_at(index).unwrap(), then);
            verify_consistency(index, size, &path, &then, &new.log_root().unwrap()).unwrap();
        }
    }
    let view = ledger.view().unwrap();
    assert!(view.block(view.first_block()).unwrap().is_some());
    Ledger::open(ledger.kv().clone(), None).unwrap();
}

#[test]
fn what_lies_below_the_snapshot_is_said_to_be_elsewhere() {
    let source = long_source();
    let (_, ledger) = restored(&source);
    let view = ledger.view().unwrap();
    let first = view.base().index;
    let not_held = StoreError::NotHeld { first };
    assert_eq!(view.entry_bytes(first - 1).unwrap_err(), not_held);
    assert_eq!(view.entries_bytes(0, 10).unwrap_err(), not_held);
    assert_eq!(view.header(view.base().height - 1).unwrap_err(), not_held);
    assert_eq!(view.block(view.base().height).unwrap_err(), not_held);
    assert_eq!(view.inclusion_proof(0, view.log_size()).unwrap_err(), not_held);
    assert_eq!(view.consistency_proof(1, view.log_size()).unwrap_err(), not_held);
    assert_eq!(view.log_root_at(first - 1).unwrap_err(), not_held);
    assert_eq!(view.history(&"khatian/1".parse().unwrap(), 0, 10).unwrap_err(), not_held);
    assert_eq!(view.history(&"khatian/1".parse().unwrap(), first, 10).unwrap(), Vec::<u64>::new());
    for kind in [TileKind::Entries, TileKind::Hashes { level: 0 }] {
        let tile = Tile::at_size(kind, 0, view.log_size()).unwrap();
        assert_eq!(view.tile_bytes(&tile).unwrap_err(), not_held);
        assert!(source.view().tile_bytes(&tile).is_ok());
    }
    assert_eq!(view.header(view.base().height).unwrap().unwrap(), *view.head());
    assert!(view.entry_bytes(first).unwrap().is_some());
}

#[test]
fn events_are_kept_in_order_and_a_snapshot_brings_none() {
    let mut source = long_source();
    let view = source.view();
    let kept = view.events(0, usize::MAX).unwrap();
    let indexes: Vec<u64> = kept.iter().map(|(index, _)| *index).collect();
    assert_eq!(indexes, (1..view.log_size()).collect::<Vec<_>>(), "every index but genesis has some here");
    assert!(kept.iter().all(|(index, bytes)| *bytes == format!("events of {index}").into_bytes()));
    assert_eq!(view.events(5, 2).unwrap(), kept[4..6]);

    let (_, ledger) = restored(&source);
    let view = ledger.view().unwrap();
    let first = view.base().index + 1;
    assert_eq!(view.events(first - 1, 10).unwrap_err(), StoreError::NotHeld { first });
    assert_eq!(view.events(first, 10).unwrap(), Vec::new());
    let time_ms = source.view().head().timestamp_ms + 1_000;
    source.block(time_ms, 2, Changes::new());
    let followed = source.view().block(source.view().head().height).unwrap().unwrap();
    let next = set_of(&source.keys);
    let executed = follow(&view, time_ms, followed.records, Changes::new(), &next);
    ledger.commit(&executed, None, Batch::default()).unwrap();
    assert_eq!(ledger.view().unwrap().events(first, 10).unwrap(), source.view().events(first, 10).unwrap());
}

#[test]
fn the_window_reaches_back_until_every_record_has_expired_and_not_further() {
    let source = long_source();
    let (_, ledger) = restored(&source);
    let (old, new) = (source.view(), ledger.view().unwrap());
    assert!(covers_window(&old).unwrap() && !covers_window(&new).unwrap());
    assert_eq!(
        read_window(&new, new.head().height, SMALL).unwrap_err(),
        StoreError::NotHeld { first: new.base().index }
    );
    let head_ms = old.head().timestamp_ms;
    let mut known = 0;
    for height in 1..=old.head().height {
        let block = old.block(height).unwrap().unwrap();
        for (place, record) in block.records.iter().enumerate() {
            let index = block.header.first_entry + place as u64;
            let in_window = block.header.timestamp_ms + 60 * MINUTE_MS >= head_ms;
            assert_eq!(new.index_of(&record.id()).unwrap(), in_window.then_some(index));
            known += u64::from(in_window);
        }
    }
    assert!(known > 0);
}

#[test]
fn a_crash_after_any_write_goes_on_from_there_and_shows_no_half_ledger() {
    let source = long_source();
    let (first_kv, first) = source.newcomer();
    let before = first.view().unwrap();
    let (mut restore, begun) = Restore::begin(source.offer(), Restore::highest_area(&first).unwrap());
    let mut batches = vec![begun];
    batches.extend(restore_from(&source.view(), &mut restore, |count| count / 2));
    let last = batches.len() - 1;
    assert!(last > 20);
    for crash in 0..=last {
        let kv = first_kv.fork();
        batches[..=crash].iter().for_each(|batch| kv.write(batch.clone()).unwrap());
        let ledger = Ledger::open(Arc::new(kv.clone()), None).unwrap();
        let view = ledger.view().unwrap();
        let resumed = Restore::resume(&ledger).unwrap();
        if crash == last {
            assert!(resumed.is_none());
            assert_eq!(view.head_id(), source.view().head_id());
            continue;
        }
        assert_eq!((view.head_id(), view.base()), (before.head_id(), before.base()));
        let mut resumed = resumed.unwrap();
        assert!(sweep(&view, Some(resumed.area()), usize::MAX).unwrap().writes.is_empty());
        for batch in restore_from(&source.view(), &mut resumed, |_| 0) {
            kv.write(batch).unwrap();
        }
        let view = Ledger::open(Arc::new(kv), None).unwrap().view().unwrap();
        assert_eq!((view.head_id(), view.log_root()), (source.view().head_id(), source.view().log_root()));
    }
}

#[test]
fn what_was_given_up_or_replaced_is_swept_away() {
    let source = long_source();
    let (kv, ledger) = source.newcomer();
    let (mut given_up, begun) = Restore::begin(source.offer(), Restore::highest_area(&ledger).unwrap());
    kv.write(begun).unwrap();
    let batches = restore_from(&source.view(), &mut given_up, |_| 0);
    batches[..10].iter().for_each(|batch| kv.write(batch.clone()).unwrap());
    kv.write(given_up.abandon()).unwrap();
    assert!(Restore::resume(&ledger).unwrap().is_none());

    let highest = Restore::highest_area(&ledger).unwrap();
    assert_eq!(highest, given_up.area());
    let (mut restore, begun) = Restore::begin(source.offer(), highest);
    assert!(restore.area() > highest);
    kv.write(begun).unwrap();
    for batch in restore_from(&source.view(), &mut restore, |_| 0) {
        kv.write(batch).unwrap();
    }
    loop {
        let batch = sweep(&ledger.view().unwrap(), None, 7).unwrap();
        assert!(batch.writes.len() <= 7);
        if batch.writes.is_empty() {
            break;
        }
        kv.write(batch).unwrap();
    }
    let snapshot = kv.snapshot();
    let area = highest_bytes(&ledger);
    for family in [Family::State, Family::Pages, Family::Ids] {
        let keys = snapshot.scan(family, &[], &[], usize::MAX).unwrap();
        assert!(!keys.is_empty() && keys.iter().all(|(key, _)| key.starts_with(&area)));
    }
    assert!(snapshot.scan(Family::Restore, &[], &[], usize::MAX).unwrap().is_empty());
    Ledger::open(Arc::new(kv), None).unwrap();
}

fn highest_bytes(ledger: &Ledger) -> Vec<u8> {
    ledger.kv().snapshot().get(Family::Meta, b"area").unwrap().unwrap()
}

#[test]
fn a_block_that_does_not_follow_the_head_is_not_written() {
    let mut source = long_source();
    let next = set_of(&source.keys);
    let stale = follow(&source.view(), T0_MS + DAY_MS, Vec::new(), changes(0, 1, 1), &next);
    source.block(T0_MS + DAY_MS, 1, Changes::new());
    assert!(matches!(source.ledger.commit(&stale, None, Batch::default()), Err(StoreError::Damaged(_))));
}

#[test]
fn an_offer_with_anything_changed_is_refused() {
    let source = long_source();
    let (offer, known) = (source.offer(), source.known());
    assert_eq!(offer.verify(&known).unwrap(), known.validators);
    let spoiled = |spoil: &dyn Fn(&mut Offer)| {
        let mut spoiled = offer.clone();
        spoil(&mut spoiled);
        spoiled.verify(&known).unwrap_err()
    };
    let last_leaf = OfferError::LastLeaf(source.view().log_size());
    assert_eq!(spoiled(&|offer| offer.header.state_root.0[0] ^= 1), last_leaf);
    assert_eq!(spoiled(&|offer| offer.header.ids_hash.0[0] ^= 1), last_leaf);
    assert_eq!(spoiled(&|offer| offer.header.parent.0[0] ^= 1), last_leaf);
    assert_eq!(spoiled(&|offer| offer.header.timestamp_ms += 1), last_leaf);
    assert_eq!(spoiled(&|offer| offer.header.height += 1), last_leaf);
    assert!(matches!(spoiled(&|offer| offer.header.version += 1), OfferError::Header { .. }));
    assert!(matches!(spoiled(&|offer| offer.header.chain.0[0] ^= 1), OfferError::Header { .. }));
    assert!(matches!(spoiled(&|offer| offer.header.next_validators_hash.0[0] ^= 1), OfferError::Validators { .. }));
    assert!(matches!(spoiled(&|offer| offer.header.records_root.0[0] ^= 1), OfferError::Frontier { .. }));
    assert!(matches!(spoiled(&|offer| offer.header.first_entry += 1), OfferError::Frontier { .. }));
    assert!(matches!(spoiled(&|offer| offer.frontier.push(Hash::ZERO)), OfferError::Frontier { .. }));
    for place in 0..offer.note.len() {
        spoiled(&|offer| offer.note[place] ^= 1);
    }
    // The note of another head of the same log.
    let mut later = long_source();
    later.block(T0_MS + DAY_MS, 1, Changes::new());
    let note = later.note(&later.view());
    spoiled(&|offer| offer.note = note.clone().into_bytes());
    // Another chain with the same validators.
    let elsewhere = Known { chain: sha256(b"other"), ..known.clone() };
    assert!(matches!(offer.verify(&elsewhere), Err(OfferError::Header { .. })));
}

#[test]
fn an_offer_after_changes_of_the_set_leads_there_by_handovers_without_a_gap() {
    let mut source = long_source();
    let mut handovers = Vec::new();
    for (number, names) in
        [["finance", "land", "mines", "police"], ["finance", "land", "police", "tourism"]].iter().enumerate()
    {
        handovers.push(source.hand_over(T0_MS + DAY_MS + number as u64, names.map(Keys::new).to_vec()));
    }
    source.block(T0_MS + 2 * DAY_MS, 1, Changes::new());
    let offer = source.offer();
    assert_eq!(offer.handovers, handovers);
    assert_eq!(offer.verify(&source.known()).unwrap(), set_of(&source.keys));
    let (_, ledger) = restored(&source);
    assert_eq!(ledger.view().unwrap().handovers(0, 10).unwrap(), handovers);
    let with = |handovers: Vec<Handover>| Offer { handovers, ..offer.clone() }.verify(&source.known());
    assert!(matches!(with(Vec::new()), Err(OfferError::Validators { .. })));
    assert!(matches!(with(vec![handovers[1].clone()]), Err(OfferError::Handover(0, _))));
    assert!(matches!(with(vec![handovers[0].clone()]), Err(OfferError::Validators { .. })));
    assert!(matches!(with(vec![handovers[0].clone(); 2]), Err(OfferError::Handover(1, _))));
    assert!(matches!(with(vec![handovers[0].clone(); 1_000]), Err(OfferError::Handovers(1_000))));
    let mut swapped = handovers.clone();
    swapped[1].next = set_of(&four());
    assert!(matches!(with(swapped), Err(OfferError::Handover(1, _))));
}

#[test]
fn an_old_head_is_not_offered_with_the_handovers_of_a_set_that_recurs() {
    let mut source = long_source();
    let old = source.offer();
    let with_another = ["finance", "land", "mines", "police", "transport"].map(Keys::new).to_vec();
    let added = source.hand_over(T0_MS + DAY_MS, with_another);
    let removed = source.hand_over(T0_MS + DAY_MS + 1, four());
    let offer = source.offer();
    assert_eq!(offer.handovers, [added.clone(), removed.clone()]);
    assert_eq!(offer.verify(&source.known()).unwrap(), set_of(&four()));
    // The head's own handover is no later one.
    assert_eq!(offer.header, removed.header);
    assert_eq!(old.verify(&source.known()).unwrap(), set_of(&four()));
    let (head, got) = (old.header.height, added.header.height);
    let spoiled = Offer { handovers: vec![added, removed], ..old };
    assert_eq!(spoiled.verify(&source.known()).unwrap_err(), OfferError::Above { number: 0, got, head });
}

#[test]
fn a_split_binds_every_leaf_to_its_slot_and_divides_two_keys_or_more() {
    // Two keys that part in the first bits: each is a leaf alone in its pair of slots.
    let path = |number: u32| sha256(format!("key/{number}").as_bytes());
    let other = (1..).find(|number| path(*number).0[0] >> 5 != path(0).0[0] >> 5).unwrap();
    let key = |number: u32| format!("key/{number}").into_bytes();
    let source = Source::with_state([0, other].map(|number| (key(number), vec![7; SMALL])).into());
    let view = source.view();
    let root = view.head().state_root;
    let split = read_chunk(&view, &Prefix::ROOT, SMALL).unwrap();
    split.clone().check(&Prefix::ROOT, &root).unwrap();
    let Chunk::Split(slots) = split else { panic!("one part") };
    for slot in [0, other].map(|number| usize::from(path(number).0[0] >> 4)) {
        let mut swapped = slots.clone();
        swapped.swap(slot, slot ^ 1);
        let wrong = Chunk::Split(swapped).check(&Prefix::ROOT, &root);
        assert_eq!(wrong.unwrap_err(), ChunkError::Slot(slot ^ 1));
    }
    // A leaf has the hash of a split that holds it alone, in whichever slot.
    let leaf = slots[usize::from(path(0).0[0] >> 4)];
    let below = children(&source)
        .into_iter()
        .find(|child| read_chunk(&view, child, SMALL).is_ok_and(|chunk| chunk.check(child, &leaf.hash()).is_ok()));
    for slot in 0..slots.len() {
        let mut alone = [Subtree::Empty; 16];
        alone[slot] = leaf;
        let split = Chunk::Split(Box::new(alone)).check(&below.unwrap(), &leaf.hash());
        assert_eq!(split.unwrap_err(), ChunkError::NotBranch);
    }
}

#[test]
fn a_chunk_with_anything_changed_is_refused() {
    let source = long_source();
    let view = source.view();
    let root = view.head().state_root;
    let Chunk::Split(slots) = read_chunk(&view, &Prefix::ROOT, SMALL).unwrap() else { panic!("one part") };
    Chunk::Split(slots.clone()).check(&Prefix::ROOT, &root).unwrap();
    for place in 0..slots.len() {
        let mut other = slots.clone();
        other[place] = other[(place + 1) % slots.len()];
        if other != slots {
            assert!(matches!(Chunk::Split(other).check(&Prefix::ROOT, &root), Err(ChunkError::Hash { .. })));
        }
    }

    let Chunk::Entries(entries) = read_chunk(&view, &Prefix::ROOT, usize::MAX).unwrap() else { panic!("split") };
    let check = |entries: Vec<_>| Chunk::Entries(entries).check(&Prefix::ROOT, &root);
    check(entries.clone()).unwrap();
    for place in 0..entries.len() {
        let mut spoiled = vec![entries.clone(); 5];
        spoiled[0].remove(place);
        spoiled[1][place].value[0] ^= 1;
        spoiled[2][place].key[0] ^= 1;
        let again = spoiled[3][place].clone();
        spoiled[3].insert(place, again);
        let other = (place + 1) % entries.len();
        spoiled[4].swap(place, other);
        for spoiled in spoiled {
            check(spoiled).unwrap_err();
        }
    }
    check(Vec::new()).unwrap_err();
    // A subtree that is right, in another place.
    let prefixes = children(&source);
    let chunk = read_chunk(&view, &prefixes[0], usize::MAX).unwrap();
    assert!(matches!(chunk.check(&prefixes[1], &Hash::ZERO), Err(ChunkError::Misplaced(0))));
}

/// The prefixes one step below the root that hold anything.
fn children(source: &Source) -> Vec<Prefix> {
    let view = source.view();
    let (mut restore, _) = Restore::begin(source.offer(), Restore::highest_area(&source.ledger).unwrap());
    let split = read_chunk(&view, &Prefix::ROOT, SMALL).unwrap();
    let checked = split.check(&Prefix::ROOT, &view.head().state_root).unwrap();
    restore.take_chunk(&Prefix::ROOT, checked).unwrap();
    restore.wanted().map(|(prefix, _)| *prefix).collect()
}

type Spoil<'a> = &'a dyn Fn(&mut Vec<WindowBlock>);

#[test]
fn a_window_with_anything_changed_is_refused() {
    let source = long_source();
    let view = source.view();
    let (restore, _) = Restore::begin(source.offer(), Restore::highest_area(&source.ledger).unwrap());
    let window = restore.window();
    let blocks = read_window(&view, view.head().height, usize::MAX).unwrap();
    assert!(window.check(&blocks).unwrap().wanted().is_none());
    let spoiled = |spoil: Spoil<'_>| {
        let mut blocks = blocks.clone();
        spoil(&mut blocks);
        window.check(&blocks)
    };
    let with_ids = blocks.iter().position(|block| block.ids.len() > 1).unwrap();
    let extra = IdExpiry { id: Hash::ZERO, expires_at_ms: 0 };
    let wrong_ids: [Spoil<'_>; 5] = [
        &|blocks| blocks[with_ids].ids[0].id.0[0] ^= 1,
        &|blocks| blocks[with_ids].ids[0].expires_at_ms -= 1,
        &|blocks| blocks[with_ids].ids.truncate(1),
        &|blocks| blocks[with_ids].ids.push(extra),
        &|blocks| blocks[with_ids].ids.reverse(),
    ];
    for spoil in wrong_ids {
        assert!(matches!(spoiled(spoil), Err(WindowError::Ids(_))));
    }
    for place in 0..blocks.len() {
        let changed = spoiled(&|blocks| blocks[place].header.timestamp_ms += 1);
        assert!(matches!(changed, Err(WindowError::Block { .. })));
        let removed = spoiled(&|blocks| drop(blocks.remove(place)));
        // Without its end it is a part: more is wanted.
        match removed {
            Ok(window) => assert!(place + 1 == blocks.len() && window.wanted().is_some()),
            Err(error) => assert!(matches!(error, WindowError::Block { .. })),
        }
    }
    assert!(matches!(spoiled(&|blocks| blocks.push(blocks[0].clone())), Err(WindowError::Length(..))));
    assert!(matches!(spoiled(&|blocks| blocks.clear()), Err(WindowError::Length(0, _))));
    assert!(!restore.is_complete() && restore.finish(Batch::default()).is_none());
}

#[test]
fn parts_that_are_not_wanted_change_nothing() {
    let source = long_source();
    let view = source.view();
    let (mut restore, _) = Restore::begin(source.offer(), Restore::highest_area(&source.ledger).unwrap());
    let root = view.head().state_root;
    let whole = || read_chunk(&view, &Prefix::ROOT, usize::MAX).unwrap().check(&Prefix::ROOT, &root).unwrap();
    assert!(matches!(whole(), Checked::Entries { .. }));
    assert!(!restore.take_chunk(&Prefix::ROOT, whole()).unwrap().writes.is_empty());
    assert!(restore.take_chunk(&Prefix::ROOT, whole()).unwrap().writes.is_empty());
    let blocks = read_window(&view, view.head().height, usize::MAX).unwrap();
    let known = restore.window().check(&blocks).unwrap();
    assert!(!restore.take_window(&blocks, known).writes.is_empty());
    assert!(restore.take_window(&blocks, known).writes.is_empty());
    assert!(restore.is_complete());
    assert_eq!(restore.progress().chunks, restore.progress().chunks_known);
}

/// Keys whose paths share long prefixes with others' come up among many: found once, mixed in.
fn states() -> impl Strategy<Value = BTreeMap<Vec<u8>, Vec<u8>>> {
    let key = (0u32..4_000).prop_map(|number| format!("key/{number}").into_bytes());
    prop::collection::btree_map(key, prop::collection::vec(any::<u8>(), 0..400), 0..120)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_state_fetched_in_any_order_is_restored_with_its_root(
        state in states(),
        order in prop::collection::vec(any::<prop::sample::Index>(), 1..20),
    ) {
        let source = Source::with_state(state.clone());
        let (kv, ledger) = source.newcomer();
        let (mut restore, begun) = Restore::begin(source.offer(), Restore::highest_area(&ledger).unwrap());
        kv.write(begun).unwrap();
        let mut turns = order.iter().cycle();
        let batches = restore_from(&source.view(), &mut restore, |count| turns.next().unwrap().index(count));
        for batch in batches {
            kv.write(batch).unwrap();
        }
        let ledger = Ledger::open(Arc::new(kv), None).unwrap();
        let view = ledger.view().unwrap();
        prop_assert_eq!(commitment::root(&view).unwrap(), source.view().head().state_root);
        for (key, value) in &state {
            prop_assert_eq!(view.get(key).unwrap(), Some(value.clone()));
        }
        // Pages and all: an update finds everything where it must be.
        let next = changes(0, 5, 9).into_iter().chain(state.into_keys().step_by(3).map(|key| (key, None))).collect();
        let (root, _) = commitment::update(&view, &next).unwrap();
        prop_assert_eq!(root, commitment::update(&source.view(), &next).unwrap().0);
    }
}
