//! The way of a case from filing to hearing: intake, fee, enquiry, notice, hearing.

use dalil_ledger::codec::{SchemaRead, SchemaWrite, Token};
use dalil_ledger::crypto::Hash;
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::case::{CaseState, MutationCase, Step, case};
use super::deed::{DEED_CASES_MAX, deed};
use super::ground::Ground;
use super::keys::{CaseId, MouzaId, case_key, case_subject, deed_key, fee_key, require_plain_case};
use super::office::{acting, require_cited};
use super::succession::require_death;
use crate::authority::parameters::parameter;
use crate::authority::{Acting, PostingId, Role};
use crate::context::{Context, Outcome};
use crate::refusal::{Refusal, require};
use crate::units::Paise;

/// Parameter: the least mutation fee, in paise.
pub const FEE: &str = "land/mutation_fee_paise";

/// Takes in a case.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileCase {
    /// The new case's id.
    #[schemars(with = "String")]
    pub case: CaseId,
    /// What it rests on.
    pub ground: Ground,
    /// Digest of the permission to transfer, where one is needed (L10).
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub permission: Option<Hash>,
}

/// A new case in the book of cases, named on each of its deeds (D1, L9).
pub(super) fn open(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    mouza: MouzaId,
    call: &FileCase,
) -> Result<MutationCase, Refusal> {
    require_plain_case(&call.case)?;
    let known: Option<MutationCase> = state.get_value(&case_key(&call.case))?;
    require(known.is_none(), "D1", || format!("case {} is already on record", call.case))?;
    for id in call.ground.deeds() {
        let mut record = deed(state, id)?;
        require(record.cases.len() < DEED_CASES_MAX, "D1", || {
            format!("{DEED_CASES_MAX} cases were filed on deed {id} already")
        })?;
        record.cases.push(call.case.clone());
        state.put_value(deed_key(id), &record);
    }
    Ok(MutationCase {
        id: call.case.clone(),
        mouza,
        ground: call.ground.clone(),
        permission: call.permission,
        state: CaseState::Filed,
        filed_ms: context.time_ms,
        entered_ms: context.time_ms,
        enquired_by: None,
        decided: None,
        stays: Vec::new(),
        objections: Vec::new(),
        applied: None,
        docket_page: None,
        reference: Hash::ZERO,
    })
}

/// Files a case; by intake, the land department's system or an officer.
pub(super) fn file(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &FileCase,
) -> Result<Outcome, Refusal> {
    let mouza = call.ground.check()?;
    let roles: &[Role] = match call.ground {
        Ground::Deed(_) | Ground::Inheritance(_) => {
            &[Role::Intake, Role::LandSystem, Role::RevenueInspector, Role::Blro]
        }
        Ground::Acquisition(_) => &[Role::AcquisitionCollector, Role::Blro],
        Ground::SuoMotu(_) => &[Role::RevenueInspector, Role::Blro],
    };
    let officer = acting(state, context, posting, roles, &mouza)?;
    if let Ground::Inheritance(inheritance) = &call.ground {
        require_death(state, context, &inheritance.death_certificate)?;
    }
    for id in call.ground.deeds() {
        let record = deed(state, id)?;
        for plot in call.ground.plots() {
            require(!record.is_used_up(plot), "L3", || {
                format!("deed {id} over plot {plot} is already used by a case that stands")
            })?;
        }
    }
    let mut record = open(state, context, mouza, call)?;
    record.store(state, context)?;
    let mut outcome = officer.outcome();
    outcome.event("land.case_filed", case_subject(&record.id));
    for plot in record.ground.plots() {
        outcome.about(plot.subject());
    }
    for deed in record.ground.deeds() {
        outcome.about(deed.subject());
    }
    Ok(outcome)
}

/// The fee is paid; by Finance.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PayFee {
    /// The case.
    #[schemars(with = "String")]
    pub case: CaseId,
    /// Government receipt number (GRN); it settles one case.
    #[schemars(with = "String")]
    pub receipt: Token<32>,
    /// Amount in paise, at least the parameter `land/mutation_fee_paise`.
    pub amount: Paise,
}

/// A document of the case: an order, a report, a notice or minutes, by its digest.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CasePaper {
    /// The case.
    #[schemars(with = "String")]
    pub case: CaseId,
    /// Digest of the paper.
    #[schemars(with = "String")]
    pub paper: Hash,
}

/// Checks officer, edge and stay, and moves the case.
fn take_step(
    state: &Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    roles: &[Role],
    id: &CaseId,
    step: Step,
) -> Result<(MutationCase, Acting), Refusal> {
    let mut record = case(state, id)?;
    let officer = acting(state, context, posting, roles, &record.mouza)?;
    record.advance(context, step)?;
    record.require_unstayed(state)?;
    Ok((record, officer))
}

fn store(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    officer: &Acting,
    mut record: MutationCase,
) -> Result<Outcome, Refusal> {
    record.store(state, context)?;
    let mut outcome = officer.outcome();
    outcome.event("land.case_moved", case_subject(&record.id));
    Ok(outcome)
}

/// Settles the fee by payment.
pub(super) fn pay(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &PayFee,
) -> Result<Outcome, Refusal> {
    let (record, officer) = take_step(state, context, posting, &[Role::FinanceOfficer], &call.case, Step::SettleFee)?;
    let due = parameter(state, context, FEE)?;
    require(call.amount.0 >= due, "D2", || format!("{} paise do not settle the fee of {due} paise", call.amount.0))?;
    let paid: Option<CaseId> = state.get_value(&fee_key(&call.receipt))?;
    require(paid.is_none(), "D1", || format!("receipt {} settled another case", call.receipt))?;
    state.put_value(fee_key(&call.receipt), &call.case);
    store(state, context, &officer, record)
}

/// Settles the fee by a waiver.
pub(super) fn waive(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &CasePaper,
) -> Result<Outcome, Refusal> {
    let roles = &[Role::RevenueOfficer];
    let (mut record, officer) = take_step(state, context, posting, roles, &call.case, Step::SettleFee)?;
    require_cited("waiver", &call.paper)?;
    record.reference = call.paper;
    store(state, context, &officer, record)
}

/// Records the inspector's enquiry.
pub(super) fn enquire(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &CasePaper,
) -> Result<Outcome, Refusal> {
    let roles = &[Role::RevenueInspector];
    let (mut record, officer) = take_step(state, context, posting, roles, &call.case, Step::Enquire)?;
    require_cited("enquiry report", &call.paper)?;
    record.reference = call.paper;
    record.enquired_by = Some(officer.posting.officer);
    store(state, context, &officer, record)
}

/// Records that the parties have notice.
pub(super) fn notice(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &CasePaper,
) -> Result<Outcome, Refusal> {
    let (mut record, officer) = take_step(state, context, posting, &[Role::Blro], &call.case, Step::Notice)?;
    require_cited("notice", &call.paper)?;
    record.reference = call.paper;
    store(state, context, &officer, record)
}

/// Records that the parties were heard.
pub(super) fn hear(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &CasePaper,
) -> Result<Outcome, Refusal> {
    let (mut record, officer) = take_step(state, context, posting, &[Role::Blro], &call.case, Step::Hear)?;
    require_cited("minutes", &call.paper)?;
    record.reference = call.paper;
    store(state, context, &officer, record)
}
