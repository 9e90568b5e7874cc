//! What must hold in every state, judged from what was sent and decided alone.

use dalil_consensus::Standing;
use dalil_ledger::validators::VoteKind::{Precommit, Prevote};
use stateright::Property;

use super::calm;
use super::model::{Consensus, World};
use super::node::Flaw;
use super::said::{Value, What};

pub fn all() -> Vec<Property<Consensus>> {
    vec![
        Property::always("agreement", agreement),
        Property::always("at most one polka id a round", one_polka),
        Property::always("a commit certificate has its polka and no later one of another block", commit_is_final),
        Property::always("no honest validator signs twice", one_statement_a_place),
        Property::always("a precommit has its polka", precommit_has_polka),
        Property::always("a prevote against the lock has a newer polka", prevote_respects_lock),
        Property::always("locked.r ≤ valid.r ≤ r", |_, world| has_no(world, &[Flaw::RoundsOutOfOrder])),
        Property::always("nobody halts or fails to start", |_, world| has_no(world, &[Flaw::Halts, Flaw::CannotStart])),
        Property::always("only the faulty are accused", |_, world| {
            has_no(world, &[Flaw::AccusesHonest, Flaw::BlamesHonest])
        }),
        Property::always("the head is cosigned before a precommit and never after it", |_, world| {
            has_no(world, &[Flaw::CosignsAfterPrecommit, Flaw::PrecommitsBeforeCosigning])
        }),
        Property::always("nobody falls silent whose database was not lost", nobody_falls_silent),
        Property::always("after GST somebody decides and no promise breaks", calm::decides),
    ]
}

fn has_no(world: &World, flaws: &[Flaw]) -> bool {
    flaws.iter().all(|flaw| !world.flaws.contains(flaw))
}

fn nobody_falls_silent(_: &Consensus, world: &World) -> bool {
    world.losses > 0 || world.nodes.iter().all(|(_, local)| matches!(local.view.standing, Standing::Signs(_)))
}

/// What was decided, and what a quorum may have precommitted, is one block.
fn agreement(model: &Consensus, world: &World) -> bool {
    let mut committed: Vec<Value> =
        world.nodes.iter().filter_map(|(_, local)| local.view.decided.map(|(value, _)| value)).collect();
    for round in 0..model.shared.setup.rounds {
        committed.extend(world.network.certificates(&model.shared, Precommit, round));
    }
    committed.dedup();
    committed.windows(2).all(|pair| pair[0] == pair[1])
}

fn one_polka(model: &Consensus, world: &World) -> bool {
    (0..model.shared.setup.rounds).all(|round| world.network.polkas(&model.shared, round).len() <= 1)
}

fn commit_is_final(model: &Consensus, world: &World) -> bool {
    let (shared, network, rounds) = (&model.shared, &world.network, model.shared.setup.rounds);
    (0..rounds).all(|round| {
        network.certificates(shared, Precommit, round).into_iter().all(|value| {
            let later = (round + 1..rounds).flat_map(|at| network.polkas(shared, at));
            network.polkas(shared, round).contains(&value) && later.into_iter().all(|other| other == value)
        })
    })
}

fn one_statement_a_place(_: &Consensus, world: &World) -> bool {
    let places: Vec<_> = world.network.all().iter().map(|said| said.place()).collect();
    let mut unique = places.clone();
    unique.sort();
    unique.dedup();
    unique.len() == places.len()
}

fn precommit_has_polka(model: &Consensus, world: &World) -> bool {
    world.network.all().iter().all(|said| match said.what {
        What::Vote { kind: Precommit, value: Some(value) } => {
            world.network.polkas(&model.shared, said.round).contains(&value)
        }
        _ => true,
    })
}

fn prevote_respects_lock(model: &Consensus, world: &World) -> bool {
    let network = &world.network;
    network.all().iter().all(|said| {
        let What::Vote { kind: Prevote, value: Some(value) } = said.what else { return true };
        let locks = (0..said.round).flat_map(|round| {
            let own = network.votes(Precommit, round).filter(|(vote, _)| vote.who == said.who);
            own.filter_map(move |(_, locked)| locked.map(|locked| (round, locked)))
        });
        let Some((locked_round, locked)) = locks.last() else { return true };
        locked == value || (locked_round..said.round).any(|at| network.polkas(&model.shared, at).contains(&value))
    })
}
