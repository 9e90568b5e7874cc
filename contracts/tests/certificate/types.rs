//! Types as data: validity, classes, claims, and types added by vote.

use dalil_contracts::Call;
use dalil_contracts::authority::{AuthorityCall, Choice, Matter, Place};
use dalil_contracts::calendar::{financial_year_end_ms, months_after};
use dalil_contracts::certificate::{CertificateType, ClassTerm, NewCertificate, Origin, PlaceRule, ValidityRule};
use dalil_contracts::units::DAY_MS;
use dalil_ledger::codec::Set;
use dalil_ledger::crypto::Hash;

use crate::fixture::{BANKURA, certificate, consent, issue_at, issue_consent};
use crate::support::{START_MS, World, code, token};

#[test]
fn c2_a_certificate_keeps_within_its_types_rules() {
    let mut world = World::west_bengal();
    let income = |until_ms: Option<u64>, from_ms: u64, classes: &[&str]| {
        let mut new = certificate("INC", "INC-1", classes);
        new.valid_from_ms = from_ms;
        new.valid_until_ms = until_ms;
        new
    };
    let end = START_MS + 92 * DAY_MS;
    for broken in [
        income(None, START_MS, &[]),
        income(Some(end + 1), START_MS, &[]),
        income(Some(end - 2 * DAY_MS), START_MS - 2 * DAY_MS, &[]),
        income(Some(end), START_MS, &["SC"]),
    ] {
        let terms = ("INC", Place::block(BANKURA, 2795), Origin::Decided);
        assert_eq!(code(issue_at(&mut world, "panchayat/bdo-2795", terms, broken)), "C2");
    }
    let mut endless = certificate("SC", "SC-1", &["SC"]);
    endless.valid_until_ms = Some(end);
    let terms = ("SC", Place::district(BANKURA), Origin::Decided);
    assert_eq!(code(issue_at(&mut world, "district/sdo-bankura", terms, endless)), "C2");
}

#[test]
fn a8_a_new_type_is_added_by_vote_and_used() {
    let mut world = World::west_bengal();
    let kind = CertificateType {
        code: token("EWS"),
        department: token("district"),
        role: dalil_contracts::authority::Role::Sdo,
        place: PlaceRule::District,
        validity: ValidityRule::AtMostDays(365),
        classes: Set::default(),
        struck_by: None,
        claims: [token("name")].into_iter().collect(),
        status_age_max_ms: DAY_MS,
        clock_ms: None,
    };
    let from = START_MS + DAY_MS;
    let vote = |kind: &CertificateType, ballot: &str| {
        Call::Authority(AuthorityCall::Vote {
            ballot: token(ballot),
            matter: Matter::CertificateType(kind.clone()),
            effective_from_ms: from,
            choice: Choice::Approve,
        })
    };
    for department in ["district", "it", "land"] {
        world.call(&format!("{department}/voter"), vote(&kind, "B-1")).unwrap();
    }
    let issue = |world: &mut World| {
        let mut new = certificate("EWS", "EWS-1", &[]);
        (new.valid_from_ms, new.valid_until_ms) = (from, Some(from + 365 * DAY_MS));
        issue_at(world, "district/sdo-bankura", ("EWS", Place::district(BANKURA), Origin::Decided), new)
    };
    assert_eq!(code(issue(&mut world)), "C2");
    world.at(from);
    issue(&mut world).unwrap();
    // A type never changes hands.
    let moved = CertificateType { department: token("welfare"), ..kind };
    let from = from + DAY_MS;
    let vote = |department: &str| {
        let matter = Matter::CertificateType(moved.clone());
        let call =
            AuthorityCall::Vote { ballot: token("B-2"), matter, effective_from_ms: from, choice: Choice::Approve };
        (format!("{department}/voter"), Call::Authority(call))
    };
    for department in ["district", "it"] {
        let (posting, call) = vote(department);
        world.call(&posting, call).unwrap();
    }
    let (posting, call) = vote("land");
    assert_eq!(code(world.call(&posting, call)), "A8");
}

#[test]
fn c2_a_consent_holds_as_long_as_its_class_allows() {
    let months = |months| months_after(START_MS, months).unwrap();
    for (class, years) in [("GREEN", 7), ("ORANGE", 5), ("RED", 5)] {
        let mut world = World::west_bengal();
        let latest = months(12 * years);
        assert_eq!(code(issue_consent(&mut world, consent("CTO-1", class, (START_MS, latest + 1)))), "C2", "{class}");
        issue_consent(&mut world, consent("CTO-1", class, (START_MS, latest))).unwrap();
    }
    // Of two classes the stricter decides; a consent of no class has no term at all.
    let mut world = World::west_bengal();
    let mut both = consent("CTO-1", "GREEN", (START_MS, months(84)));
    both.classes = ["GREEN", "RED"].into_iter().map(token).collect();
    assert_eq!(code(issue_consent(&mut world, both)), "C2");
    let none = NewCertificate { classes: Set::default(), ..consent("CTO-1", "RED", (START_MS, months(1))) };
    assert_eq!(code(issue_consent(&mut world, none)), "C2");
}

#[test]
fn c2_a_trade_licence_ends_with_its_financial_year() {
    let mut world = World::west_bengal();
    let issue = |world: &mut World, id: &str, until_ms| {
        let new =
            NewCertificate { valid_from_ms: world.time_ms, valid_until_ms: until_ms, ..certificate("TRD", id, &[]) };
        issue_at(world, "urban/ulb-kolkata", ("TRD", Place::district(315), Origin::Decided), new)
    };
    let end = financial_year_end_ms(START_MS).unwrap();
    assert_eq!(code(issue(&mut world, "TRD-1", Some(end + 1))), "C2");
    assert_eq!(code(issue(&mut world, "TRD-1", None)), "C2");
    issue(&mut world, "TRD-1", Some(end)).unwrap();
    world.at(end);
    // The next one has a leap day.
    assert_eq!(code(issue(&mut world, "TRD-2", Some(end + 366 * DAY_MS + 1))), "C2");
    issue(&mut world, "TRD-2", Some(end + 366 * DAY_MS)).unwrap();
}

#[test]
fn c2_a_certificate_names_its_class_and_makes_only_its_types_claims() {
    let mut world = World::west_bengal();
    let issue = |world: &mut World, new| {
        issue_at(world, "district/sdo-bankura", ("SC", Place::district(BANKURA), Origin::Decided), new)
    };
    // Without a class no strike would reach it.
    assert_eq!(code(issue(&mut world, certificate("SC", "SC-1", &[]))), "C2");
    let zero = NewCertificate { claims_root: Some(Hash::ZERO), ..certificate("SC", "SC-1", &["SC"]) };
    assert_eq!(code(issue(&mut world, zero)), "C2");
    issue(&mut world, NewCertificate { claims_root: None, ..certificate("SC", "SC-1", &["SC"]) }).unwrap();

    let mut plan = World::plan();
    for kind in &mut plan.certificate_types {
        kind.claims = Set::default();
    }
    let mut world = World::new(&plan);
    assert_eq!(code(issue(&mut world, certificate("SC", "SC-1", &["SC"]))), "C2");
}

#[test]
fn a8_a_type_that_contradicts_itself_is_not_put_to_the_vote() {
    let terms = |terms: &[(&str, u32)]| {
        let term = |(class, months): &(&str, u32)| ClassTerm { class: token(class), months: *months };
        ValidityRule::MonthsByClass(terms.iter().map(term).collect())
    };
    let claims = |count: u32| (0..count).map(|number| token(&format!("claim_{number:02}"))).collect();
    let base = World::plan().certificate_types.into_iter().find(|kind| kind.code.as_str() == "CTO").unwrap();
    let broken = [
        CertificateType { validity: terms(&[("GREEN", 84), ("RED", 60)]), ..base.clone() },
        CertificateType {
            validity: terms(&[("GREEN", 84), ("GREEN", 60), ("ORANGE", 60), ("RED", 60)]),
            ..base.clone()
        },
        CertificateType { validity: terms(&[]), classes: Set::default(), ..base.clone() },
        CertificateType { claims: claims(33), ..base.clone() },
    ];
    for kind in broken {
        let mut world = World::west_bengal();
        let call = AuthorityCall::Vote {
            ballot: token("B-1"),
            matter: Matter::CertificateType(kind.clone()),
            effective_from_ms: START_MS + DAY_MS,
            choice: Choice::Approve,
        };
        assert_eq!(code(world.call("district/voter", Call::Authority(call))), "A8", "{kind:?}");
        // Nor does a chain begin with it.
        let mut plan = World::plan();
        plan.certificate_types = vec![kind];
        let establishment = plan.with_keys(|name| crate::support::key_of(name.as_str()).public());
        assert!(establishment.initial_state().is_err());
    }
}
