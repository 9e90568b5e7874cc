//! Receipts: files that anybody checks offline, starting from a policy or a pin and nothing else.
//!
//! An *inclusion receipt* says "this record stands in the log", and nothing about today. A *status receipt* says "as of
//! this moment the document is …":
//!
//! ```text
//!   question ─► keys to read ─► state proofs ─► header.state_root
//!                                                 │ header is the last leaf
//!                                                 ▼
//!                                            checkpoint ─► quorum of the pin ─► fresh enough? ─► status(entry, slots, time)
//! ```
//!
//! The node makes receipts with [`InclusionReceipt`] and [`StatusReceipt`]; node, CLI, browsers and banks check them with
//! [`verify_inclusion`] and [`verify_status`], all with the same code. A verifier derives the keys to read from the
//! entry itself and refuses a receipt that lacks one, so no node can leave out the revocation that hurts.
//!
//! A *register receipt* says what any pure function of the state gives, such as a plot's encumbrances: the verifier runs
//! the function again over the proven values ([`verify_register`]).
//!
//! [`CoseReceipt`] is the inclusion receipt in the form of RFC 9942, signed by one validator, for software that speaks COSE.
//!
//! Nothing here reads a clock, asks a network or trusts the node that made the receipt. Whatever does not fit is
//! [`CouldNotCheck`], which is neither "valid" nor "not on record".

mod answer;
mod cose;
mod head;
mod inclusion;
mod register;
mod status;
mod verify_inclusion;
mod verify_status;

pub use answer::{Answer, CouldNotCheck, Exit};
pub use cose::{COSE_BYTES_MAX, CoseError, CoseReceipt};
pub use head::CheckedHead;
pub use inclusion::{BatchDocument, INCLUSION_BYTES_MAX, InclusionReceipt, InclusionTextError, RecordedEntry};
pub use register::{ProvenRegister, REGISTER_BYTES_MAX, REGISTER_READS_MAX, RegisterReceipt, verify_register};
pub use status::{Question, READS_MAX, STATUS_BYTES_MAX, StateRead, StatusReceipt, StatusTextError};
pub use verify_inclusion::{BatchHead, Inclusion, Trust, verify_inclusion, verify_inclusion_with};
pub use verify_status::{Terms, verify_status};
