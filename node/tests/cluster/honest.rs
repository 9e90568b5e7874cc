//! Everybody keeps the rules, and the network loses nothing.

use crate::seeds;
use crate::support::{domicile_record, results, signed};
use crate::world::{FOUL, World};

#[test]
fn records_submitted_anywhere_are_final_everywhere_once() {
    seeds("records", 6, |seed| {
        let mut world = World::up(seed);
        if seed % 2 == 1 {
            world.weather = FOUL;
        }
        let mut requests = Vec::new();
        for number in 0..40 {
            let record = domicile_record(number, world.now_ms);
            requests.push(world.submit(number as usize % 4, record, None));
            let pause = world.rng.between(0, 100);
            world.run_for(pause);
        }
        world.run_until(120_000, "all recorded", |world| requests.iter().all(|it| world.is_recorded(*it)));
        world.run_until(60_000, "all agree", |world| world.agree_at(1));
        world.check();
        let roots: Vec<_> = world.nodes.iter().map(|node| node.view().head().state_root).collect();
        assert!(roots.iter().all(|root| *root == roots[0]));
    });
}

#[test]
fn a_batch_travels_with_its_leaf_list() {
    seeds("batch", 2, |seed| {
        let mut world = World::up(seed);
        let (call, list) = results(1, 300, world.now_ms);
        let record = signed("education-board", &call, 1, world.now_ms);
        let request = world.submit(1, record, Some(list.clone()));
        world.run_until(10_000, "the batch is recorded", |world| world.is_recorded(request));
        world.run_until(10_000, "all agree", |world| world.agree_at(1));
        world.check();
        for node in &world.nodes {
            assert_eq!(node.view().attachment(&list.root()).unwrap(), Some(list.clone()));
        }
    });
}
