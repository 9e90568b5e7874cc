//! A court sets a mutation aside. Later cases that rest on it are named by the order too, newest first, and so are the
//! plots made since from a divided or merged one (L15).

use dalil_ledger::codec::{SchemaRead, SchemaWrite, Set};
use dalil_ledger::crypto::Hash;
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::case::{Step, case};
use super::keys::{CaseId, Cnr, PlotId};
use super::office::{acting, require_cited};
use super::order::about_case;
use super::undo::{Undone, require_few};
use crate::authority::{PostingId, Role};
use crate::context::{Context, Outcome};
use crate::refusal::Refusal;

/// Sets an applied mutation aside; by the court entry officer.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CourtSetAside {
    /// The case.
    #[schemars(with = "String")]
    pub case: CaseId,
    /// The court's case number record.
    #[schemars(with = "String")]
    pub cnr: Cnr,
    /// Digest of the order.
    #[schemars(with = "String")]
    pub order: Hash,
    /// Later cases that rest on it and fall with it, newest first.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub later: Vec<CaseId>,
    /// Where a plot of one of these cases was divided or merged since: the plots made from it, in which the shares go back.
    #[serde(default)]
    #[schemars(with = "Vec<PlotId>")]
    pub divided: Set<PlotId>,
}

/// Undoes the later cases, then the case, in one record.
pub(super) fn set_aside(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &CourtSetAside,
) -> Result<Outcome, Refusal> {
    require_cited("court's order", &call.order)?;
    require_few(&call.later)?;
    let mouza = case(state, &call.case)?.mouza;
    let mut outcome = acting(state, context, posting, &[Role::CourtEntry], &mouza)?.outcome();
    let mut undone = Undone::default();
    for id in call.later.iter().chain([&call.case]) {
        let mut record = case(state, id)?;
        let officer = acting(state, context, posting, &[Role::CourtEntry], &record.mouza)?;
        record.advance(context, Step::CourtSetAside)?;
        undone.undo(state, &mut record)?;
        record.decide(context, &officer, &call.order);
        record.store(state, context)?;
        about_case(&mut outcome, "land.mutation_set_aside", &record);
    }
    undone.close(state, context, &call.divided, &mut outcome)?;
    Ok(outcome)
}
