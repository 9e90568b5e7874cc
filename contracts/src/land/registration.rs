//! Registering a deed without judging its title, and a court's cancelling of one.

use std::collections::BTreeSet;

use dalil_ledger::codec::{SchemaRead, SchemaWrite, Set};
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::{Provenance, Standing, Uri};
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::deed::{
    CONVEYANCES_MAX, Conveyance, Deed, DeedFlag, DeedKind, DeedPlot, Transferor, check_parts, check_plot_shares, deed,
};
use super::extract::require_uri;
use super::keys::{Cnr, DeedId, PlotId, deed_key, plot_key};
use super::offers::{add_offers, offers, remove_offers};
use super::office::{acting_on, mouza, require_cited};
use super::share::Share;
use super::types::{PLOTS_MAX, Plot, TRANSFEREES_MAX};
use crate::authority::parameters::parameter_u64;
use crate::authority::{PostingId, Role};
use crate::context::{Context, Outcome, token};
use crate::refusal::{Refusal, require};
use crate::registry::{self, Change, NewDocument};

/// Type code of a deed as a document.
pub const DEED: &str = "DEED";
/// Parameter: the oldest checkpoint that proves a deed's present status, in milliseconds.
pub const DEED_STATUS_AGE: &str = "land/deed_status_age_ms";

/// A file in the document registry.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentFile {
    /// Its URI.
    #[schemars(with = "String")]
    pub uri: Uri,
    /// SHA-256 of the file, which holds a 256-bit nonce.
    #[schemars(with = "String")]
    pub digest: Hash,
}

/// Records a registered deed; by the registrar.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterDeed {
    /// Office, book, serial, year.
    pub deed: DeedId,
    /// What it does.
    pub kind: DeedKind,
    /// Commitments to those who take, in the order of the deed.
    #[schemars(with = "Vec<String>")]
    pub transferees: Vec<Hash>,
    /// Who gives what to whom: one for each transferor.
    pub conveyances: Vec<Conveyance>,
    /// The deed as a document that anyone can verify, `in.gov.wb.registration-DEED-<id>`.
    #[serde(default)]
    pub document: Option<DocumentFile>,
}

impl RegisterDeed {
    /// The plots it names, once each.
    fn plots(&self) -> BTreeSet<&PlotId> {
        self.conveyances.iter().flat_map(|conveyance| &conveyance.plots).map(|given| &given.plot).collect()
    }

    /// Checks its form (L1): parts sum to one, nobody is named in vain, and no share is conveyed twice.
    fn check(&self) -> Result<(), Refusal> {
        let (takers, givers) = (self.transferees.len(), self.conveyances.len());
        require((1..=TRANSFEREES_MAX).contains(&takers), "L1", || {
            format!("{takers} transferees, expected 1 to {TRANSFEREES_MAX}")
        })?;
        require((1..=CONVEYANCES_MAX).contains(&givers), "L1", || {
            format!("{givers} transferors, expected 1 to {CONVEYANCES_MAX}")
        })?;
        for (at, conveyance) in self.conveyances.iter().enumerate() {
            check_plot_shares(&conveyance.plots)?;
            check_parts(conveyance.to.iter().map(|to| to.part))?;
            let mut named = BTreeSet::new();
            let known =
                conveyance.to.iter().all(|to| usize::from(to.transferee) < takers && named.insert(to.transferee));
            require(known, "L1", || format!("a transferee of transferor {at} is not in the deed, or is named twice"))?;
            let repeated = self.conveyances[..at].iter().any(|earlier| {
                earlier.transferor == conveyance.transferor
                    && earlier.plots.iter().any(|given| conveyance.share_of(&given.plot).is_some())
            });
            require(!repeated, "L1", || "a transferor gives of one plot twice".to_owned())?;
        }
        let takes =
            |at: usize| self.conveyances.iter().any(|one| one.to.iter().any(|to| usize::from(to.transferee) == at));
        let idle = (0..takers).find(|at| !takes(*at));
        require(idle.is_none(), "L1", || format!("transferee {} takes nothing", idle.unwrap_or_default()))?;
        let plots = self.plots().len();
        require(plots <= PLOTS_MAX, "L1", || format!("{plots} plots, expected 1 to {PLOTS_MAX}"))
    }
}

/// Records a deed without judging title.
pub(super) fn register(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &RegisterDeed,
) -> Result<Outcome, Refusal> {
    call.check()?;
    let plots = call.plots();
    let officer = acting_on(state, context, posting, &[Role::Registrar], plots.iter().copied())?;
    let id = &call.deed;
    let known: Option<Deed> = state.get_value(&deed_key(id))?;
    require(known.is_none(), "D1", || format!("deed {id} is already registered"))?;
    let mut record = Deed {
        id: id.clone(),
        kind: call.kind,
        transferees: call.transferees.clone(),
        conveyances: call.conveyances.clone(),
        plots: plots.iter().map(|plot| DeedPlot { plot: (*plot).clone(), used: Vec::new() }).collect(),
        flags: Set::default(),
        cancelled: None,
        stays: Vec::new(),
        objections: Vec::new(),
        cases: Vec::new(),
        document: call.document.as_ref().map(|file| file.uri.clone()),
        registered_ms: context.time_ms,
    };
    record.flags = flags(state, &record)?;
    for plot in &plots {
        add_offers(state, &record, plot)?;
    }
    if let Some(file) = &call.document {
        require_uri(&file.uri, "registration", DEED)?;
        let new = NewDocument {
            uri: file.uri.clone(),
            digest: file.digest,
            kind: token(DEED)?,
            subject: id.subject(),
            valid_from_ms: context.time_ms,
            valid_until_ms: None,
            claims_root: None,
            classes: Set::default(),
            depends: Set::default(),
            provenance: Provenance::Decided,
            status_age_max_ms: parameter_u64(state, context, DEED_STATUS_AGE)?,
        };
        registry::issue(state, context, officer.issuer(), new)?;
    }
    state.put_value(deed_key(id), &record);
    let mut outcome = officer.outcome();
    outcome.event("land.deed_registered", id.subject());
    if !record.flags.is_empty() {
        outcome.event("land.deed_flagged", id.subject());
    }
    for plot in plots {
        outcome.about(plot.subject());
    }
    for conveyance in &call.conveyances {
        if let Transferor::Khatian(khatian) = &conveyance.transferor {
            outcome.about(khatian.subject());
        }
    }
    Ok(outcome)
}

/// What looks wrong with a deed that transfers. It is recorded all the same.
fn flags(state: &Overlay<'_>, record: &Deed) -> Result<Set<DeedFlag>, Refusal> {
    let mut flags = Vec::new();
    for conveyance in &record.conveyances {
        // A transferor that is nowhere on record is a slip of the pen, not a title that the registrar would judge.
        let earlier = match &conveyance.transferor {
            Transferor::Khatian(khatian) => {
                mouza(state, &khatian.mouza)?;
                None
            }
            Transferor::Deed(source) => Some((deed(state, &source.deed)?, source.transferee)),
        };
        if !record.kind.transfers() {
            continue;
        }
        for given in &conveyance.plots {
            let held = match (&conveyance.transferor, &earlier) {
                (_, Some((earlier, transferee))) => earlier.received(*transferee, &given.plot),
                (Transferor::Khatian(khatian), None) => {
                    let plot: Option<Plot> = state.get_value(&plot_key(&given.plot))?;
                    let ours = plot.filter(|plot| plot.id.mouza == khatian.mouza && !plot.retired);
                    ours.map_or(Share::ZERO, |plot| plot.held(khatian.number))
                }
                (Transferor::Deed(_), None) => Share::ZERO,
            };
            if given.share > held {
                flags.push(DeedFlag::ExceedsHolding);
            }
            let waiting = offers(state, &given.plot, &conveyance.transferor)?;
            if waiting.deeds > 0 && waiting.with(given.share)?.exceed(held) {
                flags.push(DeedFlag::SecondDeed);
            }
        }
    }
    Ok(flags.into_iter().collect())
}

/// A court cancels a deed: it is flagged; an applied mutation is undone by set-aside alone.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelDeed {
    /// The deed.
    pub deed: DeedId,
    /// The court's case number record.
    #[schemars(with = "String")]
    pub cnr: Cnr,
    /// Digest of the order.
    #[schemars(with = "String")]
    pub order: Hash,
}

/// Flags a deed as cancelled.
pub(super) fn cancel(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &CancelDeed,
) -> Result<Outcome, Refusal> {
    let mut record = deed(state, &call.deed)?;
    let officer =
        acting_on(state, context, posting, &[Role::CourtEntry], record.plots.iter().map(|given| &given.plot))?;
    require_cited("court's order", &call.order)?;
    require(record.cancelled.is_none(), "D2", || format!("deed {} is already cancelled", call.deed))?;
    for given in &record.plots {
        remove_offers(state, &record, &given.plot)?;
    }
    record.cancelled = Some(call.cnr.clone());
    if let Some(uri) = &record.document {
        let reason = token("court_order")?;
        let change = Change { standing: Standing::Cancelled, effective_from_ms: context.time_ms, reason };
        registry::change(state, context, uri, &change, |from, to| {
            from == Standing::Active && to == Standing::Cancelled
        })?;
    }
    state.put_value(deed_key(&call.deed), &record);
    let mut outcome = officer.outcome();
    outcome.event("land.deed_cancelled", call.deed.subject());
    record.plots.iter().for_each(|given| outcome.about(given.plot.subject()));
    Ok(outcome)
}
