//! Payments, attested by Finance alone, each used up once (M2).

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::crypto::Hash;
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authority::{PostingId, Role, authorise};
use crate::context::{Context, Outcome};
use crate::mineral::keys::payment_key;
use crate::mineral::lease;
use crate::mineral::quantity::Heads;
use crate::mineral::types::{GrnId, LeaseId, PermitId, plain, subject, unused};
use crate::refusal::{OrReject as _, Refusal, reject, require};

/// A payment that has been cleared.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize)]
pub struct Payment {
    /// What Finance attested.
    pub attested: AttestPayment,
    /// The permit that used it up.
    pub used_by: Option<PermitId>,
}

/// Attests that a payment under a lease has been cleared.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AttestPayment {
    /// The payment's number.
    #[schemars(with = "String")]
    pub grn: GrnId,
    /// The lease for which it was paid.
    #[schemars(with = "String")]
    pub lease: LeaseId,
    /// Paise by head.
    pub heads: Heads,
    /// Digest of the treasury's receipt.
    #[schemars(with = "String")]
    pub receipt: Hash,
}

pub(super) fn attest(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &AttestPayment,
) -> Result<Outcome, Refusal> {
    let lease = lease::load(state, &call.lease)?;
    let acting = authorise(state, context, posting, &[Role::FinanceOfficer], &lease.place())?;
    plain("GRN", call.grn.as_str())?;
    unused(state, &payment_key(&call.grn), "GRN", &call.grn)?;
    for (head, amount) in call.heads.named() {
        require(amount.0 >= 0, "M2", || format!("the amount under {head} is negative"))?;
    }
    state.put_value(payment_key(&call.grn), &Payment { attested: call.clone(), used_by: None });
    let mut outcome = acting.outcome();
    outcome.event("mineral.payment_attested", subject("grn", &call.grn));
    outcome.about(subject("lease", &call.lease));
    Ok(outcome)
}

/// Uses a payment up for a permit that owes `due` (M2).
pub(super) fn use_up(
    state: &mut Overlay<'_>,
    grn: &GrnId,
    lease: &LeaseId,
    permit: &PermitId,
    due: &Heads,
) -> Result<(), Refusal> {
    let payment: Option<Payment> = state.get_value(&payment_key(grn))?;
    let mut payment = payment.or_reject("M2", || format!("GRN {grn} is not cleared"))?;
    if let Some(other) = &payment.used_by {
        return reject("M2", format!("GRN {grn} was used up by permit {other}"));
    }
    let paid_for = &payment.attested.lease;
    require(paid_for == lease, "M2", || format!("GRN {grn} was paid for lease {paid_for}"))?;
    for ((head, paid), (_, due)) in payment.attested.heads.named().into_iter().zip(due.named()) {
        require(paid >= due, "M2", || format!("GRN {grn} holds {} paise of {head}; {} are due", paid.0, due.0))?;
    }
    payment.used_by = Some(permit.clone());
    state.put_value(payment_key(grn), &payment);
    Ok(())
}
