//! An upgrade of the protocol that the departments voted for: a node that does not know it stops, and says what to do.

use dalil_contracts::authority::upgrade::PROTOCOL_VERSION;
use dalil_contracts::authority::{AuthorityCall, Choice, Matter};

use crate::membership::Office;
use crate::seeds;
use crate::support::token;

#[test]
fn a_node_stops_before_the_first_block_of_a_protocol_that_it_does_not_know() {
    seeds("upgrade", 2, |seed| {
        let mut office = Office::open(seed, 4);
        let first = office.height() + 6;
        let (version, effective_from_ms) = (PROTOCOL_VERSION + 1, office.world.now_ms + 3_600_000);
        for department in office.departments().iter().take(office.set().quorum()) {
            let matter = Matter::Upgrade { version, from_height: first };
            let (ballot, choice) = (token("upgrade"), Choice::Approve);
            let vote = AuthorityCall::Vote { ballot, matter, effective_from_ms, choice };
            office.record(&format!("{department}/voter"), vote);
        }
        // Until then it goes on as before.
        office.go_to(first - 1);
        office.agree();
        let mut world = office.world;
        assert!(world.halts.is_empty(), "{:?}", world.halts);
        for node in 0..4 {
            let record = world.domicile(9_000 + node as u64);
            world.submit(node, record, None);
        }
        world.run_until(60_000, "all stop", |world| world.halts.len() == 4);
        for (node, reason) in &world.halts {
            let sentence = format!("from height {first} on blocks follow protocol version {version}");
            assert!(reason.contains(&sentence) && reason.contains("install the release"), "n{node}: {reason}");
        }
        // Nobody decided it, and what was decided is still read.
        assert!((0..4).all(|node| world.height(node) == first - 1));
        let record = world.domicile(9_999);
        let request = world.submit(0, record, None);
        world.run_for(500);
        assert_eq!(world.outcome(request), "T_HALTED");
        // Started again without the release it stops again, before it signs anything.
        world.halts.clear();
        world.crash(0);
        world.start(0);
        world.run_for(1_000);
        let record = world.domicile(10_000);
        world.submit(0, record, None);
        world.run_until(60_000, "it stops again", |world| !world.halts.is_empty());
        assert_eq!(world.height(0), first - 1);
    });
}
