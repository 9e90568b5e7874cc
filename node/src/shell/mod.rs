//! The world: libp2p, RocksDB, threads, clocks and HTTP. tokio lives here and nowhere else.
//!
//! `node.rs` feeds the core and carries out its effects; `network.rs`, `storage.rs` and `workers.rs` are its hands;
//! `http/` is what clients see, through `handle.rs`; `home.rs` is the folder on disk. No decision worth a test of its own is taken here.

pub mod clock;
pub mod handle;
pub mod home;
pub mod http;
pub mod network;
pub mod node;
pub mod storage;
pub mod workers;
