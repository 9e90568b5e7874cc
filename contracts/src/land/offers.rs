//! Deeds that wait for mutation, by plot and transferor: what shows a second sale of the same share (L9).

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::state::Overlay;

use super::deed::{Deed, TransfereeOf, Transferor};
use super::keys::{DeedId, PlotId};
use super::share::Share;
use crate::refusal::{Refusal, require};

/// The most deeds over one share that wait for mutation.
pub const OFFERS_MAX: usize = 64;

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

/// Puts a deed's shares of a plot among those that wait (registration, or a set-aside that releases it).
pub(super) fn add_offers(state: &mut Overlay<'_>, deed: &Deed, plot: &PlotId) -> Result<(), Refusal> {
    if !deed.kind.transfers() || deed.cancelled.is_some() {
        return Ok(());
    }
    for (conveyance, share) in deed.lines(plot) {
        let mut waiting = offers(state, plot, &conveyance.transferor)?;
        if let Err(at) = waiting.binary_search_by(|offer| offer.deed.cmp(&deed.id)) {
            waiting.insert(at, Offer { deed: deed.id.clone(), share });
        }
        require(waiting.len() <= OFFERS_MAX, "D1", || {
            format!("more than {OFFERS_MAX} deeds over plot {plot} by one transferor wait for mutation")
        })?;
        state.put_value(offers_key(plot, &conveyance.transferor), &waiting);
    }
    Ok(())
}

/// Takes a deed's shares of a plot from those that wait.
pub(super) fn remove_offers(state: &mut Overlay<'_>, deed: &Deed, plot: &PlotId) -> Result<(), Refusal> {
    for (conveyance, _) in deed.lines(plot) {
        let mut waiting = offers(state, plot, &conveyance.transferor)?;
        waiting.retain(|offer| offer.deed != deed.id);
        let key = offers_key(plot, &conveyance.transferor);
        if waiting.is_empty() {
            state.delete(key);
        } else {
            state.put_value(key, &waiting);
        }
    }
    Ok(())
}

/// Whether the waiting deeds give more than `held` together. A sum too fine to compute counts as more: it needs an
/// officer's eye.
pub(super) fn offers_exceed(offers: &[Offer], held: Share) -> bool {
    let sum = offers.iter().try_fold(Share::ZERO, |sum, offer| sum.plus(offer.share));
    sum.map_or(true, |sum| sum > held)
}
