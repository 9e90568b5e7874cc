//! Deeds that wait for mutation, by plot and transferor: what shows a second sale of the same share (L9).
//!
//! The registrar records a deed whatever it sells, so the number of deeds that wait over one share has no bound. What is
//! kept of them has: how many they are, and what they give together in parts of 2⁻⁶⁴ of the plot, each deed's share rounded
//! down. A deed adds its part when it begins to wait and takes the same part away when it ends. Rounding down never
//! raises an alarm over deeds that a holding covers; what it may overlook, less than one part for each deed, is refused
//! at mutation like anything that is not held (L2).

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::state::Overlay;

use super::deed::{Deed, TransfereeOf, Transferor};
use super::keys::PlotId;
use super::share::Share;
use crate::refusal::{OrReject as _, Refusal};

/// The transferring deeds of one transferor over one plot that no mutation has used up yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, SchemaWrite, SchemaRead)]
pub struct Offers {
    /// How many deeds.
    pub deeds: u64,
    /// What they give, in parts of 2⁻⁶⁴ of the plot.
    pub parts: u128,
}

impl Offers {
    /// Whether more than `held` is given.
    pub fn exceed(self, held: Share) -> bool {
        self.parts > held.parts()
    }

    /// With one more deed.
    pub(super) fn with(self, share: Share) -> Result<Self, Refusal> {
        let sum = self.deeds.checked_add(1).zip(self.parts.checked_add(share.parts()));
        Self::from_sum(sum)
    }

    fn without(self, share: Share) -> Result<Self, Refusal> {
        let rest = self.deeds.checked_sub(1).zip(self.parts.checked_sub(share.parts()));
        Self::from_sum(rest)
    }

    fn from_sum(sum: Option<(u64, u128)>) -> Result<Self, Refusal> {
        let (deeds, parts) = sum.or_reject("L2", || "the deeds that wait for mutation do not add up".to_owned())?;
        Ok(Self { deeds, parts })
    }
}

/// State key of the deeds of one transferor over one plot that wait for mutation.
pub fn offers_key(plot: &PlotId, from: &Transferor) -> Vec<u8> {
    match from {
        Transferor::Khatian(khatian) => format!("land/offers/{plot}|khatian/{khatian}"),
        Transferor::Deed(TransfereeOf { deed, transferee }) => format!("land/offers/{plot}|deed/{deed}/{transferee}"),
    }
    .into_bytes()
}

/// The deeds of one transferor over one plot that wait for mutation.
pub(super) fn offers(state: &Overlay<'_>, plot: &PlotId, from: &Transferor) -> Result<Offers, Refusal> {
    Ok(state.get_value(&offers_key(plot, from))?.unwrap_or_default())
}

/// The deed's shares of a plot begin to wait: at registration, or as a set-aside releases them.
pub(super) fn add_offers(state: &mut Overlay<'_>, deed: &Deed, plot: &PlotId) -> Result<(), Refusal> {
    change(state, deed, plot, Offers::with)
}

/// The deed's shares of a plot wait no more: a case used them up, or a court cancels the deed.
pub(super) fn remove_offers(state: &mut Overlay<'_>, deed: &Deed, plot: &PlotId) -> Result<(), Refusal> {
    change(state, deed, plot, Offers::without)
}

/// Enters or removes what of the deed waits as it stands.
fn change(
    state: &mut Overlay<'_>,
    deed: &Deed,
    plot: &PlotId,
    by: fn(Offers, Share) -> Result<Offers, Refusal>,
) -> Result<(), Refusal> {
    for (conveyance, share) in deed.waiting(plot) {
        let key = offers_key(plot, &conveyance.transferor);
        let now = by(offers(state, plot, &conveyance.transferor)?, share)?;
        if now.deeds == 0 {
            state.delete(key);
        } else {
            state.put_value(key, &now);
        }
    }
    Ok(())
}
