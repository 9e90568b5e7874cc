//! Appeal against an order, and the appellate officer's order.

use dalil_ledger::codec::{SchemaRead, SchemaWrite, Set};
use dalil_ledger::crypto::Hash;
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::case::{MutationCase, Step, case};
use super::keys::{CaseId, PlotId};
use super::mutation::Allowance;
use super::office::{acting, require_cited};
use super::order::{about_case, allow};
use super::steps::CasePaper;
use super::undo::{Undone, require_few};
use crate::authority::duties::require_other_officer;
use crate::authority::parameters::parameter_u64;
use crate::authority::{Acting, PostingId, Role};
use crate::context::{Context, Outcome};
use crate::refusal::{OrReject as _, Refusal, require};
use crate::units::DAY_MS;

/// Parameter: within how many days of the order an appeal is taken in.
pub const LIMITATION: &str = "land/appeal_limitation_days";

/// Takes in an appeal within the limitation; by intake.
pub(super) fn appeal(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &CasePaper,
) -> Result<Outcome, Refusal> {
    let mut record = case(state, &call.case)?;
    let officer = acting(state, context, posting, &[Role::Intake], &record.mouza)?;
    record.advance(context, Step::Appeal)?;
    record.require_unstayed(state)?;
    require_cited("memorandum of appeal", &call.paper)?;
    let days = parameter_u64(state, context, LIMITATION)?;
    let decided = record.decided.as_ref().map_or(record.filed_ms, |decided| decided.at_ms);
    let last = days.checked_mul(DAY_MS).and_then(|span| decided.checked_add(span));
    let last = last.or_reject("P1", || format!("parameter {LIMITATION} is out of range"))?;
    require(context.time_ms <= last, "D2", || format!("the appeal comes after the limitation of {days} days"))?;
    record.reference = call.paper;
    record.store(state, context)?;
    let mut outcome = officer.outcome();
    about_case(&mut outcome, "land.case_moved", &record);
    Ok(outcome)
}

/// What the appellate officer decides.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AppealDecision {
    /// The order stands.
    Uphold,
    /// An allowed mutation is undone.
    SetAside,
    /// A rejected mutation is allowed.
    Allow(Allowance),
    /// Back to notice; an allowed mutation is undone.
    Remand,
}

/// The order on an appeal; by an officer of higher rank (L12) who did not give the order (A6).
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderAppeal {
    /// The case.
    #[schemars(with = "String")]
    pub case: CaseId,
    /// Digest of the order.
    #[schemars(with = "String")]
    pub order: Hash,
    /// What it says.
    pub decision: AppealDecision,
    /// Where an allowed mutation is undone: later cases that rest on it and fall with it, newest first (L15). Each is
    /// itself under appeal and in this officer's power.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub later: Vec<CaseId>,
    /// Where a plot was divided or merged since the mutation that is undone: the plots made from it, in which the shares
    /// go back (L15).
    #[serde(default)]
    #[schemars(with = "Vec<PlotId>")]
    pub divided: Set<PlotId>,
}

/// Takes a case along a step of the appellate officer, who outranks (L12) and is not (A6) the one that gave the order.
fn decide(
    state: &Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    record: &mut MutationCase,
    step: Step,
    order: &Hash,
) -> Result<Acting, Refusal> {
    let roles = &[Role::Sdllro, Role::Dllro, Role::Collector];
    let officer = acting(state, context, posting, roles, &record.mouza)?;
    record.advance(context, step)?;
    record.require_unstayed(state)?;
    require_cited("order", order)?;
    let first = record.decided.clone().or_reject("D2", || format!("case {} has no order", record.id))?;
    require_other_officer(&officer, &first.officer, "gave the order")?;
    require(officer.posting.rank > first.rank, "L12", || {
        format!("rank {} does not outrank rank {} that gave the order", officer.posting.rank, first.rank)
    })?;
    record.decide(context, &officer, order);
    Ok(officer)
}

/// Decides an appeal.
pub(super) fn order_appeal(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &OrderAppeal,
) -> Result<Outcome, Refusal> {
    let mut record = case(state, &call.case)?;
    let (step, event) = match &call.decision {
        AppealDecision::Uphold => (Step::AppealUphold, "land.mutation_upheld"),
        AppealDecision::SetAside => (Step::AppealSetAside, "land.mutation_set_aside"),
        AppealDecision::Allow(_) => (Step::AppealAllow, "land.mutation_allowed"),
        AppealDecision::Remand => (Step::AppealRemand, "land.mutation_remanded"),
    };
    let mut outcome = decide(state, context, posting, &mut record, step, &call.order)?.outcome();
    let mut undone = Undone::default();
    match &call.decision {
        AppealDecision::SetAside | AppealDecision::Remand if record.applied.is_some() => {
            require_few(&call.later)?;
            for id in &call.later {
                let mut later = case(state, id)?;
                decide(state, context, posting, &mut later, Step::AppealSetAside, &call.order)?;
                undone.undo(state, &mut later)?;
                later.store(state, context)?;
                about_case(&mut outcome, "land.mutation_set_aside", &later);
            }
            undone.undo(state, &mut record)?;
        }
        _ => require(call.later.is_empty(), "L15", || "the order undoes nothing, yet it names later cases".to_owned())?,
    }
    undone.close(state, context, &call.divided, &mut outcome)?;
    if let AppealDecision::Allow(allowance) = &call.decision {
        allow(state, context, &mut record, allowance, &mut outcome)?;
    }
    record.store(state, context)?;
    about_case(&mut outcome, event, &record);
    Ok(outcome)
}
