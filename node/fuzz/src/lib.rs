//! Every decoder and every input of the engine as a plain function of bytes.
//!
//! A *target* takes any bytes, says whether they were taken or refused, and panics where a property fails: each has an
//! oracle beyond "no panic", named in its module. Two callers share the targets: the fuzzer (`make fuzz`, `src/main.rs`)
//! invents inputs, guided by coverage; the replay (`tests/replay.rs`, in `make test`) runs every file of `corpus/`.
//!
//! ```text
//!   wire       canonical bytes of every type       exactness, bounded memory, and what the type promises
//!   text       C2SP texts, tiles, pins, JSON       one spelling a value, or a stable one
//!   receipts   receipts and handovers, tampered    only what the chain really says is ever verified
//!   history    entries and what they depend on     what comes later changes nothing of what was said before
//!   claims     holders' files and presentations    only claims of the recorded document are ever shown
//!   codes      texts of QR codes                   one text a code, the same as the file, no slip but the signed one
//!   contracts  calls on the sample establishment   same outcome twice, readable state
//!   engine     events for one consensus engine     persist before send, one statement a position
//!   node       a whole core, HTTP, files           the same from outside
//! ```
//!
//! The inputs `valid-*` are made by [`seeds`] and must be taken, so that no change of a format turns the corpora into
//! rubbish unnoticed. `found-*` came from the fuzzer because they reach other code, `crash-*` because they broke something
//! once. Nothing here runs in a node.

#![allow(clippy::unwrap_used, clippy::panic)] // A broken property must stop the run.

pub mod claims;
pub mod codes;
pub mod contracts;
pub mod engine;
pub mod history;
mod input;
pub mod memory;
#[cfg(feature = "node")]
pub mod node;
pub mod receipts;
pub mod seeds;
pub mod text;
pub mod wire;

pub use input::Input;

/// What a target made of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It was decoded, verified or carried out.
    Yes,
    /// It was refused.
    No,
}

/// One function of bytes.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, which is that of its folder in `corpus/`.
    pub name: &'static str,
    /// The longest input that the fuzzer makes, in bytes.
    pub bytes_max: usize,
    /// Runs one input; panics where a property fails.
    pub run: fn(&[u8]) -> Taken,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "ledger-wire", bytes_max: 4_096, run: wire::ledger },
    Target { name: "contracts-wire", bytes_max: 2_048, run: wire::contracts },
    Target { name: "consensus-wire", bytes_max: 4_096, run: wire::consensus },
    Target { name: "text", bytes_max: 8_192, run: text::text },
    Target { name: "inclusion-receipt", bytes_max: 8_192, run: receipts::inclusion },
    Target { name: "status-receipt", bytes_max: 16_384, run: receipts::status },
    Target { name: "tampered-receipt", bytes_max: 256, run: receipts::tampered },
    Target { name: "handover", bytes_max: 8_192, run: receipts::handover },
    Target { name: "register-receipt", bytes_max: 16_384, run: receipts::register },
    Target { name: "document-history", bytes_max: 8_192, run: history::document_history },
    Target { name: "claims", bytes_max: 8_192, run: claims::claims },
    Target { name: "codes", bytes_max: 4_400, run: codes::codes },
    Target { name: "contracts-apply", bytes_max: 8_192, run: contracts::apply_in_order },
    Target { name: "engine-events", bytes_max: 1_024, run: engine::events },
    Target { name: "engine-disk", bytes_max: 4_096, run: engine::disk },
    #[cfg(feature = "node")]
    Target { name: "node-wire", bytes_max: 4_096, run: node::wire },
    #[cfg(feature = "node")]
    Target { name: "node-core", bytes_max: 1_024, run: node::core },
    #[cfg(feature = "node")]
    Target { name: "node-http", bytes_max: 4_096, run: node::http },
    #[cfg(feature = "node")]
    Target { name: "node-files", bytes_max: 2_048, run: node::files },
    #[cfg(feature = "node")]
    Target { name: "client-files", bytes_max: 8_192, run: node::client_files },
    #[cfg(feature = "node")]
    Target { name: "gateway-book", bytes_max: 1_024, run: node::book },
];

/// The target of that name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
