//! Nothing to record: no blocks, few messages, fresh cosignatures.

use dalil_node::core::Message;

use crate::seeds;
use crate::support::domicile_record;
use crate::world::World;

fn freshness(world: &World) -> Vec<u64> {
    let published = world.nodes.iter().map(|node| node.running.as_ref().and_then(|it| it.published.as_ref()));
    published.map(|it| it.map_or(0, |published| published.freshness_ms)).collect()
}

#[test]
fn an_idle_chain_makes_no_blocks_and_stays_fresh() {
    seeds("idle", 2, |seed| {
        let mut world = World::up(seed);
        let record = domicile_record(1, world.now_ms);
        let request = world.submit(0, record, None);
        world.run_until(10_000, "recorded", |world| world.is_recorded(request));
        world.run_for(30_000);
        let height = world.height(0);
        let before = freshness(&world);
        world.sent.clear();
        world.run_for(300_000);
        assert!(world.agree_at(height) && world.height(0) == height, "a block without a record");
        for (before, after) in before.iter().zip(freshness(&world)) {
            assert!(*before > 0 && after > *before && after + 40_000 > world.now_ms, "{before} {after}");
        }
        let proposals = world.sent.iter().filter(|sent| matches!(sent, Message::Compact(_))).count();
        assert_eq!(proposals, 0);
        // Twelve pairs, a status a second and a cosignature in fifteen.
        assert!(world.sent.len() < 12 * 300 * 3, "{} messages in five idle minutes", world.sent.len());
        let record = domicile_record(2, world.now_ms);
        let request = world.submit(3, record, None);
        world.run_until(5_000, "it wakes", |world| world.is_recorded(request));
        world.run_until(5_000, "all agree", |world| world.agree_at(height + 1));
        assert!(world.notices.is_empty(), "{:?}", world.notices);
        world.check();
    });
}

#[test]
fn the_only_waiting_record_expires_without_a_quorum() {
    seeds("expires", 2, |seed| {
        let mut world = World::up(seed);
        world.run_for(1_000);
        world.crash(2);
        world.crash(3);
        let record = domicile_record(1, world.now_ms);
        let request = world.submit(0, record, None);
        world.run_for(crate::support::EXPIRES_AFTER_MS + 60_000);
        world.start(2);
        world.start(3);
        world.run_until(120_000, "it is refused", |world| world.outcome(request) == "T_EXPIRED");
        world.run_for(30_000);
        assert!(world.nodes.iter().all(|node| node.running.as_ref().is_some_and(|it| it.core.standing().pending == 0)));
        let height = world.height(0);
        world.run_for(60_000);
        assert!(world.agree_at(height) && world.height(0) == height, "the chain comes to rest");
        world.check();
    });
}
