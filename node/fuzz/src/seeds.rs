//! Valid inputs of every target, from which the fuzzer starts. The same on every run.

mod calls;
mod events;
mod ledger;

use crate::TARGETS;

/// One input.
#[derive(Debug, Clone)]
pub struct Seed {
    /// Name of the target.
    pub target: &'static str,
    /// Name of the input, unique within its target.
    pub name: String,
    /// The input.
    pub bytes: Vec<u8>,
}

/// Collects the inputs of one target.
pub(crate) struct Basket {
    target: &'static str,
    pub(crate) seeds: Vec<Seed>,
}

impl Basket {
    pub(crate) fn new(target: &'static str) -> Self {
        Self { target, seeds: Vec::new() }
    }

    pub(crate) fn put(&mut self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.seeds.push(Seed { target: self.target, name: name.into(), bytes: bytes.into() });
    }

    /// An input whose first byte chooses a type or format.
    pub(crate) fn put_chosen(&mut self, choice: u8, name: impl Into<String>, bytes: impl AsRef<[u8]>) {
        self.put(name, [&[choice], bytes.as_ref()].concat());
    }
}

/// A piece with its length before it, as [`crate::Input::piece`] reads it.
fn piece(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("a seed is short");
    [&length.to_be_bytes(), bytes].concat()
}

/// All valid inputs of the targets that are built.
pub fn all() -> Vec<Seed> {
    let mut seeds = ledger::seeds();
    seeds.extend(calls::seeds());
    seeds.extend(events::seeds());
    #[cfg(feature = "node")]
    seeds.extend(crate::node::seeds());
    let built = |seed: &Seed| TARGETS.iter().any(|target| target.name == seed.target);
    assert!(seeds.iter().all(built), "a seed of an unknown target");
    seeds
}
