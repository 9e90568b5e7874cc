//! Texts that come from outside: notes, policies, keys, paths of tiles, pins, and the lists in tiles.
//!
//! The first byte of an input chooses the format. Oracle: a format with one spelling a value (notes, checkpoints, vkeys,
//! tile paths, receipts, tiles) is written again exactly as it was read; one with several (policies, JSON) is read again as
//! the same value.

use std::fmt::Debug;
use std::str::FromStr;

use dalil_contracts::Invocation;
use dalil_contracts::authority::EstablishmentPlan;
use dalil_ledger::checkpoint::{Checkpoint, KeyName, Note, Pin, Policy, VerifierKey};
use dalil_ledger::codec::Token;
use dalil_ledger::crypto::{Hash, PublicKey, Signature};
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
