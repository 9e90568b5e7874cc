//! Delivery at the fixed destination, once (M7), and redemption in one works bill (M13).
//!
//! **By one-time code.** The consignee, who is mostly no office, hands the code to any counter that takes in papers for the
//! place of destination: a posting as receiver or intake there, or the gateway of a portal that names such a posting (A7).
//! The code is the proof; the posting says who answers for having heard it.
//!
//! **Late.** A load that arrives after its challan's end is taken in and marked as late. Its royalty was paid, so a works
//! bill may account for it; but only on the works officer's own decision, cited by its digest, for an old challan shown with
//! another load looks the same.

use dalil_ledger::codec::{SchemaRead, SchemaWrite, Token};
use dalil_ledger::crypto::{Hash, sha256};
use dalil_ledger::document::Standing;
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authority::office::office_record;
use crate::authority::parameters::parameter_u64;
use crate::authority::{Acting, Place, PostingId, Role, authorise};
use crate::context::{Context, Outcome};
use crate::mineral::challan::{self, Challan, Stage};
use crate::mineral::issue::Receiver;
use crate::mineral::parameters::GATE_TOLERANCE_PERMILLE;
use crate::mineral::quantity::with_tolerance;
use crate::mineral::types::{BillId, ChallanNumber, plain, subject};
use crate::mineral::yard;
use crate::refusal::{OrReject as _, Refusal, reject, require};
use crate::units::Kilograms;

/// The fewest characters of a one-time code: 80 random bits in base 32.
pub const CODE_LENGTH_MIN: usize = 16;

/// A consignee's one-time code.
pub type OneTimeCode = Token<64>;

/// Takes delivery.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliverChallan {
    /// The challan.
    #[schemars(with = "String")]
    pub challan: ChallanNumber,
    /// The load as weighed at the destination, kg; without it the gate's weight stands.
    pub received_kg: Option<Kilograms>,
    /// The consignee's one-time code, where the destination asks for one.
    #[schemars(with = "Option<String>")]
    pub code: Option<OneTimeCode>,
}

/// Accounts for a delivered challan in a works bill.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedeemChallan {
    /// The challan.
    #[schemars(with = "String")]
    pub challan: ChallanNumber,
    /// The works bill.
    #[schemars(with = "String")]
    pub bill: BillId,
    /// Digest of the officer's decision to accept a load that was delivered late; none for one delivered in time.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub late_decision: Option<Hash>,
}

fn place_of(challan: &Challan) -> Place {
    Place { district: challan.issued.destination.district, block: challan.issued.destination.block, lease: None }
}

/// M7: the one who takes delivery is the one whom the challan names.
fn authorise_receiver(
    state: &Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    challan: &Challan,
    code: Option<&OneTimeCode>,
) -> Result<Acting, Refusal> {
    match &challan.issued.destination.receiver {
        Receiver::Yard(id) => {
            let place = yard::load(state, id)?.place();
            authorise(state, context, posting, &[Role::LesseeAgent, Role::Receiver], &place)
        }
        Receiver::Office(office) => {
            let roles = [Role::Receiver, Role::WorksOfficer];
            let acting = authorise(state, context, posting, &roles, &place_of(challan))?;
            let here = acting.office.id == *office;
            require(here, "M7", || format!("challan {} goes to office {office}", challan.number()))?;
            Ok(acting)
        }
        Receiver::CodeHash(hash) => {
            let acting = authorise(state, context, posting, &[Role::Receiver, Role::Intake], &place_of(challan))?;
            let code = code.or_reject("M7", || "this delivery needs the consignee's one-time code".to_owned())?;
            let text = code.as_str();
            let right = text.len() >= CODE_LENGTH_MIN && sha256(text.as_bytes()) == *hash;
            require(right, "M7", || "the one-time code is not the challan's".to_owned())?;
            Ok(acting)
        }
    }
}

pub(super) fn deliver(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &DeliverChallan,
) -> Result<Outcome, Refusal> {
    let mut challan = challan::load(state, &call.challan)?;
    let acting = authorise_receiver(state, context, posting, &challan, call.code.as_ref())?;
    let delivered = matches!(challan.stage, Stage::Delivered | Stage::DeliveredLate | Stage::Redeemed);
    require(!delivered, "M7", || format!("challan {} was delivered already", call.challan))?;
    let (Stage::InTransit, Some(gate)) = (challan.stage, &challan.gate) else {
        return challan.refuse_stage("delivered");
    };
    let received = call.received_kg.unwrap_or(gate.net_kg);
    let most = with_tolerance(gate.net_kg, parameter_u64(state, context, GATE_TOLERANCE_PERMILLE)?);
    require(received <= most, "M7", || {
        format!("{} kg received; {} kg passed the gate, {} kg with tolerance", received.0, gate.net_kg.0, most.0)
    })?;
    let mut also = None;
    if let Receiver::Yard(id) = &challan.issued.destination.receiver {
        // More than left the gate never enters a balance, whatever a scale shows.
        yard::take_in(state, id, &challan.issued.mineral, received.min(gate.net_kg))?;
        also = Some(subject("stockyard", id));
    }
    let (stage, why, event) = if context.time_ms < challan.valid_until_ms {
        (Stage::Delivered, "delivered", "mineral.challan_delivered")
    } else {
        (Stage::DeliveredLate, "delivered_late", "mineral.challan_delivered_late")
    };
    challan::move_document(state, context, &challan, Standing::Consumed, why)?;
    challan.end(stage, context);
    challan::save(state, &challan);
    let mut outcome = challan.outcome(&acting, event);
    if let Some(yard) = also {
        outcome.about(yard);
    }
    Ok(outcome)
}

pub(super) fn redeem(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &RedeemChallan,
) -> Result<Outcome, Refusal> {
    let mut challan = challan::load(state, &call.challan)?;
    let acting = authorise(state, context, posting, &[Role::WorksOfficer], &place_of(&challan))?;
    plain("bill", call.bill.as_str())?;
    if let Some(bill) = &challan.bill {
        return reject("M13", format!("challan {} is accounted for in bill {bill}", call.challan));
    }
    let late = match challan.stage {
        Stage::Delivered => false,
        Stage::DeliveredLate => true,
        _ => return challan.refuse_stage("redeemed"),
    };
    let decided = call.late_decision.is_some_and(|decision| decision != Hash::ZERO);
    require(decided == late && call.late_decision.is_some() == late, "M13", || {
        let needs =
            if late { "late: the bill needs a decision by its digest" } else { "in time: no decision is needed" };
        format!("challan {} was delivered {needs}", call.challan)
    })?;
    let Receiver::Office(office) = &challan.issued.destination.receiver else {
        return reject("M13", format!("challan {} was not delivered to a works office", call.challan));
    };
    let ours = office_record(state, office)?.department == acting.office.department;
    require(ours, "M13", || format!("challan {} was delivered to another department", call.challan))?;
    challan.bill = Some(call.bill.clone());
    challan.stage = Stage::Redeemed;
    challan::save(state, &challan);
    let mut outcome = challan.outcome(&acting, "mineral.challan_redeemed");
    outcome.about(subject("bill", &call.bill));
    Ok(outcome)
}
