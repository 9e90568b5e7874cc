//! Correction, copies after loss, renewal: C4 and C7.

use dalil_contracts::authority::Place;
use dalil_contracts::certificate::{CertificateCall, Citation, Effect, NewCertificate, Origin, Replacement};
use dalil_contracts::units::DAY_MS;
use dalil_contracts::{Outcome, Refusal};
use dalil_ledger::codec::Set;
use dalil_ledger::document::{Provenance, Status};

use crate::fixture::{
    BANKURA, as_of, call, certificate, consent, import_obc, issue_at, issue_consent, issue_sc, revoke, strike, suspend,
    uri,
};
use crate::support::{START_MS, World, code, digest, token};

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
fn c7_renewals_never_overlap_and_a_gap_shows() {
    let mut world = World::west_bengal();
    let (end, later) = (START_MS + 100 * DAY_MS, START_MS + 110 * DAY_MS);
    let consent = |id: &str, from_ms: u64, until_ms: u64| consent(id, "GREEN", (from_ms, until_ms));
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

fn replace_consent(
    world: &mut World,
    old: &str,
    replacement: Replacement,
    new: NewCertificate,
) -> Result<Outcome, Refusal> {
    let replace = CertificateCall::Replace { old: token(&uri("CTO", old)), replacement, certificate: new };
    call(world, "environment/consent", replace)
}

fn act_on_consent(world: &mut World, id: &str, suspended: bool) -> Result<Outcome, Refusal> {
    let it = token(&uri("CTO", id));
    let reason = digest("salted reason");
    let made = if suspended {
        CertificateCall::Suspend { uri: it, reason }
    } else {
        let cites = Some(Citation::Hearing(digest("hearing")));
        CertificateCall::Revoke { uri: it, effect: Effect::AbInitio, reason, cites }
    };
    call(world, "environment/consent", made)
}

#[test]
fn c1_what_replaces_a_certificate_may_keep_its_number() {
    let mut world = World::west_bengal();
    issue_sc(&mut world, "SC-1").unwrap();
    issue_sc(&mut world, "SC-2").unwrap();
    let copy = |old: &str, id: &str, number: &str| CertificateCall::Replace {
        old: token(&uri("SC", old)),
        replacement: Replacement::Correction,
        certificate: NewCertificate { number: token(number), ..certificate("SC", id, &["SC"]) },
    };
    assert_eq!(code(call(&mut world, "district/sdo-bankura", copy("SC-1", "SC-1B", "SC-2"))), "C1");
    call(&mut world, "district/sdo-bankura", copy("SC-1", "SC-1B", "SC-1")).unwrap();
    call(&mut world, "district/sdo-bankura", copy("SC-1B", "SC-1C", "SC-1")).unwrap();
    // The number is the chain's for ever, also under another one.
    call(&mut world, "district/sdo-bankura", copy("SC-1C", "SC-1D", "SC-7")).unwrap();
    assert_eq!(code(call(&mut world, "district/sdo-bankura", copy("SC-2", "SC-2B", "SC-1"))), "C1");
}

/// A renewal recorded while the old term runs must not shield the old term.
#[test]
fn c7_an_early_renewal_leaves_the_running_term_in_force_and_in_reach() {
    let (start, end) = (START_MS, START_MS + 100 * DAY_MS);
    let (old, new) = (uri("CTO", "CTO-1"), uri("CTO", "CTO-2"));
    let renewed = || {
        let mut world = World::west_bengal();
        issue_consent(&mut world, consent("CTO-1", "GREEN", (start, end))).unwrap();
        world.advance(90 * DAY_MS);
        let next = consent("CTO-2", "GREEN", (end, end + 100 * DAY_MS));
        replace_consent(&mut world, "CTO-1", Replacement::Renewal, next).unwrap();
        world
    };
    let mut world = renewed();
    assert_eq!(world.document(&old).superseded_by, Some(token(&new)));
    for (moment, expected) in [
        (start, (Status::Valid, Status::NotYetValid)),
        (end - 1, (Status::Valid, Status::NotYetValid)),
        (end, (Status::Superseded, Status::Valid)),
    ] {
        let status = |it: &str| world.status_at(it, as_of(moment)).status;
        assert_eq!((status(&old), status(&new)), expected);
    }
    let again = consent("CTO-3", "GREEN", (end, end + DAY_MS));
    assert_eq!(code(replace_consent(&mut world, "CTO-1", Replacement::Renewal, again)), "D3");

    // Fraud is found before the old term ends: the old one is revoked, and stays revoked after its end.
    act_on_consent(&mut world, "CTO-1", false).unwrap();
    assert_eq!(world.status(&old).status, Status::Revoked);
    assert_eq!(world.status_at(&old, as_of(end)).status, Status::Revoked);
    assert_eq!(world.status_at(&new, as_of(end)).status, Status::Valid, "the renewal is a decision of its own");
    act_on_consent(&mut world, "CTO-2", false).unwrap();
    assert_eq!(world.status_at(&new, as_of(end)).status, Status::Revoked);

    // Or it is suspended for a while, and in force again to its end.
    let mut world = renewed();
    act_on_consent(&mut world, "CTO-1", true).unwrap();
    assert_eq!(world.status(&old).status, Status::Suspended);
    let lift = CertificateCall::Restore { uri: token(&old), effect: Effect::Now, cites: None };
    call(&mut world, "environment/consent", lift).unwrap();
    assert_eq!(world.status(&old).status, Status::Valid);
    world.at(end);
    assert_eq!((world.status(&old).status, world.status(&new).status), (Status::Expired, Status::Valid));

    // Once the renewal has begun, the old one is out of reach.
    let mut world = renewed();
    world.at(end);
    assert_eq!(code(act_on_consent(&mut world, "CTO-1", true)), "D2");
}

#[test]
fn d2_a_copy_ends_no_suspension_and_steps_around_no_strike() {
    let mut world = World::west_bengal();
    issue_sc(&mut world, "SC-1").unwrap();
    let copy = || {
        let new =
            NewCertificate { subject: certificate("SC", "SC-1", &[]).subject, ..certificate("SC", "SC-1B", &["SC"]) };
        CertificateCall::Replace { old: token(&uri("SC", "SC-1")), replacement: Replacement::Loss, certificate: new }
    };
    call(&mut world, "judicial/court", suspend("SC-1")).unwrap();
    assert_eq!(code(call(&mut world, "district/sdo-bankura", copy())), "D2");
    call(&mut world, "judicial/court", revoke("SC-1", Effect::Now)).unwrap();
    assert_eq!(code(call(&mut world, "district/sdo-bankura", copy())), "D2");

    let struck = import_obc(&mut world);
    let order = world.record;
    call(&mut world, "welfare/class", CertificateCall::StrikeClass(strike(&["OBC-A"]))).unwrap();
    call(&mut world, "welfare/class-second", CertificateCall::ConfirmStrike { strike: order }).unwrap();
    let corrected = NewCertificate {
        valid_from_ms: world.document(&struck).valid_from_ms,
        ..certificate("OBC", "OBC-T-04B", &["OBC-B"])
    };
    let correct =
        CertificateCall::Replace { old: token(&struck), replacement: Replacement::Correction, certificate: corrected };
    assert_eq!(code(call(&mut world, "district/sdo-bankura", correct.clone())), "D2");
    call(&mut world, "judicial/court", CertificateCall::StayStrike { strike: order, order: digest("stay") }).unwrap();
    call(&mut world, "district/sdo-bankura", correct).unwrap();
}
