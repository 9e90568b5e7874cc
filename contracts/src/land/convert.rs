//! Conversion of use (L8) and rectification of clerical errors (L13): neither ever touches a share.

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::crypto::Hash;
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::book::Book;
use super::history::PlotAct;
use super::keys::PlotId;
use super::office::{acting, require_cited};
use super::types::LandClass;
use crate::authority::parameters::parameter_u64;
use crate::authority::{PostingId, Role};
use crate::context::{Context, Outcome};
use crate::refusal::{OrReject as _, Refusal, require};
use crate::units::Area;

/// Parameter: up to how many decimals the BL&LRO converts.
pub const CONVERT_MAX_BLRO: &str = "land/convert_max_blro_decimals";
/// Parameter: up to how many decimals the SDLLRO converts; above, and water bodies, the DLLRO.
pub const CONVERT_MAX_SDLLRO: &str = "land/convert_max_sdllro_decimals";
/// Parameter: the greatest change of area that is still a clerical error, in 1/10,000 of the recorded area.
pub const RECTIFY_MAX: &str = "land/rectify_max_per_ten_thousand";
/// Area of one decimal, 1/100 acre.
const DECIMAL: u64 = 100;

/// Converts a plot to another use; by the officer whose power reaches its area.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Convert {
    /// The plot.
    pub plot: PlotId,
    /// The use it had when the order was written.
    pub from: LandClass,
    /// The use from now on.
    pub to: LandClass,
    /// Digest of the order (L4).
    #[schemars(with = "String")]
    pub order: Hash,
}

/// Corrects a clerical error in a plot's area; by the BL&LRO.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rectify {
    /// The plot.
    pub plot: PlotId,
    /// The right area, in 1/10,000 acre.
    pub area: Area,
    /// Digest of the order (L4).
    #[schemars(with = "String")]
    pub order: Hash,
}

/// Converts.
pub(super) fn convert(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &Convert,
) -> Result<Outcome, Refusal> {
    let roles = &[Role::Blro, Role::Sdllro, Role::Dllro];
    let officer = acting(state, context, posting, roles, &call.plot.mouza)?;
    require_cited("conversion order", &call.order)?;
    let limit = |name| -> Result<u64, Refusal> {
        let decimals = parameter_u64(state, context, name)?;
        decimals.checked_mul(DECIMAL).or_reject("P1", || format!("parameter {name} is out of range"))
    };
    let (blro_max, sdllro_max) = (limit(CONVERT_MAX_BLRO)?, limit(CONVERT_MAX_SDLLRO)?);
    let mut book = Book::default();
    let plot = book.live_plot(state, &call.plot)?;
    require(plot.class == call.from && call.from != call.to, "L8", || {
        format!("plot {} is {:?}; the order converts {:?} to {:?}", call.plot, plot.class, call.from, call.to)
    })?;
    let area = plot.area.0;
    let water = call.from.is_water() || call.to.is_water();
    let enough = match officer.posting.role {
        Role::Blro => !water && area <= blro_max,
        Role::Sdllro => !water && area <= sdllro_max,
        _ => true,
    };
    require(enough, "L8", || {
        let what = if water { "a water body".to_owned() } else { format!("{area} ten-thousandths of an acre") };
        format!("{what} is beyond the power of {:?} to convert", officer.posting.role)
    })?;
    plot.class = call.to;
    book.note(state, &call.plot, PlotAct::Converted { from: call.from, to: call.to, order: call.order })?;
    let mut outcome = officer.outcome();
    outcome.event("land.plot_converted", call.plot.subject());
    book.close(state, context, &mut outcome)?;
    Ok(outcome)
}

/// Rectifies.
pub(super) fn rectify(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &Rectify,
) -> Result<Outcome, Refusal> {
    let officer = acting(state, context, posting, &[Role::Blro], &call.plot.mouza)?;
    require_cited("rectification order", &call.order)?;
    let limit = u128::from(parameter_u64(state, context, RECTIFY_MAX)?);
    let mut book = Book::default();
    let plot = book.live_plot(state, &call.plot)?;
    let change = u128::from(plot.area.0.abs_diff(call.area.0));
    let minor = call.area.0 > 0 && change * 10_000 <= u128::from(plot.area.0) * limit;
    require(minor, "L13", || {
        format!("{} to {} is more than a clerical error in the area of plot {}", plot.area.0, call.area.0, call.plot)
    })?;
    let from = std::mem::replace(&mut plot.area, call.area);
    book.note(state, &call.plot, PlotAct::Rectified { from, to: call.area, order: call.order })?;
    let mut outcome = officer.outcome();
    outcome.event("land.plot_rectified", call.plot.subject());
    book.close(state, context, &mut outcome)?;
    Ok(outcome)
}
