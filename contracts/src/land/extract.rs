//! The signed extract of a khatian (record of rights, RoR). It is drawn from one version of the khatian and answers
//! `superseded` as soon as that version is left.

use dalil_ledger::codec::{SchemaRead, SchemaWrite, Set};
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::{Dependency, Uri};
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::book::khatian;
use super::keys::KhatianId;
use super::office::acting;
use crate::authority::parameters::parameter_u64;
use crate::authority::{PostingId, Role};
use crate::context::{Context, Outcome, token};
use crate::refusal::{Refusal, require};
use crate::registry::{self, NewDocument};

/// Type code of an extract.
pub const ROR: &str = "ROR";
/// What every extract's URI begins with; the id after it holds at least 64 random bits.
pub const ROR_URI_PREFIX: &str = "in.gov.wb.land-ROR-";
/// 64 random bits take at least this many characters (base64url).
pub const RANDOM_ID_LENGTH_MIN: usize = 11;
/// Parameter: the oldest checkpoint that proves an extract's present status, in milliseconds.
pub const ROR_STATUS_AGE: &str = "land/ror_status_age_ms";

/// Issues an extract; by the BL&LRO.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueRor {
    /// `in.gov.wb.land-ROR-<id>`.
    #[schemars(with = "String")]
    pub uri: Uri,
    /// SHA-256 of the file, which holds a 256-bit nonce.
    #[schemars(with = "String")]
    pub digest: Hash,
    /// The khatian.
    pub khatian: KhatianId,
    /// The version that the file shows (L14).
    pub khatian_version: u64,
    /// Root of the salted claims in the file.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub claims_root: Option<Hash>,
    /// The earlier extract of the same khatian that this one replaces (D3).
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub supersedes: Option<Uri>,
}

/// Enters an extract drawn from the current version.
pub(super) fn issue(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &IssueRor,
) -> Result<Outcome, Refusal> {
    let officer = acting(state, context, posting, &[Role::Blro], &call.khatian.mouza)?;
    let source = khatian(state, &call.khatian)?;
    require(source.version == call.khatian_version, "L14", || {
        let KhatianId { mouza, number } = &call.khatian;
        format!("khatian {mouza}/{number} is at version {}; the extract shows {}", source.version, call.khatian_version)
    })?;
    let id = call.uri.as_str().strip_prefix(ROR_URI_PREFIX).unwrap_or_default();
    require(id.len() >= RANDOM_ID_LENGTH_MIN, "D1", || {
        format!("{} is not {ROR_URI_PREFIX} with at least {RANDOM_ID_LENGTH_MIN} random characters", call.uri)
    })?;
    let new = NewDocument {
        uri: call.uri.clone(),
        digest: call.digest,
        kind: token(ROR)?,
        subject: call.khatian.subject(),
        valid_from_ms: context.time_ms,
        valid_until_ms: None,
        claims_root: call.claims_root,
        classes: Set::default(),
        depends: [Dependency { key: call.khatian.dependency(), version: source.version }].into_iter().collect(),
        provenance: source.provenance,
        status_age_max_ms: parameter_u64(state, context, ROR_STATUS_AGE)?,
    };
    match &call.supersedes {
        None => registry::issue(state, context, officer.issuer(), new)?,
        Some(old) => {
            let replaced = registry::entry(state, old)?;
            require(replaced.kind.as_str() == ROR && replaced.subject == call.khatian.subject(), "D3", || {
                format!("{old} is not an extract of khatian {}", call.khatian)
            })?;
            registry::supersede(state, context, officer.issuer(), new, old, &token("new_extract")?)?;
        }
    }
    let mut outcome = Outcome::default();
    outcome.event("land.ror_issued", call.khatian.subject());
    outcome.about(registry::subject_of(&call.uri)?);
    Ok(outcome)
}
