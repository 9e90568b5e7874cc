//! Events for those who wait: read from the ledger, filtered, and followed as heads are published.
//!
//! `http/events.rs` streams them to clients and `webhooks/` posts them; both hold a [`Follower`], which gives page after
//! page, history first and then what comes, with no gap and no repeat. Only what a quorum has cosigned is given. A log
//! index means the same on every node, so whoever was cut off goes on anywhere.

mod filter;
mod follow;
mod page;
mod position;
mod shown;

pub use filter::{Filter, FilterError};
pub use follow::{Ended, Follower};
pub use page::{PAGE_EVENTS_MAX, Page, page};
pub use position::{EventId, Position};
pub use shown::{ShownEvent, schema};
