//! What each department may do: pure functions over the state.
//!
//! A record's call names the posting it acts under and what it does. [`apply`] checks the officer, applies the rule's
//! changes to an overlay, and either returns what happened or refuses with the code of the rule that was broken; a
//! refused call leaves nothing behind. After its last record a block is closed ([`close_block`]): changes of the validator
//! set come into force. No clock, no float, no randomness: time is the block's.
//!
//! The rooms: [`authority`] (who may act: departments, offices, keys, postings, dated parameters), [`registry`]
//! (documents of every kind), and one room for each kind of record: [`land`], [`mineral`], [`certificate`]. A new kind
//! is one room and one arm in [`apply`].

pub mod authority;
pub mod calendar;
pub mod call;
pub mod certificate;
pub mod context;
pub mod events;
pub mod land;
pub mod list;
pub mod mineral;
pub mod refusal;
pub mod registry;
pub mod units;

pub use authority::membership::{Closing, close_block};
pub use call::{Call, Invocation, apply, schema};
pub use context::{Context, Event, Outcome};
pub use refusal::{Refusal, Reject};
