//! What the validators say about the log, in the public C2SP formats, and whom a verifier believes.
//!
//! ```text
//!   Checkpoint            origin, size, root                          tlog-checkpoint
//!     └ in a Note         one log line and q cosignatures             signed-note, tlog-cosignature
//!         └ Policy        the keys and the quorum that count          tlog-policy
//!             └ HeadProof the header that is the checkpoint's last leaf
//!                 └ Pin   policy, validator set, chain, expiry: what a verifier starts from
//!                     └ Handover  moves a pin to the next validator set
//!         └ AddCheckpoint         asks an outside witness to cosign   tlog-witness
//! ```
//!
//! A validator signs here with [`Cosignature::sign`] and [`LogSignature::sign`]; the node assembles the published note
//! with [`Policy::assemble`]; the receipts, the CLI, browsers and banks check with [`Policy::verify`] and [`Pin`].
//!
//! Nothing here asks a clock or a network: the time of checking is an argument. Nothing decides *when* a validator may
//! cosign; that rule is the node's. A policy or pin is never taken from the node whose word is being checked.

mod add_checkpoint;
mod body;
mod cosignature;
mod handover;
mod head;
mod key;
mod note;
mod pin;
mod policy;
mod quorum;
pub(crate) mod text;

pub use add_checkpoint::{AddCheckpoint, WitnessAnswerError, read_cosignature, read_known_size};
pub use body::{Checkpoint, CheckpointTextError};
pub use cosignature::{Cosignature, LogSignature};
pub use handover::{HANDOVER_BYTES_MAX, Handover, HandoverError};
pub use head::{HeadError, HeadProof};
pub use key::{KeyError, KeyId, KeyKind, KeyName, VerifierKey, cosigner_name};
pub use note::{NOTE_BYTES_MAX, NOTE_SIGNATURES_FOR_ALL, NOTE_SIGNATURES_MAX, Note, NoteError, NoteSignature};
pub use pin::{FORMER_SETS_MAX, PIN_BYTES_MAX, Pin, PinError, PinTerms, PinnedHeadError, RenewError};
pub use policy::{POLICY_BYTES_MAX, Policy, PolicyError, Witness};
pub use quorum::{Endorsement, EndorsementError};

/// How far beyond the verifier's clock a cosignature's time may lie where nobody says otherwise, in milliseconds.
pub const COSIGNATURE_SKEW_MS_DEFAULT: u64 = 10_000;
