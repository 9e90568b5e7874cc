//! Nodes that catch up by snapshot, whoever is among their sources and whenever they crash.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use dalil_ledger::snapshot::{Chunk, IdExpiry, Restore};
use dalil_ledger::state::commitment::Subtree;
use dalil_ledger::store::{Batch, Family, Kv as _, Ledger};
use dalil_node::core::SyncSettings;
use dalil_node::core::message::{Message, Part, PartName, SYNC_BLOCKS_MAX};
use dalil_node::core::progress::Progress;
use dalil_node::core::serve::{self, Request};

use crate::seeds;
use crate::simulator::world::Tamper;
use crate::support::key_of;
use crate::world::World;

/// A short chain is a long one to these nodes, and the state of genesis is many parts.
const SMALL: SyncSettings = SyncSettings { snapshot_after: 20, snapshot_every: 10, snapshot_part_bytes: 3_000 };
/// The node that falls behind.
const LATE: usize = 3;

fn world(seed: u64) -> World {
    world_with(seed, SMALL)
}

fn world_with(seed: u64, sync: SyncSettings) -> World {
    let mut world = World::new(seed);
    world.nodes.iter_mut().for_each(|node| node.sync = sync);
    world.keep_sent = false;
    world.start_all();
    world
}

/// As many blocks, each with a record; `from` tells records of one world apart.
fn grow(world: &mut World, entry: usize, from: u64, blocks: u64) {
    for number in from..from + blocks {
        let record = world.domicile(number);
        let request = world.submit(entry, record, None);
        world.run_until(60_000, "recorded", |world| world.is_recorded(request));
    }
}

/// Far from genesis, also for a node that got one answer full of blocks before it knew how far behind it is.
const FAR: u64 = SYNC_BLOCKS_MAX as u64 + 46;

/// A node that has lost its database and is down, and a chain that is far ahead of genesis.
fn late(world: &mut World) {
    grow(world, 0, 0, FAR);
    world.crash(LATE);
    world.nodes[LATE].wipe();
}

fn restored(world: &World, node: usize) -> bool {
    world.restored.iter().any(|(restored, _)| *restored == node)
}

/// How many chunks the late node holds.
fn held(world: &World) -> u64 {
    match world.nodes[LATE].running.as_ref().unwrap().core.standing().progress {
        Progress::Snapshot { snapshot, .. } => snapshot.chunks,
        _ => 0,
    }
}

/// The late node is where the others are, by snapshot, and its vote decides.
fn must_restore_and_vote(world: &mut World) {
    world.run_until(240_000, "restored", |world| restored(world, LATE));
    world.run_until(120_000, "caught up", |world| world.agree_at(FAR));
    world.tamper.clear();
    world.crash(0);
    grow(world, 1, 1_000, 3);
    world.start(0);
    world.run_until(60_000, "all agree", |world| world.agree_at(FAR + 3));
    assert!(world.nodes[LATE].view().base().height >= FAR - 10);
    world.check();
}

#[test]
fn a_node_far_behind_restores_a_snapshot_and_then_its_vote_is_needed() {
    seeds("snapshot", 2, |seed| {
        let mut world = world(seed);
        late(&mut world);
        world.start(LATE);
        must_restore_and_vote(&mut world);
    });
}

#[test]
fn a_node_a_little_behind_goes_by_blocks() {
    let mut world = world(1);
    world.crash(LATE);
    grow(&mut world, 0, 0, 15);
    world.start(LATE);
    world.run_until(60_000, "caught up", |world| world.agree_at(15));
    assert!(world.restored.is_empty());
    assert!(world.nodes[LATE].view().block(1).unwrap().is_some());
    world.check();
}

#[test]
fn a_crash_at_any_write_of_a_restore_loses_nothing() {
    let mut world = world(2);
    late(&mut world);
    let (mut writes, mut cut_short) = (0, 0);
    loop {
        writes += 1;
        world.nodes[LATE].wipe();
        world.restored.clear();
        world.crash_after_writes = Some((LATE, writes));
        world.start(LATE);
        world.run_until(240_000, "a crash, or the end", |world| !world.is_up(LATE) || restored(world, LATE));
        let crashed = !world.is_up(LATE);
        world.crash_after_writes = None;
        if crashed {
            let view = world.nodes[LATE].view();
            let whole = view.base().height == 0 || view.base().height >= FAR - 10;
            assert!(whole && view.head().height >= view.base().height, "half a ledger: {:?}", view.head());
            let begun = world.nodes[LATE].disk.kv.snapshot().last(Family::Restore).unwrap();
            cut_short += u32::from(begun.is_some());
            world.start(LATE);
        }
        world.run_until(240_000, "caught up", |world| world.agree_at(FAR));
        grow(&mut world, 1, 10_000 + writes, 1);
        world.run_until(240_000, "all agree", |world| world.agree_at(FAR));
        world.check();
        if !crashed {
            break;
        }
        world.crash(LATE);
    }
    assert!(cut_short > 15, "{cut_short} of {writes} crashes in a restore");
}

#[test]
fn a_restore_that_was_cut_short_goes_on_with_what_it_had() {
    let mut world = world(3);
    late(&mut world);
    world.start(LATE);
    world.run_until(240_000, "under way", |world| held(world) >= 5);
    world.crash(LATE);
    world.start(LATE);
    let standing = world.nodes[LATE].running.as_ref().unwrap().core.standing();
    let Progress::Snapshot { snapshot, .. } = standing.progress else { panic!("{standing:?}") };
    assert!(snapshot.chunks > 2 && snapshot.chunks < snapshot.chunks_known, "{snapshot:?}");
    must_restore_and_vote(&mut world);
}

/// Parts of snapshots only; everything else is sent as it is.
fn parts(mut alter: impl FnMut(Part) -> Option<Part> + 'static) -> Tamper {
    Box::new(move |message| match message {
        Message::Part { snapshot, part } => alter(part).map(|part| Message::Part { snapshot, part }),
        other => Some(other),
    })
}

/// Two of the three sources are as bad as that.
fn with_bad_sources(seed: u64, tamper: impl Fn() -> Tamper) -> World {
    with_bad_sources_and(seed, SMALL, tamper)
}

fn with_bad_sources_and(seed: u64, sync: SyncSettings, tamper: impl Fn() -> Tamper) -> World {
    let mut world = world_with(seed, sync);
    late(&mut world);
    for liar in [0, 1] {
        world.expect_nothing_of(liar);
        world.tamper.insert(liar, tamper());
    }
    world.start(LATE);
    world
}

/// Whoever was asked for what it forged, and nobody else.
fn liars_are_scored(world: &World, what: &str) {
    let honest = world.nodes[2].peer;
    let scored: Vec<_> = world.scores.iter().filter(|(node, _, why)| *node == LATE && why.contains(what)).collect();
    assert!(!scored.is_empty() && scored.iter().all(|(_, peer, _)| *peer != honest), "{:?}", world.scores);
}

#[test]
fn forged_chunks_are_refused_and_asked_of_another() {
    seeds("forged chunk", 3, |seed| {
        let forge = || {
            parts(|part| {
                Some(match part {
                    Part::Chunk(prefix, Chunk::Entries(mut entries)) if !entries.is_empty() => {
                        entries[0].value.push(7);
                        Part::Chunk(prefix, Chunk::Entries(entries))
                    }
                    other => other,
                })
            })
        };
        let mut world = with_bad_sources(seed, forge);
        world.run_until(240_000, "restored", |world| restored(world, LATE));
        liars_are_scored(&world, "chunk");
        must_restore_and_vote(&mut world);
    });
}

#[test]
fn truncated_chunks_and_split_ones_that_are_none_are_refused() {
    seeds("truncated", 3, |seed| {
        let truncate = || {
            parts(|part| {
                Some(match part {
                    Part::Chunk(prefix, Chunk::Entries(mut entries)) => {
                        entries.pop();
                        Part::Chunk(prefix, Chunk::Entries(entries))
                    }
                    Part::Chunk(prefix, Chunk::Split(mut slots)) => {
                        slots.rotate_left(1);
                        Part::Chunk(prefix, Chunk::Split(slots))
                    }
                    other => other,
                })
            })
        };
        let mut world = with_bad_sources(seed, truncate);
        must_restore_and_vote(&mut world);
    });
}

#[test]
fn a_forged_window_is_refused_and_a_replay_with_it() {
    seeds("forged window", 4, |seed| {
        let forge = move || {
            parts(move |part| {
                let Part::Window(mut blocks) = part else { return Some(part) };
                for block in &mut blocks {
                    match seed {
                        // Another id in the place of the one to be replayed.
                        0 => block.ids.iter_mut().for_each(|id| id.id.0[0] ^= 1),
                        1 => block.ids.clear(),
                        // An expiry that has passed.
                        2 => block.ids.iter_mut().for_each(|id| *id = IdExpiry { expires_at_ms: 0, ..*id }),
                        // A whole block of another kind.
                        _ => {
                            block.ids.clear();
                            block.header.record_count = 0;
                            block.header.ids_hash = dalil_ledger::block::ids_hash(&[]);
                        }
                    }
                }
                Some(Part::Window(blocks))
            })
        };
        let mut world = with_bad_sources(seed, forge);
        world.run_until(240_000, "restored", |world| restored(world, LATE));
        world.run_until(120_000, "caught up", |world| world.agree_at(FAR));
        liars_are_scored(&world, "window");
        // Every record of the chain is still in its hour: none is taken again.
        let view = world.nodes[0].view();
        let index = view.block(5).unwrap().unwrap().header.first_entry;
        let Some(dalil_ledger::block::Entry::Record(record)) = view.entry(index).unwrap() else { panic!("no record") };
        assert!(index < world.nodes[LATE].view().base().index);
        let request = world.submit(LATE, record, None);
        world.run_until(10_000, "refused", |world| world.outcome(request) != "none");
        assert_eq!(world.outcome(request), "T_DUPLICATE");
        must_restore_and_vote(&mut world);
    });
}

#[test]
fn an_offer_with_another_state_root_is_refused() {
    seeds("wrong root", 2, |seed| {
        let forge = || -> Tamper {
            Box::new(|message| match message {
                Message::Snapshot(mut offer) => {
                    offer.header.state_root.0[3] ^= 1;
                    Some(Message::Snapshot(offer))
                }
                other => Some(other),
            })
        };
        let mut world = with_bad_sources(seed, forge);
        world.run_until(240_000, "restored", |world| restored(world, LATE));
        liars_are_scored(&world, "snapshot");
        must_restore_and_vote(&mut world);
    });
}

#[test]
fn sources_that_fall_silent_are_passed_over() {
    seeds("silent", 3, |seed| {
        let mut world = with_bad_sources(seed, || {
            let mut sent = 0;
            parts(move |part| {
                sent += 1;
                (sent <= 2).then_some(part)
            })
        });
        must_restore_and_vote(&mut world);
    });
}

#[test]
fn a_snapshot_that_nobody_sends_any_more_gives_way_to_blocks() {
    let mut world = world(7);
    late(&mut world);
    for source in 0..3 {
        world.tamper.insert(source, parts(|_| None));
    }
    world.start(LATE);
    world.run_until(240_000, "caught up by blocks", |world| world.agree_at(FAR));
    assert!(world.restored.is_empty());
    grow(&mut world, 0, 1_000, 3);
    world.run_until(60_000, "all agree", |world| world.agree_at(FAR + 3));
    world.check();
}

#[test]
fn sources_that_restart_in_the_middle_are_found_again() {
    seeds("sources restart", 3, |seed| {
        let mut world = world(seed);
        late(&mut world);
        world.start(LATE);
        let chunks = world.rng.between(1, 8);
        world.run_until(240_000, "under way", |world| held(world) >= chunks);
        assert!(!restored(&world, LATE));
        for source in 0..3 {
            world.crash(source);
        }
        world.run_for(2_000);
        for source in 0..3 {
            world.start(source);
        }
        must_restore_and_vote(&mut world);
    });
}

#[test]
fn a_snapshot_stays_in_one_piece_while_the_chain_goes_on() {
    seeds("going on", 3, |seed| {
        let mut world = world(seed);
        late(&mut world);
        world.start(LATE);
        // A block every few hundred milliseconds, and snapshots that are replaced meanwhile.
        for number in 0..60 {
            let record = world.domicile(2_000 + number);
            world.submit((number % 3) as usize, record, None);
            let pause = world.rng.between(100, 400);
            world.run_for(pause);
        }
        world.run_until(240_000, "restored", |world| restored(world, LATE));
        must_restore_and_vote(&mut world);
    });
}

#[test]
fn a_restored_node_offers_no_snapshot_before_its_window_is_whole_and_then_it_is_enough() {
    let mut world = world(11);
    // One after the other loses its database; the first two stay away afterwards.
    late(&mut world);
    world.start(LATE);
    world.run_until(240_000, "restored", |world| restored(world, LATE) && world.agree_at(FAR));
    world.crash(2);
    world.nodes[2].wipe();
    grow(&mut world, 0, 1_000, 5);
    world.start(2);
    world.run_until(240_000, "restored", |world| restored(world, 2) && world.agree_at(FAR + 5));
    // An hour and more: both hold the whole window now.
    for number in 0..8 {
        world.run_for(10 * 60_000);
        grow(&mut world, 0, 2_000 + 10 * number, 10);
    }
    world.run_until(60_000, "all agree", |world| world.agree_at(FAR + 85));
    world.crash(0);
    world.crash(1);
    world.nodes[1].wipe();
    // Nobody who is up holds the first blocks.
    world.nodes[1].sync.snapshot_after = 1_000_000;
    world.restored.clear();
    world.start(1);
    world.run_until(240_000, "restored", |world| restored(world, 1));
    world.run_until(120_000, "caught up", |world| world.agree_at(FAR + 85));
    grow(&mut world, 1, 5_000, 2);
    world.run_until(60_000, "all agree", |world| world.agree_at(FAR + 87));
    world.check();
}

/// Nothing of this kind is sent.
fn without(unwanted: fn(&Message) -> bool) -> Tamper {
    Box::new(move |message| (!unwanted(&message)).then_some(message))
}

#[test]
fn a_window_below_what_a_restored_node_holds_is_no_part_and_stops_nothing() {
    let mut world = world(12);
    late(&mut world);
    world.start(LATE);
    world.run_until(240_000, "restored", |world| restored(world, LATE) && world.agree_at(FAR));
    // An hour and more: it holds the whole window now, and offers snapshots.
    for number in 0..8 {
        world.run_for(10 * 60_000);
        grow(&mut world, 0, 2_000 + 10 * number, 10);
    }
    let (asker, stranger) = (world.nodes[0].peer, key_of("observer").public());
    world.keep_sent = true;
    world.inject(asker, LATE, &Message::FetchSnapshot(FAR));
    world.run_for(1_000);
    let offered = world.sent.iter().find_map(|message| match message {
        Message::Snapshot(offer) => Some(offer.id()),
        _ => None,
    });
    let snapshot = offered.unwrap();
    for below in [0, world.nodes[LATE].view().first_block() - 1] {
        world.inject(stranger, LATE, &Message::FetchPart { snapshot, name: PartName::Window(below) });
    }
    world.run_for(1_000);
    assert_eq!(world.scores.iter().filter(|(node, peer, _)| (*node, *peer) == (LATE, stranger)).count(), 2);
    world.check();
    // Nor would it, if such a request came as far as a worker.
    let request = Request::Part(PartName::Window(0), SMALL.snapshot_part_bytes);
    assert_eq!(serve::answer(&world.nodes[LATE].view(), &request), Ok(None));
}

#[test]
fn a_split_with_a_leaf_in_another_slot_is_refused() {
    seeds("another slot", 2, |seed| {
        let misplace = || {
            parts(|part| {
                let Part::Chunk(prefix, Chunk::Split(mut slots)) = part else { return Some(part) };
                // The hash of the split stays the same.
                if let Some(pair) = slots.chunks_exact_mut(2).find(|pair| {
                    matches!(pair, [Subtree::Leaf { .. }, Subtree::Empty] | [Subtree::Empty, Subtree::Leaf { .. }])
                }) {
                    pair.swap(0, 1);
                }
                Some(Part::Chunk(prefix, Chunk::Split(slots)))
            })
        };
        // Every key is a part, so that many are split.
        let mut world = with_bad_sources_and(seed, EVERY_KEY, misplace);
        world.run_until(240_000, "restored", |world| restored(world, LATE));
        liars_are_scored(&world, "chunk");
        must_restore_and_vote(&mut world);
    });
}

/// What the late node has on its disk of a restore.
fn begun(world: &World) -> Option<Restore> {
    let ledger = Ledger::open(Arc::new(world.nodes[LATE].disk.kv.clone()), None).unwrap();
    Restore::resume(&ledger).unwrap()
}

#[test]
fn a_restore_that_wants_what_nobody_can_send_is_begun_anew() {
    let mut world = world(14);
    late(&mut world);
    world.start(LATE);
    world.run_until(240_000, "under way", |world| held(world) >= 5);
    world.crash(LATE);
    // A wanted subtree whose hash is no subtree's, as one in the wrong place is.
    let kv = &world.nodes[LATE].disk.kv;
    let parts = kv.snapshot().scan(Family::Restore, b"part/", &[], usize::MAX).unwrap();
    let is_wanted = |value: &[u8]| value[..4] == [0; 4];
    let (key, mut value) = parts.into_iter().find(|(_, value)| is_wanted(value)).unwrap();
    value[4] ^= 1;
    let mut batch = Batch::default();
    batch.put(Family::Restore, key, value);
    kv.write(batch).unwrap();
    // It blames the honest for it, once; and no blocks help it.
    world.expect_nothing_of(LATE);
    (0..3).for_each(|source| {
        world.tamper.insert(source, without(|message| matches!(message, Message::Decided(_))));
    });
    world.start(LATE);
    world.run_until(60_000, "restored", |world| restored(world, LATE));
    world.tamper.clear();
    world.run_until(60_000, "caught up", |world| world.agree_at(FAR));
    assert!(begun(&world).is_none());
}

#[test]
fn a_restore_that_was_complete_at_a_crash_is_finished_though_nobody_is_there() {
    let mut world = world(15);
    late(&mut world);
    world.start(LATE);
    let is_complete = |world: &World| {
        let standing = world.nodes[LATE].running.as_ref().unwrap().core.standing();
        let Progress::Snapshot { snapshot, .. } = standing.progress else { return false };
        snapshot.chunks == snapshot.chunks_known && begun(world).is_some_and(|restore| restore.is_complete())
    };
    // The last part is durable, the last write is not.
    world.run_until(240_000, "complete", is_complete);
    world.crash(LATE);
    assert!(world.restored.is_empty());
    let parts = world.nodes[LATE].disk.kv.snapshot().scan(Family::Restore, &[], &[], usize::MAX).unwrap();
    world.part(&[LATE], &[0, 1, 2]);
    world.start(LATE);
    world.run_until(5_000, "finished", |world| restored(world, LATE));
    world.heal();
    must_restore_and_vote(&mut world);

    // The same again, above which the head is by now: it is dropped, and the head does not go back.
    world.crash(LATE);
    let mut batch = Batch::default();
    parts.into_iter().for_each(|(key, value)| batch.put(Family::Restore, key, value));
    world.nodes[LATE].disk.kv.write(batch).unwrap();
    assert!(begun(&world).is_some_and(|restore| restore.is_complete()));
    world.restored.clear();
    world.part(&[LATE], &[0, 1, 2]);
    world.start(LATE);
    world.run_for(5_000);
    assert!(begun(&world).is_none() && world.restored.is_empty());
    assert_eq!(world.height(LATE), world.height(0));
    world.heal();
    grow(&mut world, 0, 3_000, 2);
    world.run_until(60_000, "all agree", |world| world.agree_at(FAR + 5));
    world.check();
}

/// Every key of the state is a part of its own, and every block of the window.
const EVERY_KEY: SyncSettings = SyncSettings { snapshot_part_bytes: 1, ..SMALL };

/// A source that sends every part just before its time is over: the test lets them go.
struct Trickle {
    source: usize,
    kept: Rc<RefCell<Vec<Message>>>,
}

/// A block that a validator is sent unasked. The late node gets none, as if it were none.
fn is_unasked(message: &Message) -> bool {
    matches!(message, Message::Decided(blocks) if blocks.len() == 1)
}

impl Trickle {
    /// The late node starts, with a source that trickles and two that send no part.
    fn start(world: &mut World) -> Self {
        let trickle = Self { source: 1, kept: Rc::default() };
        world.expect_nothing_of(trickle.source);
        let kept = trickle.kept.clone();
        let keep: Tamper = Box::new(move |message| match message {
            Message::Part { .. } => {
                kept.borrow_mut().push(message);
                None
            }
            other => (!is_unasked(&other)).then_some(other),
        });
        world.tamper.insert(trickle.source, keep);
        for silent in [0, 2] {
            let no_part = without(|message| matches!(message, Message::Part { .. }) || is_unasked(message));
            world.tamper.insert(silent, no_part);
        }
        world.start(LATE);
        trickle
    }

    fn run_for(&self, world: &mut World, ms: u64) {
        let (end, peer) = (world.now_ms + ms, world.nodes[self.source].peer);
        while world.now_ms < end {
            world.run_for(2_800);
            for part in self.kept.take() {
                world.inject(peer, LATE, &part);
            }
        }
    }
}

#[test]
fn a_source_that_trickles_does_not_outrank_those_that_once_failed() {
    let mut world = world_with(16, EVERY_KEY);
    late(&mut world);
    let trickle = Trickle::start(&mut world);
    trickle.run_for(&mut world, 8_000);
    world.tamper.retain(|source, _| *source == trickle.source);
    trickle.run_for(&mut world, 80_000);
    assert!(restored(&world, LATE), "{}", world.standing(LATE));
    must_restore_and_vote(&mut world);
}

#[test]
fn a_snapshot_that_only_trickles_in_gives_way_to_blocks_in_the_end() {
    let mut world = world_with(17, EVERY_KEY);
    late(&mut world);
    let trickle = Trickle::start(&mut world);
    trickle.run_for(&mut world, 200_000);
    assert_eq!(world.height(LATE), 0, "it still gets on");
    trickle.run_for(&mut world, 120_000);
    assert!(world.agree_at(FAR) && world.restored.is_empty(), "{}", world.standing(LATE));
    world.check();
}

#[test]
fn a_part_of_one_source_is_checked_once_though_another_lies_meanwhile() {
    seeds("liar beside", 6, |seed| {
        let mut world = world(seed);
        late(&mut world);
        world.expect_nothing_of(0);
        let forge = parts(|part| match part {
            Part::Chunk(prefix, Chunk::Split(mut slots)) => {
                slots[0] = Subtree::Branch(dalil_ledger::crypto::Hash([7; 32]));
                Some(Part::Chunk(prefix, Chunk::Split(slots)))
            }
            other => Some(other),
        });
        world.tamper.insert(0, forge);
        let work_ms = std::mem::replace(&mut world.work_ms, (300, 1_500));
        world.start(LATE);
        // The oracle objects where an honest one is blamed.
        world.run_until(240_000, "restored", |world| restored(world, LATE));
        world.work_ms = work_ms;
        must_restore_and_vote(&mut world);
    });
}

#[test]
fn observers_that_say_they_lack_the_blocks_do_not_cost_a_node_its_history() {
    let mut world = world(18);
    let observer = world.add_observer("press");
    world.start(observer);
    grow(&mut world, 0, 0, 15);
    world.run_until(60_000, "all agree", |world| world.agree_at(15));
    world.crash(LATE);
    grow(&mut world, 0, 1_000, 7);
    world.run_until(60_000, "all agree", |world| world.agree_at(22));
    for liar in [1, observer] {
        world.expect_nothing_of(liar);
        let lacks: Tamper = Box::new(|message| match message {
            Message::Decided(_) => Some(Message::HeldFrom(u64::MAX)),
            other => Some(other),
        });
        world.tamper.insert(liar, lacks);
    }
    // The others are slow to answer, and an offer would come at once.
    for slow in [0, 2] {
        world.tamper.insert(slow, without(|message| matches!(message, Message::Decided(_))));
    }
    world.start(LATE);
    world.run_for(15_000);
    world.tamper.retain(|node, _| ![0, 2].contains(node));
    world.run_until(60_000, "caught up", |world| world.agree_at(22));
    assert!(world.restored.is_empty());
    assert!(world.nodes[LATE].view().block(1).unwrap().is_some());
    world.check();
}
