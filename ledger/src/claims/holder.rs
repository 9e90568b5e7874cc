//! The holder's file (`.dalil-claims`, JSON): all claims of one document with their salts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::value::{Claim, ClaimName, ClaimValue, Salt};
use super::{CLAIMS_MAX, HOLDER_FILE_BYTES_MAX};
use crate::crypto::Hash;
use crate::document::Uri;
use crate::log::root_of;

/// The value of the field `format`.
const FORMAT: &str = "dalil-claims/v1";

/// A leaf as the holder knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum HeldLeaf {
    /// A claim.
    Claim(Claim),
    /// A place without a claim: a random hash, which looks like any other.
    Blank(Hash),
}

impl HeldLeaf {
    fn hash(&self) -> Hash {
        match self {
            Self::Claim(claim) => claim.leaf(),
            Self::Blank(hash) => *hash,
        }
    }
}

/// All claims of one document. Whoever has it can show every claim, so it belongs to the holder, and to the office only as
/// long as the law asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HolderFile {
    /// The document.
    pub uri: Uri,
    /// [`CLAIMS_MAX`] leaves.
    pub(super) leaves: Vec<HeldLeaf>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: String,
    uri: Uri,
    leaves: Vec<HeldLeaf>,
}

/// Why bytes are no holder's file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HolderFileError {
    /// The file is too long.
    #[error("a holder's file of {0} bytes, expected at most {HOLDER_FILE_BYTES_MAX}")]
    TooLong(usize),
    /// Not its JSON: also for unknown and repeated fields, and values that are none.
    #[error("holder's file: {0}")]
    Json(String),
    /// Another format or version.
    #[error("format {0:?}, expected {FORMAT:?}")]
    Format(String),
    /// Another number of leaves than every tree has.
    #[error("{0} leaves, expected {CLAIMS_MAX}")]
    Leaves(usize),
    /// A name stands twice.
    #[error("claim {0} stands twice")]
    Repeated(ClaimName),
}

/// Why there is no holder's file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MakeError<E> {
    /// None or too many.
    #[error("{0} claims, expected 1 to {CLAIMS_MAX}")]
    Count(usize),
    /// No random bytes.
    #[error("no randomness: {0}")]
    Random(E),
}

impl HolderFile {
    /// A file of these claims, with salts and places by `random`, which gives 32 bytes that nobody can guess.
    pub fn make<E>(
        uri: Uri,
        claims: BTreeMap<ClaimName, ClaimValue>,
        mut random: impl FnMut() -> Result<[u8; 32], E>,
    ) -> Result<Self, MakeError<E>> {
        if !(1..=CLAIMS_MAX).contains(&claims.len()) {
            return Err(MakeError::Count(claims.len()));
        }
        let mut draw = || random().map_err(MakeError::Random);
        let mut leaves = Vec::with_capacity(CLAIMS_MAX);
        for (name, value) in claims {
            leaves.push(HeldLeaf::Claim(Claim { name, value, salt: Salt::from_random(draw()?) }));
        }
        while leaves.len() < CLAIMS_MAX {
            leaves.push(HeldLeaf::Blank(Hash(draw()?)));
        }
        // Sorted by keys drawn at random, every order is equally likely.
        let mut placed = leaves.into_iter().map(|leaf| Ok((draw()?, leaf))).collect::<Result<Vec<_>, _>>()?;
        placed.sort_by_key(|(key, _)| *key);
        Ok(Self { uri, leaves: placed.into_iter().map(|(_, leaf)| leaf).collect() })
    }

    /// The root that the document's entry carries.
    pub fn root(&self) -> Hash {
        root_of(self.hashes())
    }

    /// The claims by name.
    pub fn claims(&self) -> BTreeMap<&ClaimName, &Claim> {
        let claims = self.leaves.iter().filter_map(|leaf| match leaf {
            HeldLeaf::Claim(claim) => Some((&claim.name, claim)),
            HeldLeaf::Blank(_) => None,
        });
        claims.collect()
    }

    pub(super) fn hashes(&self) -> Vec<Hash> {
        self.leaves.iter().map(HeldLeaf::hash).collect()
    }

    /// The file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let file = File { format: FORMAT.to_owned(), uri: self.uri.clone(), leaves: self.leaves.clone() };
        let mut bytes = serde_json::to_vec_pretty(&file).expect("strings and lists have a JSON form");
        bytes.push(b'\n');
        bytes
    }

    /// Parses a file.
    pub fn parse(bytes: &[u8]) -> Result<Self, HolderFileError> {
        if bytes.len() > HOLDER_FILE_BYTES_MAX {
            return Err(HolderFileError::TooLong(bytes.len()));
        }
        let file: File = serde_json::from_slice(bytes).map_err(|error| HolderFileError::Json(error.to_string()))?;
        if file.format != FORMAT {
            return Err(HolderFileError::Format(file.format.chars().take(40).collect()));
        }
        if file.leaves.len() != CLAIMS_MAX {
            return Err(HolderFileError::Leaves(file.leaves.len()));
        }
        let mut names: Vec<_> = file.leaves.iter().filter_map(name_of).collect();
        names.sort();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(HolderFileError::Repeated(pair[0].clone()));
        }
        Ok(Self { uri: file.uri, leaves: file.leaves })
    }
}

fn name_of(leaf: &HeldLeaf) -> Option<&ClaimName> {
    match leaf {
        HeldLeaf::Claim(claim) => Some(&claim.name),
        HeldLeaf::Blank(_) => None,
    }
}
