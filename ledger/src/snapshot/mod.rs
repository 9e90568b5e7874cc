//! The ledger at one head, to begin from: for a node so far behind that executing every block would take too long.
//!
//! ```text
//!   Offer      header h, the log's frontier below it, the note in which a quorum cosigned the log that ends with h
//!     ├ Chunk  the state: all keys under a prefix of the tree's paths, or the sixteen subtrees there if they are many
//!     └ Window the headers of the last hour with their transaction ids: what may not be recorded again
//! ```
//!
//! A node makes an [`Offer`] of a [`LedgerView`](crate::store::LedgerView) that it holds and reads parts of it with
//! [`read_chunk`] and [`read_window`]. The node that restores checks the offer against the validator set that it knows
//! ([`Offer::verify`]), each chunk against the hash of its subtree, from the header's state root down
//! ([`Chunk::check`]), and each block of the window against the id that the block above names as its parent
//! ([`Window::check`]). So every part is proven by itself, whoever sent it, and nothing is used before it is.
//!
//! [`Restore`] keeps what is proven in a fresh area of the store and says what is missing. Its last write makes the area
//! the one that is read, with the head at h; before it, nothing that readers see has changed.
//!
//! This room asks no peer and knows no clock; whom to ask, and when, is the node's.

mod chunk;
mod offer;
mod restore;
mod window;

pub use chunk::{Checked, Chunk, ChunkError, Prefix, StateEntry, read_chunk};
pub use offer::{HANDOVERS_MAX, Known, Offer, OfferError};
pub use restore::{Progress, Restore, RestoreError, sweep};
pub use window::{IdExpiry, Window, WindowBlock, WindowError, covers_window, read_window};

/// A part of a snapshot stops growing beyond this, in bytes. A single key or block is sent whole, whatever its length.
pub const PART_BYTES_MAX: usize = 1 << 20;
