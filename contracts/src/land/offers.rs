//! Deeds that wait for mutation, by plot and transferor: what shows a second sale of the same share (L9).
//!
//! The registrar records a deed whatever it sells, so the number of deeds that wait over one share has no bound. What is
//! kept of them has: how many they are, and what they give together in parts of 2⁻⁶⁴ of the plot, each deed's share rounded
//! down. A deed adds its part when it begins to wait and takes the same part away when it ends. Rounding down never
//! raises an alarm over deeds that a holding covers; what it may overlook, less than one part for each deed, is refused
//! at mutation like anything that is not held (L2).

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::state::Overlay;

use super::deed::{Deed, Line, TransfereeOf, Transferor, Use};
use super::keys::{CaseId, PlotId};
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

/// A deed begins to wait over a plot: at registration.
pub(super) fn add_offers(state: &mut Overlay<'_>, deed: &Deed, plot: &PlotId) -> Result<(), Refusal> {
    deed.waiting(plot).try_for_each(|line| change(state, plot, line, Offers::with))
}

/// A deed waits no more over a plot: a court cancels it.
pub(super) fn remove_offers(state: &mut Overlay<'_>, deed: &Deed, plot: &PlotId) -> Result<(), Refusal> {
    deed.waiting(plot).try_for_each(|line| change(state, plot, line, Offers::without))
}

/// A case uses up over a plot what the transferors give whom it takes from (L3).
pub(super) fn use_up(
    state: &mut Overlay<'_>,
    deed: &mut Deed,
    plot: &PlotId,
    case: &CaseId,
    takes_from: impl Fn(u8) -> bool,
) -> Result<(), Refusal> {
    let mut uses = Vec::new();
    for line in deed.waiting(plot).filter(|line| takes_from(line.transferor)) {
        change(state, plot, line, Offers::without)?;
        uses.push(Use { transferor: line.transferor, case: case.clone() });
    }
    if let Some(given) = deed.covers_mut(plot) {
        given.used.append(&mut uses);
        given.used.sort_by_key(|used| used.transferor);
    }
    Ok(())
}

/// What a case used up of a deed over a plot is usable again (L3); unless a court cancelled the deed, it waits again.
pub(super) fn release(state: &mut Overlay<'_>, deed: &mut Deed, plot: &PlotId, case: &CaseId) -> Result<(), Refusal> {
    let Some(given) = deed.covers_mut(plot) else { return Ok(()) };
    let released: Vec<Use> = given.used.extract_if(.., |used| used.case == *case).collect();
    let again = |line: &Line<'_>| released.iter().any(|used| used.transferor == line.transferor);
    deed.waiting(plot).filter(again).try_for_each(|line| change(state, plot, line, Offers::with))
}

fn change(
    state: &mut Overlay<'_>,
    plot: &PlotId,
    line: Line<'_>,
    by: fn(Offers, Share) -> Result<Offers, Refusal>,
) -> Result<(), Refusal> {
    let (key, from) = (offers_key(plot, &line.conveyance.transferor), &line.conveyance.transferor);
    let now = by(offers(state, plot, from)?, line.share)?;
    if now.deeds == 0 {
        state.delete(key);
    } else {
        state.put_value(key, &now);
    }
    Ok(())
}
