//! Runs at random: a storm, then calm, judged by the oracle throughout.

use super::node::WriteOrder;
use super::world::{Weather, World};

/// Simulated length of the storm, in milliseconds.
const STORM_MS: u64 = 8_000;
/// Within this time after the storm everybody decides again, in milliseconds.
const RECOVERY_MS: u64 = 30_000;

/// Runs of so many seeds must reach the rare states.
const WITNESS_SEEDS: u64 = 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Adversary {
    None,
    /// One validator loses its database again and again, never its sign record.
    Rewinder,
    Equivocator,
    Twins,
}

fn seeds(default: u64) -> Vec<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("SEED") {
        Some(seed) => vec![seed],
        None => (0..number("SEEDS").unwrap_or(default)).collect(),
    }
}

fn storm(seed: u64, n: usize, adversary: Adversary, order: WriteOrder, weather: &Weather) -> World {
    let mut world = World::new(seed, n);
    world.order = order;
    match adversary {
        Adversary::None => {}
        Adversary::Rewinder => world.rewound = Some(seed as usize % n),
        Adversary::Equivocator => world.make_equivocator(seed as usize % n),
        Adversary::Twins => world.add_twin(seed as usize % n),
    }
    let all: Vec<_> = (0..world.nodes.len()).collect();
    world.submit(&all);
    world.start_chaos();
    world.weather = weather.clone();
    world.run_ms(STORM_MS);
    world
}

/// After the storm every honest node decides two more heights, within bounded rounds.
fn calm(world: &mut World) -> Result<(), String> {
    let round_before = world.oracle.round_max;
    world.heal();
    let target = world.heights().into_iter().max().unwrap_or(0) + 2;
    let end_ms = world.now_ms + RECOVERY_MS;
    while world.heights().into_iter().min().unwrap_or(0) < target {
        if world.now_ms >= end_ms {
            return Err(format!("no decision after the storm: wanted {target}, {}", world.describe()));
        }
        let nodes: Vec<_> = world.honest();
        world.submit(&nodes);
        world.run_ms(500);
        if let Some(violation) = &world.violation {
            return Err(violation.clone());
        }
    }
    let rounds = world.oracle.round_max.saturating_sub(round_before);
    if rounds > 12 { Err(format!("{rounds} more rounds after the storm")) } else { Ok(()) }
}

fn run(name: &str, default_seeds: u64, n: usize, adversary: Adversary) {
    let (mut heights, mut evidence, mut relocked, mut past, mut reproposed) = (0, 0, 0, 0, 0);
    for seed in seeds(default_seeds) {
        let mut world = storm(seed, n, adversary, WriteOrder::PersistThenSend, &Weather::STORM);
        let result = world.violation.clone().map_or(Ok(()), Err).and_then(|()| calm(&mut world));
        if let Err(violation) = result {
            panic!("{name}: SEED={seed}: {violation}");
        }
        heights += world.heights().into_iter().max().unwrap_or(0);
        evidence += world.oracle.evidence.len();
        relocked += world.oracle.relocked;
        past += world.oracle.decided_in_past_round;
        reproposed += world.oracle.reproposed;
    }
    if default_seeds >= WITNESS_SEEDS && std::env::var("SEED").is_err() {
        // The interesting states are reached, or the run proves little.
        assert!(reproposed > 0 && past > 0, "{name}: {reproposed} re-proposals, {past} decisions in a past round");
    }
    println!(
        "{name}: {heights} heights, {evidence} proven, {relocked} relocks, {past} past, {reproposed} re-proposals"
    );
}

#[test]
fn four_honest_validators_survive_storms() {
    run("four", 80, 4, Adversary::None);
}

#[test]
fn five_honest_validators_survive_storms() {
    run("five", 40, 5, Adversary::None);
}

#[test]
fn seven_honest_validators_survive_storms() {
    run("seven", 15, 7, Adversary::None);
}

#[test]
fn an_equivocator_forks_nothing() {
    run("equivocator of four", 75, 4, Adversary::Equivocator);
}

#[test]
fn an_equivocator_of_five_forks_nothing() {
    run("equivocator of five", 40, 5, Adversary::Equivocator);
}

#[test]
fn twins_fork_nothing() {
    run("twins of four", 60, 4, Adversary::Twins);
}

#[test]
fn a_single_validator_survives_storms() {
    run("one", 30, 1, Adversary::None);
}

#[test]
fn a_validator_that_loses_its_database_never_signs_twice() {
    run("rewinder of four", 60, 4, Adversary::Rewinder);
}

/// Between its two writes too: what the database announces is gone with it, so nothing may have left before the sign record
/// was durable.
#[test]
fn a_validator_that_loses_its_database_at_any_write_never_signs_twice() {
    let slow_disks = Weather { write_max_ms: 300, crash_per_mille: 100, ..Weather::STORM };
    for seed in seeds(60) {
        let world = storm(seed, 4, Adversary::Rewinder, WriteOrder::PersistThenSend, &slow_disks);
        assert_eq!(world.violation, None, "SEED={seed}");
    }
}

/// The oracle notices: sending before the sign record is durable signs twice after some crash.
#[test]
fn sending_before_persisting_is_caught() {
    let slow_disks = Weather { write_max_ms: 300, crash_per_mille: 60, ..Weather::STORM };
    let caught = |order| (0..40).find_map(|seed| storm(seed, 4, Adversary::None, order, &slow_disks).violation);
    assert_eq!(caught(WriteOrder::PersistThenSend), None, "the right order is safe");
    let violation = caught(WriteOrder::SendThenPersist).expect("some seed catches the swapped order");
    assert!(violation.contains("signed"), "{violation}");
}
