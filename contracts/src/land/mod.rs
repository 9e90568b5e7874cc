//! Land: khatians, plots, deeds and mutations, as an office records them. The ledger confers no title.
//!
//! Called by the dispatcher ([`crate::apply`]) with one call under one posting; other rooms read plots through [`plot`]
//! and [`khatian`]. The room never judges persons (they are commitments), never looks at a clock but the block's, and
//! never changes a document except by leaving the version that it was drawn from.
//!
//! The way of a transfer: a deed is registered, whatever it sells ([`registration`]); a case rests on it ([`ground`], [`steps`])
//! or the land department's system submits it at once ([`order::mutate_auto`](order)); title is judged then
//! ([`title`](self)), shares move ([`mutation`]), versions rise and extracts are superseded (`book`). A higher officer
//! ([`appeal`]) or a court ([`court`]) undoes it by the compensating entry ([`undo`]). What happened to each plot stays in
//! its [`history`], and what waits for an office in its [`docket`]; [`registers`] reads both.
//!
//! | Code | Rule | Where |
//! |---|---|---|
//! | L1 | shares and remainder of a plot sum to exactly one | `book`, [`types`] |
//! | L1-DENOM | a fraction too fine to record is refused | [`share`] |
//! | L2 | no more is transferred than is held, judged at mutation | `title` |
//! | L3 | a deed is used up once by transferor and plot while its case stands | `title`, [`mutation`], [`undo`] |
//! | L4 | each change cites a deed, a succession or an order | `office`, `succession` |
//! | L5 | the deeds cover plots and parties; a chain is used up in order | `title`, [`ground`] |
//! | L6 | vested, stayed and frozen block voluntary transfer | `title`, [`case`] |
//! | L7 | a split conserves area and retires the parent; a merger needs like plots | [`survey`] |
//! | L8 | conversion changes use alone, by the officer whose power reaches the area | [`convert`] |
//! | L9 | automatic mutation only where nothing calls for an officer's eye | [`order`] |
//! | L10 | "permission required" needs the reference | `title` |
//! | L11 | an officer acts inside the jurisdiction (A2) | `office` |
//! | L12 | the appellate officer outranks the first | [`appeal`] |
//! | L13 | rectification never changes a share, nor an area beyond "minor" | [`convert`] |
//! | L14 | orders and extracts name the versions that they saw | [`mutation`], [`extract`] |
//! | L15 | a case on which a later one rests is set aside only together with it | [`undo`], [`court`] |
//! | L16 | a charge always carries over; only its release ends it | [`charge`], [`survey`] |
//!
//! Parameters, dated and governed, with their units in the name: [`steps::FEE`], [`appeal::LIMITATION`],
//! [`convert::CONVERT_MAX_BLRO`], [`convert::CONVERT_MAX_SDLLRO`], [`convert::RECTIFY_MAX`],
//! [`extract::ROR_STATUS_AGE`], [`registration::DEED_STATUS_AGE`], [`docket::CLOCK`], [`docket::CLOCK_CONTESTED`].

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authority::PostingId;
use crate::context::{Context, Outcome};
use crate::refusal::Refusal;

pub mod appeal;
mod book;
pub mod case;
pub mod charge;
pub mod convert;
pub mod court;
pub mod deed;
pub mod docket;
pub mod extract;
pub mod ground;
pub mod history;
pub mod import;
pub mod keys;
pub mod lineage;
pub mod mutation;
pub mod offers;
mod office;
pub mod order;
pub mod public;
pub mod registers;
pub mod registration;
pub mod share;
pub mod stay;
pub mod steps;
mod succession;
pub mod survey;
mod title;
pub mod types;
pub mod undo;

pub use book::{khatian, plot};
pub use office::mouza;
pub use succession::DEATH_CERTIFICATE;

/// What an officer may do with the land records.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LandCall {
    /// Enters a mouza.
    RegisterMouza(types::Mouza),
    /// Brings khatians and plots from the older register.
    Import(import::Import),
    /// Records a registered deed.
    RegisterDeed(registration::RegisterDeed),
    /// A court cancels a deed.
    CancelDeed(registration::CancelDeed),
    /// Takes in a mutation case.
    File(steps::FileCase),
    /// The fee is paid.
    Pay(steps::PayFee),
    /// The fee is waived.
    Waive(steps::CasePaper),
    /// The inspector has enquired.
    Enquire(steps::CasePaper),
    /// The parties have notice.
    Notice(steps::CasePaper),
    /// The parties were heard.
    Hear(steps::CasePaper),
    /// The order on a heard case.
    Order(order::OrderCase),
    /// Mutation by a deed alone.
    MutateAuto(order::MutateAuto),
    /// An appeal is taken in.
    Appeal(steps::CasePaper),
    /// The order on an appeal.
    AppealOrder(appeal::OrderAppeal),
    /// A court sets a mutation aside.
    CourtSetAside(court::CourtSetAside),
    /// A court stays a case or a deed's mutation.
    Stay(stay::Stay),
    /// A stay ends.
    LiftStay(stay::Stay),
    /// A party objects.
    Object(stay::Objection),
    /// An objection is disposed of.
    LiftObjection(stay::Objection),
    /// A plot is to be frozen; waits for confirmation.
    Freeze(public::FreezePlot),
    /// A freeze ends.
    Unfreeze(public::FreezePlot),
    /// A plot is to be vested in the Government; waits for confirmation.
    Vest(public::VestPlot),
    /// A second officer confirms a freeze or a vesting.
    Confirm(public::Confirm),
    /// A plot is settled anew.
    Settle(public::SettlePlot),
    /// A charge is entered.
    Charge(charge::EnterCharge),
    /// A charge is released.
    Release(charge::ReleaseCharge),
    /// A plot's use is converted.
    Convert(convert::Convert),
    /// A clerical error is corrected.
    Rectify(convert::Rectify),
    /// A plot is divided.
    Split(survey::Split),
    /// Plots are merged.
    Amalgamate(survey::Amalgamate),
    /// A plot gets its unique land parcel number.
    AssignUlpin(survey::AssignUlpin),
    /// A signed extract of a khatian is issued.
    IssueRor(extract::IssueRor),
    /// A plot's index sheet or map is issued.
    IssuePlotSheet(extract::IssuePlotSheet),
}

/// Applies a call.
pub fn apply(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &LandCall,
) -> Result<Outcome, Refusal> {
    match call {
        LandCall::RegisterMouza(call) => import::register_mouza(state, context, posting, call),
        LandCall::Import(call) => import::import(state, context, posting, call),
        LandCall::RegisterDeed(call) => registration::register(state, context, posting, call),
        LandCall::CancelDeed(call) => registration::cancel(state, context, posting, call),
        LandCall::File(call) => steps::file(state, context, posting, call),
        LandCall::Pay(call) => steps::pay(state, context, posting, call),
        LandCall::Waive(call) => steps::waive(state, context, posting, call),
        LandCall::Enquire(call) => steps::enquire(state, context, posting, call),
        LandCall::Notice(call) => steps::notice(state, context, posting, call),
        LandCall::Hear(call) => steps::hear(state, context, posting, call),
        LandCall::Order(call) => order::order(state, context, posting, call),
        LandCall::MutateAuto(call) => order::mutate_auto(state, context, posting, call),
        LandCall::Appeal(call) => appeal::appeal(state, context, posting, call),
        LandCall::AppealOrder(call) => appeal::order_appeal(state, context, posting, call),
        LandCall::CourtSetAside(call) => court::set_aside(state, context, posting, call),
        LandCall::Stay(call) => stay::stay(state, context, posting, call),
        LandCall::LiftStay(call) => stay::lift_stay(state, context, posting, call),
        LandCall::Object(call) => stay::object(state, context, posting, call),
        LandCall::LiftObjection(call) => stay::lift_objection(state, context, posting, call),
        LandCall::Freeze(call) => public::freeze(state, context, posting, call),
        LandCall::Unfreeze(call) => public::unfreeze(state, context, posting, call),
        LandCall::Vest(call) => public::vest(state, context, posting, call),
        LandCall::Confirm(call) => public::confirm(state, context, posting, call),
        LandCall::Settle(call) => public::settle(state, context, posting, call),
        LandCall::Charge(call) => charge::enter(state, context, posting, call),
        LandCall::Release(call) => charge::release(state, context, posting, call),
        LandCall::Convert(call) => convert::convert(state, context, posting, call),
        LandCall::Rectify(call) => convert::rectify(state, context, posting, call),
        LandCall::Split(call) => survey::split(state, context, posting, call),
        LandCall::Amalgamate(call) => survey::amalgamate(state, context, posting, call),
        LandCall::AssignUlpin(call) => survey::assign_ulpin(state, context, posting, call),
        LandCall::IssueRor(call) => extract::issue_ror(state, context, posting, call),
        LandCall::IssuePlotSheet(call) => extract::issue_sheet(state, context, posting, call),
    }
}
