//! A chain before its first block: genesis, and the database as genesis leaves it.

use std::sync::{Arc, OnceLock};

use dalil_ledger::crypto::Hash;
use dalil_ledger::genesis::Genesis;
use dalil_ledger::store::{Ledger, MemoryKv};
use dalil_node::shell::home::NodeKeys;

use crate::support::{DEPARTMENTS, genesis_of, node_keys};

/// What all nodes of a world start from.
pub struct Chain {
    pub genesis: Genesis,
    pub id: Hash,
    /// The keys of the validators of genesis, in canonical order.
    pub validators: Vec<NodeKeys>,
    base: MemoryKv,
}

impl Chain {
    /// The chain of the first `n` departments, made once a process.
    pub fn of(n: usize) -> Arc<Self> {
        static CHAINS: [OnceLock<Arc<Chain>>; DEPARTMENTS.len()] = [const { OnceLock::new() }; DEPARTMENTS.len()];
        let make = || Self::new(genesis_of(n).clone(), DEPARTMENTS[..n].iter().map(|it| node_keys(it)).collect());
        CHAINS[n - 1].get_or_init(make).clone()
    }

    /// A chain of its own genesis; `validators` are the keys of its set.
    pub fn new(genesis: Genesis, validators: Vec<NodeKeys>) -> Arc<Self> {
        let base = MemoryKv::default();
        Ledger::create(Arc::new(base.clone()), &genesis).unwrap();
        Arc::new(Self { id: genesis.chain_id(), genesis, validators, base })
    }

    /// The database of a node that has seen genesis alone.
    pub fn fresh_database(&self) -> MemoryKv {
        self.base.fork()
    }
}
