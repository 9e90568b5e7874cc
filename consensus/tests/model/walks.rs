//! Random walks to the end of the last round: by visible effects, or one message at a time.

use stateright::Chooser;

use super::model::{Act, Consensus, World};
use super::node::Stimulus;
use super::rng::Rng;

/// Weighs what an asynchronous network does most of the time, so that walks get far.
#[derive(Debug, Clone)]
pub struct Weighted;

fn weight(byzantine: Option<usize>, act: &Act) -> u64 {
    let of_byzantine = |who: u8| byzantine == Some(usize::from(who));
    if act.stimuli.iter().any(Stimulus::is_crash) {
        return 1;
    }
    match act.stimuli.last() {
        Some(Stimulus::Built | Stimulus::Body(_)) => 40,
        Some(Stimulus::Proposal(said, _)) if !of_byzantine(said.who) => 60,
        Some(Stimulus::Votes(votes)) if votes.iter().all(|vote| !of_byzantine(vote.who)) => 40,
        Some(Stimulus::Fire(_)) => 8,
        Some(Stimulus::Certificate { signers, .. }) if signers.count_ones() > 1 => 6,
        Some(Stimulus::Proposal(said, signers)) if said.valid_round().is_none() || signers.count_ones() > 1 => 20,
        Some(Stimulus::Votes(_) | Stimulus::Proposal(..)) => 3,
        _ => 1,
    }
}

/// The numbers of one walk.
#[derive(Debug)]
pub struct Walk {
    rng: Rng,
}

impl Chooser<Consensus> for Weighted {
    type State = Walk;

    fn new_state(&self, seed: u64) -> Walk {
        Walk { rng: Rng::new(seed) }
    }

    fn choose_initial_state(&self, _: &mut Walk, _: &[World]) -> usize {
        0
    }

    fn choose_action(&self, walk: &mut Walk, world: &World, acts: &[Act]) -> usize {
        let honest = |who: usize| world.nodes.iter().any(|(at, _)| *at == who);
        let byzantine = (0..=world.nodes.len()).find(|who| !honest(*who));
        let weights: Vec<u64> = acts.iter().map(|act| weight(byzantine, act)).collect();
        let mut left = walk.rng.below(weights.iter().sum());
        for (at, weight) in weights.iter().enumerate() {
            if left < *weight {
                return at;
            }
            left -= weight;
        }
        0
    }
}
