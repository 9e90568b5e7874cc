//! Who acts, where: what every land call begins with.

use dalil_ledger::crypto::Hash;
use dalil_ledger::state::Overlay;

use super::keys::{MouzaId, PlotId, mouza_key};
use super::types::Mouza;
use crate::authority::{Acting, PostingId, Role, authorise};
use crate::context::Context;
use crate::refusal::{OrReject as _, Refusal, Reject, require};

/// The mouza, refused with D2 if it is not registered.
pub fn mouza(state: &Overlay<'_>, id: &MouzaId) -> Result<Mouza, Refusal> {
    state.get_value(&mouza_key(id))?.or_reject("D2", || format!("there is no mouza {id}"))
}

/// Checks that the signer may act in one of `roles` in the mouza (A1, A5, A7; L11 for its jurisdiction, A2).
pub(super) fn acting(
    state: &Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    roles: &[Role],
    id: &MouzaId,
) -> Result<Acting, Refusal> {
    let place = mouza(state, id)?.place();
    authorise(state, context, posting, roles, &place).map_err(|refusal| match refusal {
        Refusal::Rule(Reject { code: "A2", message }) => Refusal::Rule(Reject {
            code: "L11",
            message: format!("mouza {id} lies outside the officer's jurisdiction (A2): {message}"),
        }),
        other => other,
    })
}

/// As [`acting`], in the mouza of each plot; the act is placed in the first one.
pub(super) fn acting_on<'p>(
    state: &Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    roles: &[Role],
    plots: impl Iterator<Item = &'p PlotId>,
) -> Result<Acting, Refusal> {
    let mut first = None;
    for plot in plots {
        let officer = acting(state, context, posting, roles, &plot.mouza)?;
        first.get_or_insert(officer);
    }
    first.or_reject("L5", || "no plot is named".to_owned())
}

/// Refuses an order or report that is cited by zeros instead of its digest (L4).
pub(super) fn require_cited(what: &str, digest: &Hash) -> Result<(), Refusal> {
    require(*digest != Hash::ZERO, "L4", || format!("the {what} must be cited by its digest"))
}
