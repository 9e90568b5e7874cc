//! States that a search must reach, or it proves little.

use dalil_ledger::validators::VoteKind::Precommit;
use stateright::Property;

use super::model::{Consensus, World};
use super::said::{Said, Value, What};

pub const RE_PROPOSAL: &str = "a lock, then a re-proposal";
pub const RE_LOCK: &str = "a re-lock";
pub const PAST_ROUND: &str = "a decision in a past round";
pub const HIDDEN_LOCK: &str = "a hidden lock ends";
pub const VALID_ALONE: &str = "rule 6: valid without a lock";
pub const NIL_SKIP: &str = "rule 8: a nil certificate ends a round";
pub const PROVEN: &str = "rule 13: an equivocation is proven";
pub const ALL_DECIDE: &str = "everybody decides";
pub const CRASHED_LOCKED: &str = "a lock outlives a crash";

pub fn all() -> Vec<Property<Consensus>> {
    vec![
        Property::sometimes(RE_PROPOSAL, re_proposal),
        Property::sometimes(RE_LOCK, re_lock),
        Property::sometimes(PAST_ROUND, past_round),
        Property::sometimes(HIDDEN_LOCK, hidden_lock),
        Property::sometimes(VALID_ALONE, valid_alone),
        Property::sometimes(NIL_SKIP, nil_skip),
        Property::sometimes(PROVEN, |_, world: &World| world.proven),
        Property::sometimes(ALL_DECIDE, |_, world: &World| world.nodes.iter().all(|(_, it)| it.view.decided.is_some())),
        Property::sometimes(CRASHED_LOCKED, |_, world: &World| {
            let locked = |(_, it): &(usize, std::sync::Arc<super::node::Local>)| it.view.locked.is_some();
            world.crashes > 0 && world.nodes.iter().any(locked)
        }),
    ]
}

/// Precommits for a block, with their rounds.
fn block_precommits(world: &World) -> impl Iterator<Item = (Said, Value)> + '_ {
    world.network.all().iter().filter_map(|said| match said.what {
        What::Vote { kind: Precommit, value: Some(value) } => Some((*said, value)),
        _ => None,
    })
}

fn re_proposal(_: &Consensus, world: &World) -> bool {
    world.network.all().iter().any(|said| match said.what {
        What::Proposal { value, valid_round: Some(round) } => {
            block_precommits(world).any(|(vote, locked)| locked == value && vote.round == round)
        }
        _ => false,
    })
}

fn re_lock(_: &Consensus, world: &World) -> bool {
    let mut locks = block_precommits(world);
    locks.any(|(vote, value)| block_precommits(world).any(|(other, of)| other.who == vote.who && of != value))
}

fn past_round(_: &Consensus, world: &World) -> bool {
    world.nodes.iter().any(|(_, it)| it.view.decided.is_some_and(|(_, round)| round < it.view.round))
}

/// One node alone was locked in a round, all others precommitted nil there, and its block was decided later.
fn hidden_lock(_: &Consensus, world: &World) -> bool {
    block_precommits(world).any(|(lock, value)| {
        let others = world.network.votes(Precommit, lock.round).filter(|(vote, _)| vote.who != lock.who);
        let nil = others.filter(|(_, of)| of.is_none()).count();
        let decided = world.nodes.iter().filter_map(|(_, it)| it.view.decided);
        nil + 1 == world.nodes.len() && decided.into_iter().any(|it| it.0 == value && it.1 > lock.round)
    })
}

fn valid_alone(_: &Consensus, world: &World) -> bool {
    world.nodes.iter().any(|(_, it)| {
        let view = &it.view;
        view.valid.is_some_and(|(_, round)| round < view.round) && view.locked < view.valid
    })
}

fn nil_skip(model: &Consensus, world: &World) -> bool {
    (0..model.shared.setup.rounds).any(|round| {
        let certified = world.network.certified(&model.shared, Precommit, round, None);
        certified && world.nodes.iter().any(|(_, it)| it.view.round > round)
    })
}
