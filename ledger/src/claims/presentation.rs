//! A presentation (JSON): some claims of one document, each with its path to the root that the document's entry carries.

use serde::{Deserialize, Serialize};

use super::holder::{HeldLeaf, HolderFile};
use super::value::{Claim, ClaimName};
use super::{CLAIMS_MAX, PRESENTATION_BYTES_MAX};
use crate::crypto::Hash;
use crate::document::{DocumentEntry, Uri};
use crate::log::{ProofError, inclusion_proof, verify_inclusion};

/// The value of the field `format`.
const FORMAT: &str = "dalil-presentation/v1";

/// A claim that is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    claim: Claim,
    /// Place of its leaf, from 0.
    place: u64,
    /// Siblings from the leaf to the root.
    path: Vec<Hash>,
}

/// Some claims of one document, by increasing name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Presentation {
    format: String,
    /// The document.
    pub uri: Uri,
    claims: Vec<Shown>,
    /// A status receipt about the document, byte for byte the text of its file; none if the verifier asks a node.
    pub receipt: Option<String>,
}

/// Why claims are not shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DisclosureError {
    /// Nothing was chosen.
    #[error("no claim was chosen")]
    Nothing,
    /// The document does not make the claim.
    #[error("the document makes no claim {0}")]
    Unknown(ClaimName),
}

/// Why a presentation shows nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PresentationError {
    /// The file is too long.
    #[error("a presentation of {0} bytes, expected at most {PRESENTATION_BYTES_MAX}")]
    TooLong(usize),
    /// Not its JSON: also for unknown and repeated fields, and values that hide or turn what is shown.
    #[error("presentation: {0}")]
    Json(String),
    /// Another format or version.
    #[error("format {0:?}, expected {FORMAT:?}")]
    Format(String),
    /// None or too many claims.
    #[error("{0} claims, expected 1 to {CLAIMS_MAX}")]
    Count(usize),
    /// Names stand twice or out of order.
    #[error("claim {0} stands twice or out of order")]
    Order(ClaimName),
    /// The entry is another document's.
    #[error("the claims are of {got}, the receipt is about {expected}")]
    OtherDocument {
        /// The document named by the presentation.
        got: Uri,
        /// The document of the entry.
        expected: Uri,
    },
    /// The document makes no claims.
    #[error("{0} was recorded without claims")]
    NoClaims(Uri),
    /// The claim is none of the document's.
    #[error("claim {name} does not belong to the recorded document: {error}")]
    NotOfDocument {
        /// The claim.
        name: ClaimName,
        /// Where its path leads.
        error: ProofError,
    },
}

impl Presentation {
    /// Shows the named claims of `held`, with a status receipt if there is one.
    pub fn disclose(held: &HolderFile, names: &[ClaimName], receipt: Option<String>) -> Result<Self, DisclosureError> {
        let mut names: Vec<&ClaimName> = names.iter().collect();
        names.sort();
        names.dedup();
        if names.is_empty() {
            return Err(DisclosureError::Nothing);
        }
        let hashes = held.hashes();
        let claims = names.into_iter().map(|name| {
            let found = held.leaves.iter().enumerate().find_map(|(place, leaf)| match leaf {
                HeldLeaf::Claim(claim) if claim.name == *name => Some((place as u64, claim.clone())),
                _ => None,
            });
            let (place, claim) = found.ok_or_else(|| DisclosureError::Unknown(name.clone()))?;
            let path = inclusion_proof(hashes.as_slice(), place, hashes.len() as u64);
            Ok(Shown { claim, place, path: path.expect("a place of the tree has a path") })
        });
        let claims = claims.collect::<Result<_, _>>()?;
        Ok(Self { format: FORMAT.to_owned(), uri: held.uri.clone(), claims, receipt })
    }

    /// What is shown, which [`Self::verify`] must have passed before anybody relies on it.
    pub fn claims(&self) -> impl Iterator<Item = &Claim> {
        self.claims.iter().map(|shown| &shown.claim)
    }

    /// Checks that each claim belongs to the document of `entry`, which a receipt proves.
    pub fn verify(&self, entry: &DocumentEntry) -> Result<(), PresentationError> {
        if self.uri != entry.uri {
            return Err(PresentationError::OtherDocument { got: self.uri.clone(), expected: entry.uri.clone() });
        }
        let root = entry.claims_root.ok_or_else(|| PresentationError::NoClaims(entry.uri.clone()))?;
        self.claims.iter().try_for_each(|Shown { claim, place, path }| {
            verify_inclusion(*place, CLAIMS_MAX as u64, &claim.leaf(), path, &root)
                .map_err(|error| PresentationError::NotOfDocument { name: claim.name.clone(), error })
        })
    }

    /// The file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("strings and lists have a JSON form");
        bytes.push(b'\n');
        bytes
    }

    /// Parses a file.
    pub fn parse(bytes: &[u8]) -> Result<Self, PresentationError> {
        if bytes.len() > PRESENTATION_BYTES_MAX {
            return Err(PresentationError::TooLong(bytes.len()));
        }
        let file: Self = serde_json::from_slice(bytes).map_err(|error| PresentationError::Json(error.to_string()))?;
        if file.format != FORMAT {
            return Err(PresentationError::Format(file.format.chars().take(40).collect()));
        }
        if !(1..=CLAIMS_MAX).contains(&file.claims.len()) {
            return Err(PresentationError::Count(file.claims.len()));
        }
        let unordered = file.claims.windows(2).find(|pair| pair[0].claim.name >= pair[1].claim.name);
        match unordered {
            Some(pair) => Err(PresentationError::Order(pair[1].claim.name.clone())),
            None => Ok(file),
        }
    }
}
