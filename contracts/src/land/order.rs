//! The order on a case, and the mutation without a hearing (`mutate_auto`).

use dalil_ledger::codec::{SchemaRead, SchemaWrite, Set};
use dalil_ledger::crypto::Hash;
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::book::Book;
use super::case::{CaseState, MutationCase, Step, case};
use super::deed::{Transferor, deed};
use super::ground::{DeedChain, Ground};
use super::keys::{CaseId, DeedId, case_subject};
use super::mutation::{Allowance, Identity, Placement, Saw, apply};
use super::offers::offers;
use super::office::{acting, require_cited};
use super::steps::{FileCase, open};
use super::title::plan;
use crate::authority::duties::require_other_officer;
use crate::authority::{PostingId, Role};
use crate::context::{Context, Outcome};
use crate::refusal::{Refusal, require};

/// What the officer decides.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The shares move at once.
    Allow(Allowance),
    /// Nothing moves.
    Reject,
}

/// The order on a heard case; by the BL&LRO, who is not the officer that enquired (A6).
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderCase {
    /// The case.
    #[schemars(with = "String")]
    pub case: CaseId,
    /// Digest of the order.
    #[schemars(with = "String")]
    pub order: Hash,
    /// What it says.
    pub decision: Decision,
}

/// Judges title and applies the shares of a case that an officer allows.
pub(super) fn allow(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    record: &mut MutationCase,
    allowance: &Allowance,
    outcome: &mut Outcome,
) -> Result<(), Refusal> {
    let mut book = Book::default();
    let plan = plan(state, context, &mut book, record, allowance)?;
    apply(state, context, &mut book, record, plan, allowance, Identity::OfficerFinds)?;
    book.close(state, context, outcome)
}

/// Notes on the record's outcome what a case's decision touched.
pub(super) fn about_case(outcome: &mut Outcome, name: &'static str, record: &MutationCase) {
    outcome.event(name, case_subject(&record.id));
    for deed in record.ground.deeds() {
        outcome.about(deed.subject());
    }
}

/// Decides a heard case.
pub(super) fn order(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &OrderCase,
) -> Result<Outcome, Refusal> {
    let mut record = case(state, &call.case)?;
    let officer = acting(state, context, posting, &[Role::Blro], &record.mouza)?;
    let step = if matches!(call.decision, Decision::Reject) { Step::Reject } else { Step::Allow };
    record.advance(context, step)?;
    record.require_unstayed(state)?;
    require_cited("order", &call.order)?;
    if let Some(enquirer) = &record.enquired_by {
        require_other_officer(&officer, enquirer, "enquired")?;
    }
    record.decide(context, &officer, &call.order);
    let mut outcome = officer.outcome();
    match &call.decision {
        Decision::Allow(allowance) => {
            allow(state, context, &mut record, allowance, &mut outcome)?;
            about_case(&mut outcome, "land.mutation_allowed", &record);
        }
        Decision::Reject => about_case(&mut outcome, "land.mutation_rejected", &record),
    }
    record.store(state, context)?;
    Ok(outcome)
}

/// A mutation that follows from a registered deed alone, without a hearing; by the land department's system (L9).
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MutateAuto {
    /// The new case's id.
    #[schemars(with = "String")]
    pub case: CaseId,
    /// The deed; all its plots are mutated.
    pub deed: DeedId,
    /// Digest of the permission to transfer, where one is needed (L10).
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub permission: Option<Hash>,
    /// Each khatian that gives, at the version seen (L14).
    pub saw: Vec<Saw>,
    /// The khatian of each transferee.
    pub khatians: Vec<Placement>,
}

/// Mutates by a deed if nothing calls for an officer's eye (L9).
pub(super) fn mutate_auto(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &MutateAuto,
) -> Result<Outcome, Refusal> {
    let registered = deed(state, &call.deed)?;
    let plots: Set<_> = registered.plots.iter().map(|given| given.plot.clone()).collect();
    let ground = Ground::Deed(DeedChain { deeds: vec![call.deed.clone()], plots });
    let mouza = ground.check()?;
    let officer = acting(state, context, posting, &[Role::LandSystem], &mouza)?;
    require(registered.kind.transfers(), "L9", || {
        format!("deed {} ({:?}) transfers nothing; an officer must look", call.deed, registered.kind)
    })?;
    let recorded = registered.conveyances.iter().all(|one| matches!(one.transferor, Transferor::Khatian(_)));
    require(recorded, "L9", || {
        format!("a transferor of deed {} is not a recorded khatian; an officer must look", call.deed)
    })?;
    let file = FileCase { case: call.case.clone(), ground, permission: call.permission };
    let mut record = open(state, context, mouza, &file)?;
    record.require_unstayed(state)?;
    let mut book = Book::default();
    let allowance = Allowance { saw: call.saw.clone(), khatians: call.khatians.clone(), only: Set::default() };
    let plan = plan(state, context, &mut book, &record, &allowance)?;
    require(registered.flags.is_empty() && registered.objections.is_empty(), "L9", || {
        format!("deed {} is flagged or objected to; an officer must look", call.deed)
    })?;
    for earlier in &registered.cases {
        let earlier = case(state, earlier)?;
        let done = earlier.applied.is_some() && matches!(earlier.state, CaseState::Allowed | CaseState::Upheld);
        require(done, "L9", || {
            format!("case {} on deed {} is {:?}; an officer must look", earlier.id, call.deed, earlier.state)
        })?;
    }
    for given in &registered.plots {
        let land = book.plot(state, &given.plot)?.clone();
        require(!land.retired, "L9", || {
            format!("plot {} was divided or merged since the deed; an officer must look", given.plot)
        })?;
        for line in registered.lines(&given.plot) {
            let Transferor::Khatian(khatian) = &line.conveyance.transferor else { continue };
            let waiting = offers(state, &given.plot, &line.conveyance.transferor)?;
            require(!waiting.exceed(land.held(khatian.number)), "L9", || {
                format!(
                    "a second deed over the same share of plot {} waits for mutation; an officer must look",
                    given.plot
                )
            })?;
        }
    }
    apply(state, context, &mut book, &mut record, plan, &allowance, Identity::CommitmentsEqual)?;
    let mut outcome = officer.outcome();
    book.close(state, context, &mut outcome)?;
    record.state = CaseState::Allowed;
    record.decide(context, &officer, &Hash::ZERO);
    record.store(state, context)?;
    about_case(&mut outcome, "land.mutation_allowed", &record);
    Ok(outcome)
}
