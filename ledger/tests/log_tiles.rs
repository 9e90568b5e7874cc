//! C2SP tlog-tiles: paths and bytes.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;

use dalil_ledger::crypto::Hash;
use dalil_ledger::log::tile::{
    Tile, TileError, TileKind, bundle_bytes, hash_tile_bytes, parse_bundle, parse_hash_tile,
};
use dalil_ledger::log::{Frontier, ProveError, leaf_hash, prove, root_of};

const LEVEL_0: TileKind = TileKind::Hashes { level: 0 };
const LEVEL_1: TileKind = TileKind::Hashes { level: 1 };

#[test]
fn paths_in_both_directions() {
    for (kind, index, width, path) in [
        (LEVEL_0, 0, 256, "tile/0/000"),
        (LEVEL_0, 999, 1, "tile/0/999.p/1"),
        (LEVEL_1, 1000, 255, "tile/1/x001/000.p/255"),
        (TileKind::Entries, 1_234_067, 256, "tile/entries/x001/x234/067"),
        (TileKind::Entries, 1_234_067, 8, "tile/entries/x001/x234/067.p/8"),
        (TileKind::Hashes { level: 7 }, 0, 3, "tile/7/000.p/3"),
    ] {
        let tile = Tile::new(kind, index, width).unwrap();
        assert_eq!(tile.to_string(), path);
        assert_eq!(path.parse::<Tile>().unwrap(), tile);
    }
}

#[test]
fn other_spellings_are_refused() {
    for path in [
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "/tile/0/000",
        "tile/00/000",
        "tile/+0/000",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/001",
        "tile/0/001/000",
        "tile/0/x001/x000",
        "tile/0/x001",
        "tile/0/+01",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p/1/",
        "tile/8/000",
        "tile/entry/000",
        "tile/entries/x999/x999/x999/x999/x999/x999/999",
        "tile/entries/x999/x999/x999/x999/x999/x999/x999/x999/999",
        "tile/0/000.p/1.p/1",
        "tile/0/٠٠٠",
    ] {
        assert!(path.parse::<Tile>().is_err(), "{path:?}");
    }
}

#[test]
fn widths_of_the_specification_example() {
    // A tree of size 70,000: 273 full level-0 tiles and one of 112, one full level-1 tile and one of 17, one level-2 of 1.
    let size = 70_000;
    let width = |level, index| Tile::at_size(TileKind::Hashes { level }, index, size).map(|tile| tile.width());
    assert_eq!((width(0, 272), width(0, 273), width(0, 274)), (Some(256), Some(112), None));
    assert_eq!((width(1, 0), width(1, 1), width(1, 2)), (Some(256), Some(17), None));
    assert_eq!((width(2, 0), width(3, 0)), (Some(1), None));
    assert_eq!(Tile::at_size(LEVEL_1, 0, 256).map(|tile| tile.width()), Some(1));
    let partial = Tile::new(LEVEL_0, 273, 112).unwrap();
    assert!(partial.exists_at(size) && partial.exists_at(size + 1) && !partial.exists_at(size - 1));
}

#[test]
fn hash_tiles_hold_the_nodes_of_every_eighth_level() {
    let leaves: Vec<Hash> = (0..600u32).map(|index| leaf_hash(&index.to_le_bytes())).collect();
    let mut nodes = BTreeMap::new();
    prove::keep(&mut nodes, &Frontier::default().append(leaves.iter().copied()));
    let tile = Tile::at_size(LEVEL_0, 2, 600).unwrap();
    let bytes = hash_tile_bytes(&nodes, &tile).unwrap();
    assert_eq!(parse_hash_tile(&bytes, tile.width()).unwrap(), leaves[512..]);
    let tile = Tile::at_size(LEVEL_1, 0, 600).unwrap();
    let above = parse_hash_tile(&hash_tile_bytes(&nodes, &tile).unwrap(), 2).unwrap();
    assert_eq!(above, [root_of(leaves[..256].iter().copied()), root_of(leaves[256..512].iter().copied())]);
    let too_wide = Tile::new(LEVEL_0, 2, 256).unwrap();
    assert_eq!(hash_tile_bytes(&nodes, &too_wide), Err(ProveError::Missing { level: 0, index: 600 }));
}

#[test]
fn bundles_in_both_directions() {
    let entries: [&[u8]; 3] = [b"", b"one", &[7; 65_535]];
    let bytes = bundle_bytes(entries).unwrap();
    assert_eq!(bytes[..7], [0, 0, 0, 3, b'o', b'n', b'e']);
    assert_eq!(parse_bundle(&bytes, 3).unwrap(), entries);
    assert_eq!(bundle_bytes([&[0; 65_536][..]]), Err(TileError::EntryTooLong(65_536)));
}

#[test]
fn tiles_of_the_wrong_length_are_refused() {
    let bytes = bundle_bytes([&b"one"[..], b"two"]).unwrap();
    assert!(matches!(parse_bundle(&bytes, 1), Err(TileError::Length { got: 10, expected: 5 })));
    assert!(matches!(parse_bundle(&bytes, 3), Err(TileError::Length { got: 0, expected: 2 })));
    assert!(matches!(parse_bundle(&bytes[..9], 2), Err(TileError::Length { got: 2, expected: 3 })));
    assert!(parse_hash_tile(&[0; 63], 2).is_err());
    assert!(parse_hash_tile(&[0; 64], 1).is_err());
    assert!(parse_hash_tile(&[0; 65], 2).is_err());
}
