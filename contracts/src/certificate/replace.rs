//! A certificate replaced by another: corrected, copied after loss, or renewed; and lists of copies after a flood.
//!
//! Only a certificate in force, or one whose term is over or still to come, is replaced: a copy must not end a suspension or
//! step around a class strike. A renewal may be recorded while the old term runs; the old one stays in force to its end,
//! and may be suspended or revoked until then.

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::{DocumentEntry, Provenance, Status, TypeCode, Uri};
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::issue::{NewCertificate, document};
use super::list::{self, List};
use super::record::{keep, record};
use super::types::{CertificateType, certificate_type};
use crate::authority::{Acting, Place, PostingId};
use crate::context::{Context, Outcome, token};
use crate::refusal::{Refusal, require};
use crate::registry::{self, NewDocument};

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

/// Copies of many lost certificates of one type and place by one record.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReissueBatch {
    /// The type of all.
    #[schemars(with = "String")]
    pub kind: TypeCode,
    /// Where all belong.
    pub place: Place,
    /// RFC 9162 root over the leaves; each is the canonical bytes of a [`ReissueLeaf`].
    #[schemars(with = "String")]
    pub root: Hash,
    /// Number of leaves, 1 to [`list::LEAVES_MAX`].
    pub count: u32,
}

impl ReissueBatch {
    /// The list that comes with the record.
    pub fn list(&self) -> List {
        List { root: self.root, count: self.count }
    }
}

/// A leaf of the list of a [`ReissueBatch`].
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReissueLeaf {
    /// The certificate that was lost.
    #[schemars(with = "String")]
    pub old: Uri,
    /// Its copy.
    pub certificate: NewCertificate,
}

/// The officer who replaces certificates of one type at one place.
struct Replacing<'a> {
    kind: CertificateType,
    place: &'a Place,
    acting: Acting,
}

/// Replaces `old` (D3 = C4).
pub(super) fn single(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    old: &Uri,
    replacement: Replacement,
    new: &NewCertificate,
) -> Result<Outcome, Refusal> {
    let record = record(state, old)?;
    let kind = certificate_type(state, context, &record.kind)?;
    let acting = kind.authorise(state, context, posting, &record.place)?;
    let mut outcome = acting.outcome();
    let replacing = Replacing { kind, place: &record.place, acting };
    replacing.replace(state, context, (old, replacement, new), &mut outcome)?;
    Ok(outcome)
}

/// Replaces each certificate of the list by its copy, exactly as if it were replaced singly.
pub(super) fn reissue(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    batch: &ReissueBatch,
) -> Result<Outcome, Refusal> {
    let leaves = list::leaves::<ReissueLeaf>(context, &batch.list())?;
    let kind = certificate_type(state, context, &batch.kind)?;
    let acting = kind.authorise(state, context, posting, &batch.place)?;
    let mut outcome = acting.outcome();
    let replacing = Replacing { kind, place: &batch.place, acting };
    for leaf in leaves {
        let ReissueLeaf { old, certificate } = leaf?;
        let known = record(state, &old)?;
        require(known.kind == batch.kind && known.place == batch.place, "C2", || {
            format!("{old} is of another type or place than the list")
        })?;
        replacing.replace(state, context, (&old, Replacement::Loss, &certificate), &mut outcome)?;
    }
    Ok(outcome)
}

impl Replacing<'_> {
    fn replace(
        &self,
        state: &mut Overlay<'_>,
        context: &Context<'_>,
        (old, replacement, new): (&Uri, Replacement, &NewCertificate),
        outcome: &mut Outcome,
    ) -> Result<(), Refusal> {
        let replaced = registry::entry(state, old)?;
        let standing = registry::present_status(state, context, &replaced)?.status;
        // What has a successor already is the registry's to refuse (D3).
        let replaceable =
            matches!(standing, Status::Valid | Status::NotYetValid | Status::Expired | Status::Superseded);
        require(replaceable, "D2", || format!("{old} is {standing:?}; lift that before it is replaced"))?;
        let document = self.document(&replaced, replacement, new)?;
        let effective_from_ms = match replacement {
            Replacement::Correction | Replacement::Loss => context.time_ms,
            Replacement::Renewal | Replacement::AutoRenewal => new.valid_from_ms.max(context.time_ms),
        };
        let reason = token(replacement.reason())?;
        registry::supersede_from(state, context, self.acting.issuer(), document, old, &reason, effective_from_ms)?;
        keep(state, &self.acting, (&self.kind, self.place), (&new.uri, &new.number), Some(old))?;
        outcome.event("certificate.replaced", registry::subject_of(old)?);
        outcome.event("certificate.issued", registry::subject_of(&new.uri)?);
        outcome.about(new.subject.clone());
        Ok(())
    }

    /// What replaces `replaced`, within the rules of its replacement (C2, C7).
    fn document(
        &self,
        replaced: &DocumentEntry,
        replacement: Replacement,
        new: &NewCertificate,
    ) -> Result<NewDocument, Refusal> {
        let (kind, old) = (&self.kind, &replaced.uri);
        match replacement {
            Replacement::Correction | Replacement::Loss => {
                // A later start would step out of the days of a class strike.
                require(new.valid_from_ms == replaced.valid_from_ms, "C2", || {
                    format!("what replaces {old} begins when it began")
                })?;
                let document = document(kind, replaced.provenance, new)?;
                let same = document.valid_until_ms == replaced.valid_until_ms
                    && document.subject == replaced.subject
                    && document.classes == replaced.classes;
                require(replacement == Replacement::Correction || same, "C2", || {
                    format!("a copy of {old} after loss keeps its holder, classes and end")
                })?;
                if document.valid_until_ms != replaced.valid_until_ms || document.classes != replaced.classes {
                    kind.check_validity(new.valid_from_ms, new.valid_until_ms, &new.classes)?;
                }
                Ok(document)
            }
            Replacement::Renewal | Replacement::AutoRenewal => {
                let ended = replaced.valid_until_ms.is_some_and(|until| new.valid_from_ms >= until);
                require(ended, "C7", || format!("the renewal begins before the validity of {old} ends"))?;
                kind.check_validity(new.valid_from_ms, new.valid_until_ms, &new.classes)?;
                let automatic = replacement == Replacement::AutoRenewal;
                document(kind, if automatic { Provenance::AutoRenewed } else { Provenance::Decided }, new)
            }
        }
    }
}
