//! Overlays on a case or a deed: a court's stay and a party's objection, each with its own lift. They change no state of
//! the case. A stay stops it (L6); an objection keeps a deed from being mutated without a hearing (L9).
//!
//! A plot counts the stays of cases and deeds over it, whether or not a case was applied, for those who ask before they
//! let or take the land ([`stayed_plot`]).

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::crypto::Hash;
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::book::plot;
use super::case::{MutationCase, case};
use super::deed::{Deed, deed};
use super::keys::{CaseId, Cnr, DeedId, PlotId, case_subject, deed_key, stays_key};
use super::lineage::LINEAGE_MAX;
use super::office::{acting, acting_on, require_cited};
use super::types::OVERLAYS_MAX;
use crate::authority::{Acting, PostingId, Role};
use crate::context::{Context, Outcome};
use crate::refusal::{OrReject as _, Refusal, require};

/// What an overlay lies on.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OverlayTarget {
    /// A mutation case.
    Case(#[schemars(with = "String")] CaseId),
    /// A deed, before any case on it.
    Deed(DeedId),
}

/// A court's stay, or its lift; by the court entry officer.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stay {
    /// What is stayed.
    pub target: OverlayTarget,
    /// The court's case number record, which the lift names again.
    #[schemars(with = "String")]
    pub cnr: Cnr,
    /// Digest of the order.
    #[schemars(with = "String")]
    pub order: Hash,
}

/// An objection (by intake), or its disposal (by the BL&LRO).
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Objection {
    /// What is objected to.
    pub target: OverlayTarget,
    /// Commitment to the objector.
    #[schemars(with = "String")]
    pub objector: Hash,
    /// Digest of the petition, or of the order that disposes of it.
    #[schemars(with = "String")]
    pub paper: Hash,
}

/// What an overlay lies on, loaded.
enum Loaded {
    Case(Box<MutationCase>),
    Deed(Box<Deed>),
}

impl Loaded {
    /// Loads the target and checks the officer in every mouza that it concerns.
    fn open(
        state: &Overlay<'_>,
        context: &Context<'_>,
        posting: &PostingId,
        roles: &[Role],
        target: &OverlayTarget,
    ) -> Result<(Self, Acting), Refusal> {
        match target {
            OverlayTarget::Case(id) => {
                let record = case(state, id)?;
                let officer = acting(state, context, posting, roles, &record.mouza)?;
                Ok((Self::Case(Box::new(record)), officer))
            }
            OverlayTarget::Deed(id) => {
                let record = deed(state, id)?;
                let plots = record.plots.iter().map(|given| &given.plot);
                let officer = acting_on(state, context, posting, roles, plots)?;
                Ok((Self::Deed(Box::new(record)), officer))
            }
        }
    }

    /// The plots that it concerns.
    fn plots(&self) -> Vec<PlotId> {
        match self {
            Self::Case(record) => record.ground.plots().into_iter().cloned().collect(),
            Self::Deed(record) => record.plots.iter().map(|given| given.plot.clone()).collect(),
        }
    }

    fn stays(&mut self) -> &mut Vec<Cnr> {
        match self {
            Self::Case(record) => &mut record.stays,
            Self::Deed(record) => &mut record.stays,
        }
    }

    fn objections(&mut self) -> &mut Vec<Hash> {
        match self {
            Self::Case(record) => &mut record.objections,
            Self::Deed(record) => &mut record.objections,
        }
    }

    fn store(
        self,
        state: &mut Overlay<'_>,
        context: &Context<'_>,
        officer: &Acting,
        event: &'static str,
    ) -> Result<Outcome, Refusal> {
        let mut outcome = officer.outcome();
        match self {
            Self::Case(mut record) => {
                record.store(state, context)?;
                outcome.event(event, case_subject(&record.id));
            }
            Self::Deed(record) => {
                state.put_value(deed_key(&record.id), &*record);
                outcome.event(event, record.id.subject());
            }
        }
        Ok(outcome)
    }
}

/// Lays an item over; refused with D2 if it lies there already or there are too many.
fn lay<T: PartialEq + Clone>(items: &mut Vec<T>, item: &T, what: &str) -> Result<(), Refusal> {
    require(!items.contains(item), "D2", || format!("this {what} is in force already"))?;
    require(items.len() < OVERLAYS_MAX, "D2", || format!("more than {OVERLAYS_MAX} of the kind {what}"))?;
    items.push(item.clone());
    Ok(())
}

/// Lifts an item; refused with D2 if it does not lie there.
fn lift<T: PartialEq>(items: &mut Vec<T>, item: &T, what: &str) -> Result<(), Refusal> {
    let at = items.iter().position(|other| other == item);
    items.remove(at.or_reject("D2", || format!("there is no such {what} to lift"))?);
    Ok(())
}

/// How many stays lie on cases and deeds over a plot.
fn stays(state: &Overlay<'_>, plot: &PlotId) -> Result<u64, Refusal> {
    Ok(state.get_value(&stays_key(plot))?.unwrap_or_default())
}

/// The plot, or one that it was made from, over which a court stays a case or a deed; none if no court does. Refused with
/// D2 if it was made from more than [`LINEAGE_MAX`] plots.
pub fn stayed_plot(state: &Overlay<'_>, id: &PlotId) -> Result<Option<PlotId>, Refusal> {
    let mut family = vec![id.clone()];
    let mut looked_at = 0;
    while let Some(id) = family.get(looked_at).cloned() {
        if stays(state, &id)? > 0 {
            return Ok(Some(id));
        }
        for parent in plot(state, &id)?.parents {
            if !family.contains(&parent) {
                family.push(parent);
            }
        }
        require(family.len() <= LINEAGE_MAX, "D2", || {
            format!("plot {id} was made from more than {LINEAGE_MAX} plots")
        })?;
        looked_at += 1;
    }
    Ok(None)
}

/// Lays a stay.
pub(super) fn stay(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &Stay,
) -> Result<Outcome, Refusal> {
    let (mut target, officer) = Loaded::open(state, context, posting, &[Role::CourtEntry], &call.target)?;
    require_cited("court's order", &call.order)?;
    lay(target.stays(), &call.cnr, "stay")?;
    for plot in target.plots() {
        let more = stays(state, &plot)?.checked_add(1);
        state.put_value(stays_key(&plot), &more.or_reject("D2", || format!("plot {plot} has too many stays"))?);
    }
    target.store(state, context, &officer, "land.stayed")
}

/// Lifts a stay.
pub(super) fn lift_stay(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &Stay,
) -> Result<Outcome, Refusal> {
    let (mut target, officer) = Loaded::open(state, context, posting, &[Role::CourtEntry], &call.target)?;
    require_cited("court's order", &call.order)?;
    lift(target.stays(), &call.cnr, "stay")?;
    for plot in target.plots() {
        match stays(state, &plot)?.saturating_sub(1) {
            0 => state.delete(stays_key(&plot)),
            fewer => state.put_value(stays_key(&plot), &fewer),
        }
    }
    target.store(state, context, &officer, "land.stay_lifted")
}

/// Lays an objection.
pub(super) fn object(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &Objection,
) -> Result<Outcome, Refusal> {
    let (mut target, officer) = Loaded::open(state, context, posting, &[Role::Intake], &call.target)?;
    require_cited("petition", &call.paper)?;
    lay(target.objections(), &call.objector, "objection")?;
    target.store(state, context, &officer, "land.objected")
}

/// Disposes of an objection.
pub(super) fn lift_objection(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &Objection,
) -> Result<Outcome, Refusal> {
    let (mut target, officer) = Loaded::open(state, context, posting, &[Role::Blro], &call.target)?;
    require_cited("order", &call.paper)?;
    lift(target.objections(), &call.objector, "objection")?;
    target.store(state, context, &officer, "land.objection_lifted")
}
