//! Texts that come from outside: notes, policies, keys, paths of tiles, pins, answers of witnesses, and the lists in tiles.
//!
//! The first byte of an input chooses the format. Oracle: a format with one spelling a value (notes, checkpoints, vkeys,
//! tile paths, receipts, tiles) is written again exactly as it was read; one with several (policies, JSON) is read again as
//! the same value.

use std::fmt::Debug;
use std::str::FromStr;

use dalil_contracts::Invocation;
use dalil_contracts::authority::EstablishmentPlan;
use dalil_ledger::checkpoint::{
    Checkpoint, KeyKind, KeyName, Note, Pin, Policy, VerifierKey, read_cosignature, read_known_size,
};
use dalil_ledger::codec::Token;
use dalil_ledger::crypto::{Hash, PublicKey, SecretKey, Signature};
use dalil_ledger::log::tile::{Tile, TileKind, bundle_bytes, parse_bundle, parse_hash_tile};
use dalil_ledger::log::verify::{verify_consistency, verify_inclusion};
use dalil_ledger::receipt::{InclusionReceipt, StatusReceipt};

use crate::memory::bounded;
use crate::wire::{Wire, choose, survives_text};
use crate::{Input, Taken};

/// One text of the format that the first byte names.
pub fn text(bytes: &[u8]) -> Taken {
    const TABLE: &[Wire] = &[
        note,
        |bytes| one_spelling::<Checkpoint>(bytes),
        |bytes| one_spelling::<VerifierKey>(bytes),
        |bytes| one_spelling::<KeyName>(bytes),
        tile_path,
        |bytes| one_spelling::<Hash>(bytes),
        |bytes| one_spelling::<PublicKey>(bytes),
        |bytes| one_spelling::<Signature>(bytes),
        |bytes| one_spelling::<Token<32>>(bytes),
        policy,
        pin,
        inclusion_file,
        status_file,
        bundle,
        hash_tile,
        proofs,
        invocation_json,
        |bytes| if serde_json::from_slice::<EstablishmentPlan>(bytes).is_ok() { Taken::Yes } else { Taken::No },
        cosignature,
        known_size,
    ];
    choose(TABLE, bytes)
}

fn read<T: FromStr>(bytes: &[u8]) -> Option<T> {
    let text = std::str::from_utf8(bytes).ok()?;
    bounded(bytes, || text.parse()).ok()
}

/// A value has exactly the text it was read from.
fn one_spelling<T: FromStr<Err: Debug> + ToString + PartialEq + Debug>(bytes: &[u8]) -> Taken {
    let Some(value) = read::<T>(bytes) else { return Taken::No };
    assert_eq!(value.to_string().as_bytes(), bytes);
    survives_text(&value);
    Taken::Yes
}

fn note(bytes: &[u8]) -> Taken {
    let Ok(note) = bounded(bytes, || Note::parse(bytes)) else { return Taken::No };
    assert_eq!(note.to_string().as_bytes(), bytes);
    let (truth, now_ms) = (crate::receipts::Truth::get(), u64::MAX);
    if let Ok(endorsed) = truth.pin.policy().verify(bytes, now_ms, 0) {
        assert_eq!(endorsed.checkpoint.to_string(), note.text);
        assert_eq!(endorsed.cosigners.len(), truth.pin.policy().quorum());
    }
    Taken::Yes
}

fn tile_path(bytes: &[u8]) -> Taken {
    let Some(tile) = read::<Tile>(bytes) else { return Taken::No };
    assert_eq!(tile.to_string().as_bytes(), bytes);
    assert_eq!(Tile::new(tile.kind(), tile.index(), tile.width()), Ok(tile));
    let _ = (tile.first(), tile.exists_at(0), tile.exists_at(u64::MAX));
    if let Some(at_size) = Tile::at_size(tile.kind(), tile.index(), 1 << 62) {
        assert!(at_size.exists_at(1 << 62));
    }
    if tile.kind() == TileKind::Entries {
        let _ = tile.first().checked_add(u64::from(tile.width())).expect("leaves are numbered by a u64");
    }
    Taken::Yes
}

fn policy(bytes: &[u8]) -> Taken {
    let Some(policy) = read::<Policy>(bytes) else { return Taken::No };
    assert!((1..=policy.witnesses().len()).contains(&policy.quorum()));
    survives_text(&policy);
    Taken::Yes
}

fn pin(bytes: &[u8]) -> Taken {
    let Ok(pin) = bounded(bytes, || Pin::from_json(bytes)) else { return Taken::No };
    assert_eq!(Pin::from_json(pin.to_json().as_bytes()), Ok(pin.clone()));
    assert_eq!(pin.policy().quorum(), pin.validators().quorum());
    Taken::Yes
}

fn inclusion_file(bytes: &[u8]) -> Taken {
    let Ok(receipt) = bounded(bytes, || InclusionReceipt::parse(bytes)) else { return Taken::No };
    assert_eq!(receipt.to_bytes(), bytes);
    Taken::Yes
}

fn status_file(bytes: &[u8]) -> Taken {
    let Ok(receipt) = bounded(bytes, || StatusReceipt::parse(bytes)) else { return Taken::No };
    assert_eq!(StatusReceipt::parse(&receipt.to_bytes()), Ok(receipt));
    Taken::Yes
}

fn bundle(bytes: &[u8]) -> Taken {
    let mut input = Input::new(bytes);
    let width = u16::from(input.byte());
    let Ok(entries) = bounded(bytes, || parse_bundle(input.rest(), width)) else { return Taken::No };
    assert_eq!(entries.len(), usize::from(width));
    assert_eq!(bundle_bytes(entries).as_deref(), Ok(input.rest()));
    Taken::Yes
}

fn hash_tile(bytes: &[u8]) -> Taken {
    let mut input = Input::new(bytes);
    let width = u16::from(input.byte());
    let Ok(hashes) = parse_hash_tile(input.rest(), width) else { return Taken::No };
    assert_eq!(hashes.iter().flat_map(|hash| hash.0).collect::<Vec<_>>(), input.rest());
    Taken::Yes
}

/// Index, size and old size, then a leaf or old root, the root, and the path. No other leaf and no other root fits.
fn proofs(bytes: &[u8]) -> Taken {
    let mut input = Input::new(bytes);
    let (index, size, old) = (input.long(), input.long(), input.long());
    let hashes: Vec<Hash> = input.rest().as_chunks::<32>().0.iter().map(|hash| Hash(*hash)).collect();
    let [first, root, path @ ..] = hashes.as_slice() else { return Taken::No };
    let other = |hash: &Hash| Hash(hash.0.map(|byte| byte ^ 1));
    let included = verify_inclusion(index, size, first, path, root).is_ok();
    if included {
        assert!(index < size);
        assert!(verify_inclusion(index, size, &other(first), path, root).is_err());
        assert!(verify_inclusion(index, size, first, path, &other(root)).is_err());
    }
    let consistent = verify_consistency(old, size, path, first, root).is_ok();
    if consistent {
        assert!((1..=size).contains(&old));
        assert!(verify_consistency(old, size, path, &other(first), root).is_err());
        assert!(verify_consistency(old, size, path, first, &other(root)).is_err());
    }
    if included || consistent { Taken::Yes } else { Taken::No }
}

fn invocation_json(bytes: &[u8]) -> Taken {
    let Ok(invocation) = bounded(bytes, || serde_json::from_slice::<Invocation>(bytes)) else { return Taken::No };
    assert_eq!(Invocation::decode(&invocation.encode()), Ok(invocation.clone()));
    crate::wire::survives_json(&invocation);
    Taken::Yes
}

/// The witness whose answers are read, and its key.
pub(crate) fn witness() -> (VerifierKey, SecretKey) {
    let secret = SecretKey::from_seed(&[2; 32]);
    let name = "witness.example/w1".parse().expect("a name");
    (VerifierKey { name, kind: KeyKind::Cosigner, key: secret.public() }, secret)
}

/// What is taken is a line of the answer, and the whole of the answer that counts.
fn cosignature(bytes: &[u8]) -> Taken {
    let (checkpoint, (key, _)) = (crate::receipts::Truth::get().chain.checkpoint(), witness());
    let read = |body: &[u8]| read_cosignature(body, &checkpoint, &key, u64::MAX, 0);
    let Ok(cosignature) = bounded(bytes, || read(bytes)) else { return Taken::No };
    let line = format!("{}\n", cosignature.to_line(&key));
    assert!(bytes.windows(line.len()).any(|window| window == line.as_bytes()));
    assert_eq!(read(line.as_bytes()), Ok(cosignature));
    Taken::Yes
}

fn known_size(bytes: &[u8]) -> Taken {
    let Ok(size) = read_known_size(bytes) else { return Taken::No };
    assert_eq!(format!("{size}\n").as_bytes(), bytes);
    Taken::Yes
}
