//! Suspension, revocation and return: C3, C6, C8, A6, and from when each reason works.

use dalil_contracts::Call;
use dalil_contracts::authority::AuthorityCall;
use dalil_contracts::certificate::reason::Works;
use dalil_contracts::certificate::{CertificateCall, Citation, Effect, Reason};
use dalil_contracts::units::DAY_MS;
use dalil_ledger::claims::Salt;
use dalil_ledger::codec::Set;
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::{Moment, Status};

use crate::fixture::{as_of, call, issue_sc, restore, revoke, suspend, uri};
use crate::support::{START_MS, World, code, digest, key_of, token};

#[test]
fn c3_a_revoked_certificate_returns_only_by_court_entry() {
    let mut world = World::west_bengal();
    issue_sc(&mut world, "SC-1").unwrap();
    world.advance(DAY_MS);
    call(&mut world, "district/sdo-bankura", revoke("SC-1", Effect::AbInitio)).unwrap();
    world.advance(DAY_MS);
    let order = Some(Citation::Order(digest("court order")));
    let hearing = Some(Citation::Hearing(digest("hearing")));
    for (posting, cites) in [
        ("district/sdo-bankura", order),
        ("district/collector", order),
        ("judicial/court", None),
        ("judicial/court", hearing),
        ("judicial/court", Some(Citation::Order(Hash::ZERO))),
    ] {
        assert_eq!(code(call(&mut world, posting, restore("SC-1", Effect::AbInitio, cites))), "C3");
    }
    call(&mut world, "judicial/court", restore("SC-1", Effect::AbInitio, order)).unwrap();
    let it = uri("SC", "SC-1");
    assert_eq!(world.status(&it).status, Status::Valid);
    assert_eq!(world.status_at(&it, as_of(START_MS + DAY_MS)).status, Status::Valid);
    // What the ledger said between revocation and return is not forgotten.
    let then = START_MS + DAY_MS;
    assert_eq!(world.status_at(&it, Moment { as_of_ms: then, known_at_ms: then }).status, Status::Revoked);
}

#[test]
fn c6_the_revoker_is_the_issuing_office_its_superior_or_court_entry() {
    let mut world = World::west_bengal();
    for id in ["SC-1", "SC-2", "SC-3", "SC-4"] {
        issue_sc(&mut world, id).unwrap();
    }
    // Another office, another department, a superior elsewhere, a lower rank.
    for posting in ["district/sdo-hooghly", "welfare/class", "district/collector-hooghly", "district/intake"] {
        assert_eq!(code(call(&mut world, posting, revoke("SC-1", Effect::Now))), "C6", "{posting}");
    }
    call(&mut world, "district/sdo-bankura", revoke("SC-1", Effect::Now)).unwrap();
    call(&mut world, "district/sdo-bankura-second", revoke("SC-2", Effect::Now)).unwrap();
    call(&mut world, "district/collector", revoke("SC-3", Effect::Now)).unwrap();
    call(&mut world, "judicial/court", revoke("SC-4", Effect::Now)).unwrap();
    assert_eq!(code(call(&mut world, "district/collector", revoke("SC-4", Effect::Now))), "D2");
    let unknown = CertificateCall::Suspend { uri: token("in.gov.wb.district-SC-unknown"), reason: digest("x") };
    assert_eq!(code(call(&mut world, "district/sdo-bankura", unknown)), "D2");
}

#[test]
fn a6_issue_and_appellate_revocation_are_by_different_officers() {
    let mut world = World::west_bengal();
    issue_sc(&mut world, "SC-1").unwrap();
    // The issuer is promoted and now sits above the certificate.
    let mut promoted = dalil_contracts::authority::posting::NewPosting {
        id: token("district/promoted"),
        office: token("district/collector-bankura"),
        officer: key_of("district-sdo-bankura").public(),
        role: dalil_contracts::authority::Role::Collector,
        rank: 8,
        from_ms: START_MS,
        until_ms: None,
        gateways: Set::default(),
    };
    world.call("district/admin", Call::Authority(AuthorityCall::PostOfficer(promoted.clone()))).unwrap();
    assert_eq!(code(call(&mut world, "district/promoted", revoke("SC-1", Effect::Now))), "A6");
    promoted.id = token("district/other");
    promoted.officer = key_of("district-sdo-hooghly").public();
    world.call("district/admin", Call::Authority(AuthorityCall::PostOfficer(promoted))).unwrap();
    call(&mut world, "district/other", revoke("SC-1", Effect::Now)).unwrap();
}

#[test]
fn c8_revocation_cites_a_hearing_or_an_order() {
    let mut world = World::west_bengal();
    issue_sc(&mut world, "SC-1").unwrap();
    for cites in [None, Some(Citation::Order(Hash::ZERO)), Some(Citation::Hearing(Hash::ZERO))] {
        let call_it = CertificateCall::Revoke {
            uri: token(&uri("SC", "SC-1")),
            effect: Effect::Now,
            reason: digest("salted reason"),
            cites,
        };
        assert_eq!(code(call(&mut world, "district/sdo-bankura", call_it)), "C8");
    }
    for day_ms in [START_MS - 1, START_MS + 1] {
        assert_eq!(code(call(&mut world, "district/sdo-bankura", revoke("SC-1", Effect::From { day_ms }))), "C8");
    }
    let no_reason = CertificateCall::Suspend { uri: token(&uri("SC", "SC-1")), reason: Hash::ZERO };
    assert_eq!(code(call(&mut world, "district/sdo-bankura", no_reason)), "C8");
}

#[test]
fn fraud_voids_from_the_issue_and_ineligibility_from_its_day() {
    let mut world = World::west_bengal();
    issue_sc(&mut world, "ST-T-03").unwrap();
    issue_sc(&mut world, "SC-1").unwrap();
    world.advance(20 * DAY_MS);
    call(&mut world, "district/sdo-bankura", revoke("ST-T-03", Effect::AbInitio)).unwrap();
    let day_ms = START_MS + 10 * DAY_MS;
    call(&mut world, "district/sdo-bankura", revoke("SC-1", Effect::From { day_ms })).unwrap();

    let fraud = uri("SC", "ST-T-03");
    assert_eq!(world.status(&fraud).status, Status::Revoked);
    assert_eq!(world.status(&fraud).reason, "revoked");
    assert_eq!(world.status_at(&fraud, as_of(START_MS)).status, Status::Revoked);
    // What the ledger said on the day stays on record.
    let said_then = Moment { as_of_ms: START_MS + DAY_MS, known_at_ms: START_MS + DAY_MS };
    assert_eq!(world.status_at(&fraud, said_then).status, Status::Valid);

    let ineligible = uri("SC", "SC-1");
    assert_eq!(world.status_at(&ineligible, as_of(day_ms - 1)).status, Status::Valid);
    assert_eq!(world.status_at(&ineligible, as_of(day_ms)).status, Status::Revoked);
}

#[test]
fn a_suspension_ends() {
    let mut world = World::west_bengal();
    issue_sc(&mut world, "SC-1").unwrap();
    let it = uri("SC", "SC-1");
    assert_eq!(code(call(&mut world, "district/sdo-bankura", restore("SC-1", Effect::Now, None))), "D2");
    call(&mut world, "district/sdo-bankura", suspend("SC-1")).unwrap();
    assert_eq!(code(call(&mut world, "district/sdo-bankura", suspend("SC-1"))), "D2");
    assert_eq!(world.status(&it).status, Status::Suspended);
    world.advance(DAY_MS);
    call(&mut world, "district/sdo-bankura", restore("SC-1", Effect::Now, None)).unwrap();
    assert_eq!(world.status(&it).status, Status::Valid);
    assert_eq!(world.status_at(&it, as_of(START_MS)).status, Status::Suspended);
}

#[test]
fn c6_a_suspension_ends_by_nobody_lower_than_who_ordered_it() {
    let mut world = World::west_bengal();
    let postings = ["district/sdo-bankura", "district/collector", "judicial/court"];
    for (rank, holder) in postings.iter().enumerate() {
        let id = format!("SC-{rank}");
        issue_sc(&mut world, &id).unwrap();
        call(&mut world, holder, suspend(&id)).unwrap();
        world.advance(1);
        for lower in &postings[..rank] {
            assert_eq!(code(call(&mut world, lower, restore(&id, Effect::Now, None))), "C6", "{lower} under {holder}");
        }
        call(&mut world, holder, restore(&id, Effect::Now, None)).unwrap();
        // What is over holds nobody back later.
        call(&mut world, postings[0], suspend(&id)).unwrap();
        call(&mut world, postings[0], restore(&id, Effect::Now, None)).unwrap();
    }
}

#[test]
fn each_reason_works_from_its_own_day_and_reads_revoked() {
    let salt = Salt::from_random([7; 32]);
    let day_ms = START_MS + 10 * DAY_MS;
    for reason in Reason::ALL {
        let effects = [Effect::AbInitio, Effect::From { day_ms }, Effect::Now];
        let fitting: Vec<_> = effects.into_iter().filter(|effect| reason.fits(*effect)).collect();
        let expected = match reason {
            Reason::Fraud | Reason::IssuedInError => (Works::AbInitio, 1),
            Reason::Ineligible | Reason::Deceased | Reason::Surrendered | Reason::IssuerKeyCompromise => {
                (Works::FromItsDay, 2)
            }
            Reason::CourtOrder => (Works::AsOrdered, 3),
            Reason::Superseded | Reason::ClassStruck => (Works::ByAnotherCall, 0),
        };
        assert_eq!((reason.works(), fitting.len()), expected, "{reason:?}");
        assert_eq!(Reason::from_code(reason.code()), Some(reason));
        for effect in fitting {
            let mut world = World::west_bengal();
            issue_sc(&mut world, "SC-1").unwrap();
            world.advance(20 * DAY_MS);
            let revoked = CertificateCall::Revoke {
                uri: token(&uri("SC", "SC-1")),
                effect,
                reason: reason.commit(&salt),
                cites: Some(Citation::Order(digest("order"))),
            };
            call(&mut world, "district/sdo-bankura", revoked).unwrap();
            let it = uri("SC", "SC-1");
            let from_ms = match effect {
                Effect::AbInitio => START_MS,
                Effect::From { day_ms } => day_ms,
                Effect::Now => world.time_ms,
            };
            assert_eq!(world.status(&it).reason, "revoked", "{reason:?}: the public reason is coarse");
            assert_eq!(world.status_at(&it, as_of(from_ms)).status, Status::Revoked, "{reason:?}");
            let day_before = world.status_at(&it, as_of(from_ms - 1)).status;
            let expected = if effect == Effect::AbInitio { Status::NotYetValid } else { Status::Valid };
            assert_eq!(day_before, expected, "{reason:?}");
        }
    }
    assert_eq!(Reason::from_code("weather"), None);
    assert_ne!(Reason::Fraud.commit(&salt), Reason::Fraud.commit(&Salt::from_random([8; 32])));
}
