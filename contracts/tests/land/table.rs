//! The mutation table: every pair of state and call that it does not name is refused with D2.

use std::collections::BTreeMap;

use dalil_contracts::land::LandCall;
use dalil_contracts::land::appeal::{AppealDecision, OrderAppeal};
use dalil_contracts::land::case::CaseState::{
    self, Allowed, AppealedAllowed, AppealedRejected, Enquired, FeeSettled, Filed, Heard, Noticed, Rejected, SetAside,
    Upheld,
};
use dalil_contracts::land::court::CourtSetAside;
use dalil_contracts::land::deed::DeedKind;

use dalil_ledger::codec::Set;

use super::fixture::{
    accept, allow, allowance, benda, by_deeds, call, case, existing, fee, from_khatian, open, paper, register, reject,
};
use crate::support::{World, code, digest, token};

const CASE: &str = "C-1";

/// Every call that moves a case, by name, with the posting that makes it.
fn calls(world: &World) -> Vec<(&'static str, &'static str, LandCall)> {
    let appeal = |decision| {
        let (order, divided) = (digest("order"), Set::default());
        LandCall::AppealOrder(OrderAppeal { case: token(CASE), order, decision, later: Vec::new(), divided })
    };
    let known = world.state.keys().any(|key| key == b"land/khatian/2795-51/201");
    let to = [if known { existing(201) } else { open(201) }];
    let (later, divided) = (Vec::new(), Set::default());
    let court = CourtSetAside { case: token(CASE), cnr: token("CNR-1"), order: digest("decree"), later, divided };
    vec![
        ("pay", "finance/treasury", fee(CASE)),
        ("waive", "land/revenue", LandCall::Waive(paper(CASE))),
        ("enquire", "land/inspector-2795", LandCall::Enquire(paper(CASE))),
        ("notice", "land/blro-2795", LandCall::Notice(paper(CASE))),
        ("hear", "land/blro-2795", LandCall::Hear(paper(CASE))),
        ("order allow", "land/blro-2795", allow(world, CASE, &[101], &to)),
        ("order reject", "land/blro-2795", reject(CASE)),
        ("appeal", "land/intake", LandCall::Appeal(paper(CASE))),
        ("appeal uphold", "land/sdllro", appeal(AppealDecision::Uphold)),
        ("appeal set aside", "land/sdllro", appeal(AppealDecision::SetAside)),
        ("appeal allow", "land/sdllro", appeal(AppealDecision::Allow(allowance(world, &[101], &to)))),
        ("appeal remand", "land/sdllro", appeal(AppealDecision::Remand)),
        ("court set aside", "judicial/court", LandCall::CourtSetAside(court)),
    ]
}

/// The table of the specification, written out a second time.
const EDGES: [(CaseState, &str, CaseState); 18] = [
    (Filed, "pay", FeeSettled),
    (Filed, "waive", FeeSettled),
    (FeeSettled, "enquire", Enquired),
    (Enquired, "notice", Noticed),
    (Noticed, "hear", Heard),
    (Heard, "order allow", Allowed),
    (Heard, "order reject", Rejected),
    (Allowed, "appeal", AppealedAllowed),
    (Rejected, "appeal", AppealedRejected),
    (AppealedAllowed, "appeal uphold", Upheld),
    (AppealedAllowed, "appeal set aside", SetAside),
    (AppealedAllowed, "appeal remand", Noticed),
    (AppealedRejected, "appeal uphold", Upheld),
    (AppealedRejected, "appeal allow", Allowed),
    (AppealedRejected, "appeal remand", Noticed),
    (Allowed, "court set aside", SetAside),
    (AppealedAllowed, "court set aside", SetAside),
    (Upheld, "court set aside", SetAside),
];

/// A world in which the case stands in each state, with its shares applied or not.
fn worlds() -> BTreeMap<(CaseState, bool), World> {
    let mut world = benda();
    let deed = "0101-I-00001-2026";
    accept(
        &mut world,
        "registration/adsr-bankura",
        register(deed, DeedKind::Sale, from_khatian(101), &[("b", "1/1")], 257, "1/2"),
    );
    accept(&mut world, "land/intake", LandCall::File(by_deeds(CASE, &[deed], &[257])));
    let mut found = BTreeMap::from([((Filed, false), world.clone())]);
    let mut open: Vec<World> = vec![world];
    while let Some(world) = open.pop() {
        for (_, posting, land) in calls(&world) {
            let mut next = world.clone();
            if call(&mut next, posting, land).is_ok() {
                let record = case(&next, CASE);
                let key = (record.state, record.applied.is_some());
                if found.insert(key, next.clone()).is_none() {
                    open.push(next);
                }
            }
        }
    }
    found
}

#[test]
fn d2_every_pair_outside_the_mutation_table_is_refused() {
    let worlds = worlds();
    let states: Vec<_> = worlds.keys().copied().collect();
    assert_eq!(states.len(), 12, "eleven states, UPHELD with and without shares: {states:?}");
    for ((state, applied), world) in &worlds {
        for (name, posting, land) in calls(world) {
            let mut world = world.clone();
            let expected = EDGES.iter().find(|(from, edge, _)| from == state && *edge == name);
            // An upheld rejection has nothing that a court could set aside.
            let expected =
                expected.filter(|(from, edge, _)| (*from, *edge, *applied) != (Upheld, "court set aside", false));
            let result = call(&mut world, posting, land);
            match expected {
                Some((_, _, to)) => {
                    result.unwrap_or_else(|refusal| panic!("{state:?} × {name}: {refusal}"));
                    assert_eq!(case(&world, CASE).state, *to, "{state:?} × {name}");
                }
                None => assert_eq!(code(result), "D2", "{state:?} × {name}"),
            }
        }
    }
}
