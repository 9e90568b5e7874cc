//! A chain before its first block: genesis, and the database as genesis leaves it.

use std::sync::{Arc, OnceLock};

use dalil_ledger::crypto::Hash;
use dalil_ledger::genesis::{Genesis, Parameters, Timeouts};
use dalil_ledger::store::{Ledger, MemoryKv};
use dalil_node::shell::home::NodeKeys;

use crate::support::{DEPARTMENTS, genesis_of, node_keys};

/// Timeouts hardly longer than a message takes on a bad day.
const BRISK: Timeouts =
    Timeouts { propose_ms: 400, prevote_ms: 100, precommit_ms: 100, delta_ms: 100, cap_ms: 2_000, rebroadcast_ms: 400 };

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
        CHAINS[n - 1].get_or_init(|| Self::with_parameters(n, genesis_of(n).parameters)).clone()
    }

    /// The same with short timeouts: more rounds in the same time.
    pub fn brisk(n: usize) -> Arc<Self> {
        static CHAINS: [OnceLock<Arc<Chain>>; DEPARTMENTS.len()] = [const { OnceLock::new() }; DEPARTMENTS.len()];
        let parameters = || Parameters { timeouts: BRISK, ..genesis_of(n).parameters };
        CHAINS[n - 1].get_or_init(|| Self::with_parameters(n, parameters())).clone()
    }

    fn with_parameters(n: usize, parameters: Parameters) -> Arc<Self> {
        let genesis = Genesis { parameters, ..genesis_of(n).clone() };
        Self::new(genesis, DEPARTMENTS[..n].iter().map(|it| node_keys(it)).collect())
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
