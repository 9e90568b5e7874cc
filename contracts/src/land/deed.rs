//! Deeds as the registration office records them.
//!
//! The registrar does not judge title: a deed is recorded even if it sells what the transferor has not, and a second
//! deed over the same share is recorded and flagged. Title rules bite at mutation (`title.rs`).

use dalil_ledger::codec::{SchemaRead, SchemaWrite, Set};
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::{Provenance, Standing, Uri};
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::keys::{CaseId, Cnr, DeedId, KhatianId, PlotId, deed_key, is_plain, plot_key};
use super::office::{acting, mouza, require_cited};
use super::share::Share;
use super::types::{PLOTS_MAX, Plot, TRANSFEREES_MAX};
use crate::authority::parameters::parameter_u64;
use crate::authority::{PostingId, Role};
use crate::context::{Context, Outcome, token};
use crate::refusal::{OrReject as _, Refusal, require};
use crate::registry::{self, Change, NewDocument};

/// The most deeds over one share that wait for mutation.
pub const OFFERS_MAX: usize = 64;
/// The most mutation cases that were ever filed on one deed.
pub const DEED_CASES_MAX: usize = 32;
/// Parameter: the oldest checkpoint that proves a deed's present status, in milliseconds.
pub const DEED_STATUS_AGE: &str = "land/deed_status_age_ms";

/// What a deed does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeedKind {
    /// Transfers for a price.
    Sale,
    /// Transfers without a price.
    Gift,
    /// Transfers for other land.
    Exchange,
    /// Transfers among co-sharers.
    Partition,
    /// Transfers within a family.
    Settlement,
    /// Encumbers.
    Lease,
    /// Encumbers.
    Mortgage,
    /// Moves nothing.
    AgreementForSale,
    /// Moves nothing.
    PowerOfAttorney,
}

impl DeedKind {
    /// Whether a mutation may rest on it.
    pub fn transfers(self) -> bool {
        matches!(self, Self::Sale | Self::Gift | Self::Exchange | Self::Partition | Self::Settlement)
    }

    /// Whether a charge may rest on it.
    pub fn encumbers(self) -> bool {
        matches!(self, Self::Lease | Self::Mortgage)
    }
}

/// One transferee of an earlier deed that was not mutated.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransfereeOf {
    /// The earlier deed.
    pub deed: DeedId,
    /// Place among its transferees, from 0.
    pub transferee: u8,
}

/// Who gives.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Transferor {
    /// The holder of a khatian.
    Khatian(KhatianId),
    /// A transferee of an earlier deed.
    Deed(TransfereeOf),
}

/// Who takes, and which part of what is given.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Transferee {
    /// Commitment to the person.
    #[schemars(with = "String")]
    pub holder: Hash,
    /// The part of what is given; all parts sum to one.
    pub part: Share,
}

/// A plot and the share of the whole plot that is given.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlotShare {
    /// The plot.
    pub plot: PlotId,
    /// The share of the whole plot.
    pub share: Share,
}

/// A plot of a deed, and the case that used it up.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
pub struct DeedPlot {
    /// The plot.
    pub plot: PlotId,
    /// The share of the whole plot.
    pub share: Share,
    /// The applied case that rests on it (L3).
    pub used_by: Option<CaseId>,
}

/// What looked wrong when the deed was registered. It is recorded all the same.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DeedFlag {
    /// It gives more than the transferor was recorded with.
    ExceedsHolding,
    /// With deeds registered before and not yet mutated it gives more than the transferor was recorded with.
    SecondDeed,
}

/// A registered deed.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
pub struct Deed {
    /// Office, book, serial, year.
    pub id: DeedId,
    /// What it does.
    pub kind: DeedKind,
    /// Who gives.
    pub transferor: Transferor,
    /// Who takes, in the order of the deed.
    pub transferees: Vec<Transferee>,
    /// What is given.
    pub plots: Vec<DeedPlot>,
    /// What looked wrong at registration.
    pub flags: Set<DeedFlag>,
    /// CNR of the order that cancelled it.
    pub cancelled: Option<Cnr>,
    /// CNRs of orders that stay its mutation.
    pub stays: Vec<Cnr>,
    /// Commitments of those who object to its mutation.
    pub objections: Vec<Hash>,
    /// The cases that were filed on it, in order (L9).
    pub cases: Vec<CaseId>,
    /// The document, if it is in the registry.
    pub document: Option<Uri>,
    /// Block time of registration, UTC milliseconds.
    pub registered_ms: u64,
}

/// The deed, refused with D2 if it is not registered.
pub fn deed(state: &Overlay<'_>, id: &DeedId) -> Result<Deed, Refusal> {
    state.get_value(&deed_key(id))?.or_reject("D2", || format!("deed {id} is not registered"))
}

impl Deed {
    /// What it gives of `plot`, if it covers it.
    pub fn covers(&self, plot: &PlotId) -> Option<&DeedPlot> {
        self.plots.iter().find(|given| given.plot == *plot)
    }

    pub(super) fn covers_mut(&mut self, plot: &PlotId) -> Option<&mut DeedPlot> {
        self.plots.iter_mut().find(|given| given.plot == *plot)
    }
}

/// A deed over a share that no mutation has used up yet.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead)]
pub(super) struct Offer {
    pub(super) deed: DeedId,
    pub(super) share: Share,
}

/// State key of the deeds of one transferor over one plot that wait for mutation.
fn offers_key(plot: &PlotId, from: &Transferor) -> Vec<u8> {
    match from {
        Transferor::Khatian(khatian) => format!("land/offers/{plot}|khatian/{khatian}"),
        Transferor::Deed(TransfereeOf { deed, transferee }) => format!("land/offers/{plot}|deed/{deed}/{transferee}"),
    }
    .into_bytes()
}

/// The transferring deeds of one transferor over one plot that wait for mutation, by deed.
pub(super) fn offers(state: &Overlay<'_>, plot: &PlotId, from: &Transferor) -> Result<Vec<Offer>, Refusal> {
    Ok(state.get_value(&offers_key(plot, from))?.unwrap_or_default())
}

/// Puts a deed among those that wait (registration, or a set-aside that releases it).
pub(super) fn add_offer(state: &mut Overlay<'_>, deed: &Deed, plot: &PlotId, share: Share) -> Result<(), Refusal> {
    if !deed.kind.transfers() || deed.cancelled.is_some() {
        return Ok(());
    }
    let mut waiting = offers(state, plot, &deed.transferor)?;
    if let Err(at) = waiting.binary_search_by(|offer| offer.deed.cmp(&deed.id)) {
        waiting.insert(at, Offer { deed: deed.id.clone(), share });
    }
    require(waiting.len() <= OFFERS_MAX, "D1", || {
        format!("more than {OFFERS_MAX} deeds over plot {plot} by one transferor wait for mutation")
    })?;
    state.put_value(offers_key(plot, &deed.transferor), &waiting);
    Ok(())
}

/// Takes a deed from those that wait.
pub(super) fn remove_offer(state: &mut Overlay<'_>, deed: &Deed, plot: &PlotId) -> Result<(), Refusal> {
    let mut waiting = offers(state, plot, &deed.transferor)?;
    waiting.retain(|offer| offer.deed != deed.id);
    let key = offers_key(plot, &deed.transferor);
    if waiting.is_empty() {
        state.delete(key);
    } else {
        state.put_value(key, &waiting);
    }
    Ok(())
}

/// Whether the waiting deeds give more than `held` together. A sum too fine to compute counts as more: it needs an
/// officer's eye.
pub(super) fn offers_exceed(offers: &[Offer], held: Share) -> bool {
    let sum = offers.iter().try_fold(Share::ZERO, |sum, offer| sum.plus(offer.share));
    sum.map_or(true, |sum| sum > held)
}

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
    /// Who gives.
    pub transferor: Transferor,
    /// Who takes.
    pub transferees: Vec<Transferee>,
    /// What is given.
    pub plots: Vec<PlotShare>,
    /// The deed as a document that anyone can verify, kind `DEED`.
    #[serde(default)]
    pub document: Option<DocumentFile>,
}

/// Checks that parts are given to someone and sum to one (L1).
pub(super) fn check_parts(transferees: &[Transferee]) -> Result<(), Refusal> {
    let count = transferees.len();
    require((1..=TRANSFEREES_MAX).contains(&count), "L1", || {
        format!("{count} transferees, expected 1 to {TRANSFEREES_MAX}")
    })?;
    let whole = Share::sum_is_whole(transferees.iter().map(|transferee| transferee.part))?;
    let positive = transferees.iter().all(|transferee| !transferee.part.is_zero());
    require(whole && positive, "L1", || "the parts of the transferees do not sum to one".to_owned())
}

/// Checks that plots are named once each, with a share above 0 and at most 1 (L1).
pub(super) fn check_plot_shares(plots: &[PlotShare]) -> Result<(), Refusal> {
    require((1..=PLOTS_MAX).contains(&plots.len()), "L1", || {
        format!("{} plots, expected 1 to {PLOTS_MAX}", plots.len())
    })?;
    for (at, given) in plots.iter().enumerate() {
        require(!given.share.is_zero() && given.share <= Share::WHOLE, "L1", || {
            format!("share {} of plot {} is not above 0 and at most 1", given.share, given.plot)
        })?;
        let repeated = plots[..at].iter().any(|earlier| earlier.plot == given.plot);
        require(!repeated, "L1", || format!("plot {} is named twice", given.plot))?;
    }
    Ok(())
}

/// Records a deed without judging title.
pub(super) fn register(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &RegisterDeed,
) -> Result<Outcome, Refusal> {
    check_plot_shares(&call.plots)?;
    let mut officer = acting(state, context, posting, &[Role::Registrar], &call.plots[0].plot.mouza)?;
    for given in &call.plots[1..] {
        officer = acting(state, context, posting, &[Role::Registrar], &given.plot.mouza)?;
    }
    check_parts(&call.transferees)?;
    let id = &call.deed;
    require(is_plain(id.office.as_str(), "") && is_plain(id.book.as_str(), ""), "D1", || {
        format!("office and book of deed {id} may hold only letters and digits")
    })?;
    let known: Option<Deed> = state.get_value(&deed_key(id))?;
    require(known.is_none(), "D1", || format!("deed {id} is already registered"))?;
    let earlier = match &call.transferor {
        Transferor::Khatian(khatian) => {
            mouza(state, &khatian.mouza)?;
            None
        }
        Transferor::Deed(source) => Some((deed(state, &source.deed)?, source.transferee)),
    };

    let mut flags = Vec::new();
    if call.kind.transfers() {
        for given in &call.plots {
            let held = match (&call.transferor, &earlier) {
                (_, Some((earlier, transferee))) => received(earlier, *transferee, &given.plot),
                (Transferor::Khatian(khatian), None) => {
                    let plot: Option<Plot> = state.get_value(&plot_key(&given.plot))?;
                    let ours = plot.filter(|plot| plot.id.mouza == khatian.mouza && !plot.retired);
                    ours.map_or(Share::ZERO, |plot| plot.held(khatian.number))
                }
                (Transferor::Deed(_), None) => Share::ZERO,
            };
            let mut waiting = offers(state, &given.plot, &call.transferor)?;
            if given.share > held {
                flags.push(DeedFlag::ExceedsHolding);
            }
            if !waiting.is_empty() {
                waiting.push(Offer { deed: id.clone(), share: given.share });
                if offers_exceed(&waiting, held) {
                    flags.push(DeedFlag::SecondDeed);
                }
            }
        }
    }

    let mut outcome = Outcome::default();
    let record = Deed {
        id: id.clone(),
        kind: call.kind,
        transferor: call.transferor.clone(),
        transferees: call.transferees.clone(),
        plots: call
            .plots
            .iter()
            .map(|given| DeedPlot { plot: given.plot.clone(), share: given.share, used_by: None })
            .collect(),
        flags: flags.into_iter().collect(),
        cancelled: None,
        stays: Vec::new(),
        objections: Vec::new(),
        cases: Vec::new(),
        document: call.document.as_ref().map(|file| file.uri.clone()),
        registered_ms: context.time_ms,
    };
    for given in &call.plots {
        add_offer(state, &record, &given.plot, given.share)?;
    }
    if let Some(file) = &call.document {
        let new = NewDocument {
            uri: file.uri.clone(),
            digest: file.digest,
            kind: token("DEED")?,
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
    outcome.event("land.deed_registered", id.subject());
    if !record.flags.is_empty() {
        outcome.event("land.deed_flagged", id.subject());
    }
    for given in &call.plots {
        outcome.about(given.plot.subject());
    }
    if let Transferor::Khatian(khatian) = &call.transferor {
        outcome.about(khatian.subject());
    }
    Ok(outcome)
}

/// What a transferee was given of a plot; zero where that cannot be said.
fn received(deed: &Deed, transferee: u8, plot: &PlotId) -> Share {
    let part = deed.transferees.get(usize::from(transferee)).map(|transferee| transferee.part);
    let given = deed.covers(plot).map(|given| given.share);
    part.zip(given).and_then(|(part, given)| part.of(given).ok()).unwrap_or(Share::ZERO)
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
    for given in &record.plots {
        acting(state, context, posting, &[Role::CourtEntry], &given.plot.mouza)?;
    }
    require_cited("court's order", &call.order)?;
    require(record.cancelled.is_none(), "D2", || format!("deed {} is already cancelled", call.deed))?;
    for given in &record.plots {
        remove_offer(state, &record, &given.plot)?;
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
    let mut outcome = Outcome::default();
    outcome.event("land.deed_cancelled", call.deed.subject());
    Ok(outcome)
}
