//! Leases on raiyati land: what the land record says about plot and holders decides whether they can be granted (M15).
//!
//! Each plot is named with the consent of every khatian that holds in it. It must be in force, within the block, of a
//! use on which the parameter `mineral/raiyati_class/<class>` allows leases, neither vested nor frozen nor under a stay
//! of a case or deed, without an unrecorded share, and under no other lease that is not over. Each consent names the version of the khatian that the
//! officer saw: a holder who came in meanwhile has not consented. A holder who needs a permission to transfer needs it to
//! let land for mining too (L10).
//!
//! The lease keeps plots, versions and consents as they were judged. What happens to the land afterwards does not end it:
//! a new holder takes the land with the lease on it, and an officer who learns of a vesting or an order suspends or
//! determines the lease by a record.

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::crypto::Hash;
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authority::parameters::parameter;
use crate::context::Context;
use crate::land::keys::{KhatianNumber, PlotId, VESTED_KHATIAN};
use crate::land::stay::stayed_plot;
use crate::land::types::Plot;
use crate::land::{khatian, mouza, plot};
use crate::mineral::block::RegisterBlock;
use crate::mineral::keys::leased_plot_key;
use crate::mineral::lease;
use crate::mineral::parameters::raiyati_class_name;
use crate::mineral::types::LeaseId;
use crate::refusal::{Refusal, reject, require};

/// The most raiyati plots of one lease.
pub const RAIYATI_PLOTS_MAX: usize = 64;

/// A holder's consent to a lease on a plot.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HolderConsent {
    /// Number of the khatian, of the plot's mouza.
    pub khatian: KhatianNumber,
    /// The version of the khatian that the officer saw.
    pub version: u64,
    /// Digest of the consent.
    #[schemars(with = "String")]
    pub consent: Hash,
    /// Digest of the permission, for a khatian that needs one to transfer.
    #[schemars(with = "Option<String>")]
    pub permission: Option<Hash>,
}

/// A raiyati plot that a lease lies on.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RaiyatiPlot {
    /// The plot.
    pub plot: PlotId,
    /// One consent of each khatian that holds in it, by increasing number.
    pub consents: Vec<HolderConsent>,
}

/// Judges the plots of a lease that is being granted, and marks them as leased (M15).
pub(super) fn take(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    block: &RegisterBlock,
    lease: &LeaseId,
    plots: &[RaiyatiPlot],
) -> Result<(), Refusal> {
    let fits = plots.len() <= RAIYATI_PLOTS_MAX;
    require(fits, "M15", || format!("a lease names at most {RAIYATI_PLOTS_MAX} raiyati plots"))?;
    for (at, named) in plots.iter().enumerate() {
        let repeated = plots[..at].iter().any(|earlier| earlier.plot == named.plot);
        require(!repeated, "M15", || format!("plot {} is named twice", named.plot))?;
        require_within(state, block, &named.plot)?;
        let land = plot(state, &named.plot)?;
        require_lettable(state, context, &land)?;
        require_consents(state, &land, &named.consents)?;
        let key = leased_plot_key(&named.plot);
        if let Some(other) = state.get_value::<LeaseId>(&key)? {
            let over = lease::load(state, &other)?.is_over(context);
            require(over, "M15", || format!("lease {other} lies on plot {} already", named.plot))?;
        }
        state.put_value(key, lease);
    }
    Ok(())
}

/// The plot lies in a mouza of the block, and is one of its plots if it names any.
fn require_within(state: &Overlay<'_>, block: &RegisterBlock, id: &PlotId) -> Result<(), Refusal> {
    let named = block.mouzas.contains(&id.mouza) && (block.plots.is_empty() || block.plots.contains(id));
    let place = mouza(state, &id.mouza)?;
    let there = place.district == block.district
        && (block.development_block.is_none() || place.block == block.development_block);
    require(named && there, "M15", || format!("plot {id} does not lie in mining block {}", block.block))
}

/// The land record lets the plot be leased for mining.
fn require_lettable(state: &Overlay<'_>, context: &Context<'_>, plot: &Plot) -> Result<(), Refusal> {
    let id = &plot.id;
    require(!plot.retired, "M15", || format!("plot {id} is no longer in force; it was divided or merged"))?;
    require(!plot.vested, "M15", || format!("plot {id} is vested in the Government and not raiyati"))?;
    require(plot.freezes.is_empty(), "M15", || format!("plot {id} is frozen by an order"))?;
    require_unstayed(state, plot)?;
    require(plot.remainder.is_zero(), "M15", || format!("a share of plot {id} has no recorded holder"))?;
    let allowed = parameter(state, context, &raiyati_class_name(plot.class))? == 1;
    require(allowed, "M15", || format!("plot {id} is {:?}; no mining lease is granted on such land", plot.class))
}

/// No court stays a case or a deed over the plot or over one that it was made from, be the case applied or not: a lease
/// that digs the land away would leave nothing for whoever is found to hold it.
fn require_unstayed(state: &Overlay<'_>, plot: &Plot) -> Result<(), Refusal> {
    match stayed_plot(state, &plot.id)? {
        Some(stayed) => reject("M15", format!("a case or deed over plot {stayed} is stayed by a court")),
        None => Ok(()),
    }
}

/// Every khatian that holds in the plot, and no other, consented as it is recorded now.
fn require_consents(state: &Overlay<'_>, plot: &Plot, consents: &[HolderConsent]) -> Result<(), Refusal> {
    let holders = plot.holdings.iter().map(|holding| holding.khatian);
    require(holders.eq(consents.iter().map(|given| given.khatian)), "M15", || {
        let holders: Vec<String> = plot.holdings.iter().map(|holding| holding.khatian.to_string()).collect();
        format!("plot {} needs the consent of khatians {}, once each in this order", plot.id, holders.join(", "))
    })?;
    for given in consents {
        let holder = khatian(state, &plot.id.khatian(given.khatian))?;
        require(given.khatian != VESTED_KHATIAN, "M15", || format!("khatian {} is the Government's", holder.id))?;
        require(given.version == holder.version, "M15", || {
            let (seen, now) = (given.version, holder.version);
            format!("khatian {} is at version {now}; the consent was seen with version {seen}", holder.id)
        })?;
        require(given.consent != Hash::ZERO, "M15", || format!("the consent of khatian {} has no digest", holder.id))?;
        if holder.permission_required && given.permission.is_none_or(|permission| permission == Hash::ZERO) {
            return reject("M15", format!("khatian {} needs a permission to let land for mining", holder.id));
        }
    }
    Ok(())
}
