//! Sets of more than four, and nodes that are no validators.

use crate::seeds;
use crate::world::{FOUL, World};

#[test]
fn sets_of_five_six_and_seven_bear_as_many_down_as_they_must() {
    for n in [5, 6, 7] {
        seeds("larger", 2, |seed| {
            let mut world = World::with(seed, n);
            world.start_all();
            if seed % 2 == 1 {
                world.weather = FOUL;
            }
            let up = n - (n - 1) / 3;
            for node in up..n {
                world.crash(node);
            }
            let requests: Vec<_> = (0..6)
                .map(|number| {
                    world.run_for(300);
                    let record = world.domicile(number);
                    world.submit(number as usize % up, record, None)
                })
                .collect();
            world.run_until(120_000, "all recorded", |world| requests.iter().all(|it| world.is_recorded(*it)));
            world.start_all();
            world.run_until(60_000, "all agree", |world| world.agree_at(1));
            world.check();
        });
    }
}

#[test]
fn observers_follow_and_take_records() {
    seeds("observers", 2, |seed| {
        let mut world = World::with(seed, 4);
        let observer = world.add_observer("press");
        world.start_all();
        world.run_for(1_500);
        let record = world.domicile(1);
        let request = world.submit(observer, record, None);
        world.run_until(20_000, "recorded", |world| world.is_recorded(request));
        world.run_until(20_000, "all agree", |world| world.agree_at(1));
        world.check();
    });
}

#[test]
fn one_way_cuts_that_never_heal_stop_nothing_with_one_down() {
    seeds("one way", 4, |seed| {
        let mut world = World::with(seed, 4);
        world.start_all();
        world.run_for(500);
        let down = (seed % 4) as usize;
        world.crash(down);
        // Of the three that are needed one never hears another.
        world.cut_one_way((down + 1) % 4, (down + 2) % 4);
        let requests: Vec<_> = (0..6)
            .map(|number| {
                world.run_for(2_000);
                let record = world.domicile(number);
                world.submit((down + 1 + number as usize % 3) % 4, record, None)
            })
            .collect();
        world.run_until(120_000, "all recorded", |world| requests.iter().all(|it| world.is_recorded(*it)));
        world.run_until(60_000, "all agree", |world| world.agree_at(1));
        world.check();
    });
}
