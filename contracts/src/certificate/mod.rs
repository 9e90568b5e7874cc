//! Certificates of every type: what offices issue, suspend, revoke, replace and strike by class.
//!
//! [`types`] are data in the state; [`issue`] enters certificates singly, by batch and from older registers; [`replace`]
//! corrects, copies after loss (singly or a [`list`]) and renews; [`standing`] suspends, revokes and restores; [`strike`]
//! strikes whole classes by order; [`application`] keeps the statutory clock; [`reason`] says which reason works from when.
//! The registry entry and its status are `crate::registry`'s.
//!
//! C1 a number is unique by issuer and type · C2 the signer is empowered for type and place, within the type's rules ·
//! C3 a revoked certificate returns only by court entry · C4 = D3 · C5 deemed only after the clock, less query time ·
//! C6 the revoker is the issuing office, its superior or court entry · C7 renewals never overlap · C8 a revocation cites
//! a hearing or an order · P3 a batch's leaf list is there, complete and well formed · A6 two officers for a class strike
//! and for issue and appellate revocation.
//!
//! Reasons are coarse on the chain: a revocation carries its legal effect in clear and its reason code as a salted
//! commitment, which holder and authorities can open.

pub mod application;
pub mod issue;
pub mod list;
pub mod reason;
pub mod record;
pub mod replace;
pub mod standing;
pub mod strike;
pub mod types;

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::{TypeCode, Uri};
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use application::{ApplicationId, ApplicationStep};
pub use issue::{Batch, BatchLeaf, NewCertificate, Origin};
pub use list::{LEAVES_MAX, List, certificate_in};
pub use reason::Reason;
pub use replace::{ReissueBatch, ReissueLeaf, Replacement};
pub use standing::{Citation, Effect};
pub use strike::NewStrike;
pub use types::{CertificateType, ClassTerm, PlaceRule, ValidityRule};

use crate::authority::{Place, PostingId};
use crate::context::{Context, Outcome};
use crate::refusal::Refusal;

/// What is done about certificates.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum CertificateCall {
    /// A step of an application, for the statutory clock.
    Application {
        /// The application.
        #[schemars(with = "String")]
        application: ApplicationId,
        /// The step.
        step: ApplicationStep,
    },
    /// Issues one certificate.
    Issue {
        /// The type.
        #[schemars(with = "String")]
        kind: TypeCode,
        /// Where it belongs.
        place: Place,
        /// How it came about.
        origin: Origin,
        /// The certificate.
        certificate: NewCertificate,
    },
    /// Issues up to [`LEAVES_MAX`] certificates, whose list is an attachment of the block.
    IssueBatch(Batch),
    /// Replaces a certificate by a corrected one, a copy after loss or a renewal.
    Replace {
        /// The certificate replaced.
        #[schemars(with = "String")]
        old: Uri,
        /// Why.
        replacement: Replacement,
        /// The new certificate.
        certificate: NewCertificate,
    },
    /// Replaces up to [`LEAVES_MAX`] lost certificates by copies, whose list is an attachment of the block.
    ReissueBatch(ReissueBatch),
    /// Suspends a certificate from now on.
    Suspend {
        /// The certificate.
        #[schemars(with = "String")]
        uri: Uri,
        /// Salted commitment to the reason code.
        #[schemars(with = "String")]
        reason: Hash,
    },
    /// Ends a suspension; or, by court entry alone, brings a revoked certificate back (C3).
    Restore {
        /// The certificate.
        #[schemars(with = "String")]
        uri: Uri,
        /// From when it is in force again.
        effect: Effect,
        /// The hearing or order; a court's restoration needs one.
        cites: Option<Citation>,
    },
    /// Revokes a certificate.
    Revoke {
        /// The certificate.
        #[schemars(with = "String")]
        uri: Uri,
        /// From when it is void.
        effect: Effect,
        /// Salted commitment to the reason code.
        #[schemars(with = "String")]
        reason: Hash,
        /// The hearing or order (C8).
        cites: Option<Citation>,
    },
    /// Orders a class strike, which waits for a second officer (A6).
    StrikeClass(NewStrike),
    /// Confirms a class strike: from now on it stands.
    ConfirmStrike {
        /// Log index of the record that ordered it.
        strike: u64,
    },
    /// A court stays a class strike.
    StayStrike {
        /// Log index of the record that ordered it.
        strike: u64,
        /// Digest of the court's order.
        #[schemars(with = "String")]
        order: Hash,
    },
    /// A court lifts the stay of a class strike.
    LiftStay {
        /// Log index of the record that ordered it.
        strike: u64,
        /// Digest of the court's order.
        #[schemars(with = "String")]
        order: Hash,
    },
}

impl CertificateCall {
    /// The list that must come with the record as an attachment of its block, if the call needs one.
    pub fn list(&self) -> Option<List> {
        match self {
            Self::IssueBatch(batch) => Some(batch.list()),
            Self::ReissueBatch(batch) => Some(batch.list()),
            _ => None,
        }
    }
}

/// Applies a call.
pub fn apply(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &CertificateCall,
) -> Result<Outcome, Refusal> {
    match call {
        CertificateCall::Application { application, step } => {
            application::apply(state, context, posting, application, step)
        }
        CertificateCall::Issue { kind, place, origin, certificate } => {
            issue::single(state, context, posting, (kind, place, origin), certificate)
        }
        CertificateCall::IssueBatch(batch) => issue::batch(state, context, posting, batch),
        CertificateCall::Replace { old, replacement, certificate } => {
            replace::single(state, context, posting, old, *replacement, certificate)
        }
        CertificateCall::ReissueBatch(batch) => replace::reissue(state, context, posting, batch),
        CertificateCall::Suspend { uri, reason } => standing::suspend(state, context, posting, uri, reason),
        CertificateCall::Restore { uri, effect, cites } => {
            standing::restore(state, context, posting, uri, *effect, cites.as_ref())
        }
        CertificateCall::Revoke { uri, effect, reason, cites } => {
            standing::revoke(state, context, posting, uri, *effect, reason, cites.as_ref())
        }
        CertificateCall::StrikeClass(new) => strike::order(state, context, posting, new),
        CertificateCall::ConfirmStrike { strike } => strike::confirm(state, context, posting, *strike),
        CertificateCall::StayStrike { strike, order } => strike::stay(state, context, posting, *strike, order),
        CertificateCall::LiftStay { strike, order } => strike::lift(state, context, posting, *strike, order),
    }
}
