//! One test a code: C1, C2, C3, C6, C8, A6, A8, D1, P2.

use dalil_contracts::Call;
use dalil_contracts::authority::Place;
use dalil_contracts::certificate::{CertificateCall, NewCertificate, Origin};
use dalil_contracts::units::DAY_MS;
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::{Moment, Provenance, Status};

use crate::fixture::{BANKURA, as_of, certificate, issue_at, issue_sc, uri};
use crate::support::{START_MS, World, code, digest, key_of, token};

#[test]
fn a_certificate_is_issued_and_verified() {
    let mut world = World::west_bengal();
    let outcome = issue_sc(&mut world, "SC-T-02").unwrap();
    assert_eq!(outcome.events[0].name, "certificate.issued");
    assert_eq!(outcome.subjects.len(), 2);
    let entry = world.document(&uri("SC", "SC-T-02"));
    assert_eq!(entry.issuer.department.as_str(), "district");
    assert_eq!(entry.provenance, Provenance::Decided);
    assert_eq!(world.status(&uri("SC", "SC-T-02")).status, Status::Valid);
}

#[test]
fn an_income_certificate_expires_by_itself() {
    let mut world = World::west_bengal();
    let mut income = certificate("INC", "INC-T-01", &[]);
    income.valid_until_ms = Some(START_MS + 92 * DAY_MS);
    let terms = ("INC", Place::block(BANKURA, 2795), Origin::Decided);
    issue_at(&mut world, "panchayat/bdo-2795", terms, income).unwrap();
    assert_eq!(world.status(&uri("INC", "INC-T-01")).status, Status::Valid);
    world.advance(92 * DAY_MS);
    assert_eq!(world.status(&uri("INC", "INC-T-01")).status, Status::Expired);
}

#[test]
fn c1_a_number_is_unique_by_issuer_and_type() {
    let mut world = World::west_bengal();
    issue_sc(&mut world, "SC-1").unwrap();
    let mut again = certificate("SC", "SC-2", &["SC"]);
    again.number = token("SC-1");
    let terms = ("SC", Place::district(BANKURA), Origin::Decided);
    assert_eq!(code(issue_at(&mut world, "district/sdo-bankura-second", terms, again)), "C1");
    // Another type has numbers of its own.
    let mut domicile = certificate("DOM", "DOM-1", &[]);
    domicile.number = token("SC-1");
    let terms = ("DOM", Place::district(BANKURA), Origin::Decided);
    issue_at(&mut world, "district/sdo-bankura", terms, domicile).unwrap();
}

#[test]
fn c2_the_signer_is_empowered_for_type_and_place() {
    let mut world = World::west_bengal();
    let issue = |world: &mut World, posting: &str, kind: &str, place: Place| {
        issue_at(world, posting, (kind, place, Origin::Decided), certificate(kind, "DOM-T-06", &[]))
    };
    // Another district, another role, another department, no such type.
    assert_eq!(code(issue(&mut world, "district/sdo-hooghly", "DOM", Place::district(BANKURA))), "C2");
    assert_eq!(code(issue(&mut world, "district/collector", "DOM", Place::district(BANKURA))), "C2");
    assert_eq!(code(issue(&mut world, "health/registrar-bankura", "DOM", Place::district(BANKURA))), "C2");
    assert_eq!(code(issue(&mut world, "district/sdo-bankura", "NONE", Place::district(BANKURA))), "C2");
    // A type that belongs to a block names it.
    assert_eq!(code(issue(&mut world, "panchayat/district-bankura", "INC", Place::district(BANKURA))), "C2");
    // The posting itself is judged first.
    let stranger = key_of("stranger").public();
    let call = CertificateCall::Issue {
        kind: token("DOM"),
        place: Place::district(BANKURA),
        origin: Origin::Decided,
        certificate: certificate("DOM", "DOM-T-06", &[]),
    };
    assert_eq!(code(world.call_signed_by(stranger, "district/sdo-bankura", Call::Certificate(call))), "A7");
    issue(&mut world, "district/sdo-bankura", "DOM", Place::district(BANKURA)).unwrap();
}

#[test]
fn d1_a_certificates_uri_is_of_its_type_and_not_guessable() {
    let mut world = World::west_bengal();
    for wrong in
        ["in.gov.wb.health-SC-abcdefghijkl", "in.gov.wb.district-SC-short", "in.gov.wb.district-SC-a/b/c/d/e/f/g"]
    {
        let mut new = certificate("SC", "SC-1", &["SC"]);
        new.uri = token(wrong);
        let terms = ("SC", Place::district(BANKURA), Origin::Decided);
        assert_eq!(code(issue_at(&mut world, "district/sdo-bankura", terms, new)), "D1", "{wrong}");
    }
}

#[test]
fn p2_a_uri_that_is_no_subject_is_refused() {
    let mut world = World::west_bengal();
    let mut new = certificate("SC", "SC-1", &["SC"]);
    new.uri = token(&format!("in.gov.wb.district-SC-{}", "a".repeat(80)));
    let terms = ("SC", Place::district(BANKURA), Origin::Decided);
    assert_eq!(code(issue_at(&mut world, "district/sdo-bankura", terms, new)), "P2");
}

#[test]
fn c2_an_import_is_content_not_time() {
    let mut world = World::west_bengal();
    let import_from = |world: &mut World, source, as_on_ms, from_ms| {
        let new = NewCertificate { valid_from_ms: from_ms, ..certificate("OBC", "OBC-1", &["OBC-A"]) };
        let origin = Origin::Imported { as_on_ms, source };
        issue_at(world, "district/sdo-bankura", ("OBC", Place::district(BANKURA), origin), new)
    };
    let import = |world: &mut World, as_on_ms, from_ms| import_from(world, digest("register"), as_on_ms, from_ms);
    assert_eq!(code(import_from(&mut world, Hash::ZERO, START_MS - DAY_MS, 0)), "C2");
    assert_eq!(code(import(&mut world, START_MS + 1, 0)), "C2");
    assert_eq!(code(import(&mut world, START_MS - DAY_MS, START_MS)), "C2");
    import(&mut world, START_MS - DAY_MS, 0).unwrap();
    // Long valid by its content, on record only now.
    let it = uri("OBC", "OBC-1");
    assert_eq!(world.status_at(&it, as_of(1)).status, Status::Valid);
    let earlier = Moment { as_of_ms: START_MS - 1, known_at_ms: START_MS - 1 };
    assert_eq!(world.status_at(&it, earlier).status, Status::NotOnRecord);
}
