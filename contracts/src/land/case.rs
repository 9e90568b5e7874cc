//! The mutation case: its record, and the one table of its edges. Every pair that is not in the table is refused (D2).
//!
//! Objection and stay are overlays: they never change the state, and a stayed case does not move (L6).

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::crypto::{Hash, PublicKey};
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::deed::deed;
use super::docket;
use super::ground::Ground;
use super::keys::{CaseId, Cnr, KhatianNumber, MouzaId, PlotId, case_key};
use super::share::Share;
use crate::authority::Acting;
use crate::context::Context;
use crate::refusal::{OrReject as _, Refusal, require};

/// Where a case stands.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    SchemaWrite,
    SchemaRead,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CaseState {
    /// Taken in.
    Filed,
    /// The fee is paid or waived.
    FeeSettled,
    /// The inspector has reported.
    Enquired,
    /// Parties have notice.
    Noticed,
    /// Parties were heard.
    Heard,
    /// Allowed and applied.
    Allowed,
    /// Rejected.
    Rejected,
    /// The order that allowed it is under appeal.
    AppealedAllowed,
    /// The order that rejected it is under appeal.
    AppealedRejected,
    /// The order stands after appeal.
    Upheld,
    /// Undone by a court or an appellate officer.
    SetAside,
}

/// What moves a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, SchemaWrite, SchemaRead, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The fee is paid or waived.
    SettleFee,
    /// Enquiry.
    Enquire,
    /// Notice.
    Notice,
    /// Hearing.
    Hear,
    /// The order allows.
    Allow,
    /// The order rejects.
    Reject,
    /// Appeal against the order.
    Appeal,
    /// The appellate officer upholds the order.
    AppealUphold,
    /// The appellate officer sets an allowed mutation aside.
    AppealSetAside,
    /// The appellate officer allows a rejected mutation.
    AppealAllow,
    /// The appellate officer sends the case back to notice.
    AppealRemand,
    /// A court sets an applied mutation aside.
    CourtSetAside,
}

/// The mutation table. `applied` is whether the case's shares stand in the register now.
pub fn next(from: CaseState, step: Step, applied: bool) -> Option<CaseState> {
    Some(match (from, step) {
        (CaseState::Filed, Step::SettleFee) => CaseState::FeeSettled,
        (CaseState::FeeSettled, Step::Enquire) => CaseState::Enquired,
        (CaseState::Enquired, Step::Notice) => CaseState::Noticed,
        (CaseState::Noticed, Step::Hear) => CaseState::Heard,
        (CaseState::Heard, Step::Allow) => CaseState::Allowed,
        (CaseState::Heard, Step::Reject) => CaseState::Rejected,
        (CaseState::Allowed, Step::Appeal) => CaseState::AppealedAllowed,
        (CaseState::Rejected, Step::Appeal) => CaseState::AppealedRejected,
        (CaseState::AppealedAllowed | CaseState::AppealedRejected, Step::AppealUphold) => CaseState::Upheld,
        (CaseState::AppealedAllowed, Step::AppealSetAside) => CaseState::SetAside,
        (CaseState::AppealedRejected, Step::AppealAllow) => CaseState::Allowed,
        (CaseState::AppealedAllowed | CaseState::AppealedRejected, Step::AppealRemand) => CaseState::Noticed,
        (CaseState::Allowed | CaseState::AppealedAllowed | CaseState::Upheld, Step::CourtSetAside) if applied => {
            CaseState::SetAside
        }
        _ => return None,
    })
}

/// Who is given a share: a place in the ground's list of transferees or heirs.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema,
)]
pub struct Recipient {
    /// Place of the deed in the chain, from 0; 0 for every other ground.
    pub deed: u8,
    /// Place among the transferees or heirs, from 0.
    pub transferee: u8,
}

/// A share that a recipient was given.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
pub struct Gain {
    /// Who.
    pub recipient: Recipient,
    /// The khatian it went to.
    pub khatian: KhatianNumber,
    /// How much of the whole plot.
    pub share: Share,
}

/// Where an applied case changed shares.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
pub struct AppliedPlot {
    /// The plot that the ground names.
    pub of: PlotId,
    /// The plot whose shares moved: the same, or one made from it since.
    pub plot: PlotId,
    /// The entry of that plot's history which says what moved.
    pub entry: u32,
}

/// What an applied case did.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
pub struct Applied {
    /// Log index of the record that applied it.
    pub record: u64,
    /// One for each plot.
    pub plots: Vec<AppliedPlot>,
}

/// Who gave the last order.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
pub struct Decided {
    /// The officer (A6).
    pub officer: PublicKey,
    /// The posting's rank (L12).
    pub rank: u8,
    /// Block time, UTC milliseconds; the limitation of an appeal runs from here.
    pub at_ms: u64,
}

/// A mutation case.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
pub struct MutationCase {
    /// Id.
    pub id: CaseId,
    /// The mouza that all its plots lie in.
    pub mouza: MouzaId,
    /// What it rests on.
    pub ground: Ground,
    /// Digest of the permission to transfer, where one is needed (L10).
    pub permission: Option<Hash>,
    /// Where it stands.
    pub state: CaseState,
    /// Block time of filing, UTC milliseconds.
    pub filed_ms: u64,
    /// Block time at which it came to `state`, UTC milliseconds.
    pub entered_ms: u64,
    /// The officer who enquired (A6).
    pub enquired_by: Option<PublicKey>,
    /// Who gave the last order.
    pub decided: Option<Decided>,
    /// CNRs of orders that stay it.
    pub stays: Vec<Cnr>,
    /// Commitments of those who object.
    pub objections: Vec<Hash>,
    /// What it did, while that stands.
    pub applied: Option<Applied>,
    /// Its page of the docket, while it waits for an office.
    pub docket_page: Option<u64>,
    /// The last reference of an order, report, notice, minutes or memorandum.
    pub reference: Hash,
}

/// The case, refused with D2 if there is none.
pub fn case(state: &Overlay<'_>, id: &CaseId) -> Result<MutationCase, Refusal> {
    state.get_value(&case_key(id))?.or_reject("D2", || format!("there is no case {id}"))
}

impl MutationCase {
    /// Writes the case, and what the docket says of it.
    pub(super) fn store(&mut self, state: &mut Overlay<'_>, context: &Context<'_>) -> Result<(), Refusal> {
        docket::sync(state, context, self)?;
        state.put_value(case_key(&self.id), self);
        Ok(())
    }

    /// Moves along the table, or refuses with D2.
    pub(super) fn advance(&mut self, context: &Context<'_>, step: Step) -> Result<(), Refusal> {
        self.state = next(self.state, step, self.applied.is_some())
            .or_reject("D2", || format!("case {} is {:?}; it cannot take the step {step:?}", self.id, self.state))?;
        self.entered_ms = context.time_ms;
        Ok(())
    }

    /// Refuses with L6 while a court stays the case or one of its deeds.
    pub(super) fn require_unstayed(&self, state: &Overlay<'_>) -> Result<(), Refusal> {
        let stayed = |cnr: &Cnr| format!("case {} is stayed by order {cnr}; it does not move", self.id);
        require(self.stays.is_empty(), "L6", || self.stays.first().map(stayed).unwrap_or_default())?;
        for id in self.ground.deeds() {
            let stays = deed(state, id)?.stays;
            require(stays.is_empty(), "L6", || stays.first().map(stayed).unwrap_or_default())?;
        }
        Ok(())
    }

    /// Notes who gave an order.
    pub(super) fn decide(&mut self, context: &Context<'_>, officer: &Acting, order: &Hash) {
        let (key, rank) = (officer.posting.officer, officer.posting.rank);
        self.decided = Some(Decided { officer: key, rank, at_ms: context.time_ms });
        self.reference = *order;
    }
}
