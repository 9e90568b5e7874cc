//! The challan: its life, and what is kept of it.
//!
//! ```text
//! RESERVED ──gate_out──► IN_TRANSIT ──deliver──► DELIVERED ──redeem──► REDEEMED
//!  │  │ │                 │      └───deliver, after its end──► DELIVERED_LATE
//!  │  │ └──seize──┐     seize
//!  │  │           ▼       ▼
//!  │  │           SEIZED ──release──► back to where it was
//!  │  └─lapse, after its end──► LAPSED
//!  └─cancel──► CANCELLED
//! ```
//!
//! A challan on the road is "checked" when checks of it are on record; it has no stage of its own. Its document in the
//! registry is active until it is delivered (consumed), cancelled or seized; that it expired follows from its end.
//! Live is a challan that has not ended and whose end is still to come. One that is not live never becomes live again:
//! extensions are for live ones only, and a seized one counts as live until its end.

use dalil_ledger::codec::{SchemaRead, SchemaWrite, Set};
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::{Standing, TypeCode, Uri};
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::context::{Context, Outcome};
use crate::mineral::issue::IssueChallan;
use crate::mineral::keys::challan_key;
use crate::mineral::types::{BillId, ChallanNumber, LeaseId, reason, subject};
use crate::refusal::{OrReject as _, Refusal, reject};
use crate::registry::{self, Change};
use crate::units::Kilograms;

/// What the URI of every challan begins with.
pub const CHALLAN_URI_PREFIX: &str = "in.gov.wb.minerals-CHALLAN-";

/// Where a challan stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize)]
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
        matches!(self, Self::Cancelled | Self::Lapsed | Self::Delivered | Self::DeliveredLate | Self::Redeemed)
    }
}

/// What checks on the road found.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// Seen at two places that no truck reaches in the time between.
    Clone,
    /// On a vehicle other than the challan's.
    OtherVehicle,
    /// Heavier than the vehicle may be.
    Overload,
    /// Shown after its end.
    Expired,
    /// Shown though it was used up or withdrawn.
    Spent,
    /// Shown though it never passed the gate.
    NotGatedOut,
}

/// The weighing at the gate.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize)]
pub struct Gate {
    /// Block time, UTC milliseconds.
    pub at_ms: u64,
    /// Digest of the weight slip.
    pub slip: Hash,
    /// Vehicle and load, kg.
    pub gross_kg: Kilograms,
    /// The load alone, kg.
    pub net_kg: Kilograms,
}

/// A challan.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize)]
pub struct Challan {
    /// What was issued.
    pub issued: IssueChallan,
    /// The lease or stockyard it leaves from.
    pub site: LeaseId,
    /// Its document.
    pub uri: Uri,
    /// Block time of issue, UTC milliseconds.
    pub issued_at_ms: u64,
    /// Reserved at issue, kg.
    pub reserved_kg: Kilograms,
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
    /// Checks on record.
    pub checks: u32,
    /// What checks found, once and for all.
    pub alerts: Set<Finding>,
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
    pub(super) fn outcome(&self, event: &'static str) -> Outcome {
        let mut outcome = Outcome::default();
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

/// The challan, refused with D2 if there is none.
pub(super) fn load(state: &Overlay<'_>, number: &ChallanNumber) -> Result<Challan, Refusal> {
    state.get_value(&challan_key(number))?.or_reject("D2", || format!("there is no challan {number}"))
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
