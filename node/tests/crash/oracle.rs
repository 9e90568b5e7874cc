//! What clients were told, and what must therefore hold. Hashes are computed here from the definitions of RFC 9162, and
//! notes and tiles are read by their C2SP texts: no code is shared with the program under test.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest as _, Sha256};

pub type Digest = [u8; 32];

/// Entries in a full bundle (C2SP tlog-tiles).
pub const BUNDLE: u64 = 256;
/// Bytes of a key id and of a time before the signature in a cosignature (C2SP tlog-cosignature).
const KEY_ID_BYTES: usize = 4;
const TIME_BYTES: usize = 8;
const SIGNATURE_BYTES: usize = 64;

fn leaf_hash(entry: &[u8]) -> Digest {
    Sha256::new().chain_update([0]).chain_update(entry).finalize().into()
}

fn node_hash(left: &Digest, right: &Digest) -> Digest {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The perfect trees of a growing log, the largest first, each with the logarithm of its size.
#[derive(Default)]
struct Peaks(Vec<(u32, Digest)>);

impl Peaks {
    fn push(&mut self, leaf: Digest) {
        let mut tree = (0, leaf);
        while let Some((_, left)) = self.0.pop_if(|last| last.0 == tree.0) {
            tree = (tree.0 + 1, node_hash(&left, &tree.1));
        }
        self.0.push(tree);
    }

    fn root(&self) -> Digest {
        let mut trees = self.0.iter().rev().map(|(_, hash)| *hash);
        match trees.next() {
            None => Sha256::digest([]).into(),
            Some(last) => trees.fold(last, |right, left| node_hash(&left, &right)),
        }
    }
}

/// A checkpoint as some node published it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Checkpoint {
    pub size: u64,
    pub root: Digest,
    /// Names of the keys under it, those of cosigners with the time.
    pub signers: Vec<(String, Option<u64>)>,
}

impl Checkpoint {
    pub fn parse(note: &str) -> Self {
        let (body, signatures) = note.split_once("\n\n").unwrap();
        let [_origin, size, root] = body.split('\n').collect::<Vec<_>>().try_into().unwrap();
        let signers = signatures.lines().map(|line| {
            let [dash, name, signature] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
            assert_eq!(dash, "\u{2014}");
            let bytes = BASE64.decode(signature).unwrap();
            let cosigned = bytes.len() == KEY_ID_BYTES + TIME_BYTES + SIGNATURE_BYTES;
            let time = || u64::from_be_bytes(bytes[KEY_ID_BYTES..KEY_ID_BYTES + TIME_BYTES].try_into().unwrap());
            (name.to_owned(), cosigned.then(time))
        });
        Self {
            size: size.parse().unwrap(),
            root: BASE64.decode(root).unwrap().try_into().unwrap(),
            signers: signers.collect(),
        }
    }
}

/// The path of the bundle with number `index` in a log of `size` entries.
pub fn bundle_path(index: u64, size: u64) -> String {
    let width = (size - index * BUNDLE).min(BUNDLE);
    let mut path = format!("{:03}", index % 1_000);
    let mut rest = index / 1_000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1_000);
        rest /= 1_000;
    }
    let partial = if width < BUNDLE { format!(".p/{width}") } else { String::new() };
    format!("/tile/entries/{path}{partial}")
}

/// The entries of a bundle.
pub fn unbundle(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut entries = Vec::new();
    while let [high, low, rest @ ..] = bytes {
        let (entry, rest) = rest.split_at(usize::from(u16::from_be_bytes([*high, *low])));
        entries.push(entry.to_vec());
        bytes = rest;
    }
    assert!(bytes.is_empty(), "a bundle ends in the middle of a length");
    entries
}

/// Everything that any client was told. Nothing of it may ever be taken back.
#[derive(Default)]
pub struct Told {
    /// Log index → entry of each record that a node called final.
    pub acknowledged: BTreeMap<u64, Vec<u8>>,
    /// Each note that any node published.
    pub notes: BTreeSet<String>,
}

impl Told {
    /// A node said that `entry` is final at `index`.
    pub fn acknowledge(&mut self, index: u64, entry: Vec<u8>) {
        if let Some(before) = self.acknowledged.insert(index, entry.clone()) {
            assert_eq!(before, entry, "two records were acknowledged at index {index}");
        }
    }

    /// How many acknowledged records are not where they must be in `log`.
    pub fn lost(&self, log: &[Vec<u8>]) -> usize {
        self.acknowledged.iter().filter(|(index, entry)| log.get(**index as usize) != Some(*entry)).count()
    }

    /// Holds `log`, which is at least as long as any checkpoint, against everything that was told.
    pub fn check(&self, log: &[Vec<u8>]) {
        assert_eq!(self.lost(log), 0, "acknowledged records are lost");
        let mut once = BTreeSet::new();
        for (index, entry) in log.iter().enumerate() {
            assert!(once.insert(leaf_hash(entry)), "the entry at index {index} stands in the log twice");
        }
        // Checkpoints over prefixes of one list of leaves are consistent with one another.
        let mut roots = BTreeMap::new();
        let mut cosigned: BTreeMap<(String, u64), Digest> = BTreeMap::new();
        for note in &self.notes {
            let checkpoint = Checkpoint::parse(note);
            assert_eq!(*roots.entry(checkpoint.size).or_insert(checkpoint.root), checkpoint.root, "{note}");
            for (name, time) in checkpoint.signers {
                if time.is_some() {
                    let signed = cosigned.entry((name, checkpoint.size)).or_insert(checkpoint.root);
                    assert_eq!(*signed, checkpoint.root, "a key cosigned two roots at one size: {note}");
                }
            }
        }
        let mut peaks = Peaks::default();
        let sizes = std::iter::once(None).chain(log.iter().map(Some)).enumerate();
        for (size, entry) in sizes {
            if let Some(entry) = entry {
                peaks.push(leaf_hash(entry));
            }
            if let Some(root) = roots.remove(&(size as u64)) {
                assert_eq!(root, peaks.root(), "the checkpoint of size {size} is not of this log");
            }
        }
        assert!(roots.is_empty(), "a checkpoint is larger than the log: {:?}", roots.keys());
    }
}

#[test]
fn the_oracle_computes_the_published_examples() {
    // RFC 9162 test vectors of the certificate-transparency reference: the roots of the first eight sizes.
    let leaves: [&[u8]; 3] = [b"", b"\x00", b"\x10"];
    let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    ];
    let mut peaks = Peaks::default();
    assert_eq!(hex::encode(peaks.root()), roots[0]);
    for (leaf, root) in leaves.iter().zip(&roots[1..]) {
        peaks.push(leaf_hash(leaf));
        assert_eq!(hex::encode(peaks.root()), *root);
    }
    let mut told = Told::default();
    told.acknowledge(1, b"\x00".to_vec());
    let log: Vec<Vec<u8>> = leaves.iter().map(|leaf| leaf.to_vec()).collect();
    assert_eq!((told.lost(&log), told.lost(&log[..1])), (0, 1));
}
