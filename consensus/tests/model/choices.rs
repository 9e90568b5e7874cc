//! What may happen to a node next, and which of it is worth a transition.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::Arc;

use dalil_consensus::TimerKind;
use dalil_ledger::validators::VoteKind;

use super::byzantine;
use super::model::{Act, World};
use super::node::{Local, Outcome, Stimulus};
use super::said::{Said, What};
use super::setup::{Search, Shared};

const KINDS: [VoteKind; 2] = [VoteKind::Prevote, VoteKind::Precommit];

/// Stimuli of one sort. Where one has the effect of a smaller one of its family it is left out.
type Family = Vec<Stimulus>;

/// Adds the transitions of a node.
pub fn of_node(shared: &Shared, world: &World, me: usize, acts: &mut Vec<Act>) {
    let base = world.local(me);
    if base.view.decided.is_some() || !world.flaws.is_empty() {
        return;
    }
    match shared.setup.search {
        Search::Grouped => grouped(shared, world, me, acts),
        Search::Single => single(shared, world, me, acts),
    }
}

fn is_silent(world: &World, before: &Local, outcome: &Outcome) -> bool {
    outcome.said.iter().all(|said| world.network.contains(said))
        && outcome.flaws.is_empty()
        && outcome.local.view.decided.is_none()
        && before.view.standing == outcome.local.view.standing
}

fn is_within(shared: &Shared, outcome: &Outcome) -> bool {
    outcome.local.view.round < shared.setup.rounds
}

/// Runs through the silent steps and ends each path at the first effect that others can see.
fn grouped(shared: &Shared, world: &World, me: usize, acts: &mut Vec<Act>) {
    let base = world.local(me);
    let mut silent = HashSet::from([base.view.clone()]);
    let mut loud = HashSet::new();
    let mut queue = VecDeque::from([(Vec::new(), Vec::new(), Arc::clone(base))]);
    while let Some((stimuli, outcomes, local)) = queue.pop_front() {
        let mut steps = Vec::new();
        for family in families(shared, world, me, &local) {
            steps.extend(smallest(shared, me, &local, family));
        }
        let crashes = crashes(shared, world, me, &local, &steps);
        for (stimulus, outcome) in steps.into_iter().chain(crashes) {
            if !is_within(shared, &outcome) {
                continue;
            }
            let stimuli: Vec<_> = stimuli.iter().cloned().chain([stimulus]).collect();
            let outcomes: Vec<_> = outcomes.iter().cloned().chain([Arc::clone(&outcome)]).collect();
            let act = Act { who: me, stimuli, outcomes };
            if act.crash().is_some() || !is_silent(world, &local, &outcome) {
                let crash = act.crash();
                if loud.insert((outcome.local.identity, outcome.said.clone(), crash)) {
                    acts.push(act);
                }
            } else if silent.insert(outcome.local.view.clone()) {
                queue.push_back((act.stimuli, act.outcomes, Arc::clone(&outcome.local)));
            }
        }
    }
}

/// Every single thing, whether it changes the node or not: a walk finds out.
fn single(shared: &Shared, world: &World, me: usize, acts: &mut Vec<Act>) {
    let local = world.local(me);
    let mut stimuli = families(shared, world, me, local).concat();
    stimuli.retain(|stimulus| !local.node.knows(stimulus));
    if world.crashes < shared.setup.crashes {
        let torn = stimuli.clone().into_iter().map(|inner| {
            let at = 1 + (local.digest % 8) as u8;
            Stimulus::CrashAt(Box::new(inner), at)
        });
        stimuli.extend(torn.collect::<Vec<_>>());
        stimuli.push(Stimulus::Crash);
        if world.losses < shared.setup.losses {
            stimuli.push(Stimulus::LoseDatabase);
        }
    }
    acts.extend(stimuli.into_iter().map(|stimulus| Act { who: me, stimuli: vec![stimulus], outcomes: Vec::new() }));
}

/// The members of a family that have an effect, without those that contain another such: the rest is heard later.
fn smallest(shared: &Shared, me: usize, local: &Local, family: Family) -> Vec<(Stimulus, Arc<Outcome>)> {
    let mut kept: Vec<(Stimulus, Arc<Outcome>)> = Vec::new();
    for stimulus in family {
        if kept.iter().any(|(other, _)| stimulus.contains(other)) {
            continue;
        }
        let Some(outcome) = shared.outcome(me, local, &stimulus) else { continue };
        let same = |(_, other): &(Stimulus, Arc<Outcome>)| {
            other.local.view == outcome.local.view && other.said == outcome.said && other.flaws == outcome.flaws
        };
        if !kept.iter().any(same) {
            kept.push((stimulus, outcome));
        }
    }
    kept
}

/// Crashes before, within and after each of the steps.
fn crashes(
    shared: &Shared,
    world: &World,
    me: usize,
    local: &Local,
    steps: &[(Stimulus, Arc<Outcome>)],
) -> Vec<(Stimulus, Arc<Outcome>)> {
    if world.crashes >= shared.setup.crashes {
        return Vec::new();
    }
    let mut all = vec![Stimulus::Crash];
    if world.losses < shared.setup.losses {
        all.push(Stimulus::LoseDatabase);
    }
    for (stimulus, outcome) in steps {
        all.extend((1..=2 * outcome.writes).map(|at| Stimulus::CrashAt(Box::new(stimulus.clone()), at)));
    }
    let mut seen = HashSet::from([local.digest]);
    let mut kept = Vec::new();
    for stimulus in all {
        let Some(outcome) = shared.outcome(me, local, &stimulus) else { continue };
        if seen.insert(outcome.local.digest) || !outcome.flaws.is_empty() {
            kept.push((stimulus, outcome));
        }
    }
    kept
}

/// All that may happen to a node, by sort, smaller things first.
fn families(shared: &Shared, world: &World, me: usize, local: &Local) -> Vec<Family> {
    let round = local.view.round;
    let mut families: Vec<Family> = Vec::new();
    let fire = [TimerKind::Propose, TimerKind::Prevote, TimerKind::Precommit];
    families.extend(
        fire.into_iter().filter(|kind| local.node.armed_in(*kind).is_some()).map(|kind| vec![Stimulus::Fire(kind)]),
    );
    if local.node.builds() {
        families.push(vec![Stimulus::Built]);
    }
    families.extend(local.node.wanted().map(|value| vec![Stimulus::Body(value)]));
    for at in round..shared.setup.rounds {
        families.extend(proposals(shared, world, me, at).into_iter().map(|stimulus| vec![stimulus]));
    }
    for at in 0..shared.setup.rounds {
        for kind in KINDS {
            families.push(byzantine::forged_votes(shared, &world.network, me, kind, at));
            families.push(votes_and_certificates(shared, world, me, round, kind, at));
        }
    }
    families
}

fn proposals(shared: &Shared, world: &World, me: usize, round: u32) -> Vec<Stimulus> {
    let network = &world.network;
    let of_others = network.proposals(round).filter(|said| usize::from(said.who) != me);
    let honest = of_others.filter_map(|said| match said.what {
        What::Proposal { value, valid_round: Some(earlier) } => network
            .signers(shared, VoteKind::Prevote, earlier, Some(value))
            .map(|signers| Stimulus::Proposal(said, signers)),
        _ => Some(Stimulus::Proposal(said, 0)),
    });
    honest.chain(byzantine::proposals(shared, network, round)).collect()
}

/// Sets of votes of one kind and round, and the certificates that these votes make.
fn votes_and_certificates(
    shared: &Shared,
    world: &World,
    me: usize,
    now: u32,
    kind: VoteKind,
    round: u32,
) -> Vec<Stimulus> {
    let network = &world.network;
    let mut family = Vec::new();
    // Votes of rounds before the previous one are not kept.
    if round + 1 >= now {
        let mut authors: Vec<Vec<Said>> = Vec::new();
        for who in shared.honest().filter(|who| *who != me) {
            let votes: Vec<Said> = network.votes(kind, round).map(|(said, _)| said).collect();
            authors.push(votes.into_iter().filter(|said| usize::from(said.who) == who).collect());
        }
        let mut faulty = byzantine::votes(shared, network, kind, round);
        if shared.setup.search == Search::Grouped {
            // A vote that nobody else cast does what a nil vote does.
            faulty.retain(|vote| {
                vote.value().is_none_or(|value| network.votes(kind, round).any(|(_, of)| of == Some(value)))
            });
        }
        authors.push(faulty);
        let mut sets = match shared.setup.search {
            Search::Grouped => subsets(&authors),
            Search::Single => authors.concat().into_iter().map(|vote| vec![vote]).collect(),
        };
        sets.sort_by_key(Vec::len);
        family.extend(sets.into_iter().map(Stimulus::Votes));
    }
    let mut values: BTreeSet<_> = network.votes(kind, round).map(|(_, value)| value).collect();
    if kind == VoteKind::Prevote {
        values.remove(&None);
    }
    for value in values {
        if let Some(signers) = network.signers(shared, kind, round, value) {
            family.push(Stimulus::Certificate { kind, round, value, signers });
        }
    }
    family.extend(byzantine::forged(shared, network, kind, round));
    family
}

/// Every choice of at most one vote an author, the empty one apart.
fn subsets(authors: &[Vec<Said>]) -> Vec<Vec<Said>> {
    let mut sets: Vec<Vec<Said>> = vec![Vec::new()];
    for votes in authors {
        let more: Vec<_> = sets
            .iter()
            .flat_map(|set| votes.iter().map(|vote| set.iter().copied().chain([*vote]).collect::<Vec<_>>()))
            .collect();
        sets.extend(more);
    }
    sets.retain(|set| !set.is_empty());
    sets
}
