//! A court sets a mutation aside. Later cases that rest on it are named by the order too, newest first, and so are the
//! plots made since from a divided or merged one (L15).

use std::collections::BTreeSet;

use dalil_ledger::codec::{SchemaRead, SchemaWrite, Set};
use dalil_ledger::crypto::Hash;
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::book::Book;
use super::case::{Step, case};
use super::keys::{CaseId, Cnr, PlotId};
use super::office::{acting, require_cited};
use super::order::about_case;
use super::undo::{require_named, undo};
use crate::authority::{PostingId, Role};
use crate::context::{Context, Outcome};
use crate::refusal::{Refusal, require};

/// The most later cases that one order names.
pub const LATER_NAMED_MAX: usize = 32;

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
    require(call.later.len() <= LATER_NAMED_MAX, "L15", || format!("more than {LATER_NAMED_MAX} later cases"))?;
    let mouza = case(state, &call.case)?.mouza;
    let mut outcome = acting(state, context, posting, &[Role::CourtEntry], &mouza)?.outcome();
    let mut book = Book::default();
    let mut divided = BTreeSet::new();
    let mut newer = u64::MAX;
    for id in call.later.iter().chain([&call.case]) {
        let mut record = case(state, id)?;
        let officer = acting(state, context, posting, &[Role::CourtEntry], &record.mouza)?;
        record.advance(context, Step::CourtSetAside)?;
        let applied = record.applied.as_ref().map_or(0, |applied| applied.record);
        require(applied < newer, "L15", || format!("case {id} is not named in its place: newest first"))?;
        newer = applied;
        divided.append(&mut undo(state, &mut book, &mut record)?);
        record.decide(context, &officer, &call.order);
        record.store(state, context)?;
        about_case(&mut outcome, "land.mutation_set_aside", &record);
    }
    require_named(&divided, &call.divided)?;
    book.close(state, context, &mut outcome)?;
    Ok(outcome)
}
