//! The global state and its transitions, as stateright wants them.

use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use dalil_ledger::validators::VoteKind;
use stateright::{Model, Property};

use super::byzantine;
use super::choices;
use super::node::{Flaw, Local, Node, Outcome, Stimulus};
use super::properties;
use super::said::{Said, Value, What};
use super::setup::{Setup, Shared};
use super::witnesses;

/// Everything that honest validators ever sent, in order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Network(Vec<Said>);

impl Network {
    pub fn all(&self) -> &[Said] {
        &self.0
    }

    pub fn contains(&self, said: &Said) -> bool {
        self.0.binary_search(said).is_ok()
    }

    pub fn insert(&mut self, said: Said) {
        if let Err(at) = self.0.binary_search(&said) {
            self.0.insert(at, said);
        }
    }

    /// Votes of one kind and round.
    pub fn votes(&self, kind: VoteKind, round: u32) -> impl Iterator<Item = (Said, Option<Value>)> + '_ {
        self.0.iter().filter_map(move |said| match said.what {
            What::Vote { kind: of, value } if of == kind && said.round == round => Some((*said, value)),
            _ => None,
        })
    }

    pub fn proposals(&self, round: u32) -> impl Iterator<Item = Said> + '_ {
        let fits = move |said: &&Said| said.round == round && matches!(said.what, What::Proposal { .. });
        self.0.iter().filter(fits).copied()
    }

    /// The signers of the certificate that these votes and the Byzantine one make: the lowest honest places first.
    pub fn signers(&self, shared: &Shared, kind: VoteKind, round: u32, value: Option<Value>) -> Option<u64> {
        let mut signers: Vec<usize> =
            self.votes(kind, round).filter(|(_, of)| *of == value).map(|(said, _)| usize::from(said.who)).collect();
        signers.extend(shared.setup.byzantine);
        let quorum = shared.set.quorum();
        (signers.len() >= quorum).then(|| signers.into_iter().take(quorum).fold(0, |bits, who| bits | 1 << who))
    }

    /// Whether a quorum by the definition, the Byzantine validator among it, voted for this.
    pub fn certified(&self, shared: &Shared, kind: VoteKind, round: u32, value: Option<Value>) -> bool {
        let honest: BTreeSet<u8> =
            self.votes(kind, round).filter(|(_, of)| *of == value).map(|(said, _)| said.who).collect();
        honest.len() + usize::from(shared.setup.byzantine.is_some()) >= shared.quorum()
    }

    /// Blocks with a polka in a round.
    pub fn polkas(&self, shared: &Shared, round: u32) -> BTreeSet<Value> {
        self.certificates(shared, VoteKind::Prevote, round)
    }

    /// Blocks for which a quorum may have cast votes of one kind in a round.
    pub fn certificates(&self, shared: &Shared, kind: VoteKind, round: u32) -> BTreeSet<Value> {
        let values: BTreeSet<Value> = self.votes(kind, round).filter_map(|(_, value)| value).collect();
        values.into_iter().filter(|value| self.certified(shared, kind, round, Some(*value))).collect()
    }

    /// Blocks that were proposed in a round up to this one.
    pub fn values(&self, shared: &Shared, round: u32) -> BTreeSet<Value> {
        let mut values = BTreeSet::new();
        for said in &self.0 {
            if let What::Proposal { value, .. } = said.what
                && said.round <= round
            {
                values.insert(value);
            }
        }
        let proposers = (0..=round).map(|at| shared.proposer(at));
        for who in proposers.filter(|who| shared.setup.byzantine == Some(*who)) {
            values.extend(byzantine::own_blocks(who));
        }
        values
    }
}

/// A global state.
#[derive(Debug, Clone)]
pub struct World {
    /// The honest nodes, by place.
    pub nodes: Vec<(usize, Arc<Local>)>,
    pub network: Arc<Network>,
    pub crashes: u8,
    pub losses: u8,
    pub flaws: BTreeSet<Flaw>,
    /// Somebody was proven to have said two things.
    pub proven: bool,
}

impl World {
    fn key(&self) -> impl Hash + PartialEq + '_ {
        let nodes: Vec<u64> = self.nodes.iter().map(|(_, local)| local.identity).collect();
        (nodes, &self.network, self.crashes, self.losses, &self.flaws, self.proven)
    }

    pub fn local(&self, who: usize) -> &Arc<Local> {
        let found = self.nodes.iter().find(|(at, _)| *at == who);
        &found.expect("an honest node").1
    }

    fn apply(&mut self, who: usize, outcome: &Outcome) {
        if outcome.said.iter().any(|said| !self.network.contains(said)) {
            let network = Arc::make_mut(&mut self.network);
            outcome.said.iter().for_each(|said| network.insert(*said));
        }
        if let Some((_, local)) = self.nodes.iter_mut().find(|(at, _)| *at == who) {
            *local = Arc::clone(&outcome.local);
        }
        self.flaws.extend(&outcome.flaws);
        self.proven |= outcome.proven;
    }
}

impl PartialEq for World {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Hash for World {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

/// A transition: what happens to one node, up to a visible effect.
#[derive(Debug, Clone)]
pub struct Act {
    pub who: usize,
    pub stimuli: Vec<Stimulus>,
    /// What they lead to, where it is known already.
    pub outcomes: Vec<Arc<Outcome>>,
}

impl PartialEq for Act {
    fn eq(&self, other: &Self) -> bool {
        (self.who, &self.stimuli) == (other.who, &other.stimuli)
    }
}

impl Act {
    /// Whether the node crashes in it, and whether it loses its database then.
    pub fn crash(&self) -> Option<bool> {
        match self.stimuli.last() {
            Some(Stimulus::LoseDatabase) => Some(true),
            Some(Stimulus::Crash | Stimulus::CrashAt(..)) => Some(false),
            _ => None,
        }
    }
}

/// The model.
#[derive(Debug)]
pub struct Consensus {
    pub shared: Shared,
}

impl Consensus {
    pub fn new(setup: Setup) -> Self {
        Self { shared: Shared::new(setup) }
    }
}

impl Model for Consensus {
    type State = World;
    type Action = Act;

    fn init_states(&self) -> Vec<World> {
        let mut world = World {
            nodes: Vec::new(),
            network: Arc::default(),
            crashes: 0,
            losses: 0,
            flaws: BTreeSet::new(),
            proven: false,
        };
        for who in self.shared.honest() {
            let outcome = Node::fresh(&self.shared, who);
            world.nodes.push((who, Arc::clone(&outcome.local)));
            world.apply(who, &outcome);
        }
        vec![world]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Act>) {
        for (who, _) in &world.nodes {
            choices::of_node(&self.shared, world, *who, actions);
        }
    }

    fn next_state(&self, world: &World, act: Act) -> Option<World> {
        let mut world = world.clone();
        if let Some(loss) = act.crash() {
            world.crashes += 1;
            world.losses += u8::from(loss);
        }
        if act.outcomes.is_empty() {
            for stimulus in &act.stimuli {
                let outcome = world.local(act.who).node.after(&self.shared, act.who, stimulus);
                world.apply(act.who, &outcome);
            }
        }
        for outcome in &act.outcomes {
            world.apply(act.who, outcome);
        }
        Some(world)
    }

    fn within_boundary(&self, world: &World) -> bool {
        world.nodes.iter().all(|(_, local)| local.view.round < self.shared.setup.rounds)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut all = properties::all();
        all.extend(witnesses::all());
        all
    }
}
