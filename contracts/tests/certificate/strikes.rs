//! Class strikes: two officers, two dates, stay and lift.

use dalil_contracts::authority::Place;
use dalil_contracts::certificate::{CertificateCall, NewStrike, Origin};
use dalil_contracts::units::DAY_MS;
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::{Class, Moment, Provenance, Status, Strikes, strike_key};

use crate::fixture::{BANKURA, STRUCK_FROM_MS, as_of, call, certificate, import_obc, issue_at, strike, uri};
use crate::support::{START_MS, World, code, digest, token};

#[test]
fn a_class_strike_ends_imported_certificates_from_its_day() {
    let mut world = World::west_bengal();
    let it = import_obc(&mut world);
    assert_eq!(world.document(&it).provenance, Provenance::Imported);
    let terms = ("OBC", Place::district(BANKURA), Origin::Decided);
    issue_at(&mut world, "district/sdo-bankura", terms, certificate("OBC", "OBC-NEW", &["OBC-A"])).unwrap();

    world.advance(DAY_MS);
    let order = world.record;
    call(&mut world, "welfare/class", CertificateCall::StrikeClass(strike(&["OBC-A"]))).unwrap();
    assert_eq!(world.status(&it).status, Status::Valid, "the strike is pending");
    world.advance(DAY_MS);
    call(&mut world, "welfare/class-second", CertificateCall::ConfirmStrike { strike: order }).unwrap();

    assert_eq!(world.status(&it).status, Status::Revoked);
    assert_eq!(world.status(&it).reason, "class_struck");
    assert_eq!(world.status_at(&it, as_of(STRUCK_FROM_MS - 1)).status, Status::Valid);
    assert_eq!(world.status_at(&it, as_of(STRUCK_FROM_MS)).status, Status::Revoked);
    let known_before = Moment { as_of_ms: STRUCK_FROM_MS, known_at_ms: world.time_ms - 1 };
    assert_eq!(world.status_at(&it, known_before).status, Status::Valid);
    // Issued outside the struck days.
    assert_eq!(world.status(&uri("OBC", "OBC-NEW")).status, Status::Valid);

    // The court stays it and lifts the stay.
    world.advance(DAY_MS);
    let stay = |strike| CertificateCall::StayStrike { strike, order: digest("stay") };
    let lift = |strike| CertificateCall::LiftStay { strike, order: digest("lift") };
    assert_eq!(code(call(&mut world, "welfare/class", stay(order))), "A1");
    assert_eq!(code(call(&mut world, "judicial/court", stay(order + 1))), "D2");
    assert_eq!(code(call(&mut world, "judicial/court", lift(order))), "D2");
    let no_order = CertificateCall::StayStrike { strike: order, order: Hash::ZERO };
    assert_eq!(code(call(&mut world, "judicial/court", no_order)), "C8");
    call(&mut world, "judicial/court", stay(order)).unwrap();
    assert_eq!(world.status(&it).status, Status::Valid);
    assert_eq!(code(call(&mut world, "judicial/court", stay(order))), "D2");
    world.advance(DAY_MS);
    call(&mut world, "judicial/court", lift(order)).unwrap();
    assert_eq!(world.status(&it).status, Status::Revoked);
    assert_eq!(world.status_at(&it, as_of(world.time_ms - 1)).status, Status::Valid);
}

#[test]
fn a6_a_class_strike_waits_for_a_second_officer_in_time() {
    let mut world = World::west_bengal();
    let it = import_obc(&mut world);
    let order = world.record;
    call(&mut world, "welfare/class", CertificateCall::StrikeClass(strike(&["OBC-A"]))).unwrap();
    let confirm = |strike| CertificateCall::ConfirmStrike { strike };
    assert_eq!(
        code(call(&mut world, "judicial/court", CertificateCall::StayStrike { strike: order, order: digest("s") })),
        "D2"
    );
    assert_eq!(code(call(&mut world, "welfare/class", confirm(order))), "A6");
    assert_eq!(code(call(&mut world, "welfare/officer", confirm(order))), "A1");
    assert_eq!(code(call(&mut world, "welfare/class-second", confirm(order - 1))), "D2");
    world.advance(DAY_MS + 1);
    assert_eq!(code(call(&mut world, "welfare/class-second", confirm(order))), "A6");
    assert_eq!(world.status(&it).status, Status::Valid);

    let order = world.record;
    call(&mut world, "welfare/class", CertificateCall::StrikeClass(strike(&["OBC-A", "OBC-B"]))).unwrap();
    world.advance(DAY_MS);
    call(&mut world, "judicial/court", confirm(order)).unwrap();
    assert_eq!(code(call(&mut world, "welfare/class-second", confirm(order))), "D2");
    assert_eq!(world.status(&it).status, Status::Revoked);
}

#[test]
fn a_class_strike_that_makes_no_sense_is_refused() {
    let mut world = World::west_bengal();
    let order = |world: &mut World, posting: &str, new: NewStrike| {
        code(call(world, posting, CertificateCall::StrikeClass(new)))
    };
    assert_eq!(order(&mut world, "district/sdo-bankura", strike(&["OBC-A"])), "A1");
    assert_eq!(order(&mut world, "welfare/class", strike(&["OBC-Z"])), "C2");
    assert_eq!(order(&mut world, "welfare/class", strike(&[])), "D2");
    let backwards = NewStrike { issued_until_ms: 0, ..strike(&["OBC-A"]) };
    assert_eq!(order(&mut world, "welfare/class", backwards), "D2");
    let without = NewStrike { order: Hash::ZERO, ..strike(&["OBC-A"]) };
    assert_eq!(order(&mut world, "welfare/class", without), "C8");
    let unknown = NewStrike { kind: token("NONE"), ..strike(&["OBC-A"]) };
    assert_eq!(order(&mut world, "welfare/class", unknown), "C2");
}

#[test]
fn a_strike_carries_both_dates_and_its_saving_clause_to_every_verifier() {
    let mut world = World::west_bengal();
    let order = world.record;
    call(&mut world, "welfare/class", CertificateCall::StrikeClass(strike(&["OBC-A"]))).unwrap();
    world.advance(DAY_MS);
    let confirmed = world.record;
    call(&mut world, "judicial/court-second", CertificateCall::ConfirmStrike { strike: order }).unwrap();
    let slot: Strikes = world.get(&strike_key(&Class { kind: token("OBC"), class: token("OBC-A") })).unwrap();
    let [read] = slot.strikes.as_slice() else { panic!("one strike") };
    assert_eq!((read.recorded_at_ms, read.effective_from_ms), (START_MS + DAY_MS, STRUCK_FROM_MS));
    assert_eq!(
        (read.saving_clause, read.order, read.record),
        (Some(digest("saving clause")), digest("order"), confirmed)
    );
}

#[test]
fn c6_classes_are_struck_by_the_types_class_authority_or_a_court() {
    let mut world = World::west_bengal();
    // Nobody but a court strikes consents: the type names no class authority.
    let consents = NewStrike { kind: token("CTO"), classes: [token("RED")].into_iter().collect(), ..strike(&[]) };
    let order = |world: &mut World, posting: &str| {
        let index = world.record;
        call(world, posting, CertificateCall::StrikeClass(consents.clone())).map(|_| index)
    };
    assert_eq!(code(order(&mut world, "welfare/class")), "C6");
    let index = order(&mut world, "judicial/court").unwrap();
    assert_eq!(code(call(&mut world, "welfare/class", CertificateCall::ConfirmStrike { strike: index })), "C6");
    call(&mut world, "judicial/court-second", CertificateCall::ConfirmStrike { strike: index }).unwrap();
}
