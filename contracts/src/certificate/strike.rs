//! Class strikes: one order that ends lakhs of certificates from a day on, and its stay.
//!
//! The order waits for a second officer (A6); the confirmation writes it into the slot of each class, which every
//! verifier reads together with the certificate.

use dalil_ledger::codec::{SchemaRead, SchemaWrite, Set};
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::{
    CLASSES_MAX, Class, ClassCode, STRIKES_MAX, Strike, StrikeTurn, Strikes, TypeCode, strike_key,
};
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::types::certificate_type;
use crate::authority::duties::FirstOfficer;
use crate::authority::{Acting, PostingId, Role, authorise_statewide};
use crate::context::{Context, Outcome, token};
use crate::refusal::{OrReject as _, Refusal, require};

/// The most stays and lifts of one strike, so that a slot keeps a bounded size.
pub const STAYS_MAX: usize = 16;

/// An order that strikes classes.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewStrike {
    /// The certificate type.
    #[schemars(with = "String")]
    pub kind: TypeCode,
    /// The classes struck.
    #[schemars(with = "Vec<String>")]
    pub classes: Set<ClassCode>,
    /// Certificates valid from this day on are struck, UTC milliseconds.
    pub issued_from_ms: u64,
    /// Certificates valid from before this day are struck (exclusive), UTC milliseconds.
    pub issued_until_ms: u64,
    /// Day of legal effect, UTC milliseconds.
    pub effective_from_ms: u64,
    /// Digest of the saving clause, if the order has one.
    #[schemars(with = "Option<String>")]
    pub saving_clause: Option<Hash>,
    /// Digest of the order.
    #[schemars(with = "String")]
    pub order: Hash,
}

/// A strike as the contracts keep it, found by the log index of its order.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
pub struct StrikeRecord {
    /// The order.
    pub order: NewStrike,
    /// Who gave it, and when.
    pub first: FirstOfficer,
    /// Log index of the confirmation; none while pending.
    pub confirmed: Option<u64>,
}

/// State key of a strike's record.
pub fn strike_record_key(index: u64) -> Vec<u8> {
    format!("cert/strike/{index}").into_bytes()
}

fn strike_record(state: &Overlay<'_>, index: u64) -> Result<StrikeRecord, Refusal> {
    state.get_value(&strike_record_key(index))?.or_reject("D2", || format!("record {index} ordered no class strike"))
}

/// A class authority of the department that the type names, or court entry.
fn authorise_strike(
    state: &Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    kind: &TypeCode,
) -> Result<Acting, Refusal> {
    let acting = authorise_statewide(state, context, posting, &[Role::ClassAuthority, Role::CourtEntry])?;
    let struck_by = certificate_type(state, context, kind)?.struck_by;
    let court = acting.posting.role == Role::CourtEntry;
    require(court || struck_by.as_ref() == Some(&acting.office.department), "C6", || match &struck_by {
        Some(department) => format!("classes of type {kind} are struck by department {department} or the courts"),
        None => format!("classes of type {kind} are struck by the courts alone"),
    })?;
    Ok(acting)
}

fn outcome(acting: &Acting, event: &'static str, index: u64, order: &NewStrike) -> Result<Outcome, Refusal> {
    let mut outcome = acting.outcome();
    outcome.event(event, token(format!("strike/{index}"))?);
    for class in order.classes.iter() {
        outcome.about(token(format!("class/{}/{class}", order.kind))?);
    }
    Ok(outcome)
}

/// Takes the order in; it waits for a second officer.
pub(super) fn order(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    new: &NewStrike,
) -> Result<Outcome, Refusal> {
    let acting = authorise_strike(state, context, posting, &new.kind)?;
    require((1..=CLASSES_MAX).contains(&new.classes.len()), "D2", || {
        format!("an order strikes 1 to {CLASSES_MAX} classes")
    })?;
    certificate_type(state, context, &new.kind)?.classes_of(&new.classes)?;
    require(new.issued_from_ms < new.issued_until_ms, "D2", || "the days of issue end before they begin".to_owned())?;
    require(new.order != Hash::ZERO, "C8", || "the strike cites no order".to_owned())?;
    let record = StrikeRecord { order: new.clone(), first: FirstOfficer::now(&acting, context), confirmed: None };
    state.put_value(strike_record_key(context.record), &record);
    outcome(&acting, "certificate.strike_ordered", context.record, new)
}

/// A second officer confirms: the strike stands from now on.
pub(super) fn confirm(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    index: u64,
) -> Result<Outcome, Refusal> {
    let mut record = strike_record(state, index)?;
    let acting = authorise_strike(state, context, posting, &record.order.kind)?;
    require(record.confirmed.is_none(), "D2", || format!("strike {index} is confirmed already"))?;
    record.first.confirm(state, context, &acting)?;
    record.confirmed = Some(context.record);
    let order = &record.order;
    for class in order.classes.iter() {
        let key = strike_key(&Class { kind: order.kind.clone(), class: class.clone() });
        let mut slot: Strikes = state.get_value(&key)?.unwrap_or_default();
        require(slot.strikes.len() < STRIKES_MAX, "D2", || {
            format!("class {class} was struck {STRIKES_MAX} times already")
        })?;
        slot.strikes.push(Strike {
            issued_from_ms: order.issued_from_ms,
            issued_until_ms: order.issued_until_ms,
            effective_from_ms: order.effective_from_ms,
            recorded_at_ms: context.time_ms,
            order: order.order,
            saving_clause: order.saving_clause,
            turns: Vec::new(),
            record: context.record,
        });
        state.put_value(key, &slot);
    }
    state.put_value(strike_record_key(index), &record);
    outcome(&acting, "certificate.class_struck", index, order)
}

/// A court stays the strike: from now on the certificates are in force again.
pub(super) fn stay(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    index: u64,
    order: &Hash,
) -> Result<Outcome, Refusal> {
    turn(state, context, posting, (index, order), Turn::Stay)
}

/// A court lifts the stay: from now on the strike has effect again.
pub(super) fn lift(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    index: u64,
    order: &Hash,
) -> Result<Outcome, Refusal> {
    turn(state, context, posting, (index, order), Turn::Lift)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Stay,
    Lift,
}

fn turn(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    (index, order): (u64, &Hash),
    turn: Turn,
) -> Result<Outcome, Refusal> {
    let acting = authorise_statewide(state, context, posting, &[Role::CourtEntry])?;
    require(*order != Hash::ZERO, "C8", || "the court's order is missing".to_owned())?;
    let record = strike_record(state, index)?;
    let confirmed = record.confirmed.or_reject("D2", || format!("strike {index} is not confirmed"))?;
    for class in record.order.classes.iter() {
        let key = strike_key(&Class { kind: record.order.kind.clone(), class: class.clone() });
        let mut slot: Strikes = state.get_value(&key)?.unwrap_or_default();
        let strike = slot
            .strikes
            .iter_mut()
            .find(|strike| strike.record == confirmed)
            .or_reject("D2", || format!("class {class} does not have strike {index}"))?;
        // An even number of turns means that the strike has effect.
        let has_effect = strike.turns.len().is_multiple_of(2);
        require(has_effect == (turn == Turn::Stay), "D2", || match turn {
            Turn::Stay => format!("strike {index} is stayed already"),
            Turn::Lift => format!("strike {index} is not stayed"),
        })?;
        require(strike.turns.len() < STAYS_MAX, "D2", || format!("strike {index} was turned {STAYS_MAX} times"))?;
        strike.turns.push(StrikeTurn { recorded_at_ms: context.time_ms, record: context.record });
        state.put_value(key, &slot);
    }
    let event = match turn {
        Turn::Stay => "certificate.strike_stayed",
        Turn::Lift => "certificate.strike_stay_lifted",
    };
    outcome(&acting, event, index, &record.order)
}
