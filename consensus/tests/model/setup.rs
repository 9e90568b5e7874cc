//! What a search is about, and what never changes in it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use dalil_consensus::Config;
use dalil_ledger::block::Block;
use dalil_ledger::crypto::{Hash, sha256};
use dalil_ledger::validators::ValidatorSet;

use super::chain::{CHAIN, DRIFT_MS, Head, START_MS, TIMEOUTS, build, validator_set};
use super::node::{Local, Outcome, Stimulus};
use super::said::{BLOCKS_A_PROPOSER, Seals, Value};

/// How transitions are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Search {
    /// One transition a visible effect.
    Grouped,
    /// One transition a message, firing, body or block.
    Single,
}

/// When a node hears of the bodies it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bodies {
    Prompt,
    AnyTime,
}

/// Whom the nodes take for dead when they enter the height (rule 1 ★).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dead {
    Nobody,
    /// The Byzantine validator was not heard for n heights.
    Byzantine,
}

/// The bounds of a search.
#[derive(Debug, Clone, Copy)]
pub struct Setup {
    pub n: usize,
    pub byzantine: Option<usize>,
    /// Rounds 0 to this one, exclusive.
    pub rounds: u32,
    /// Crashes in all.
    pub crashes: u8,
    /// How many of them may take the database along.
    pub losses: u8,
    pub bodies: Bodies,
    pub dead: Dead,
    pub search: Search,
}

impl Setup {
    pub const FOUR: Self = Self {
        n: 4,
        byzantine: Some(1),
        rounds: 3,
        crashes: 0,
        losses: 0,
        bodies: Bodies::Prompt,
        dead: Dead::Nobody,
        search: Search::Grouped,
    };
}

/// Transitions by the node's digest and what happened to it; none where nothing came of it.
type Outcomes = HashMap<(u64, Stimulus), Option<Arc<Outcome>>>;

/// What never changes during a search, and the transitions found so far.
#[derive(Debug)]
pub struct Shared {
    pub setup: Setup,
    pub set: ValidatorSet,
    pub head: Head,
    pub config: Config,
    blocks: Vec<Arc<Block>>,
    values: BTreeMap<Hash, Value>,
    pub seals: Seals,
    pub outcomes: Mutex<Outcomes>,
}

impl Shared {
    pub fn new(setup: Setup) -> Self {
        let head = match setup.dead {
            Dead::Nobody => Head::genesis(),
            Dead::Byzantine => Head { height: setup.n as u64, id: sha256(b"later"), size: 2, ..Head::genesis() },
        };
        let block = |number: usize| {
            let records = BTreeSet::from([number as u64]);
            build(&head, number / BLOCKS_A_PROPOSER, START_MS, &records, Hash::ZERO)
        };
        let blocks: Vec<_> = (0..setup.n * BLOCKS_A_PROPOSER).map(block).collect();
        let values = blocks.iter().enumerate().map(|(at, block)| (block.id(), Value(at as u8))).collect();
        let config = Config { chain: CHAIN, timeouts: TIMEOUTS, drift_ms: DRIFT_MS };
        Self {
            set: validator_set(setup.n),
            seals: Seals::default(),
            outcomes: Mutex::default(),
            setup,
            head,
            config,
            blocks,
            values,
        }
    }

    pub fn height(&self) -> u64 {
        self.head.height + 1
    }

    pub fn body(&self, value: Value) -> &Arc<Block> {
        &self.blocks[usize::from(value.0)]
    }

    pub fn id(&self, value: Value) -> Hash {
        self.body(value).id()
    }

    pub fn value(&self, id: &Hash) -> Value {
        *self.values.get(id).expect("no other block exists")
    }

    /// n − f by the definition, without asking the product.
    pub fn quorum(&self) -> usize {
        self.setup.n - (self.setup.n - 1) / 3
    }

    pub fn honest(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.setup.n).filter(|who| Some(*who) != self.setup.byzantine)
    }

    pub fn is_byzantine(&self, who: u8) -> bool {
        self.setup.byzantine == Some(usize::from(who))
    }

    /// The validator whose turn a round is.
    pub fn proposer(&self, round: u32) -> usize {
        self.set.proposer(self.height(), round).0
    }

    /// What a stimulus leads to, computed the first time; none where it has no effect that this search looks at.
    pub fn outcome(&self, me: usize, local: &Local, stimulus: &Stimulus) -> Option<Arc<Outcome>> {
        let key = (local.digest, stimulus.clone());
        if let Some(known) = self.outcomes.lock().unwrap().get(&key) {
            return known.clone();
        }
        let outcome = local.node.after(self, me, stimulus);
        let same = match self.setup.search {
            Search::Grouped => outcome.local.view == local.view,
            Search::Single => outcome.local.digest == local.digest,
        };
        let silent = same && outcome.said.is_empty() && outcome.flaws.is_empty();
        let outcome = (!silent || stimulus.is_crash()).then(|| Arc::new(Outcome { sent: Vec::new(), ..outcome }));
        self.outcomes.lock().unwrap().insert(key, outcome.clone());
        outcome
    }
}
