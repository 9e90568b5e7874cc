//! Short spellings of certificate calls, and the player of `testnet/sample/certificate-*.json`.

use dalil_contracts::authority::Place;
use dalil_contracts::certificate::{CertificateCall, Citation, Effect, NewCertificate, NewStrike, Origin};
use dalil_contracts::units::{DAY_MS, MINUTE_MS};
use dalil_contracts::{Call, Outcome, Refusal};
use dalil_ledger::block::Attachment;
use dalil_ledger::codec;
use dalil_ledger::document::Moment;
use serde_json::{Value, json};

use crate::support::{START_MS, World, code, digest, token};

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

/// Makes a call. Each accepted one says what happened, to what and where; only a class strike has no place.
pub fn call(world: &mut World, posting: &str, call: CertificateCall) -> Result<Outcome, Refusal> {
    use CertificateCall::{ConfirmStrike, LiftStay, StayStrike, StrikeClass};
    let has_place = !matches!(call, StrikeClass(_) | ConfirmStrike { .. } | StayStrike { .. } | LiftStay { .. });
    let outcome = world.call(posting, Call::Certificate(call))?;
    assert!(outcome.events.iter().any(|event| event.name.starts_with("certificate.")), "{outcome:?}");
    assert!(outcome.events.iter().all(|event| outcome.subjects.contains(&event.subject)), "{outcome:?}");
    assert_eq!(outcome.place.is_some(), has_place, "{outcome:?}");
    Ok(outcome)
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

/// Plays a file of steps; each must have the outcome written beside it. `after` is shown every step.
pub fn play(world: &mut World, file: &str, mut after: impl FnMut(&World, &str)) {
    let file: Value = serde_json::from_str(file).unwrap();
    let mut player = Player { start_ms: world.time_ms, indexes: Vec::new(), list: None };
    for step in file["steps"].as_array().unwrap() {
        let name = step["step"].as_str().unwrap();
        let waits = |unit: &str| step[unit].as_u64().unwrap_or(0);
        world.advance(MINUTE_MS + waits("after_minutes") * MINUTE_MS + waits("after_days") * DAY_MS);
        player.list = step.get("list").map(|list| player.leaves(list));
        let call: Call =
            serde_json::from_value(player.expand(&step["call"])).unwrap_or_else(|error| panic!("{name}: {error}"));
        world.attachments = player.list.clone().into_iter().collect();
        player.indexes.push((name.to_owned(), world.record));
        let before = world.state.clone();
        let result = world.call(step["posting"].as_str().unwrap(), call);
        match step["expect"].as_str().unwrap() {
            "accepted" => {
                let outcome = result.unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
                let events: Vec<_> = outcome.events.iter().map(|event| event.name).collect();
                for event in step["events"].as_array().into_iter().flatten() {
                    assert!(events.contains(&event.as_str().unwrap()), "{name}: {event} not among {events:?}");
                }
            }
            expected => {
                assert_eq!(code(result), expected, "{name}");
                assert_eq!(world.state, before, "{name}");
            }
        }
        after(world, name);
    }
}

/// What the notation of sample files stands for.
struct Player {
    start_ms: u64,
    indexes: Vec<(String, u64)>,
    list: Option<Attachment>,
}

impl Player {
    fn expand(&self, value: &Value) -> Value {
        match value {
            Value::Array(items) => items.iter().map(|item| self.expand(item)).collect(),
            Value::Object(fields) if fields.len() == 1 => {
                let (name, inner) = fields.iter().next().unwrap();
                match name.as_str() {
                    "minutes_from_start" => json!(self.start_ms + inner.as_u64().unwrap() * MINUTE_MS),
                    "digest_of" => json!(digest(inner.as_str().unwrap())),
                    "index_of" => {
                        json!(self.indexes.iter().find(|(step, _)| step == inner.as_str().unwrap()).unwrap().1)
                    }
                    "list" => json!(self.list.as_ref().map(|list| list.root())),
                    _ => json!({ name: self.expand(inner) }),
                }
            }
            Value::Object(fields) => fields.iter().map(|(name, inner)| (name.clone(), self.expand(inner))).collect(),
            other => other.clone(),
        }
    }

    /// The leaves of a list: `{place}` in the leaf's texts is the place from 1 in four digits.
    fn leaves(&self, list: &Value) -> Attachment {
        let leaf = |place: u64| {
            let text = list["leaf"].to_string().replace("{place}", &format!("{place:04}"));
            let new: NewCertificate =
                serde_json::from_value(self.expand(&serde_json::from_str(&text).unwrap())).unwrap();
            codec::encode(&new)
        };
        Attachment { leaves: (1..=list["count"].as_u64().unwrap()).map(leaf).collect() }
    }
}
