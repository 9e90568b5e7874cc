//! Sync by blocks that never sticks: what stopped others is a named test here.

use dalil_consensus::{Message as Vote, Status};
use dalil_node::core::Message;
use dalil_node::core::message::DecidedBlock;
use dalil_node::core::progress::Progress;

use crate::seeds;
use crate::world::{FOUL, World};

/// A record every so many milliseconds at any node that is up.
fn load(world: &mut World, from: u64, count: u64, every_ms: (u64, u64)) {
    for number in from..from + count {
        let up: Vec<usize> = (0..world.nodes.len()).filter(|node| world.is_up(*node)).collect();
        let entry = up[number as usize % up.len()];
        let record = world.domicile(number);
        world.submit(entry, record, None);
        let pause = world.rng.between(every_ms.0, every_ms.1);
        world.run_for(pause);
    }
}

#[test]
fn a_new_node_under_load_does_not_stay_behind_for_ever() {
    seeds("stays behind", 3, |seed| {
        let mut world = World::new(seed);
        for node in 0..3 {
            world.start(node);
        }
        load(&mut world, 0, 150, (100, 300));
        world.start(3);
        // The load goes on, and the distance goes away.
        let mut number = 1_000;
        while world.height(3) + 2 < world.height(0) {
            assert!(number < 1_200, "{}\n{}", world.standing(0), world.standing(3));
            load(&mut world, number, 10, (100, 300));
            number += 10;
        }
        world.run_until(60_000, "all agree", |world| world.agree_at(50));
        world.check();
    });
}

#[test]
fn a_lagging_validator_goes_back_to_sync_as_often_as_it_lags() {
    seeds("lags again", 3, |seed| {
        let mut world = World::up(seed);
        if seed % 2 == 1 {
            world.weather = FOUL;
        }
        for turn in 0..5 {
            let lagging = (turn as usize + seed as usize) % 4;
            let others: Vec<_> = (0..4).filter(|node| *node != lagging).collect();
            world.part(&[lagging], &others);
            let before = world.height(others[0]);
            for number in 0.. {
                if world.height(others[0]) >= before + 5 {
                    break;
                }
                assert!(number < 200, "{}", world.standing(others[0]));
                load(&mut world, turn * 1_000 + number, 1, (200, 500));
            }
            assert!(world.height(lagging) <= before + 1);
            world.heal();
            world.run_until(60_000, "caught up", |world| world.agree_at(before + 5));
            // And votes: without another one its vote is needed.
            let away = others[turn as usize % 3];
            world.crash(away);
            let record = world.domicile(50_000 + turn);
            let request = world.submit(lagging, record, None);
            world.run_until(60_000, "its vote counts", |world| world.is_recorded(request));
            world.start(away);
            world.run_until(60_000, "all agree", |world| world.agree_at(before + 6));
        }
        world.check();
    });
}

#[test]
fn a_sync_goes_on_after_all_peers_restart() {
    seeds("peers restart", 3, |seed| {
        let mut world = World::new(seed);
        for node in 0..3 {
            world.start(node);
        }
        for number in 0..150 {
            let record = world.domicile(number);
            let request = world.submit(0, record, None);
            world.run_until(30_000, "recorded", |world| world.is_recorded(request));
        }
        world.start(3);
        for _ in 0..3 {
            let before = world.height(3);
            world.run_until(60_000, "under way", |world| world.height(3) > before + 10);
            assert!(world.height(3) < 150);
            for peer in 0..3 {
                world.crash(peer);
            }
            world.run_for(5_000);
            for peer in 0..3 {
                world.start(peer);
            }
        }
        world.run_until(60_000, "all agree", |world| world.agree_at(150));
        world.check();
    });
}

#[test]
fn a_peer_that_claims_every_height_and_sends_nothing_holds_up_nobody() {
    let mut times = Vec::new();
    for lies in [false, true] {
        let mut world = World::new(5);
        for node in 0..3 {
            world.start(node);
        }
        for number in 0..400 {
            let record = world.domicile(number);
            let request = world.submit(0, record, None);
            world.run_until(30_000, "recorded", |world| world.is_recorded(request));
        }
        if lies {
            world.expect_nothing_of(1);
            world.tamper.insert(
                1,
                Box::new(|message| match message {
                    Message::Consensus(Vote::Status(status)) => {
                        Some(Message::Consensus(Vote::Status(Status { height: u64::MAX, ..status })))
                    }
                    Message::Decided(_) | Message::Block(_) => None,
                    other => Some(other),
                }),
            );
        }
        world.start(3);
        let start_ms = world.now_ms;
        world.run_until(120_000, "caught up", |world| world.agree_at(400));
        times.push(world.now_ms - start_ms);
        let standing = world.nodes[3].running.as_ref().unwrap().core.standing();
        assert_eq!((standing.progress, standing.target), (Progress::Consensus, standing.height));
        world.check();
    }
    // It costs one look around after the start and one request that is not answered.
    assert!(times[1] <= times[0] + 7_000, "{times:?}");
}

/// How long a chain the late observer has to fetch.
const LONG: u64 = 200;
/// The validator that is faulty.
const FAULTY: usize = 1;
/// So long nobody answers the late observer, in milliseconds: each validator fails at least once.
const SILENT_MS: u64 = 20_000;

/// A chain of some length, and a new observer. Unlike a validator it is told nothing unasked.
fn with_late_observer(seed: u64) -> (World, usize) {
    let mut world = World::new(seed);
    let observer = world.add_observer("late");
    (0..4).for_each(|node| world.start(node));
    for number in 0..LONG {
        let record = world.domicile(number);
        let request = world.submit(0, record, None);
        world.run_until(30_000, "recorded", |world| world.is_recorded(request));
    }
    world.expect_nothing_of(FAULTY);
    let silent = |message| (!matches!(message, Message::Decided(_))).then_some(message);
    (0..4).for_each(|node| drop(world.tamper.insert(node, Box::new(silent))));
    (world, observer)
}

fn nobody_else_is_silent_any_more(world: &mut World) {
    world.tamper.retain(|node, _| *node == FAULTY);
}

#[test]
fn a_peer_that_answers_with_nothing_is_asked_after_those_that_once_failed() {
    let (mut world, observer) = with_late_observer(8);
    let nothing = |message| match message {
        Message::Decided(_) => Some(Message::Decided(Vec::new())),
        other => Some(other),
    };
    world.tamper.insert(FAULTY, Box::new(nothing));
    world.start(observer);
    world.run_for(SILENT_MS);
    nobody_else_is_silent_any_more(&mut world);
    world.run_until(60_000, "caught up", |world| world.agree_at(LONG));
    world.check();
}

#[test]
fn a_peer_that_sends_a_block_just_in_time_does_not_outrank_those_that_once_failed() {
    let (mut world, observer) = with_late_observer(9);
    let peer = world.nodes[FAULTY].peer;
    world.start(observer);
    let start_ms = world.now_ms;
    while world.now_ms < start_ms + SILENT_MS + 60_000 {
        let (view, next) = (world.nodes[0].view(), world.height(observer) + 1);
        if let Some((block, certificate)) = view.block(next).unwrap().zip(view.commit(next).unwrap()) {
            world.inject(peer, observer, &Message::Decided(vec![DecidedBlock { block, certificate }]));
        }
        world.run_for(2_800);
        if world.now_ms >= start_ms + SILENT_MS {
            nobody_else_is_silent_any_more(&mut world);
        }
    }
    assert!(world.agree_at(LONG), "{}", world.standing(observer));
    world.check();
}

#[test]
fn progress_by_blocks_is_shown() {
    let mut world = World::new(6);
    for node in 0..3 {
        world.start(node);
    }
    load(&mut world, 0, 200, (100, 300));
    world.start(3);
    let progress = |world: &World| world.nodes[3].running.as_ref().unwrap().core.standing().progress;
    let under_way =
        |world: &World| matches!(progress(world), Progress::Blocks { from: 10.., to: 60.., per_second: 1.. });
    world.run_until(60_000, "under way", under_way);
    world.run_until(60_000, "all agree", |world| world.agree_at(60));
    assert_eq!(progress(&world), Progress::Consensus);
    world.check();
}
