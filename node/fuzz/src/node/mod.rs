//! A node from outside: its messages, its core, its HTTP interface, and the files and arguments that operators write.

mod book;
mod chain;
mod client_files;
mod core;
mod files;
#[path = "../../../tests/support/mod.rs"]
mod fixture;
mod http;
mod life;
mod seeds;
mod wire;

pub use self::core::core;
pub use book::book;
pub use client_files::client_files;
pub use files::files;
pub use http::http;
pub(crate) use seeds::seeds;
pub use wire::wire;
