//! What a document says, claim by claim, and what of it its holder shows to whom.
//!
//! ```text
//!                         claims_root            in the document's entry, on the chain
//!                       ╱             ╲
//!                     …                 …        32 leaves, always
//!                   ╱   ╲             ╱   ╲
//!               claim  blank       blank  claim   each at a random place; a blank is a random hash
//! ```
//!
//! A claim's leaf is the RFC 9162 leaf hash of `dalil/v1/claim` ‖ NUL ‖ canonical (name, value, salt); the salt has 256
//! random bits, so that nobody who lacks it finds a value by trying the likely ones. The office makes a [`HolderFile`] with
//! all claims and salts for the holder, and puts its root on the chain. The holder makes a [`Presentation`] of some claims;
//! whoever has the document's proven entry checks it with [`Presentation::verify`].
//!
//! Since every tree has the same size and places are drawn at random, a presentation tells neither how many claims the
//! document makes nor anything of those it does not show. It does not prove that the one who shows it is the holder, and
//! two presentations of one document are seen to be of one document: both name it.
//!
//! [`commit`] is the same for a single value, such as a person or the reason of a revocation. Once a salt is destroyed
//! nothing leads from the chain back to the value; what others copied while it existed is out of reach.
//!
//! No store, no clock, no randomness of its own: who makes a holder's file hands in the random bytes.

mod holder;
mod presentation;
mod value;

pub use holder::{HolderFile, HolderFileError, MakeError};
pub use presentation::{DisclosureError, Presentation, PresentationError};
pub use value::{Claim, ClaimName, ClaimValue, Salt, ValueError, commit};

/// Leaves of every tree of claims, and so the most claims of one document.
pub const CLAIMS_MAX: usize = 32;
/// The longest value of a claim, in bytes.
pub const VALUE_BYTES_MAX: usize = 1_024;
/// The longest holder's file that is read, in bytes.
pub const HOLDER_FILE_BYTES_MAX: usize = 1 << 18;
/// The longest presentation that is read, in bytes: a status receipt as a JSON string, and the claims.
pub const PRESENTATION_BYTES_MAX: usize = 2 * crate::receipt::STATUS_BYTES_MAX + HOLDER_FILE_BYTES_MAX;
