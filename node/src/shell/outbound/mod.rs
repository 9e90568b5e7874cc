//! Posting to servers of others, whose every byte is hostile: where a post may go, how it gets there, how much of the answer
//! is read, and how long to wait after one that failed. Webhooks and outside witnesses are posted to from here.
//!
//! `address.rs` judges where a post may go, `target.rs` makes one, `patience.rs` says when the next is made.

mod address;
mod patience;
mod target;

pub use address::not_public;
pub use patience::{Failing, Patience};
pub use target::{Answered, OutboundError, Target, connect};
