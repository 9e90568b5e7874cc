//! Deeds as the registration office records them.
//!
//! The registrar does not judge title: a deed is recorded even if it sells what the transferor has not, and a second
//! deed over the same share is recorded and flagged. Title rules bite at mutation (`title.rs`).
//!
//! A deed holds one *conveyance* for each who gives: a sale by joint holders has several to one buyer, an exchange one
//! each way, a partition one for each co-sharer who gives up a share.

use dalil_ledger::codec::{SchemaRead, SchemaWrite, Set};
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::Uri;
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::keys::{CaseId, Cnr, DeedId, KhatianId, PlotId, deed_key};
use super::share::Share;
use super::types::{PLOTS_MAX, TRANSFEREES_MAX};
use crate::refusal::{OrReject as _, Refusal, require};

/// The most mutation cases that were ever filed on one deed.
pub const DEED_CASES_MAX: usize = 32;
/// The most transferors of a deed.
pub const CONVEYANCES_MAX: usize = 8;

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

/// Who takes by a succession or an order, and which part of what is given.
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

/// The part that one transferee of a deed takes.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Place among the deed's transferees, from 0.
    pub transferee: u8,
    /// The part of what the transferor gives; all parts sum to one.
    pub part: Share,
}

/// What one transferor gives, and to whom.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Conveyance {
    /// Who gives.
    pub transferor: Transferor,
    /// What is given.
    pub plots: Vec<PlotShare>,
    /// Who takes.
    pub to: Vec<Part>,
}

impl Conveyance {
    /// What it gives of a plot, if it covers it.
    pub fn share_of(&self, plot: &PlotId) -> Option<Share> {
        self.plots.iter().find(|given| given.plot == *plot).map(|given| given.share)
    }
}

/// One transferor of a deed, used up over a plot.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
pub struct Use {
    /// Place among the deed's transferors, from 0.
    pub transferor: u8,
    /// The applied case that rests on it.
    pub case: CaseId,
}

/// A plot of a deed, and what cases that stand used up of the deed over it.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
pub struct DeedPlot {
    /// The plot.
    pub plot: PlotId,
    /// What is used up, by transferor (L3).
    pub used: Vec<Use>,
}

impl DeedPlot {
    /// The applied case that used up what a transferor gives.
    pub fn user(&self, transferor: u8) -> Option<&CaseId> {
        self.used.iter().find(|used| used.transferor == transferor).map(|used| &used.case)
    }
}

/// What one transferor of a deed gives of one plot.
#[derive(Debug, Clone, Copy)]
pub struct Line<'d> {
    /// Place among the deed's transferors, from 0.
    pub transferor: u8,
    /// Who gives, and to whom.
    pub conveyance: &'d Conveyance,
    /// The share of the whole plot.
    pub share: Share,
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
    /// Commitments to those who take, in the order of the deed.
    pub transferees: Vec<Hash>,
    /// Who gives what to whom.
    pub conveyances: Vec<Conveyance>,
    /// The plots that it covers, in canonical order.
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
    /// The plot in the deed, if it covers it.
    pub fn covers(&self, plot: &PlotId) -> Option<&DeedPlot> {
        self.plots.iter().find(|given| given.plot == *plot)
    }

    pub(super) fn covers_mut(&mut self, plot: &PlotId) -> Option<&mut DeedPlot> {
        self.plots.iter_mut().find(|given| given.plot == *plot)
    }

    /// What each transferor gives of the plot.
    pub fn lines<'d>(&'d self, plot: &'d PlotId) -> impl Iterator<Item = Line<'d>> {
        let transferors = (0..=u8::MAX).zip(&self.conveyances);
        transferors.filter_map(|(transferor, conveyance)| {
            Some(Line { transferor, conveyance, share: conveyance.share_of(plot)? })
        })
    }

    /// Whether cases that stand used up all that it gives of a plot (L3).
    pub fn is_used_up(&self, plot: &PlotId) -> bool {
        self.covers(plot).is_some_and(|given| self.lines(plot).all(|line| given.user(line.transferor).is_some()))
    }

    /// What of it waits for mutation over a plot: it transfers, was not cancelled, and no case used it up there.
    pub(super) fn waiting<'d>(&'d self, plot: &'d PlotId) -> impl Iterator<Item = Line<'d>> {
        let waits = self.kind.transfers() && self.cancelled.is_none();
        let given = self.covers(plot).filter(|_| waits);
        self.lines(plot).filter(move |line| given.is_some_and(|given| given.user(line.transferor).is_none()))
    }

    /// What a transferee was given of a plot; zero where that cannot be said.
    pub fn received(&self, transferee: u8, plot: &PlotId) -> Share {
        let given = self.lines(plot).flat_map(|line| {
            let parts = line.conveyance.to.iter().filter(|to| to.transferee == transferee);
            parts.map(move |to| to.part.of(line.share))
        });
        let sum = given.reduce(|sum, given| sum?.plus(given?));
        sum.and_then(Result::ok).unwrap_or(Share::ZERO)
    }
}

/// Checks that parts are given to someone and sum to one (L1).
pub(super) fn check_parts(parts: impl Iterator<Item = Share> + Clone) -> Result<(), Refusal> {
    let count = parts.clone().count();
    require((1..=TRANSFEREES_MAX).contains(&count), "L1", || {
        format!("{count} transferees, expected 1 to {TRANSFEREES_MAX}")
    })?;
    let positive = parts.clone().all(|part| !part.is_zero());
    let whole = Share::sum_is_whole(parts)?;
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
