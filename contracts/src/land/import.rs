//! Mouzas, and the first khatians and plots of each, brought from the older register as they stand.
//!
//! What is imported is marked so in every answer: it was not decided here.

use dalil_ledger::codec::{SchemaRead, SchemaWrite, Token};
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::{Provenance, SubjectId};
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::book::Book;
use super::docket;
use super::keys::{KhatianId, KhatianNumber, MouzaId, PlotId, VESTED_KHATIAN, mouza_key};
use super::office::{acting, require_cited};
use super::share::Share;
use super::survey::claim_ulpin;
use super::types::{CHARGES_MAX, Charge, HOLDINGS_MAX, Holding, LandClass, Mouza, Plot};
use crate::authority::{PostingId, Role, authorise};
use crate::context::{Context, Outcome, token};
use crate::refusal::{Refusal, require};
use crate::units::Area;

/// The most khatians and plots in one import, together.
pub const IMPORT_ROWS_MAX: usize = 128;

/// Enters a mouza and where it lies; by the DLLRO or the department's administrator.
pub(super) fn register_mouza(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    mouza: &Mouza,
) -> Result<Outcome, Refusal> {
    let roles = &[Role::Dllro, Role::DepartmentAdmin, Role::LandSystem];
    let officer = authorise(state, context, posting, roles, &mouza.place())?;
    let known: Option<Mouza> = state.get_value(&mouza_key(&mouza.id))?;
    require(known.is_none(), "D1", || format!("mouza {} is already registered", mouza.id))?;
    state.put_value(mouza_key(&mouza.id), mouza);
    docket::seat(state, mouza)?;
    let mut outcome = officer.outcome();
    outcome.event("land.mouza_registered", mouza_subject(&mouza.id)?);
    Ok(outcome)
}

fn mouza_subject(mouza: &MouzaId) -> Result<SubjectId, Refusal> {
    token(format!("mouza/{mouza}"))
}

/// A khatian as the older register has it.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportedKhatian {
    /// Its number.
    pub number: KhatianNumber,
    /// Commitment to the holder.
    #[schemars(with = "String")]
    pub holder: Hash,
    /// A transfer needs a permission (L10).
    #[serde(default)]
    pub permission_required: bool,
}

/// A plot as the older register has it.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportedPlot {
    /// The plot.
    pub plot: PlotId,
    /// Use.
    pub class: LandClass,
    /// Area in 1/10,000 acre.
    pub area: Area,
    /// Who holds how much, by increasing khatian number.
    pub holdings: Vec<Holding>,
    /// What the older register has nobody for.
    pub remainder: Share,
    /// Encumbrances by rank.
    #[serde(default)]
    pub charges: Vec<Charge>,
    /// Unique land parcel number.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub ulpin: Option<Token<14>>,
}

/// Brings khatians and plots of one mouza from the older register; by the land department's system.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Import {
    /// The mouza.
    #[schemars(with = "String")]
    pub mouza: MouzaId,
    /// Digest of the source (L4).
    #[schemars(with = "String")]
    pub source: Hash,
    /// Day for which the source speaks, UTC milliseconds; content, not the chain's time.
    pub as_on_ms: u64,
    /// Khatians that are not on record yet.
    pub khatians: Vec<ImportedKhatian>,
    /// Plots that are not on record yet, held by imported khatians.
    pub plots: Vec<ImportedPlot>,
}

/// Enters what the source says, if it adds up (L1).
pub(super) fn import(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &Import,
) -> Result<Outcome, Refusal> {
    let officer = acting(state, context, posting, &[Role::LandSystem], &call.mouza)?;
    require_cited("older register", &call.source)?;
    require(call.as_on_ms <= context.time_ms, "D1", || "the source speaks for a day to come".to_owned())?;
    require(call.khatians.len() + call.plots.len() <= IMPORT_ROWS_MAX, "D1", || {
        format!("an import brings at most {IMPORT_ROWS_MAX} khatians and plots")
    })?;
    let mut book = Book::default();
    for khatian in &call.khatians {
        let id = KhatianId { mouza: call.mouza.clone(), number: khatian.number };
        book.open_khatian(state, id, khatian.holder, khatian.permission_required, Provenance::Imported)?;
    }
    for imported in &call.plots {
        let id = &imported.plot;
        require(id.mouza == call.mouza, "L5", || format!("plot {id} is not of mouza {}", call.mouza))?;
        require(imported.area.0 > 0, "L1", || format!("plot {id} has no area"))?;
        for holding in &imported.holdings {
            let khatian = book.khatian(state, &id.khatian(holding.khatian))?;
            require(khatian.provenance == Provenance::Imported, "L4", || {
                format!("khatian {} was decided here; an import cannot add to it", khatian.id)
            })?;
        }
        require(imported.charges.len() <= CHARGES_MAX, "L16", || format!("more than {CHARGES_MAX} charges"))?;
        let ranked = imported.charges.windows(2).all(|pair| pair[0].rank < pair[1].rank)
            && imported.charges.first().is_none_or(|first| first.rank > 0);
        require(ranked, "L16", || format!("the charges of plot {id} do not stand by increasing rank"))?;
        if let Some(ulpin) = &imported.ulpin {
            claim_ulpin(state, ulpin, id)?;
        }
        let plot = Plot {
            id: id.clone(),
            version: 1,
            class: imported.class,
            area: imported.area,
            vested: imported.holdings.iter().any(|holding| holding.khatian == VESTED_KHATIAN),
            holdings: imported.holdings.clone(),
            remainder: imported.remainder,
            charges: imported.charges.clone(),
            freezes: Vec::new(),
            ulpin: imported.ulpin.clone(),
            retired: false,
            parents: Vec::new(),
            children: Vec::new(),
            history: 0,
            entered: context.record,
            provenance: Provenance::Imported,
        };
        require(plot.holdings.len() <= HOLDINGS_MAX, "L1", || format!("plot {id} has too many holdings"))?;
        book.enter_plot(state, plot)?;
    }
    let mut outcome = officer.outcome();
    outcome.event("land.imported", mouza_subject(&call.mouza)?);
    book.close(state, context, &mut outcome)?;
    Ok(outcome)
}
