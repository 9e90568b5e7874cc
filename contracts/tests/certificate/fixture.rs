//! Short spellings of certificate calls.

use dalil_contracts::authority::Place;
use dalil_contracts::certificate::{CertificateCall, Citation, Effect, NewCertificate, NewStrike, Origin};
use dalil_contracts::units::DAY_MS;
use dalil_contracts::{Call, Outcome, Refusal};
use dalil_ledger::document::Moment;

use crate::support::{START_MS, World, digest, token};

/// 2024-05-22T00:00+05:30, the day from which the class strike of the sample has effect.
pub const STRUCK_FROM_MS: u64 = 1_716_316_200_000;
pub const BANKURA: u32 = 305;

pub fn uri(kind: &str, id: &str) -> String {
    let department = match kind {
        "INC" => "panchayat",
        "BIR" | "DEATH" => "health",
        "CTO" | "CTE" => "environment",
        "TRD" => "urban",
        _ => "district",
    };
    format!("in.gov.wb.{department}-{kind}-{id}-0000000000")
}

pub fn certificate(kind: &str, id: &str, classes: &[&str]) -> NewCertificate {
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

pub fn call(world: &mut World, posting: &str, call: CertificateCall) -> Result<Outcome, Refusal> {
    world.call(posting, Call::Certificate(call))
}

pub fn issue_at(
    world: &mut World,
    posting: &str,
    (kind, place, origin): (&str, Place, Origin),
    certificate: NewCertificate,
) -> Result<Outcome, Refusal> {
    call(world, posting, CertificateCall::Issue { kind: token(kind), place, origin, certificate })
}

/// An SC certificate issued by the SDO of Bankura.
pub fn issue_sc(world: &mut World, id: &str) -> Result<Outcome, Refusal> {
    let terms = ("SC", Place::district(BANKURA), Origin::Decided);
    issue_at(world, "district/sdo-bankura", terms, certificate("SC", id, &["SC"]))
}

pub fn revoke(id: &str, effect: Effect) -> CertificateCall {
    CertificateCall::Revoke {
        uri: token(&uri("SC", id)),
        effect,
        reason: digest("salted reason"),
        cites: Some(Citation::Hearing(digest("hearing"))),
    }
}

pub fn suspend(id: &str) -> CertificateCall {
    CertificateCall::Suspend { uri: token(&uri("SC", id)), reason: digest("salted reason") }
}

pub fn restore(id: &str, effect: Effect, cites: Option<Citation>) -> CertificateCall {
    CertificateCall::Restore { uri: token(&uri("SC", id)), effect, cites }
}

pub fn as_of(day_ms: u64) -> Moment {
    Moment { as_of_ms: day_ms, known_at_ms: u64::MAX }
}

/// An OBC certificate of 2015 from the older register.
pub fn import_obc(world: &mut World) -> String {
    let mut old = certificate("OBC", "OBC-T-04", &["OBC-A"]);
    old.valid_from_ms = STRUCK_FROM_MS - 3_000 * DAY_MS;
    let origin = Origin::Imported { as_on_ms: START_MS - 30 * DAY_MS, source: digest("register") };
    issue_at(world, "district/sdo-bankura", ("OBC", Place::district(BANKURA), origin), old).unwrap();
    uri("OBC", "OBC-T-04")
}

pub fn strike(classes: &[&str]) -> NewStrike {
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

/// A consent to operate of a class for a time, and its terms.
pub fn consent(id: &str, class: &str, (from_ms, until_ms): (u64, u64)) -> NewCertificate {
    NewCertificate { valid_from_ms: from_ms, valid_until_ms: Some(until_ms), ..certificate("CTO", id, &[class]) }
}

/// Issues a consent to operate.
pub fn issue_consent(world: &mut World, new: NewCertificate) -> Result<Outcome, Refusal> {
    issue_at(world, "environment/consent", ("CTO", Place::district(BANKURA), Origin::Decided), new)
}
