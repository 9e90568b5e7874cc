//! Minor minerals: from the mining block to the load that a works bill accounts for.
//!
//! Block → auction → letter of intent → lease → permit → challan. The mineral corporation grants ([`block`], [`lease`],
//! [`permit`], [`yard`]); Finance attests payments ([`payment`]); Transport registers vehicles ([`vehicle`]); a lessee's
//! agent or a stockyard issues challans and lets loads out ([`issue`], [`gate`]), off the network too ([`range`],
//! [`offline`]); district mining officers extend and tranship ([`extend`], [`tranship`]); enforcement checks, seizes and
//! books ([`check`], [`seize`], [`offence`]), off the network too ([`checkpost`]); yard, works or consignee takes delivery ([`delivery`]). A challan is a document
//! of the registry ([`challan`]): whoever is shown one can prove its status.
//!
//! | Rule | Where |
//! |---|---|
//! | M1 reservations and net weights ≤ permit ≤ annual cap; the gate's tolerance | [`source`], [`permit`], [`gate`] |
//! | M2 a GRN is cleared and used up once; amounts by head | [`payment`] |
//! | M3 one live challan a vehicle · M4 gross weight · M5 goods vehicles with papers · M8 tracking device · M11 turn-round | [`vehicle`] |
//! | M6 validity and extensions | [`issue`], [`extend`] |
//! | M7 destination fixed, delivered once | [`issue`], [`delivery`] |
//! | M9 lease active, mineral, monsoon | [`lease`], [`source`] |
//! | M10 stockyard balance | [`yard`], [`source`] |
//! | M12 security paper, pass of origin | [`issue`] |
//! | M13 one works bill | [`delivery`] |
//! | M14 checks only added to; CLONE | [`check`] |
//! | M15 raiyati land | [`raiyati`] |
//! | O1 statements of devices | [`device`] |
//! | O2 ranges of numbers, challans issued off the network | [`range`], [`offline`] |
//!
//! Beside them: D1 a number is on record already or not plain, D2 a call does not fit the stage, P1 a parameter is missing.
//! What has no stage of its own: "checked" (a challan on the road with checks on record) and "expired" (its end is past).
//! This room never sees a plate, a name or an address, and never a quantity that is not an integer. Rates, densities,
//! tolerances and times are [`parameters`].

pub mod block;
pub mod challan;
pub mod check;
pub mod checkpost;
pub mod delivery;
pub mod device;
pub mod enquiry;
pub mod extend;
pub mod gate;
pub mod geo;
pub mod issue;
pub mod keys;
pub mod lease;
pub mod offence;
pub mod offline;
pub mod parameters;
pub mod payment;
pub mod permit;
pub mod quantity;
pub mod raiyati;
pub mod range;
pub mod seize;
pub mod source;
pub mod tranship;
pub mod types;
pub mod vehicle;
pub mod yard;

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authority::PostingId;
use crate::context::{Context, Outcome};
use crate::refusal::Refusal;

/// What may be done about minerals.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MineralCall {
    /// Mineral officer: a mining block.
    RegisterBlock(block::RegisterBlock),
    /// Mineral officer: an auction's result.
    RecordAuction(block::RecordAuction),
    /// Mineral officer: a letter of intent.
    IssueLoi(block::IssueLoi),
    /// Mineral officer: a block is auctioned anew.
    ReopenBlock(block::ReopenBlock),
    /// Mineral officer: a lease.
    GrantLease(Box<lease::GrantLease>),
    /// Mineral officer: suspends, resumes, determines a lease.
    ChangeLease(lease::ChangeLease),
    /// Mineral officer: a stockyard.
    RegisterStockyard(yard::RegisterStockyard),
    /// Finance officer: a cleared payment.
    AttestPayment(payment::AttestPayment),
    /// Mineral officer: a permit.
    GrantPermit(permit::GrantPermit),
    /// Transport officer: a vehicle.
    RegisterVehicle(vehicle::RegisterVehicle),
    /// Administrator of a department: a device of its checkposts or gates.
    RegisterDevice(device::RegisterDevice),
    /// Agent of the lease or stockyard: a challan.
    IssueChallan(Box<issue::IssueChallan>),
    /// Agent: the weighed load leaves.
    GateOut(gate::GateOut),
    /// Agent: a challan is withdrawn before the gate.
    CancelChallan(gate::CancelChallan),
    /// Agent: a challan ended without passing the gate.
    LapseChallan(gate::LapseChallan),
    /// Agent: a range of numbers for a gate without a network.
    AllocateRange(range::AllocateRange),
    /// Agent: what a range did not use goes back.
    CloseRange(range::CloseRange),
    /// Agent: a challan that was issued off the network.
    SyncChallan(Box<offline::SyncChallan>),
    /// Enforcement: a challan that was issued off the network against a rule.
    ReportChallan(Box<offline::ReportChallan>),
    /// District mining officer: more time on the road.
    ExtendChallan(extend::ExtendChallan),
    /// District mining officer: another vehicle takes the load over.
    TranshipChallan(Box<tranship::TranshipChallan>),
    /// Enforcement: a check on the road.
    CheckChallan(check::CheckChallan),
    /// Enforcement: a seizure.
    SeizeChallan(seize::SeizeChallan),
    /// Enforcement: a release.
    ReleaseChallan(seize::ReleaseChallan),
    /// Enforcement: a step of an offence case.
    RecordOffence(offence::RecordOffence),
    /// Receiver, yard's agent, works officer or intake with the consignee's code: delivery.
    DeliverChallan(delivery::DeliverChallan),
    /// Works officer: a works bill accounts for the challan.
    RedeemChallan(delivery::RedeemChallan),
}

/// Applies a call.
pub fn apply(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &MineralCall,
) -> Result<Outcome, Refusal> {
    match call {
        MineralCall::RegisterBlock(call) => block::register(state, context, posting, call),
        MineralCall::RecordAuction(call) => block::record_auction(state, context, posting, call),
        MineralCall::IssueLoi(call) => block::issue_loi(state, context, posting, call),
        MineralCall::ReopenBlock(call) => block::reopen(state, context, posting, call),
        MineralCall::GrantLease(call) => lease::grant(state, context, posting, call),
        MineralCall::ChangeLease(call) => lease::change(state, context, posting, call),
        MineralCall::RegisterStockyard(call) => yard::register(state, context, posting, call),
        MineralCall::AttestPayment(call) => payment::attest(state, context, posting, call),
        MineralCall::GrantPermit(call) => permit::grant(state, context, posting, call),
        MineralCall::RegisterVehicle(call) => vehicle::register(state, context, posting, call),
        MineralCall::RegisterDevice(call) => device::register(state, context, posting, call),
        MineralCall::IssueChallan(call) => issue::issue(state, context, posting, call),
        MineralCall::GateOut(call) => gate::gate_out(state, context, posting, call),
        MineralCall::CancelChallan(call) => gate::cancel(state, context, posting, call),
        MineralCall::LapseChallan(call) => gate::lapse(state, context, posting, call),
        MineralCall::AllocateRange(call) => range::allocate(state, context, posting, call),
        MineralCall::CloseRange(call) => range::close(state, context, posting, call),
        MineralCall::SyncChallan(call) => offline::sync(state, context, posting, call),
        MineralCall::ReportChallan(call) => offline::report(state, context, posting, call),
        MineralCall::ExtendChallan(call) => extend::extend(state, context, posting, call),
        MineralCall::TranshipChallan(call) => tranship::tranship(state, context, posting, call),
        MineralCall::CheckChallan(call) => check::check(state, context, posting, call),
        MineralCall::SeizeChallan(call) => seize::seize(state, context, posting, call),
        MineralCall::ReleaseChallan(call) => seize::release(state, context, posting, call),
        MineralCall::RecordOffence(call) => offence::record(state, context, posting, call),
        MineralCall::DeliverChallan(call) => delivery::deliver(state, context, posting, call),
        MineralCall::RedeemChallan(call) => delivery::redeem(state, context, posting, call),
    }
}
