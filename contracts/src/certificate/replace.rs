//! A certificate replaced by another: corrected, copied after loss, or renewed.

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::document::{Provenance, Uri};
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::issue::{NewCertificate, document, keep};
use super::record::record;
use super::types::certificate_type;
use crate::authority::PostingId;
use crate::context::{Context, Outcome, token};
use crate::refusal::{Refusal, require};
use crate::registry;

/// Why a certificate is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Replacement {
    /// Something in it was wrong; it keeps its start.
    Correction,
    /// The file was lost; the copy says the same of the same holder for the same time.
    Loss,
    /// A further term, applied for.
    Renewal,
    /// A further term without an application.
    AutoRenewal,
}

impl Replacement {
    /// The coarse public reason.
    fn reason(self) -> &'static str {
        match self {
            Self::Correction => "corrected",
            Self::Loss => "reissued",
            Self::Renewal | Self::AutoRenewal => "renewed",
        }
    }
}

/// Replaces `old` (D3 = C4).
pub(super) fn apply(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    old: &Uri,
    replacement: Replacement,
    new: &NewCertificate,
) -> Result<Outcome, Refusal> {
    let record = record(state, old)?;
    let replaced = registry::entry(state, old)?;
    let kind = certificate_type(state, context, &record.kind)?;
    let acting = kind.authorise(state, context, posting, &record.place)?;
    let document = match replacement {
        Replacement::Correction | Replacement::Loss => {
            // A later start would step out of the days of a class strike.
            require(new.valid_from_ms == replaced.valid_from_ms, "C2", || {
                format!("what replaces {old} begins when it began")
            })?;
            let document = document(&kind, replaced.provenance, new)?;
            let same = document.valid_until_ms == replaced.valid_until_ms
                && document.subject == replaced.subject
                && document.classes == replaced.classes;
            require(replacement == Replacement::Correction || same, "C2", || {
                format!("a copy of {old} after loss keeps its holder, classes and end")
            })?;
            if document.valid_until_ms != replaced.valid_until_ms {
                kind.check_validity(new.valid_from_ms, new.valid_until_ms)?;
            }
            document
        }
        Replacement::Renewal | Replacement::AutoRenewal => {
            let ended = replaced.valid_until_ms.is_some_and(|until| new.valid_from_ms >= until);
            require(ended, "C7", || format!("the renewal begins before the validity of {old} ends"))?;
            kind.check_validity(new.valid_from_ms, new.valid_until_ms)?;
            let automatic = replacement == Replacement::AutoRenewal;
            document(&kind, if automatic { Provenance::AutoRenewed } else { Provenance::Decided }, new)?
        }
    };
    keep(state, &kind, &record.place, &acting, new)?;
    // A renewal leaves the running term in force until the next one begins.
    let effective_from_ms = match replacement {
        Replacement::Correction | Replacement::Loss => context.time_ms,
        Replacement::Renewal | Replacement::AutoRenewal => new.valid_from_ms.max(context.time_ms),
    };
    let reason = token(replacement.reason())?;
    registry::supersede_from(state, context, acting.issuer(), document, old, &reason, effective_from_ms)?;
    let mut outcome = Outcome::default();
    outcome.event("certificate.replaced", registry::subject_of(old)?);
    outcome.event("certificate.issued", registry::subject_of(&new.uri)?);
    outcome.about(new.subject.clone());
    Ok(outcome)
}
