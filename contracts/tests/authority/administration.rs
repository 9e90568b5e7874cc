//! What an administrator does for the department: offices, keys, postings, gateways.

use dalil_contracts::authority::office::{JURISDICTIONS_MAX, OfficeRecord, PLACES_MAX, office_key};
use dalil_contracts::authority::posting::GATEWAYS_MAX;

use super::*;

fn districts(codes: impl IntoIterator<Item = u32>) -> Jurisdiction {
    Jurisdiction::Districts(codes.into_iter().collect())
}

fn gateways(names: &[&str]) -> Set<PublicKey> {
    names.iter().map(|name| key(name)).collect()
}

/// A second SDO of Bankura with a key of this name.
fn second_sdo(world: &mut World, name: &str) {
    administer(world, "district/admin", register(name)).unwrap();
    let new = posting(&format!("district/{name}"), "district/sdo-bankura", name, Role::Sdo);
    administer(world, "district/admin", AuthorityCall::PostOfficer(new)).unwrap();
}

#[test]
fn a2_an_offices_jurisdiction_changes_at_the_time_named() {
    let mut world = World::west_bengal();
    let change = |jurisdiction, from_ms| AuthorityCall::ChangeJurisdiction {
        office: token("district/sdo-bankura"),
        jurisdiction,
        from_ms,
    };
    let from = START_MS + DAY_MS;
    assert_eq!(code(administer(&mut world, "district/admin", change(districts([305]), START_MS - 1))), "A8");
    assert_eq!(code(administer(&mut world, "land/admin", change(districts([305]), from))), "A2");
    assert_eq!(code(administer(&mut world, "district/admin", change(districts([]), from))), "A2");
    let everywhere = districts(0..=PLACES_MAX as u32);
    assert_eq!(code(administer(&mut world, "district/admin", change(everywhere, from))), "A2");
    let outcome = administer(&mut world, "district/admin", change(districts([305, 312]), from)).unwrap();
    assert_eq!(outcome.events[0].name, "authority.jurisdiction_changed");
    // Two for one moment would leave their order to chance.
    assert_eq!(code(administer(&mut world, "district/admin", change(districts([312]), from))), "A8");
    assert_eq!(code(world.call("district/sdo-bankura", receive("A-1", 312))), "A2");
    world.at(from);
    world.call("district/sdo-bankura", receive("A-1", 312)).unwrap();
    administer(&mut world, "district/admin", change(districts([312]), from + DAY_MS)).unwrap();
    world.at(from + DAY_MS);
    assert_eq!(code(world.call("district/sdo-bankura", receive("A-2", 305))), "A2");
    // What is over takes no room; what is to come is bounded.
    for day in 2..=JURISDICTIONS_MAX as u64 {
        administer(&mut world, "district/admin", change(districts([305]), from + day * DAY_MS)).unwrap();
    }
    let one_more = from + (JURISDICTIONS_MAX as u64 + 1) * DAY_MS;
    assert_eq!(code(administer(&mut world, "district/admin", change(districts([305]), one_more))), "A8");
    let record: OfficeRecord = world.get(&office_key(&token("district/sdo-bankura"))).unwrap();
    assert_eq!(record.jurisdictions.values.len(), JURISDICTIONS_MAX);
}

#[test]
fn a1_nobody_acts_for_an_office_that_is_closed() {
    let mut world = World::west_bengal();
    let close = |from_ms| AuthorityCall::CloseOffice { office: token("district/sdo-bankura"), from_ms };
    let from = START_MS + DAY_MS;
    assert_eq!(code(administer(&mut world, "district/admin", close(START_MS - 1))), "A8");
    assert_eq!(code(administer(&mut world, "it/admin", close(from))), "A2");
    administer(&mut world, "district/admin", close(from)).unwrap();
    assert_eq!(code(administer(&mut world, "district/admin", close(from + 1))), "A8");
    world.call("district/sdo-bankura", receive("A-1", 305)).unwrap();
    // Nobody is posted to it beyond its end, and its jurisdiction does not change after it.
    let mut later = posting("district/late", "district/sdo-bankura", "district-sdo-bankura", Role::Sdo);
    later.from_ms = from;
    assert_eq!(code(administer(&mut world, "district/admin", AuthorityCall::PostOfficer(later))), "A1");
    let change = AuthorityCall::ChangeJurisdiction {
        office: token("district/sdo-bankura"),
        jurisdiction: Jurisdiction::State,
        from_ms: from,
    };
    assert_eq!(code(administer(&mut world, "district/admin", change)), "A1");
    world.at(from);
    assert_eq!(code(world.call("district/sdo-bankura", receive("A-2", 305))), "A1");
    let again = AuthorityCall::OpenOffice { office: token("district/sdo-bankura"), jurisdiction: Jurisdiction::State };
    assert_eq!(code(administer(&mut world, "district/admin", again)), "A2");
}

#[test]
fn a1_a_longer_time_is_a_new_posting() {
    let mut world = World::west_bengal();
    let end = AuthorityCall::EndPosting { posting: token("district/sdo-bankura"), until_ms: START_MS + DAY_MS };
    administer(&mut world, "district/admin", end).unwrap();
    let mut prolonged = posting("district/sdo-bankura/2", "district/sdo-bankura", "district-sdo-bankura", Role::Sdo);
    prolonged.from_ms = START_MS + DAY_MS;
    administer(&mut world, "district/admin", AuthorityCall::PostOfficer(prolonged)).unwrap();
    world.at(START_MS + DAY_MS);
    assert_eq!(code(world.call("district/sdo-bankura", receive("A-1", 305))), "A1");
    world.call("district/sdo-bankura/2", receive("A-1", 305)).unwrap();
}

#[test]
fn a7_gateways_are_named_and_dismissed_while_a_posting_runs() {
    let mut world = World::west_bengal();
    let set = |names: &[&str]| AuthorityCall::SetGateways {
        posting: token("district/sdo-hooghly"),
        gateways: gateways(names),
    };
    administer(&mut world, "district/admin", register_as("portal", Holder::Gateway)).unwrap();
    let portal = key("portal");
    assert_eq!(code(world.call_signed_by(portal, "district/sdo-hooghly", receive("A-1", 312))), "A7");
    assert_eq!(code(administer(&mut world, "land/admin", set(&["portal"]))), "A2");
    assert_eq!(code(administer(&mut world, "district/admin", set(&["land-gateway"]))), "A2");
    assert_eq!(code(administer(&mut world, "district/admin", set(&["stranger"]))), "A1");
    let outcome = administer(&mut world, "district/admin", set(&["portal", "district-gateway"])).unwrap();
    assert_eq!(outcome.events[0].name, "authority.gateways_set");
    world.call_signed_by(portal, "district/sdo-hooghly", receive("A-1", 312)).unwrap();
    administer(&mut world, "district/admin", set(&["district-gateway"])).unwrap();
    assert_eq!(code(world.call_signed_by(portal, "district/sdo-hooghly", receive("A-2", 312))), "A7");
    let many: Vec<_> = (0..=GATEWAYS_MAX).map(|at| format!("gateway-{at}")).collect();
    for name in &many {
        administer(&mut world, "district/admin", register_as(name, Holder::Gateway)).unwrap();
    }
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    assert_eq!(code(administer(&mut world, "district/admin", set(&many))), "A7");
    administer(&mut world, "district/admin", AuthorityCall::RevokeKey { key: portal }).unwrap();
    assert_eq!(code(administer(&mut world, "district/admin", set(&["portal"]))), "A5");
    let end = AuthorityCall::EndPosting { posting: token("district/sdo-hooghly"), until_ms: world.time_ms };
    administer(&mut world, "district/admin", end).unwrap();
    assert_eq!(code(administer(&mut world, "district/admin", set(&[]))), "A1");
}

#[test]
fn a7_an_officers_key_is_nobodys_gateway_and_a_gateway_holds_no_posting() {
    let mut world = World::west_bengal();
    second_sdo(&mut world, "second");
    // Else one officer could give an order in person and confirm it as the gateway of another.
    let set = AuthorityCall::SetGateways { posting: token("district/sdo-hooghly"), gateways: gateways(&["second"]) };
    assert_eq!(code(administer(&mut world, "district/admin", set)), "A7");
    let mut named = posting("district/x", "district/sdo-bankura", "second", Role::Sdo);
    named.gateways = gateways(&["district-sdo-hooghly"]);
    assert_eq!(code(administer(&mut world, "district/admin", AuthorityCall::PostOfficer(named))), "A7");
    let holder = posting("district/x", "district/sdo-bankura", "district-gateway", Role::Sdo);
    assert_eq!(code(administer(&mut world, "district/admin", AuthorityCall::PostOfficer(holder))), "A7");
    let mut plan = World::plan();
    plan.postings.iter_mut().find(|one| one.id.as_str() == "district/sdo-hooghly").unwrap().gateways =
        vec![token("district-sdo-bankura")];
    let both = plan.with_keys(|name| key(name.as_str())).initial_state();
    assert!(matches!(both, Err(EstablishmentError::OfficerAndGateway(_))));
}

#[test]
fn a6_an_officer_with_a_new_key_is_the_same_person() {
    use dalil_contracts::certificate::NewStrike;
    let mut world = World::west_bengal();
    let strike = NewStrike {
        kind: token("OBC"),
        classes: [token("OBC-A")].into_iter().collect(),
        issued_from_ms: 0,
        issued_until_ms: START_MS,
        effective_from_ms: START_MS,
        saving_clause: None,
        order: digest("order"),
    };
    let index = world.record;
    world.call("welfare/class", Call::Certificate(CertificateCall::StrikeClass(strike))).unwrap();
    let renewed = |new: &str, old: &str| register_as(new, Holder::Officer { replaces: Some(key(old)) });
    administer(&mut world, "welfare/admin", renewed("new", "welfare-class")).unwrap();
    // The old key signs nothing more, and is replaced once.
    let confirm = || Call::Certificate(CertificateCall::ConfirmStrike { strike: index });
    assert_eq!(code(world.call("welfare/class", confirm())), "A5");
    assert_eq!(code(administer(&mut world, "welfare/admin", renewed("newer", "welfare-class"))), "A3");
    administer(&mut world, "welfare/admin", renewed("newer", "new")).unwrap();
    let post = posting("welfare/again", "welfare/classes", "newer", Role::ClassAuthority);
    administer(&mut world, "welfare/admin", AuthorityCall::PostOfficer(post)).unwrap();
    assert_eq!(code(world.call("welfare/again", confirm())), "A6");
    world.call("welfare/class-second", confirm()).unwrap();
    // Neither another department's officer nor a gateway is replaced.
    assert_eq!(code(administer(&mut world, "welfare/admin", renewed("x", "land-intake"))), "A2");
    assert_eq!(code(administer(&mut world, "district/admin", renewed("x", "district-gateway"))), "A3");
    assert_eq!(code(administer(&mut world, "welfare/admin", renewed("x", "stranger"))), "A1");
}

#[test]
fn a3_an_officer_has_a_bounded_number_of_keys() {
    let mut world = World::west_bengal();
    second_sdo(&mut world, "key-0");
    let renew = |at: usize| {
        register_as(&format!("key-{}", at + 1), Holder::Officer { replaces: Some(key(&format!("key-{at}"))) })
    };
    for at in 0..15 {
        administer(&mut world, "district/admin", renew(at)).unwrap();
    }
    assert_eq!(code(administer(&mut world, "district/admin", renew(15))), "A3");
}
