//! Nodes that crash, stay away, lose their disk, or cannot hear each other.

use dalil_contracts::authority::posting::posting_key;
use dalil_ledger::store::{Batch, Family, Kv as _};

use crate::seeds;
use crate::support::{EXPIRES_AFTER_MS, SDO, domicile_record, genesis, token};
use crate::world::{FOUL, World};

#[test]
fn one_node_crashes_and_restarts_at_random_moments() {
    seeds("crash", 8, |seed| {
        let mut world = World::up(seed);
        if seed % 2 == 1 {
            world.weather = FOUL;
        }
        let mut kept = Vec::new();
        for number in 0..40 {
            let victim = (seed % 4) as usize;
            // Between any two steps of a block: a few milliseconds more or less.
            let pause = world.rng.between(1, 120);
            world.run_for(pause);
            if world.is_up(victim) && world.rng.chance(250) {
                world.crash(victim);
            } else if !world.is_up(victim) && world.rng.chance(400) {
                world.start(victim);
            }
            let entry = (victim + 1 + number as usize % 3) % 4;
            let record = domicile_record(number, world.now_ms);
            kept.push(world.submit(entry, record, None));
        }
        if !world.is_up((seed % 4) as usize) {
            world.start((seed % 4) as usize);
        }
        world.run_until(240_000, "all recorded", |world| kept.iter().all(|it| world.is_recorded(*it)));
        world.run_until(60_000, "all agree", |world| world.agree_at(1));
        world.check();
    });
}

#[test]
fn everybody_crashes_at_random_moments() {
    seeds("storm", 6, |seed| {
        let mut world = World::up(seed);
        for number in 0..60 {
            let pause = world.rng.between(1, 150);
            world.run_for(pause);
            for node in 0..4 {
                if world.is_up(node) && world.rng.chance(60) {
                    world.crash(node);
                } else if !world.is_up(node) && world.rng.chance(300) {
                    world.start(node);
                }
            }
            let node = number as usize % 4;
            if world.is_up(node) {
                let record = domicile_record(number, world.now_ms);
                world.submit(node, record, None);
            }
        }
        for node in 0..4 {
            if !world.is_up(node) {
                world.start(node);
            }
        }
        let record = domicile_record(1_000, world.now_ms);
        let last = world.submit(0, record, None);
        world.run_until(240_000, "goes on", |world| world.is_recorded(last));
        world.run_until(60_000, "all agree", |world| world.agree_at(1));
        world.check();
    });
}

/// A part of one node's state is lost on its disk, so that it finds invalid what the others certify.
#[test]
fn a_node_that_diverged_says_what_differs_and_never_votes_on_that_database_again() {
    const DIVERGED: usize = 2;
    let mut world = World::up(11);
    world.crash(DIVERGED);
    world.expect_nothing_of(DIVERGED);
    let kv = world.nodes[DIVERGED].disk.kv.clone();
    let posting = posting_key(&token(SDO.0));
    let mut batch = Batch::default();
    for (path, entry) in kv.snapshot().scan(Family::State, &[], &[], usize::MAX).unwrap() {
        // The key's length, the key, the value.
        if entry.starts_with(&[&(posting.len() as u32).to_be_bytes(), &posting[..]].concat()) {
            batch.delete(Family::State, path);
        }
    }
    assert_eq!(batch.writes.len(), 1);
    kv.write(batch).unwrap();
    world.start(DIVERGED);
    let record = domicile_record(1, world.now_ms);
    let request = world.submit(0, record, None);
    world.run_until(60_000, "recorded, and found out", |world| world.is_recorded(request) && !world.halts.is_empty());
    let (node, why) = world.halts.remove(0);
    assert_eq!((node, why.contains("certified by a quorum"), why.contains("A1")), (DIVERGED, true, true), "{why}");
    world.run_for(1_000);
    world.crash(DIVERGED);
    let refused = world.nodes[DIVERGED].start(world.now_ms).err().unwrap_or_default();
    assert!(refused.contains("stopped for good") && refused.contains(&why), "{refused}");
    // On a fresh database it follows the others.
    world.nodes[DIVERGED].wipe();
    world.start(DIVERGED);
    world.run_until(60_000, "goes on", |world| world.agree_at(1));
    world.check();
}

#[test]
fn one_node_that_never_starts_stops_nothing() {
    seeds("one down", 4, |seed| {
        let mut world = World::new(seed);
        let away = (seed % 4) as usize;
        for node in (0..4).filter(|node| *node != away) {
            world.start(node);
        }
        let mut requests = Vec::new();
        for number in 0..12 {
            let record = domicile_record(number, world.now_ms);
            requests.push(world.submit((away + 1 + number as usize % 3) % 4, record, None));
            world.run_for(500);
        }
        world.run_until(120_000, "all recorded", |world| requests.iter().all(|it| world.is_recorded(*it)));
        world.start(away);
        world.run_until(60_000, "it catches up", |world| world.agree_at(1));
        world.check();
    });
}

#[test]
fn two_down_decide_nothing_and_one_that_returns_is_enough() {
    seeds("two down", 4, |seed| {
        let mut world = World::up(seed);
        let record = domicile_record(1, world.now_ms);
        let before = world.submit(0, record, None);
        world.run_until(10_000, "recorded", |world| world.is_recorded(before));
        world.run_until(10_000, "all agree", |world| world.agree_at(1));
        world.crash(2);
        world.crash(3);
        let height = world.height(0);
        let record = domicile_record(2, world.now_ms);
        let waiting = world.submit(0, record, None);
        world.run_for(120_000);
        assert_eq!((world.height(0), world.height(1)), (height, height));
        assert_eq!(world.outcome(waiting), "none");
        world.start(3);
        world.run_until(60_000, "the waiting record is final", |world| world.is_recorded(waiting));
        world.start(2);
        world.run_until(60_000, "all agree", |world| world.agree_at(2));
        world.check();
    });
}

#[test]
fn a_partition_decides_on_one_side_at_most_and_heals() {
    seeds("partition", 4, |seed| {
        let mut world = World::up(seed);
        world.run_for(1_000);
        let minority = (seed % 4) as usize;
        let others: Vec<_> = (0..4).filter(|node| *node != minority).collect();
        world.part(&[minority], &others);
        let there = domicile_record(1, world.now_ms);
        let there = world.submit(minority, there, None);
        let here = domicile_record(2, world.now_ms);
        let here = world.submit(others[0], here, None);
        world.run_until(60_000, "the majority goes on", |world| world.is_recorded(here));
        world.run_for(20_000);
        assert_eq!(world.outcome(there), "none");
        world.heal();
        world.run_until(60_000, "the minority's record", |world| world.is_recorded(there));
        // Two against two: nobody.
        world.part(&[0, 1], &[2, 3]);
        let record = domicile_record(3, world.now_ms);
        let split = world.submit(0, record, None);
        world.run_for(30_000);
        assert_eq!(world.outcome(split), "none");
        world.heal();
        world.run_until(60_000, "goes on", |world| world.is_recorded(split));
        world.run_until(60_000, "all agree", |world| world.agree_at(1));
        world.check();
    });
}

#[test]
fn a_node_with_an_empty_database_syncs_and_then_votes() {
    seeds("empty", 3, |seed| {
        let mut world = World::up(seed);
        for number in 0..90 {
            let record = domicile_record(number, world.now_ms);
            let request = world.submit(0, record, None);
            world.run_until(30_000, "recorded", |world| world.is_recorded(request));
        }
        world.crash(3);
        world.nodes[3].wipe();
        world.start(3);
        world.run_until(60_000, "synced", |world| world.agree_at(80));
        // Its vote is needed now.
        world.crash(0);
        let record = domicile_record(1_000, world.now_ms);
        let request = world.submit(1, record, None);
        world.run_until(60_000, "it votes", |world| world.is_recorded(request));
        world.run_until(60_000, "all agree", |world| world.agree_at(80));
        world.check();
    });
}

#[test]
fn a_clock_that_ran_ahead_for_a_moment_is_forgiven() {
    seeds("clock", 2, |seed| {
        let mut world = World::up(seed);
        world.run_for(2_000);
        world.nodes[1].clock_ahead_ms = 86_400_000;
        world.run_for(20_000);
        world.nodes[1].clock_ahead_ms = 0;
        world.crash(0);
        let mut requests = Vec::new();
        for number in 0..4 {
            let record = domicile_record(number, world.now_ms);
            requests.push(world.submit(1, record, None));
            world.run_for(3_000);
        }
        world.run_until(60_000, "it votes with the others", |world| requests.iter().all(|it| world.is_recorded(*it)));
        world.start(0);
        world.run_until(60_000, "all agree", |world| world.agree_at(1));
        world.check();
    });
}

#[test]
fn a_broken_link_with_one_node_down_keeps_neither_blocks_nor_cosignatures_from_anybody() {
    seeds("broken link", 4, |seed| {
        let mut world = World::up(seed);
        world.run_for(1_000);
        let down = (seed % 4) as usize;
        let up: Vec<_> = (0..4).filter(|node| *node != down).collect();
        world.crash(down);
        // Two of the three that are left never hear each other again: each has the third one's word only.
        world.part(&up[..1], &up[1..2]);
        for number in 0..6 {
            let record = domicile_record(number, world.now_ms);
            let request = world.submit(up[number as usize % 3], record, None);
            world.run_until(60_000, "recorded", |world| world.is_recorded(request));
        }
        world.run_until(5_000, "all agree", |world| world.agree_at(1));
        let published = |world: &World, node: usize| {
            let head = world.nodes[node].running.as_ref().unwrap().published.as_ref();
            head.is_some_and(|head| head.view.head_id() == world.nodes[node].view().head_id())
        };
        world.run_until(3_000, "all have a quorum of cosignatures", |world| {
            up.iter().all(|node| published(world, *node))
        });
        world.check();
    });
}

/// Genesis promises that the worst block is checked within half of T_propose's cap (rule 11). Where every block is that
/// heavy, rounds grow until one is decided: no endless rounds, and each height after it as many at most.
#[test]
fn the_largest_block_at_the_cap_is_decided_within_bounded_rounds() {
    seeds("largest", 2, |seed| {
        let mut world = World::up(seed);
        world.run_for(1_000);
        let cap_ms = u64::from(genesis().parameters.timeouts.cap_ms);
        world.work_ms = (cap_ms / 2 - 500, cap_ms / 2);
        let mut rounds = 0;
        for number in 0..3 {
            let record = domicile_record(number, world.now_ms);
            let request = world.submit(number as usize, record, None);
            world.run_until(300_000, "recorded", |world| {
                let standings = world.nodes.iter().filter_map(|node| node.running.as_ref());
                rounds = standings.map(|running| running.core.standing().round).max().unwrap_or(0).max(rounds);
                world.is_recorded(request)
            });
        }
        assert!((1..=20).contains(&rounds), "{rounds} rounds");
        world.run_until(60_000, "all agree", |world| world.agree_at(1));
        world.check();
    });
}

/// Timeouts that grow for as long as a quorum is away would keep the chain standing for as long again.
#[test]
fn after_an_outage_of_hours_the_next_block_takes_seconds() {
    seeds("outage", 1, |seed| {
        let mut world = World::up(seed);
        world.run_for(1_000);
        world.crash(2);
        world.crash(3);
        for number in 0..12 {
            // A record waits all the time: the height is never idle.
            let record = domicile_record(number, world.now_ms);
            world.submit(0, record, None);
            world.run_for(EXPIRES_AFTER_MS - 60_000);
        }
        let record = domicile_record(100, world.now_ms);
        let waiting = world.submit(1, record, None);
        world.start(2);
        world.run_until(60_000, "the waiting record is final", |world| world.is_recorded(waiting));
        // Neither is there anything to go through again for one that starts anew.
        world.crash(0);
        world.start(0);
        world.start(3);
        world.run_until(60_000, "all agree", |world| world.agree_at(1));
        world.check();
    });
}
