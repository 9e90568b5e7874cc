//! The searches. Each prints what it visited; a violation prints the steps that lead there.

use std::time::Instant;

use stateright::{Checker, HasDiscoveries, Model};

use super::model::Consensus;
use super::setup::{Bodies, Dead, Search, Setup};
use super::walks::Weighted;
use super::witnesses as seen;

/// How many states a search aims at: `MODEL_FACTOR` times what fits into an ordinary test run.
fn states(default: usize) -> usize {
    let factor = std::env::var("MODEL_FACTOR").ok().and_then(|text| text.parse().ok());
    default.saturating_mul(factor.unwrap_or(1))
}

fn report(name: &str, began: Instant, target: usize, checker: &impl Checker<Consensus>, expected: &[&str]) {
    let discoveries = checker.discoveries();
    let properties = checker.model().properties();
    let reached: Vec<_> = properties
        .iter()
        .filter(|it| it.expectation == stateright::Expectation::Sometimes && discoveries.contains_key(it.name))
        .map(|it| it.name)
        .collect();
    let (all, unique) = (checker.state_count(), checker.unique_state_count());
    let whole = if all < target { "whole space" } else { "bounded" };
    let locals = checker.model().shared.outcomes.lock().unwrap().len();
    println!(
        "{name}: {all} states, {unique} unique, depth {}, {locals} transitions of one node, {whole}, {} s; reached: {}",
        checker.max_depth(),
        began.elapsed().as_secs(),
        reached.join("; ")
    );
    for property in properties.iter().filter(|it| it.expectation == stateright::Expectation::Always) {
        if let Some(path) = discoveries.get(property.name) {
            let world = path.last_state();
            let views: Vec<_> = world.nodes.iter().map(|(who, it)| format!("{who}: {:?}", it.view)).collect();
            let steps = path.clone().into_actions();
            let steps: Vec<_> = steps.iter().map(|act| format!("{}: {:?}", act.who, act.stimuli)).collect();
            let said: Vec<_> = world.network.all().iter().map(|said| format!("{said:?}")).collect();
            panic!(
                "{name}: broken: {}, by\n{}\nnow\n{}\nsaid\n{}\nflaws {:?}",
                property.name,
                steps.join("\n"),
                views.join("\n"),
                said.join("\n"),
                world.flaws
            );
        }
    }
    for witness in expected {
        assert!(reached.contains(witness), "{name}: never reached: {witness}");
    }
}

fn search(name: &str, setup: Setup, default: usize, expected: &[&str]) {
    let (began, target) = (Instant::now(), states(default));
    let checker = Consensus::new(setup).checker().finish_when(HasDiscoveries::AnyFailures);
    let checker = checker.target_state_count(target).spawn_bfs().join();
    report(name, began, target, &checker, expected);
}

fn walk(name: &str, setup: Setup, default: usize, expected: &[&str]) {
    let (began, target) = (Instant::now(), states(default));
    let checker = Consensus::new(setup).checker().finish_when(HasDiscoveries::AnyFailures);
    let checker = checker.target_state_count(target).spawn_simulation(1, Weighted).join();
    report(name, began, target, &checker, expected);
}

const PROPOSER_OF_ROUND_0: Option<usize> = Some(1);
const PROPOSER_OF_ROUND_1: Option<usize> = Some(2);
const NEVER_PROPOSES: Option<usize> = Some(0);

#[test]
fn four_validators_one_round_whole() {
    for byzantine in [PROPOSER_OF_ROUND_0, NEVER_PROPOSES, None] {
        let setup = Setup { byzantine, rounds: 1, crashes: 1, losses: 1, ..Setup::FOUR };
        search(&format!("one round, Byzantine {byzantine:?}, one crash"), setup, 60_000, &[seen::ALL_DECIDE]);
    }
}

#[test]
fn four_validators_two_crashes_whole() {
    let setup = Setup { byzantine: NEVER_PROPOSES, rounds: 1, crashes: 2, losses: 1, ..Setup::FOUR };
    search("one round, two crashes", setup, 60_000, &[seen::ALL_DECIDE, seen::CRASHED_LOCKED]);
}

/// Rule 1 ★: the nodes take the proposer for dead and prevote nil at once; it speaks all the same.
#[test]
fn a_dead_proposer_speaks_after_all() {
    let setup = Setup { byzantine: PROPOSER_OF_ROUND_0, rounds: 1, dead: Dead::Byzantine, ..Setup::FOUR };
    search("one round, proposer taken for dead", setup, 60_000, &[]);
    walk("three rounds, proposer taken for dead", Setup { rounds: 3, ..single(setup) }, 10_000, &[]);
}

#[test]
fn four_validators_two_rounds() {
    for byzantine in [PROPOSER_OF_ROUND_0, PROPOSER_OF_ROUND_1] {
        let setup = Setup { byzantine, rounds: 2, ..Setup::FOUR };
        let expected = [seen::PAST_ROUND, seen::VALID_ALONE, seen::NIL_SKIP];
        search(&format!("two rounds, Byzantine {byzantine:?}"), setup, 4_000, &expected);
    }
}

#[test]
fn five_validators_one_round() {
    let setup = Setup { n: 5, rounds: 1, ..Setup::FOUR };
    search("five validators, one round", setup, 1_500, &[]);
}

/// The whole of consensus.md's bound: three rounds, one Byzantine, crashes, restarts and a lost database.
#[test]
fn four_validators_three_rounds_by_visible_effects() {
    let setup = Setup { byzantine: PROPOSER_OF_ROUND_0, crashes: 2, losses: 1, ..Setup::FOUR };
    walk("three rounds, by effects", setup, 600, &[seen::RE_PROPOSAL, seen::NIL_SKIP]);
}

fn single(setup: Setup) -> Setup {
    Setup { search: Search::Single, bodies: Bodies::AnyTime, crashes: 2, ..setup }
}

fn walk_everyone(n: usize, default: usize, expected: &[&str]) {
    let each = [NEVER_PROPOSES, PROPOSER_OF_ROUND_0, PROPOSER_OF_ROUND_1, Some(3), None];
    for byzantine in each {
        let setup = single(Setup { n, byzantine, ..Setup::FOUR });
        walk(&format!("{n} validators, Byzantine {byzantine:?}"), setup, default, expected);
    }
}

const EVERY_WALK: [&str; 5] =
    [seen::RE_PROPOSAL, seen::PAST_ROUND, seen::VALID_ALONE, seen::ALL_DECIDE, seen::CRASHED_LOCKED];

#[test]
fn four_validators_three_rounds_by_single_messages() {
    walk_everyone(4, 20_000, &EVERY_WALK);
    let hidden = single(Setup { byzantine: NEVER_PROPOSES, ..Setup::FOUR });
    let expected = [seen::RE_LOCK, seen::HIDDEN_LOCK, seen::NIL_SKIP, seen::PROVEN];
    walk("4 validators, the rare states", Setup { crashes: 0, ..hidden }, 60_000, &expected);
}

#[test]
fn five_validators_three_rounds_by_single_messages() {
    walk_everyone(5, 10_000, &[seen::PAST_ROUND, seen::VALID_ALONE, seen::ALL_DECIDE]);
}

#[test]
fn six_validators_three_rounds_by_single_messages() {
    let setup = single(Setup { n: 6, byzantine: PROPOSER_OF_ROUND_0, ..Setup::FOUR });
    walk("6 validators", setup, 20_000, &[]);
}

#[test]
fn lost_databases_by_single_messages() {
    let setup = single(Setup { byzantine: None, losses: 2, ..Setup::FOUR });
    walk("lost databases", setup, 20_000, &[]);
}
