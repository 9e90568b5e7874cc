//! Certificates issued, suspended, revoked, replaced and struck by class: rules C1 to C8, A6.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod support;

use dalil_contracts::authority::{AuthorityCall, Choice, Matter, Place};
use dalil_contracts::certificate::{
    ApplicationStep, CertificateCall, CertificateType, Citation, Effect, NewCertificate, NewStrike, Origin, PlaceRule,
    Replacement, ValidityRule,
};
use dalil_contracts::units::DAY_MS;
use dalil_contracts::{Call, Outcome, Refusal};
use dalil_ledger::codec::Set;
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::{Moment, Provenance, Status};
use support::{START_MS, World, code, digest, key_of, token};

/// 2024-05-22T00:00+05:30, the day from which the class strike of the sample has effect.
const STRUCK_FROM_MS: u64 = 1_716_316_200_000;
const BANKURA: u32 = 305;

fn uri(kind: &str, id: &str) -> String {
    let department = match kind {
        "INC" => "panchayat",
        "BIR" | "DEATH" => "health",
        "CTO" => "environment",
        _ => "district",
    };
    format!("in.gov.wb.{department}-{kind}-{id}-0000000000")
}

fn certificate(kind: &str, id: &str, classes: &[&str]) -> NewCertificate {
    NewCertificate {
        uri: token(&uri(kind, id)),
        number: token(id),
        digest: digest(&uri(kind, id)),
        subject: token(&format!("holder/{}", &digest(id).to_string()[..32])),
        valid_from_ms: START_MS,
        valid_until_ms: None,
        claims_root: Some(digest("claims")),
        classes: classes.iter().map(|class| token(class)).collect(),
    }
}

fn call(world: &mut World, posting: &str, call: CertificateCall) -> Result<Outcome, Refusal> {
    world.call(posting, Call::Certificate(call))
}

fn issue_at(
    world: &mut World,
    posting: &str,
    (kind, place, origin): (&str, Place, Origin),
    certificate: NewCertificate,
) -> Result<Outcome, Refusal> {
    call(world, posting, CertificateCall::Issue { kind: token(kind), place, origin, certificate })
}

/// An SC certificate issued by the SDO of Bankura.
fn issue_sc(world: &mut World, id: &str) -> Result<Outcome, Refusal> {
    let terms = ("SC", Place::district(BANKURA), Origin::Decided);
    issue_at(world, "district/sdo-bankura", terms, certificate("SC", id, &["SC"]))
}

fn revoke(id: &str, effect: Effect) -> CertificateCall {
    CertificateCall::Revoke {
        uri: token(&uri("SC", id)),
        effect,
        reason: digest("salted reason"),
        cites: Some(Citation::Hearing(digest("hearing"))),
    }
}

fn suspend(id: &str) -> CertificateCall {
    CertificateCall::Suspend { uri: token(&uri("SC", id)), reason: digest("salted reason") }
}

fn restore(id: &str, effect: Effect, cites: Option<Citation>) -> CertificateCall {
    CertificateCall::Restore { uri: token(&uri("SC", id)), effect, cites }
}

fn as_of(day_ms: u64) -> Moment {
    Moment { as_of_ms: day_ms, known_at_ms: u64::MAX }
}

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
fn c4_a_chain_of_certificates_has_one_live_head() {
    let mut world = World::west_bengal();
    let birth = |id: &str| certificate("BIR", id, &[]);
    let terms = ("BIR", Place::district(BANKURA), Origin::Decided);
    issue_at(&mut world, "health/registrar-bankura", terms, birth("BIR-T-05")).unwrap();
    world.advance(DAY_MS);
    let correct = |old: &str, new: &str| CertificateCall::Replace {
        old: token(&uri("BIR", old)),
        replacement: Replacement::Correction,
        certificate: birth(new),
    };
    assert_eq!(code(call(&mut world, "health/registrar-hooghly", correct("BIR-T-05", "BIR-T-05B"))), "C2");
    call(&mut world, "health/registrar-bankura", correct("BIR-T-05", "BIR-T-05B")).unwrap();
    assert_eq!(world.status(&uri("BIR", "BIR-T-05")).status, Status::Superseded);
    assert_eq!(world.status(&uri("BIR", "BIR-T-05B")).status, Status::Valid);
    assert_eq!(code(call(&mut world, "health/registrar-bankura", correct("BIR-T-05", "BIR-T-05C"))), "D3");
}

#[test]
fn c2_a_replacement_keeps_the_start_and_a_copy_keeps_all() {
    let mut world = World::west_bengal();
    issue_sc(&mut world, "SC-1").unwrap();
    world.advance(2 * DAY_MS);
    let replace = |replacement, change: fn(&mut NewCertificate)| {
        let mut new = certificate("SC", "SC-1B", &["SC"]);
        new.subject = certificate("SC", "SC-1", &[]).subject;
        change(&mut new);
        CertificateCall::Replace { old: token(&uri("SC", "SC-1")), replacement, certificate: new }
    };
    for broken in [
        // A later start would step out of the days of a class strike, and so would a dropped class.
        replace(Replacement::Correction, |new| new.valid_from_ms += DAY_MS),
        replace(Replacement::Loss, |new| new.valid_from_ms += DAY_MS),
        replace(Replacement::Loss, |new| new.classes = Set::default()),
        replace(Replacement::Loss, |new| new.subject = token("somebody-else")),
        replace(Replacement::Loss, |new| new.valid_until_ms = Some(START_MS + 9 * DAY_MS)),
        replace(Replacement::Correction, |new| new.valid_until_ms = Some(START_MS + 9 * DAY_MS)),
    ] {
        assert_eq!(code(call(&mut world, "district/sdo-bankura", broken)), "C2");
    }
    call(&mut world, "district/sdo-bankura", replace(Replacement::Loss, |_| ())).unwrap();
    assert_eq!(world.status(&uri("SC", "SC-1B")).status, Status::Valid);
}

#[test]
fn c5_a_deemed_certificate_waits_for_the_clock_less_query_time() {
    let mut world = World::west_bengal();
    let place = || Place::district(BANKURA);
    let step = |world: &mut World, posting: &str, step| {
        call(world, posting, CertificateCall::Application { application: token("CAF-1"), step })
    };
    let deemed = |world: &mut World, id: &str, kind: &str, at: Place| {
        let mut new = certificate(kind, id, &[]);
        new.valid_from_ms = world.time_ms;
        new.valid_until_ms = (kind == "CTO").then_some(world.time_ms + DAY_MS);
        let origin = Origin::Deemed { application: token("CAF-1") };
        issue_at(world, "environment/consent", (kind, at, origin), new)
    };
    assert_eq!(code(deemed(&mut world, "CTE-T-08", "CTO", place())), "C5");
    let receive = ApplicationStep::Receive { kind: token("CTO"), place: place(), form: digest("form") };
    step(&mut world, "district/intake", receive.clone()).unwrap();
    assert_eq!(code(step(&mut world, "district/intake", receive)), "D1");
    // The clock of 30 days stands still for 10.
    world.advance(5 * DAY_MS);
    let query = ApplicationStep::RaiseQuery { query: digest("query") };
    let answer = ApplicationStep::AnswerQuery { answer: digest("answer") };
    assert_eq!(code(step(&mut world, "district/intake", query.clone())), "C2");
    assert_eq!(code(step(&mut world, "district/intake", answer.clone())), "D2");
    step(&mut world, "environment/consent", query.clone()).unwrap();
    assert_eq!(code(step(&mut world, "environment/consent", query)), "D2");
    world.advance(10 * DAY_MS);
    assert_eq!(code(deemed(&mut world, "CTE-T-08", "CTO", place())), "C5");
    step(&mut world, "district/intake", answer).unwrap();
    world.advance(25 * DAY_MS);
    assert_eq!(code(deemed(&mut world, "CTE-T-08", "CTO", place())), "C5");
    world.advance(1);
    assert_eq!(code(deemed(&mut world, "CTE-T-08", "CTO", Place::district(312))), "C5");
    deemed(&mut world, "CTE-T-08", "CTO", place()).unwrap();
    assert_eq!(world.document(&uri("CTO", "CTE-T-08")).provenance, Provenance::Deemed);
    assert_eq!(code(deemed(&mut world, "CTE-T-09", "CTO", place())), "C5");
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
fn c7_renewals_never_overlap_and_a_gap_shows() {
    let mut world = World::west_bengal();
    let (end, later) = (START_MS + 100 * DAY_MS, START_MS + 110 * DAY_MS);
    let consent = |id: &str, from_ms: u64, until_ms: u64| {
        let mut new = certificate("CTO", id, &["GREEN"]);
        (new.valid_from_ms, new.valid_until_ms) = (from_ms, Some(until_ms));
        new
    };
    let terms = ("CTO", Place::district(BANKURA), Origin::Decided);
    issue_at(&mut world, "environment/consent", terms, consent("CTO-1", START_MS, end)).unwrap();
    world.advance(90 * DAY_MS);
    let renew = |from_ms, until_ms| CertificateCall::Replace {
        old: token(&uri("CTO", "CTO-1")),
        replacement: Replacement::AutoRenewal,
        certificate: consent("CTO-T-07", from_ms, until_ms),
    };
    assert_eq!(code(call(&mut world, "environment/consent", renew(end - 1, end + DAY_MS))), "C7");
    assert_eq!(code(call(&mut world, "environment/consent", renew(later, later + 2_558 * DAY_MS))), "C2");
    call(&mut world, "environment/consent", renew(later, later + 100 * DAY_MS)).unwrap();
    let (old, new) = (uri("CTO", "CTO-1"), uri("CTO", "CTO-T-07"));
    assert_eq!(world.document(&new).provenance, Provenance::AutoRenewed);
    // The running term goes on to its end; then nothing is in force; then the renewal is.
    assert_eq!((world.status(&old).status, world.status(&new).status), (Status::Valid, Status::NotYetValid));
    world.at(end);
    assert_eq!((world.status(&old).status, world.status(&new).status), (Status::Expired, Status::NotYetValid));
    world.at(later);
    assert_eq!((world.status(&old).status, world.status(&new).status), (Status::Superseded, Status::Valid));
    // A certificate without end has no renewal.
    issue_at(
        &mut world,
        "district/sdo-bankura",
        ("DOM", Place::district(BANKURA), Origin::Decided),
        NewCertificate { valid_from_ms: later, ..certificate("DOM", "DOM-1", &[]) },
    )
    .unwrap();
    let renew = CertificateCall::Replace {
        old: token(&uri("DOM", "DOM-1")),
        replacement: Replacement::Renewal,
        certificate: NewCertificate { valid_from_ms: later, ..certificate("DOM", "DOM-2", &[]) },
    };
    assert_eq!(code(call(&mut world, "district/sdo-bankura", renew)), "C7");
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

/// An OBC certificate of 2015 from the older register.
fn import_obc(world: &mut World) -> String {
    let mut old = certificate("OBC", "OBC-T-04", &["OBC-A"]);
    old.valid_from_ms = STRUCK_FROM_MS - 3_000 * DAY_MS;
    let origin = Origin::Imported { as_on_ms: START_MS - 30 * DAY_MS, source: digest("register") };
    issue_at(world, "district/sdo-bankura", ("OBC", Place::district(BANKURA), origin), old).unwrap();
    uri("OBC", "OBC-T-04")
}

fn strike(classes: &[&str]) -> NewStrike {
    NewStrike {
        kind: token("OBC"),
        classes: classes.iter().map(|class| token(class)).collect(),
        issued_from_ms: STRUCK_FROM_MS - 5_000 * DAY_MS,
        issued_until_ms: STRUCK_FROM_MS,
        effective_from_ms: STRUCK_FROM_MS,
        saving_clause: Some(digest("saving clause")),
        order: digest("order"),
    }
}

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
fn c2_an_import_is_content_not_time() {
    let mut world = World::west_bengal();
    let import = |world: &mut World, as_on_ms, from_ms| {
        let new = NewCertificate { valid_from_ms: from_ms, ..certificate("OBC", "OBC-1", &[]) };
        let origin = Origin::Imported { as_on_ms, source: digest("register") };
        issue_at(world, "district/sdo-bankura", ("OBC", Place::district(BANKURA), origin), new)
    };
    assert_eq!(code(import(&mut world, START_MS + 1, 0)), "C2");
    assert_eq!(code(import(&mut world, START_MS - DAY_MS, START_MS)), "C2");
    import(&mut world, START_MS - DAY_MS, 0).unwrap();
    // Long valid by its content, on record only now.
    let it = uri("OBC", "OBC-1");
    assert_eq!(world.status_at(&it, as_of(1)).status, Status::Valid);
    let earlier = Moment { as_of_ms: START_MS - 1, known_at_ms: START_MS - 1 };
    assert_eq!(world.status_at(&it, earlier).status, Status::NotOnRecord);
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
