//! Liveness: from a state, the network heals, the Byzantine validator falls silent, and somebody decides soon.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use dalil_consensus::{Message, Standing, TimerKind};

use super::model::{Consensus, World};
use super::node::{Local, Outcome, Stimulus};

/// One state in so many is asked: an answer takes milliseconds.
const SAMPLE: u64 = 128;

/// Rebroadcasts until somebody must have decided. A round takes three of them at most.
const TURNS_MAX: usize = 60;

/// The rounds after the bound within which somebody decides: two turns of each proposer.
fn round_end(model: &Consensus) -> u32 {
    model.shared.setup.rounds + 2 * model.shared.setup.n as u32
}

/// The property, on a sample of the states that depends on nothing but the state.
pub fn decides(model: &Consensus, world: &World) -> bool {
    let mut hasher = DefaultHasher::new();
    world.hash(&mut hasher);
    !hasher.finish().is_multiple_of(SAMPLE) || ends(model, world)
}

/// Whether somebody decides, if enough validators sign at all.
pub fn ends(model: &Consensus, world: &World) -> bool {
    let signing = world.nodes.iter().filter(|(_, it)| matches!(it.view.standing, Standing::Signs(_))).count();
    if signing < model.shared.quorum() || !world.flaws.is_empty() {
        return true;
    }
    let mut calm = Calm { model, nodes: world.nodes.clone(), queue: VecDeque::new(), broken: false };
    for _ in 0..TURNS_MAX {
        if calm.is_decided() {
            return true;
        }
        calm.turn();
        if calm.broken || calm.nodes.iter().any(|(_, it)| it.view.round > round_end(model)) {
            return false;
        }
    }
    calm.is_decided()
}

struct Calm<'a> {
    model: &'a Consensus,
    nodes: Vec<(usize, Arc<Local>)>,
    /// (from, to, message).
    queue: VecDeque<(usize, usize, Message)>,
    broken: bool,
}

impl Calm<'_> {
    fn is_decided(&self) -> bool {
        self.nodes.iter().any(|(_, it)| it.view.decided.is_some())
    }

    /// Everybody says again what it holds; when all is heard, the timers fire one after the other.
    fn turn(&mut self) {
        for at in 0..self.nodes.len() {
            self.stimulate(at, &Stimulus::Fire(TimerKind::Rebroadcast));
        }
        self.deliver();
        for kind in [TimerKind::Precommit, TimerKind::Prevote, TimerKind::Propose] {
            for at in 0..self.nodes.len() {
                let local = &self.nodes[at].1;
                if local.node.armed_in(kind) == Some(local.view.round) {
                    self.stimulate(at, &Stimulus::Fire(kind));
                    self.deliver();
                }
            }
        }
    }

    fn deliver(&mut self) {
        self.settle();
        while let Some((from, to, message)) = self.queue.pop_front() {
            let Some(at) = self.nodes.iter().position(|(who, _)| *who == to) else { continue };
            let outcome = self.nodes[at].1.node.hearing(&self.model.shared, to, from, message);
            self.take(at, outcome);
            if self.queue.is_empty() {
                self.settle();
            }
        }
    }

    /// Blocks are built, and bodies come.
    fn settle(&mut self) {
        for at in 0..self.nodes.len() {
            if self.nodes[at].1.node.builds() {
                self.stimulate(at, &Stimulus::Built);
            }
            let wanted: Vec<_> = self.nodes[at].1.node.wanted().collect();
            for value in wanted {
                self.stimulate(at, &Stimulus::Body(value));
            }
        }
    }

    fn stimulate(&mut self, at: usize, stimulus: &Stimulus) {
        let (who, local) = &self.nodes[at];
        let outcome = local.node.after(&self.model.shared, *who, stimulus);
        self.take(at, outcome);
    }

    fn take(&mut self, at: usize, outcome: Outcome) {
        self.broken |= !outcome.flaws.is_empty();
        let me = self.nodes[at].0;
        self.nodes[at].1 = outcome.local;
        for (to, message) in outcome.sent {
            for other in self.nodes.iter().map(|(who, _)| *who).filter(|who| *who != me) {
                if to.is_none_or(|to| to == other) {
                    self.queue.push_back((me, other, message.clone()));
                }
            }
        }
    }
}
