//! The challan: its life, and what is kept of it.
//!
//! ```text
//! RESERVED ──gate_out──► IN_TRANSIT ──deliver──► DELIVERED ───────┐
//!  │  │ │                 │  │   └───deliver, after its end──► DELIVERED_LATE ──redeem──► REDEEMED
//!  │  │ └──seize──┐     seize └──tranship──► TRANSHIPPED, and another challan IN_TRANSIT
//!  │  │           ▼       ▼
//!  │  │           SEIZED ──release──► back to where it was
//!  │  └─lapse, after its end──► LAPSED
//!  └─cancel──► CANCELLED
//! ```
//!
//! A challan on the road is "checked" when checks of it are on record; it has no stage of its own. Its document in the
//! registry is active until it is delivered (consumed), cancelled, seized or superseded by that of the vehicle which
//! took the load over; that it expired follows from its end. Live is a challan that has not ended and whose end is still
//! to come. One that is not live never becomes live again: extensions are for live ones only, and a seized one counts as
//! live until its end. What was seized or delivered after its end is on record all the same.

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::{Standing, TypeCode, Uri};
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::Serialize;

use crate::authority::Acting;
use crate::authority::place::DistrictCode;
use crate::context::{Context, Outcome};
use crate::mineral::issue::IssueChallan;
use crate::mineral::keys::challan_key;
use crate::mineral::quantity::Heads;
use crate::mineral::types::{BillId, ChallanNumber, LeaseId, RangeId, reason, subject};
use crate::refusal::{OrReject as _, Refusal, reject};
use crate::registry::{self, Change};
use crate::units::Kilograms;

/// What the URI of every challan begins with.
pub const CHALLAN_URI_PREFIX: &str = "in.gov.wb.minerals-CHALLAN-";

/// Where a challan stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Issued; the load has not left.
    Reserved,
    /// Past the gate.
    InTransit,
    /// Held by an enforcement officer.
    Seized,
    /// Withdrawn before the gate.
    Cancelled,
    /// Ended without ever passing the gate.
    Lapsed,
    /// Another vehicle took the load over, under a challan of its own.
    Transhipped,
    /// Delivered in time.
    Delivered,
    /// Delivered after its end.
    DeliveredLate,
    /// Accounted for in a works bill.
    Redeemed,
}

impl Stage {
    /// Whether nothing more can travel under it.
    pub fn is_ended(self) -> bool {
        !matches!(self, Self::Reserved | Self::InTransit | Self::Seized)
    }
}

/// The weighing at the gate.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, JsonSchema)]
pub struct Gate {
    /// Block time, UTC milliseconds; of an offline challan the time that its device claims.
    pub at_ms: u64,
    /// Digest of the weight slip.
    pub slip: Hash,
    /// Vehicle and load, kg.
    pub gross_kg: Kilograms,
    /// The load alone, kg.
    pub net_kg: Kilograms,
}

/// How a challan came to the ledger that was issued off the network.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, JsonSchema)]
pub struct IssuedOffline {
    /// The range that its number belongs to.
    pub range: RangeId,
    /// When it was issued, as its device claims, UTC milliseconds.
    pub observed_at_ms: u64,
}

/// A seizure in force.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, JsonSchema)]
pub struct Seizure {
    /// LGD code of the district, whose officers release.
    pub district: DistrictCode,
    /// Digest of the memo.
    pub memo: Hash,
    /// Block time, UTC milliseconds.
    pub at_ms: u64,
}

/// A challan.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, JsonSchema)]
pub struct Challan {
    /// What was issued.
    pub issued: IssueChallan,
    /// The lease or stockyard it leaves from.
    pub site: LeaseId,
    /// Its document.
    pub uri: Uri,
    /// Block time of issue, UTC milliseconds.
    pub issued_at_ms: u64,
    /// How it was issued, if off the network.
    pub offline: Option<IssuedOffline>,
    /// Reserved at issue, kg.
    pub reserved_kg: Kilograms,
    /// The part of what was levied on the permit that falls on its load, as reserved and then as weighed, paise by head,
    /// rounded down; nothing for a load that drew on no permit.
    pub amounts: Heads,
    /// End of validity with extensions (exclusive), UTC milliseconds.
    pub valid_until_ms: u64,
    /// Extensions so far.
    pub extensions: u32,
    /// Stage.
    pub stage: Stage,
    /// The weighing at the gate.
    pub gate: Option<Gate>,
    /// Block time at which it ended, UTC milliseconds.
    pub ended_at_ms: Option<u64>,
    /// The seizure, while it is held.
    pub seizure: Option<Seizure>,
    /// The challan from which it took its load over on the road.
    pub took_over: Option<ChallanNumber>,
    /// The works bill that accounts for it (M13).
    pub bill: Option<BillId>,
}

impl Challan {
    /// Its number.
    pub fn number(&self) -> &ChallanNumber {
        &self.issued.number
    }

    /// Whether something may travel under it at `time_ms` (M3).
    pub fn is_live(&self, time_ms: u64) -> bool {
        !self.stage.is_ended() && time_ms < self.valid_until_ms
    }

    /// When it was issued, UTC milliseconds: the block time, or what an offline device claims.
    pub fn begun_ms(&self) -> u64 {
        self.offline.as_ref().map_or(self.issued_at_ms, |offline| offline.observed_at_ms)
    }

    /// Whether it was or is live at some time of `from_ms..until_ms` (M3).
    pub(super) fn is_live_within(&self, from_ms: u64, until_ms: u64) -> bool {
        let end_ms = self.ended_at_ms.map_or(self.valid_until_ms, |ended| ended.min(self.valid_until_ms));
        self.begun_ms() < until_ms && from_ms < end_ms
    }

    /// Ends it.
    pub(super) fn end(&mut self, stage: Stage, context: &Context<'_>) {
        self.stage = stage;
        self.ended_at_ms = Some(context.time_ms);
    }

    /// Refuses with D2 because `act` does not fit the stage.
    pub(super) fn refuse_stage<T>(&self, act: &str) -> Result<T, Refusal> {
        reject("D2", format!("challan {} is {:?}; it cannot be {act}", self.number(), self.stage))
    }

    /// An outcome with an event about the challan; its vehicle's history lists the record too.
    pub(super) fn outcome(&self, acting: &Acting, event: &'static str) -> Outcome {
        let mut outcome = acting.outcome();
        outcome.event(event, subject("challan", self.number()));
        outcome.about(subject("vehicle", self.issued.vehicle));
        outcome
    }
}

/// URI of a challan's document.
///
/// # Panics
/// Never: the prefix and the longest number are shorter than the longest URI.
pub fn challan_uri(number: &ChallanNumber) -> Uri {
    format!("{CHALLAN_URI_PREFIX}{number}").parse().expect("prefix and number fit a URI")
}

/// Type code of every challan's document.
///
/// # Panics
/// Never: the literal is a type code.
pub(super) fn type_code() -> TypeCode {
    "CHALLAN".parse().expect("the literal is a type code")
}

/// The challan, if it is on record.
pub(super) fn find(state: &Overlay<'_>, number: &ChallanNumber) -> Result<Option<Challan>, Refusal> {
    Ok(state.get_value(&challan_key(number))?)
}

/// The challan, refused with D2 if there is none.
pub(super) fn load(state: &Overlay<'_>, number: &ChallanNumber) -> Result<Challan, Refusal> {
    find(state, number)?.or_reject("D2", || format!("there is no challan {number}"))
}

pub(super) fn save(state: &mut Overlay<'_>, challan: &Challan) {
    state.put_value(challan_key(challan.number()), challan);
}

/// The edges of a challan's document.
fn edges(from: Standing, to: Standing) -> bool {
    matches!(
        (from, to),
        (Standing::Active, Standing::Consumed | Standing::Cancelled | Standing::Seized)
            | (Standing::Seized, Standing::Active)
    )
}

/// Moves the challan's document, from now on.
pub(super) fn move_document(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    challan: &Challan,
    standing: Standing,
    why: &'static str,
) -> Result<(), Refusal> {
    let change = Change { standing, effective_from_ms: context.time_ms, reason: reason(why) };
    registry::change(state, context, &challan.uri, &change, edges)
}
