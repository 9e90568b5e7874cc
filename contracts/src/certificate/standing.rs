//! Suspension, revocation and return of a certificate.
//!
//! ```text
//!             suspend                revoke
//!   ACTIVE ⇄ SUSPENDED      ACTIVE, SUSPENDED, expired → REVOKED → ACTIVE (court entry only, C3)
//!             restore
//! ```

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::{DocumentEntry, Standing, Uri};
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::record::{Capacity, CertificateRecord, record, record_key};
use super::types::certificate_type;
use crate::authority::duties::require_other_officer;
use crate::authority::{Acting, PostingId, Role, identify};
use crate::context::{Context, Outcome, token};
use crate::refusal::{OrReject as _, Refusal, require};
use crate::registry::{self, Change};

/// From when a change has legal effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Effect {
    /// As if from the issue: fraud, issue in error.
    AbInitio,
    /// From a day: death, ineligibility, surrender.
    From {
        /// The day, UTC milliseconds; from the start of validity up to now.
        day_ms: u64,
    },
    /// From this record on.
    Now,
}

impl Effect {
    fn effective_from_ms(self, context: &Context<'_>, entry: &DocumentEntry) -> Result<u64, Refusal> {
        match self {
            // Never after a start of validity that is still to come.
            Self::AbInitio => Ok(entry.valid_from_ms.min(context.time_ms)),
            Self::Now => Ok(context.time_ms),
            Self::From { day_ms } => {
                let fits = (entry.valid_from_ms..=context.time_ms).contains(&day_ms);
                require(fits, "C8", || {
                    format!("the day of effect lies between the start of validity of {} and now", entry.uri)
                })?;
                Ok(day_ms)
            }
        }
    }
}

/// What a decision rests on, by digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Citation {
    /// The record of a hearing.
    Hearing(#[schemars(with = "String")] Hash),
    /// An order.
    Order(#[schemars(with = "String")] Hash),
}

impl Citation {
    fn digest(&self) -> Hash {
        match self {
            Self::Hearing(digest) | Self::Order(digest) => *digest,
        }
    }
}

/// A certificate and the officer who acts on it.
struct Case {
    entry: DocumentEntry,
    record: CertificateRecord,
    acting: Acting,
    capacity: Capacity,
}

/// The issuing office, its superior or the court entry (C6); appellate acts are by another officer than the issue (A6).
fn open(state: &Overlay<'_>, context: &Context<'_>, posting: &PostingId, uri: &Uri) -> Result<Case, Refusal> {
    let record = record(state, uri)?;
    let kind = certificate_type(state, context, &record.kind)?;
    let entry = registry::entry(state, uri)?;
    let acting = Acting { place: Some(record.place.clone()), ..identify(state, context, posting)? };
    let covers = acting.office.jurisdiction.covers(&record.place);
    let capacity = if acting.posting.role == Role::CourtEntry {
        covers.then_some(Capacity::Court)
    } else if acting.office.id == entry.issuer.office && kind.empowers(&acting) {
        Some(Capacity::Issuer)
    } else if acting.office.department == entry.issuer.department && acting.posting.rank > record.rank && covers {
        Some(Capacity::Superior)
    } else {
        None
    };
    let capacity = capacity.or_reject("C6", || {
        format!("only office {}, its superior or court entry may do this to {uri}", entry.issuer.office)
    })?;
    if capacity == Capacity::Superior {
        require_other_officer(&acting, &entry.issuer.officer, "issued the certificate")?;
    }
    Ok(Case { entry, record, acting, capacity })
}

fn edges(from: Standing, to: Standing) -> bool {
    matches!(
        (from, to),
        (Standing::Active, Standing::Suspended | Standing::Revoked)
            | (Standing::Suspended, Standing::Active | Standing::Revoked)
            | (Standing::Revoked, Standing::Active)
    )
}

fn change(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    case: Case,
    (standing, effective_from_ms): (Standing, u64),
    (reason, event): (&str, &'static str),
) -> Result<Outcome, Refusal> {
    let change = Change { standing, effective_from_ms, reason: token(reason)? };
    registry::change(state, context, &case.entry.uri, &change, edges)?;
    let suspended_by = (standing == Standing::Suspended).then_some(case.capacity);
    state.put_value(record_key(&case.entry.uri), &CertificateRecord { suspended_by, ..case.record });
    let mut outcome = case.acting.outcome();
    outcome.event(event, registry::subject_of(&case.entry.uri)?);
    outcome.about(case.entry.subject.clone());
    Ok(outcome)
}

fn require_committed(reason: &Hash) -> Result<(), Refusal> {
    require(*reason != Hash::ZERO, "C8", || "the commitment to the reason code is missing".to_owned())
}

/// Suspends from now on.
pub(super) fn suspend(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    uri: &Uri,
    reason: &Hash,
) -> Result<Outcome, Refusal> {
    let case = open(state, context, posting, uri)?;
    require_committed(reason)?;
    let to = (Standing::Suspended, context.time_ms);
    change(state, context, case, to, ("suspended", "certificate.suspended"))
}

/// Revokes (C6, C8).
pub(super) fn revoke(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    uri: &Uri,
    effect: Effect,
    reason: &Hash,
    cites: Option<&Citation>,
) -> Result<Outcome, Refusal> {
    let case = open(state, context, posting, uri)?;
    require_committed(reason)?;
    let cited = cites.is_some_and(|citation| citation.digest() != Hash::ZERO);
    require(cited, "C8", || format!("the revocation of {uri} cites neither a hearing nor an order"))?;
    let to = (Standing::Revoked, effect.effective_from_ms(context, &case.entry)?);
    change(state, context, case, to, ("revoked", "certificate.revoked"))
}

/// Ends a suspension, or brings a revoked certificate back by court entry (C3).
pub(super) fn restore(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    uri: &Uri,
    effect: Effect,
    cites: Option<&Citation>,
) -> Result<Outcome, Refusal> {
    let case = open(state, context, posting, uri)?;
    let lower = case.record.suspended_by.is_some_and(|by| case.capacity < by);
    require(!lower, "C6", || format!("{uri} was suspended by a higher authority, which alone ends that"))?;
    if case.entry.standing_at(context.time_ms) == Standing::Revoked {
        let ordered = matches!(cites, Some(Citation::Order(order)) if *order != Hash::ZERO);
        require(case.capacity == Capacity::Court && ordered, "C3", || {
            format!("{uri} is revoked and returns only by court entry that cites the court's order")
        })?;
    }
    let to = (Standing::Active, effect.effective_from_ms(context, &case.entry)?);
    change(state, context, case, to, ("restored", "certificate.restored"))
}
