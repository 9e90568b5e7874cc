//! The log as static files (C2SP tlog-tiles): hash tiles and entry bundles of up to 256 each, immutable once full, so
//! that any web cache or object store can serve them.

use std::fmt;
use std::str::FromStr;

use super::{LogSize, NodeView, ProveError};
use crate::crypto::Hash;

/// Hashes or entries in a full tile.
pub const TILE_WIDTH: u16 = 256;

/// Tree levels from one tile level to the next: a tile's width is 2^8.
const LEVELS: u32 = 8;

/// The highest tile level that a log of at most 2^62 leaves has.
pub const TILE_LEVEL_MAX: u8 = 7;

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TileKind {
    /// Hashes of complete subtrees of 256^level leaves each.
    Hashes {
        /// Tile level; 0 holds leaf hashes.
        level: u8,
    },
    /// The entries themselves (an entry bundle).
    Entries,
}

impl TileKind {
    /// How many items of this kind a log of `size` leaves has.
    fn items(self, size: LogSize) -> u64 {
        match self {
            Self::Hashes { level } => size.checked_shr(LEVELS * u32::from(level)).unwrap_or(0),
            Self::Entries => size,
        }
    }
}

/// One tile, as its path names it: `tile/<L>/<N>[.p/<W>]` or `tile/entries/<N>[.p/<W>]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    kind: TileKind,
    index: u64,
    width: u16,
}

/// Why a path or the bytes of a tile are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    /// The path is not the one spelling of a tile.
    #[error("{0:?} is no tile path")]
    Path(String),
    /// Level, index or width is out of range.
    #[error("level {level}, width {width}: expected a level up to {TILE_LEVEL_MAX} and a width of 1 to {TILE_WIDTH}")]
    Range {
        /// Tile level given.
        level: u8,
        /// Width given.
        width: u16,
    },
    /// The bytes are too many or too few.
    #[error("{got} bytes, expected {expected}")]
    Length {
        /// Bytes found.
        got: usize,
        /// Bytes that the width, or a length prefix, asks for.
        expected: usize,
    },
    /// An entry is too long for a bundle.
    #[error("an entry of {0} bytes, at most 65,535 fit a bundle")]
    EntryTooLong(usize),
}

impl Tile {
    /// The tile of `kind` at `index` that is `width` items wide.
    pub fn new(kind: TileKind, index: u64, width: u16) -> Result<Self, TileError> {
        let level = if let TileKind::Hashes { level } = kind { level } else { 0 };
        // The last item's leaves must still be numbered by a u64.
        let fits = index <= u64::MAX >> (LEVELS * (u32::from(level.min(TILE_LEVEL_MAX)) + 1)).min(63);
        if level > TILE_LEVEL_MAX || !(1..=TILE_WIDTH).contains(&width) || !fits {
            return Err(TileError::Range { level, width });
        }
        Ok(Self { kind, index, width })
    }

    /// The tile of `kind` at `index` as wide as it is in a log of `size` leaves; none if it holds nothing yet.
    pub fn at_size(kind: TileKind, index: u64, size: LogSize) -> Option<Self> {
        let first = index.checked_mul(TILE_WIDTH.into())?;
        let width = kind.items(size).checked_sub(first)?.min(TILE_WIDTH.into());
        Self::new(kind, index, width as u16).ok()
    }

    /// What the tile holds.
    pub fn kind(&self) -> TileKind {
        self.kind
    }

    /// Index of the tile within its level.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Items in the tile: 256 if it is full.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Number of the first item: a leaf index for entries and level 0.
    pub fn first(&self) -> u64 {
        self.index * u64::from(TILE_WIDTH)
    }

    /// Whether a log of `size` leaves has this tile in this width. A full tile stays when the log grows.
    pub fn exists_at(&self, size: LogSize) -> bool {
        self.kind.items(size) >= self.first().saturating_add(self.width.into())
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Hashes { level } => write!(f, "tile/{level}/")?,
            TileKind::Entries => f.write_str("tile/entries/")?,
        }
        let mut groups = vec![self.index % 1000];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        groups.iter().skip(1).rev().try_for_each(|group| write!(f, "x{group:03}/"))?;
        write!(f, "{:03}", groups[0])?;
        if self.width < TILE_WIDTH { write!(f, ".p/{}", self.width) } else { Ok(()) }
    }
}

impl FromStr for Tile {
    type Err = TileError;

    /// Parses a path without a leading slash. Only the spelling that `Display` writes is accepted.
    fn from_str(path: &str) -> Result<Self, TileError> {
        let error = || TileError::Path(path.chars().take(80).collect());
        let rest = path.strip_prefix("tile/").ok_or_else(error)?;
        let (kind, rest) = rest.split_once('/').ok_or_else(error)?;
        let kind = match kind {
            "entries" => TileKind::Entries,
            level => TileKind::Hashes { level: level.parse().map_err(|_| error())? },
        };
        let (number, width) = match rest.split_once(".p/") {
            None => (rest, TILE_WIDTH),
            Some((number, width)) => (number, width.parse().map_err(|_| error())?),
        };
        let mut index: u64 = 0;
        for group in number.split('/') {
            let digits = group.strip_prefix('x').unwrap_or(group);
            let value: u64 = digits.parse().map_err(|_| error())?;
            index = index.checked_mul(1000).and_then(|index| index.checked_add(value)).ok_or_else(error)?;
        }
        let tile = Self::new(kind, index, width)?;
        // Leading zeros, signs, a missing `x`, an explicit full width: all are other spellings of the same tile.
        if tile.to_string() == path { Ok(tile) } else { Err(error()) }
    }
}

/// The bytes of a hash tile: its hashes, one after the other. A tile that the log does not have yet is
/// [`ProveError::Missing`].
pub fn hash_tile_bytes<V: NodeView + ?Sized>(view: &V, tile: &Tile) -> Result<Vec<u8>, ProveError<V::Error>> {
    let TileKind::Hashes { level } = tile.kind else {
        return Err(ProveError::OutOfRange { asked: tile.index, least: 0, most: 0 });
    };
    let level = level * LEVELS as u8;
    let mut bytes = Vec::with_capacity(usize::from(tile.width) * 32);
    for index in tile.first()..tile.first() + u64::from(tile.width) {
        let hash = view.node(level, index).map_err(ProveError::Read)?.ok_or(ProveError::Missing { level, index })?;
        bytes.extend_from_slice(&hash.0);
    }
    Ok(bytes)
}

/// The hashes in the bytes of a hash tile of `width` hashes.
pub fn parse_hash_tile(bytes: &[u8], width: u16) -> Result<Vec<Hash>, TileError> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    let expected = usize::from(width) * 32;
    if hashes.len() != usize::from(width) || !rest.is_empty() {
        return Err(TileError::Length { got: bytes.len(), expected });
    }
    Ok(hashes.iter().map(|hash| Hash(*hash)).collect())
}

/// The bytes of an entry bundle: each entry after its length as a big-endian u16.
pub fn bundle_bytes<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, TileError> {
    let mut bytes = Vec::new();
    for entry in entries {
        let length = u16::try_from(entry.len()).map_err(|_| TileError::EntryTooLong(entry.len()))?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(entry);
    }
    Ok(bytes)
}

/// The entries in the bytes of a bundle of `width` entries. Nothing may follow them.
pub fn parse_bundle(bytes: &[u8], width: u16) -> Result<Vec<&[u8]>, TileError> {
    let mut entries = Vec::with_capacity(usize::from(width));
    let mut rest = bytes;
    for _ in 0..width {
        let (length, tail) = rest.split_first_chunk::<2>().ok_or(TileError::Length { got: rest.len(), expected: 2 })?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (entry, tail) =
            tail.split_at_checked(length).ok_or(TileError::Length { got: tail.len(), expected: length })?;
        entries.push(entry);
        rest = tail;
    }
    if rest.is_empty() {
        Ok(entries)
    } else {
        Err(TileError::Length { got: bytes.len(), expected: bytes.len() - rest.len() })
    }
}
