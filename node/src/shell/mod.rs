//! The world: libp2p, RocksDB, threads, clocks and HTTP. tokio lives here and nowhere else.
//!
//! `node.rs` feeds the core from `sources.rs` and carries out its effects; `network.rs` with `faults.rs`, `storage.rs` and
//! `workers.rs` are its hands; `http/` is what clients see, through `handle.rs`; `events/` reads what happened, and `webhooks/` posts it;
//! `witnesses/` has others cosign the log; both post through `outbound/`; `home.rs` is the folder on disk, and `database.rs`
//! opens what lies in it; `finality.rs` remembers how long the last blocks took. Decisions about the chain are taken in the core,
//! never here.

pub mod clock;
pub mod database;
pub mod events;
pub mod faults;
pub mod finality;
pub mod handle;
pub mod home;
pub mod http;
pub mod network;
pub mod node;
pub mod outbound;
pub mod sources;
pub mod storage;
pub mod webhooks;
pub mod witnesses;
pub mod workers;
