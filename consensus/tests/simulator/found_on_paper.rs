//! Failures found on paper and met by others, each as a run of whole nodes.

use std::collections::BTreeSet;

use dalil_consensus::{Message, Persist, Standing};
use dalil_ledger::validators::{VoteKind, VoteSubject};

use super::chain::START_MS;
use super::faults::signed_vote;
use super::node::Disk;
use super::world::World;

/// A day in milliseconds.
const DAY_MS: u64 = 86_400_000;

fn all(world: &World) -> Vec<usize> {
    (0..world.nodes.len()).collect()
}

fn submit_to_all(world: &mut World) {
    let nodes = all(world);
    world.submit(&nodes);
}

/// Everybody decides `height` within `limit_ms`, and no promise is broken.
fn decide(world: &mut World, height: u64, limit_ms: u64) {
    let done = world.run_until(limit_ms, |world| up(world).into_iter().all(|node| world.height(node) >= height));
    assert_eq!(world.violation, None);
    assert!(done, "heights {:?} after {limit_ms} ms, wanted {height}; rounds {:?}", world.heights(), rounds(world));
}

fn up(world: &World) -> Vec<usize> {
    world.honest().into_iter().filter(|node| world.nodes[*node].engine.is_some()).collect()
}

fn rounds(world: &World) -> Vec<Option<u32>> {
    world.nodes.iter().map(|node| node.engine.as_ref().map(|engine| engine.round())).collect()
}

fn vote_of(message: &Message) -> Option<(VoteKind, VoteSubject)> {
    match message {
        Message::Vote(vote) => Some((vote.kind, vote.subject)),
        _ => None,
    }
}

fn is_precommit(message: &Message) -> bool {
    matches!(vote_of(message), Some((VoteKind::Precommit, _)))
}

fn is_block_precommit(message: &Message) -> bool {
    matches!(vote_of(message), Some((VoteKind::Precommit, VoteSubject { block: Some(_), .. })))
}

fn decided_block(world: &World, node: usize, height: u64) -> dalil_ledger::crypto::Hash {
    world.nodes[node].disk.block(height).expect("decided").0.id()
}

#[test]
fn a_fault_free_chain_decides_in_round_0() {
    let mut world = World::new(1, 4);
    for height in 1..=10 {
        submit_to_all(&mut world);
        decide(&mut world, height, 400);
    }
    assert_eq!(world.oracle.round_max, 0);
}

#[test]
fn a_single_validator_decides_alone() {
    let mut world = World::new(1, 1);
    for height in 1..=5 {
        submit_to_all(&mut world);
        decide(&mut world, height, 100);
    }
}

#[test]
fn the_hidden_lock_is_found() {
    for hidden in 0..4 {
        let mut world = World::new(2, 4);
        submit_to_all(&mut world);
        // In round 0 only one node sees a polka; its precommit and its polka reach nobody.
        world.filter = Some(Box::new(move |from, to, message| match message {
            Message::Vote(vote) if vote.subject.round == 0 => match vote.kind {
                VoteKind::Prevote => to == hidden || from != hidden && (from + 1) % 4 == to,
                VoteKind::Precommit => from != hidden,
            },
            Message::Certificate(certificate) => certificate.subject.round > 0 || from != hidden,
            _ => true,
        }));
        world.run_until(3_000, |world| world.nodes[hidden].engine.as_ref().is_some_and(|it| it.locked().is_some()));
        let locked = world.nodes[hidden].engine.as_ref().and_then(|engine| engine.locked()).expect("one is locked");
        world.filter = None;
        decide(&mut world, 1, 10_000);
        assert_eq!(decided_block(&world, 0, 1), locked.block);
        assert!(world.oracle.round_max <= 6, "round {}", world.oracle.round_max);
    }
}

#[test]
fn everybody_crashes_after_precommit() {
    let mut world = World::new(3, 4);
    submit_to_all(&mut world);
    world.filter = Some(Box::new(|_, _, message| !is_precommit(message)));
    world.crash_after = Some(Box::new(|_, message| is_block_precommit(message)));
    world.run_until(5_000, |world| up(world).is_empty());
    assert!(up(&world).is_empty());
    world.heal();
    decide(&mut world, 1, 5_000);
    assert_eq!(world.oracle.round_max, 0, "own votes fed back decide the same round");
}

#[test]
fn lock_without_precommit_is_completed_after_the_crash() {
    let mut world = World::new(4, 4);
    submit_to_all(&mut world);
    world.crash_before_write = Some(Box::new(|node, persist| match persist {
        Persist::SignRecord(record) => node == 0 && record.block_precommit_round(1).is_some(),
        Persist::Database(_) => false,
    }));
    world.run_until(3_000, |world| world.nodes[0].engine.is_none());
    assert!(world.nodes[0].disk.record.as_ref().is_some_and(|record| record.locked.is_some()));
    world.heal();
    decide(&mut world, 1, 5_000);
}

#[test]
fn crash_between_each_pair_of_writes() {
    // The n-th write of each node in turn never happens.
    for node in 0..4 {
        for nth in 0..9 {
            let mut world = World::new(5, 4);
            submit_to_all(&mut world);
            let left = std::cell::Cell::new(nth);
            world.crash_before_write = Some(Box::new(move |at, _| {
                at == node && {
                    let now = left.get();
                    left.set(now - 1);
                    now == 0
                }
            }));
            world.run_until(1_000, |world| world.nodes[node].engine.is_none());
            world.heal();
            decide(&mut world, 1, 10_000);
            submit_to_all(&mut world);
            decide(&mut world, 2, 10_000);
        }
    }
}

#[test]
fn crash_in_step_precommit_after_mixed_prevotes_with_one_node_down() {
    let mut world = World::stopped(6, 4);
    (0..3).for_each(|node| world.start(node));
    world.submit(&[0, 1, 2]);
    // One of the three never sees the proposal of round 0 and prevotes nil.
    world.filter =
        Some(Box::new(|_, to, message| to != 0 || !matches!(message, Message::Proposal(it) if it.subject.round == 0)));
    world.crash_after = Some(Box::new(|node, message| node == 2 && is_precommit(message)));
    world.run_until(5_000, |world| world.nodes[2].engine.is_none());
    assert!(world.nodes[2].engine.is_none());
    world.run_ms(1_000);
    world.crash_after = None;
    world.filter = None;
    world.start(2);
    world.submit(&[0, 1, 2]);
    decide(&mut world, 1, 10_000);
}

#[test]
fn a_node_went_on_and_its_precommit_of_the_round_before_was_lost() {
    let mut world = World::stopped(7, 4);
    (0..3).for_each(|node| world.start(node));
    world.submit(&[0, 1, 2]);
    // Round 0 ends in nil precommits; those of node 0 reach nobody until it is in round 1.
    world.filter = Some(Box::new(|from, _, message| match message {
        Message::Proposal(it) => it.subject.round > 0,
        Message::Vote(it) => !(from == 0 && it.kind == VoteKind::Precommit && it.subject.round == 0),
        Message::Certificate(_) => false,
        Message::Status(_) => true,
    }));
    let ahead = world.run_until(5_000, |world| world.nodes[0].engine.as_ref().is_some_and(|it| it.round() == 1));
    assert!(ahead);
    world.filter = None;
    decide(&mut world, 1, 10_000);
}

#[test]
fn a_wiped_directory_with_a_kept_sign_record_signs_nothing_twice() {
    let mut world = World::new(8, 4);
    for height in 1..=3 {
        submit_to_all(&mut world);
        decide(&mut world, height, 1_000);
    }
    // It precommits at height 4, then loses its database.
    submit_to_all(&mut world);
    world.crash_after = Some(Box::new(|node, message| node == 1 && is_block_precommit(message)));
    world.filter = Some(Box::new(|_, _, message| !is_precommit(message)));
    world.run_until(3_000, |world| world.nodes[1].engine.is_none());
    let sign_record = world.nodes[1].disk.sign_record.clone();
    world.nodes[1].disk = Disk { sign_record, ..Disk::default() };
    world.crash_after = None;
    world.start(1);
    let standing = |world: &World| world.nodes[1].engine.as_ref().map(|engine| engine.standing());
    assert_eq!(standing(&world), Some(Standing::BelowFloor { floor: 4 }));
    world.run_until(10_000, |world| world.height(1) == 3);
    assert!(matches!(standing(&world), Some(Standing::LostLock { .. })), "{:?}", standing(&world));
    world.filter = None;
    decide(&mut world, 4, 10_000);
    submit_to_all(&mut world);
    decide(&mut world, 5, 5_000);
    assert!(matches!(standing(&world), Some(Standing::Signs(_))));
}

#[test]
fn a_block_is_proposed_again_a_day_after_its_time() {
    let mut world = World::new(9, 4);
    submit_to_all(&mut world);
    world.filter = Some(Box::new(|_, _, message| !is_precommit(message)));
    world.crash_after = Some(Box::new(|_, message| is_block_precommit(message)));
    world.run_until(5_000, |world| up(world).is_empty());
    // One precommit is lost for good, so round 0 cannot decide; the block must come back in a later round.
    world.crash_after = None;
    world.filter = Some(Box::new(
        |_, _, message| !matches!(vote_of(message), Some((VoteKind::Precommit, it)) if it.round == 0 && it.block.is_some()),
    ));
    world.now_ms += DAY_MS;
    all(&world).into_iter().for_each(|node| world.start(node));
    // A day later nobody is sure to reach round 1 by votes alone: the nodes are in step precommit of round 0.
    world.run_ms(3_000);
    world.filter = None;
    decide(&mut world, 1, 20_000);
    let time_ms = world.nodes[0].disk.block(1).expect("decided").0.header.timestamp_ms;
    assert!(time_ms < START_MS + DAY_MS, "the block kept its time");
}

#[test]
fn clocks_of_everybody_a_day_ahead_for_one_block() {
    let mut world = World::new(10, 4);
    for node in &mut world.nodes {
        node.clock_offset_ms += DAY_MS;
    }
    submit_to_all(&mut world);
    decide(&mut world, 1, 2_000);
    for node in &mut world.nodes {
        node.clock_offset_ms -= DAY_MS;
    }
    for height in 2..=6 {
        submit_to_all(&mut world);
        decide(&mut world, height, 1_000);
    }
}

#[test]
fn an_idle_chain_is_silent() {
    let mut world = World::new(11, 4);
    submit_to_all(&mut world);
    decide(&mut world, 1, 1_000);
    world.run_ms(500);
    let sent = world.sent;
    world.run_ms(60_000);
    assert_eq!(world.sent, sent, "nothing but statuses");
    assert_eq!(world.heights(), vec![1; 4]);
}

#[test]
fn one_nil_vote_wakes_nobody() {
    let mut world = World::new(12, 4);
    world.make_equivocator(3);
    world.equivocator = None;
    let vote = signed_vote(3, VoteKind::Prevote, VoteSubject { height: 1, round: 0, block: None });
    (0..3).for_each(|to| world.send_message(3, to, &vote));
    world.run_ms(20_000);
    assert_eq!(rounds(&world)[..3], [Some(0); 3]);
    world.submit(&[0, 1, 2]);
    decide(&mut world, 1, 3_000);
}

#[test]
fn the_only_pending_record_goes_away() {
    let mut world = World::new(13, 4);
    // Only node 0 ever sees the record, the proposer is another, and the record lapses before anybody proposes it.
    world.cut.extend((1..4).map(|to| (0, to)));
    world.submit(&[0]);
    world.run_ms(1_000);
    world.nodes[0].pool.clear();
    world.feed_pending(0);
    world.cut.clear();
    world.run_ms(30_000);
    let sent = world.sent;
    world.run_ms(10_000);
    assert!(world.sent - sent < 500, "{} messages in 10 s", world.sent - sent);
    assert!(world.oracle.round_max <= 1);
    submit_to_all(&mut world);
    decide(&mut world, 1, 2 * 300 + 500);
}

#[test]
fn a_dead_proposer_is_skipped_without_its_timeout() {
    let mut world = World::new(14, 4);
    world.crash(3);
    let mut slowest_late_ms = 0;
    for height in 1..=16 {
        world.submit(&[0, 1, 2]);
        let before_ms = world.now_ms;
        decide(&mut world, height, 5_000);
        if height > 8 {
            slowest_late_ms = slowest_late_ms.max(world.now_ms - before_ms);
        }
    }
    assert!(slowest_late_ms < 300, "{slowest_late_ms} ms, T_propose is 300 ms");
    world.start(3);
    world.run_ms(3_000);
    assert_eq!(world.height(3), 16, "it caught up");
    let rounds_before = world.oracle.round_max;
    for height in 17..=20 {
        submit_to_all(&mut world);
        decide(&mut world, height, 600);
    }
    assert_eq!(world.oracle.round_max, rounds_before, "its first message revived it");
}

#[test]
fn only_one_node_decides_and_the_others_are_cut_off() {
    for decider in 0..4 {
        let mut world = World::new(15, 4);
        submit_to_all(&mut world);
        world.filter = Some(Box::new(move |_, to, message| to == decider || !is_precommit(message)));
        world.run_until(3_000, |world| world.height(decider) == 1);
        assert_eq!(world.heights().iter().sum::<u64>(), 1);
        world.filter = None;
        (0..4).filter(|node| *node != decider).for_each(|node| {
            world.cut.insert((decider, node));
            world.cut.insert((node, decider));
        });
        // The three others have precommitted and hold each other's votes: they decide the same block.
        decide(&mut world, 1, 10_000);
        world.cut.clear();
        submit_to_all(&mut world);
        decide(&mut world, 2, 10_000);
    }
}

#[test]
fn a_permanent_one_way_cut_with_one_node_down_does_not_stop_the_chain() {
    let mut world = World::new(16, 4);
    world.crash(3);
    // Node 0 never hears node 1, for ever; node 2 says again what it holds of node 1.
    world.cut.insert((1, 0));
    for height in 1..=6 {
        world.submit(&[0, 1, 2]);
        decide(&mut world, height, 20_000);
    }
}

#[test]
fn a_broken_pair_link_with_one_node_down_does_not_stop_the_chain() {
    let mut world = World::new(17, 4);
    world.crash(3);
    world.cut.extend([(0, 1), (1, 0)]);
    for height in 1..=6 {
        world.submit(&[0, 1, 2]);
        decide(&mut world, height, 20_000);
    }
}

#[test]
fn a_node_a_hundred_blocks_behind_catches_up() {
    let mut world = World::new(18, 4);
    world.crash(2);
    for height in 1..=100 {
        world.submit(&[0, 1, 3]);
        decide(&mut world, height, 10_000);
    }
    world.start(2);
    decide(&mut world, 100, 30_000);
    submit_to_all(&mut world);
    decide(&mut world, 101, 3_000);
    // All peers restart while a node is behind: its sync goes on.
    world.crash(2);
    for height in 102..=104 {
        world.submit(&[0, 1, 3]);
        decide(&mut world, height, 10_000);
    }
    world.start(2);
    world.run_ms(5);
    [0, 1, 3].into_iter().for_each(|node| world.crash(node));
    world.heal();
    decide(&mut world, 104, 10_000);
}

#[test]
fn an_outage_of_an_hour_costs_seconds() {
    let mut world = World::new(19, 4);
    submit_to_all(&mut world);
    for from in 0..4 {
        for to in 0..4 {
            world.cut.insert((from, to));
        }
    }
    world.run_ms(3_600_000);
    world.cut.clear();
    decide(&mut world, 1, 10_000);
}

#[test]
fn quorum_lost_and_back() {
    let mut world = World::new(20, 4);
    submit_to_all(&mut world);
    decide(&mut world, 1, 1_000);
    world.crash(0);
    world.crash(1);
    world.submit(&[2, 3]);
    world.run_ms(60_000);
    assert_eq!(world.heights(), vec![1; 4]);
    world.heal();
    decide(&mut world, 2, 5_000);
}

#[test]
fn evidence_names_the_equivocator_alone() {
    let mut world = World::new(21, 4);
    world.make_equivocator(0);
    for height in 1..=5 {
        world.submit(&[1, 2, 3]);
        decide(&mut world, height, 20_000);
    }
    assert_eq!(world.oracle.evidence, BTreeSet::from([0]));
}

/// Found by seed 71 of the equivocator: a node that precommits nil without having prevoted leaves the others one prevote short for ever,
/// where the last nil prevote it counted was shown to it alone and a crash took it.
#[test]
fn a_nil_prevote_shown_to_one_node_alone() {
    let mut world = World::stopped(22, 4);
    world.make_equivocator(3);
    world.equivocator = None;
    (0..3).for_each(|node| world.start(node));
    // Nodes 0 and 2 wait for a proposal of node 1, which has no record and is woken by their nil prevotes; then it hears
    // the third nil prevote, which nobody else hears.
    world.run_ms(20);
    world.submit(&[0, 2]);
    world.run_ms(350);
    let vote = signed_vote(3, VoteKind::Prevote, VoteSubject { height: 1, round: 0, block: None });
    world.send_message(3, 1, &vote);
    world.run_ms(35);
    world.crash(1);
    world.start(1);
    world.submit(&[0, 1, 2]);
    decide(&mut world, 1, 10_000);
}

/// Rule 6 alone can end this: a node is locked, its own proposals never arrive, and a fourth node is down, so the others
/// need its prevote and must propose its block.
#[test]
fn a_hidden_lock_whose_holder_cannot_propose() {
    let mut world = World::new(23, 4);
    submit_to_all(&mut world);
    // Node 3 misses the proposal and prevotes nil; the prevote of node 0 reaches nobody, so only node 0 sees the polka.
    world.filter = Some(Box::new(|from, to, message| match message {
        Message::Proposal(it) => it.subject.round > 0 || to != 3,
        Message::Vote(it) => it.subject.round > 0 || from != 0,
        Message::Certificate(_) => from != 0,
        Message::Status(_) => true,
    }));
    let on = |world: &World, node: usize| world.nodes[node].engine.as_ref().is_some_and(|it| it.round() > 0);
    assert!(world.run_until(5_000, |world| on(world, 1) && on(world, 2)));
    let locked = world.nodes[0].engine.as_ref().and_then(|engine| engine.locked()).expect("node 0 is locked");
    assert!((1..3).all(|node| world.nodes[node].engine.as_ref().is_some_and(|it| it.locked().is_none())));
    world.crash(3);
    world.filter = Some(Box::new(|from, _, message| from != 0 || !matches!(message, Message::Proposal(_))));
    decide(&mut world, 1, 20_000);
    assert_eq!(decided_block(&world, 0, 1), locked.block);
}

#[test]
fn a_diverged_node_halts_and_the_others_go_on() {
    let mut world = World::new(24, 4);
    world.nodes[3].diverges = true;
    world.oracle.byzantine.insert(3);
    submit_to_all(&mut world);
    assert!(world.run_until(3_000, |world| world.halted.contains(&3)), "a certificate for what it finds invalid");
    decide(&mut world, 1, 5_000);
    // It never votes again.
    world.filter = Some(Box::new(|from, _, message| {
        assert!(from != 3 || vote_of(message).is_none(), "{message:?}");
        true
    }));
    for height in 2..=4 {
        world.submit(&[0, 1, 2]);
        decide(&mut world, height, 5_000);
    }
}

/// Others froze records while rounds changed, to avoid empty blocks.
#[test]
fn a_record_that_arrives_while_rounds_change_is_in_the_next_block() {
    let mut world = World::new(25, 4);
    submit_to_all(&mut world);
    // Nobody hears a proposal until round 3.
    world.filter = Some(Box::new(|_, _, message| match message {
        Message::Proposal(it) => it.subject.round >= 3,
        _ => true,
    }));
    assert!(world.run_until(10_000, |world| rounds(world).into_iter().flatten().any(|round| round == 2)));
    assert_eq!(world.heights(), vec![0; 4]);
    submit_to_all(&mut world);
    let late = world.submitted;
    decide(&mut world, 1, 10_000);
    let block = &world.nodes[0].disk.block(1).expect("decided").0;
    assert!(super::chain::records_of(block).contains(&late), "{:?}", super::chain::records_of(block));
}

#[test]
fn a_lagging_validator_goes_back_to_block_sync_as_often_as_needed() {
    let mut world = World::new(26, 4);
    let mut height = 0;
    for lag in [1, 2, 7, 30] {
        let links: Vec<_> = (0..3).flat_map(|other| [(other, 3), (3, other)]).collect();
        world.cut.extend(links);
        for _ in 0..lag {
            height += 1;
            world.submit(&[0, 1, 2]);
            let done = world.run_until(10_000, |world| (0..3).all(|node| world.height(node) >= height));
            assert!(done && world.violation.is_none(), "{:?}", world.violation);
        }
        assert_eq!(world.height(3) + lag, height, "it stood still");
        world.cut.clear();
        decide(&mut world, height, 20_000);
        // It votes again, and not only follows: one of the others is missing.
        height += 1;
        world.crash(0);
        world.submit(&[1, 2, 3]);
        decide(&mut world, height, 20_000);
        world.start(0);
        decide(&mut world, height, 20_000);
    }
}

/// One node decides and the others, who precommitted, are cut off from it while a faulty validator pulls them through
/// further rounds: they never give the head below a fresh quorum of cosignatures.
#[test]
fn no_fresh_quorum_for_the_head_below_a_decision() {
    let mut world = World::new(27, 4);
    submit_to_all(&mut world);
    decide(&mut world, 1, 2_000);
    world.make_equivocator(3);
    // Its key is in the hands of this test.
    world.equivocator = None;
    world.submit(&[0, 1, 2]);
    world.filter = Some(Box::new(|_, to, message| to == 2 || !is_precommit(message)));
    assert!(world.run_until(5_000, |world| world.height(2) == 2));
    world.filter = None;
    world.cut.extend([(2, 0), (0, 2), (2, 1), (1, 2)]);
    let mut round_max = 0;
    for _ in 0..200 {
        for (round, kind) in (0..4).flat_map(|round| [(round, VoteKind::Prevote), (round, VoteKind::Precommit)]) {
            let vote = signed_vote(3, kind, VoteSubject { height: 2, round, block: None });
            (0..2).for_each(|to| world.send_message(3, to, &vote));
        }
        world.run_ms(50);
        let later_ms = world.now_ms + DAY_MS;
        for node in 0..2 {
            let engine = world.nodes[node].engine.as_ref().expect("up");
            assert_eq!(engine.height(), 2);
            assert!(engine.clone().cosign(later_ms).is_err(), "round {}", engine.round());
            round_max = round_max.max(engine.round());
        }
    }
    assert!(round_max >= 2, "round {round_max}");
    world.heal();
    decide(&mut world, 2, 10_000);
}
