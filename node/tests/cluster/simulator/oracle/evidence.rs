//! Who is accused on a node's disk of having contradicted itself.

use std::collections::BTreeSet;

use dalil_ledger::crypto::PublicKey;
use dalil_ledger::store::{Family, Kv as _, MemoryKv};

/// A piece of evidence is kept under this, then height, consensus key, round and kind.
const PREFIX: &[u8] = b"evidence/";
const HEIGHT_BYTES: usize = 8;

/// The consensus keys against which this disk holds evidence.
pub fn accused(disk: &MemoryKv) -> BTreeSet<PublicKey> {
    let pieces = disk.snapshot().scan(Family::Consensus, PREFIX, &[], usize::MAX).unwrap();
    let key = |place: &[u8]| Some(PublicKey(*place.get(PREFIX.len() + HEIGHT_BYTES..)?.first_chunk()?));
    pieces.iter().filter_map(|(place, _)| key(place)).collect()
}
