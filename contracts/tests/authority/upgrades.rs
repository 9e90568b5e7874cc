//! Upgrades of the protocol by vote, bound to a height.

use dalil_contracts::authority::upgrade::{PROTOCOL_VERSION, Protocol, UPGRADES_WAITING_MAX};

use super::*;

fn to(version: u32, from_height: u64) -> Matter {
    Matter::Upgrade { version, from_height }
}

#[test]
fn a8_an_upgrade_is_bound_to_a_height_comes_with_notice_and_goes_up() {
    let mut world = World::west_bengal();
    let from_ms = START_MS + DAY_MS;
    assert_eq!(Protocol::read(&world.state).unwrap().at(u64::MAX), PROTOCOL_VERSION);
    let vote = |world: &mut World, matter| {
        let (ballot, choice) = (token("B-0"), Choice::Approve);
        let call = AuthorityCall::Vote { ballot, matter, effective_from_ms: from_ms, choice };
        code(administer(world, "it/voter", call))
    };
    let soon = world.height + 1;
    assert_eq!(vote(&mut world, to(2, soon)), "A8");
    assert_eq!(vote(&mut world, to(PROTOCOL_VERSION, 90)), "A8");
    let outcome = decide(&mut world, "B-1", &to(2, 90), from_ms).unwrap();
    assert_eq!(outcome.events[1].name, "authority.upgrade_carried");
    assert_eq!(vote(&mut world, to(2, 100)), "A8");
    assert_eq!(vote(&mut world, to(3, 90)), "A8");
    decide(&mut world, "B-2", &to(4, 100), from_ms).unwrap();
    let protocol = Protocol::read(&world.state).unwrap();
    assert_eq!([89, 90, 99, 100].map(|height| protocol.at(height)), [1, 2, 2, 4]);
    assert_eq!(protocol.beyond(PROTOCOL_VERSION).map(|upgrade| upgrade.from_height), Some(90));
    assert_eq!(protocol.beyond(4), None);
    // A vote that comes too late for its height is refused, and nothing is in force.
    for voter in ["it/voter", "land/voter"] {
        let (ballot, choice) = (token("B-3"), Choice::Approve);
        let call = AuthorityCall::Vote { ballot, matter: to(5, 200), effective_from_ms: from_ms, choice };
        administer(&mut world, voter, call).unwrap();
    }
    world.height = 199;
    let (ballot, choice) = (token("B-3"), Choice::Approve);
    let late = AuthorityCall::Vote { ballot, matter: to(5, 200), effective_from_ms: from_ms, choice };
    assert_eq!(code(administer(&mut world, "district/voter", late)), "A8");
    assert_eq!(Protocol::read(&world.state).unwrap().at(u64::MAX), 4);
}

#[test]
fn a8_upgrades_that_wait_are_bounded_and_those_past_take_no_room() {
    let mut world = World::west_bengal();
    let waiting = UPGRADES_WAITING_MAX as u32;
    for at in 0..waiting {
        let matter = to(2 + at, 100 + u64::from(at));
        decide(&mut world, &format!("B-{at}"), &matter, START_MS + DAY_MS).unwrap();
    }
    let one_more = to(2 + waiting, 200);
    assert_eq!(code(decide(&mut world, "B-more", &one_more, START_MS + DAY_MS)), "A8");
    world.height = 150;
    decide(&mut world, "B-later", &one_more, START_MS + DAY_MS).unwrap();
    assert_eq!(Protocol::read(&world.state).unwrap().upgrades.len(), 2);
}
