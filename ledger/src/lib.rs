//! What Dalil records and how it is proven.
//!
//! One append-only RFC 9162 tree holds every record and every block header as a leaf; each header commits to the state
//! after its block; validators cosign the tree's checkpoint. From that one tree come the block chain, the inclusion
//! receipt, the status receipt and the history of a subject.
//!
//! The rooms, from the bottom: [`codec`] (canonical bytes), [`crypto`] (hashes, keys, signatures), [`log`] (the Merkle
//! tree), [`transaction`], [`block`], [`validators`],
//! [`statement`] (what their consensus keys sign), [`evidence`] (a key that contradicted itself), [`checkpoint`] (what a quorum says about the log), [`genesis`],
//! [`state`] (authenticated key-value state), [`document`] (the registry entry and its status function), [`claims`] (what a document says, shown claim by claim), [`nonce`] (what keeps its file from being guessed), [`receipt`]
//! (what anybody can check offline), [`qr`] (what fits a QR code), [`store`] (the chain on disk), [`snapshot`] (the ledger at one head, to begin from).
//!
//! This crate knows no department's rule, no network and no clock. Without the feature `store` it only verifies, and
//! builds without RocksDB: [`verify`] is what others embed.

pub mod block;
pub mod checkpoint;
pub mod claims;
pub mod codec;
pub mod crypto;
pub mod document;
pub mod evidence;
pub mod genesis;
pub mod log;
pub mod nonce;
pub mod qr;
pub mod receipt;
#[cfg(feature = "schema")]
mod schema;
#[cfg(feature = "store")]
pub mod snapshot;
pub mod state;
pub mod statement;
#[cfg(feature = "store")]
pub mod store;
pub mod transaction;
pub mod validators;
pub mod verify;
