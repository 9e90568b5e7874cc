//! What a bank, a portal or a mobile back end embeds, in one place: from a pin, a receipt and a question to an answer or to
//! "could not check". Offline, without RocksDB, a network or a clock of its own.
//!
//! `examples/verify_receipt.rs` is a whole verifier; docs/embedding.md says what to keep and how to renew the pin.

pub use crate::checkpoint::{HANDOVER_BYTES_MAX, Handover, Pin, PinError, Policy, RenewError};
pub use crate::crypto::{Hash, sha256, sha256_of_reader};
pub use crate::document::{DocumentEntry, Status, Uri};
pub use crate::receipt::{
    Answer, CouldNotCheck, Exit, Inclusion, Question, Terms, Trust, verify_inclusion, verify_inclusion_with,
    verify_register, verify_status,
};
