//! Signed extracts: of a khatian (record of rights, RoR), and a plot's index sheet and map. Each is drawn from one version
//! of the khatian or plot and answers `superseded` as soon as that version is left.

use dalil_ledger::codec::{SchemaRead, SchemaWrite, Set};
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::{Dependency, Provenance, SubjectId, Uri};
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::book::{Book, khatian};
use super::keys::{KhatianId, PlotId};
use super::office::acting;
use crate::authority::parameters::parameter_u64;
use crate::authority::{Acting, PostingId, Role};
use crate::context::{Context, Outcome, token};
use crate::refusal::{Refusal, require};
use crate::registry::{self, NewDocument};

/// Type code of the extract of a khatian.
pub const ROR: &str = "ROR";
/// Type code of a plot's index sheet: class, area, holders, charges.
pub const PLOT_INDEX: &str = "PLOTINDEX";
/// Type code of a plot's map.
pub const PLOT_MAP: &str = "PLOTMAP";
/// 64 random bits take at least this many characters (base64url).
pub const RANDOM_ID_LENGTH_MIN: usize = 11;
/// Parameter: the oldest checkpoint that proves an extract's present status, in milliseconds.
pub const ROR_STATUS_AGE: &str = "land/ror_status_age_ms";

/// Refuses with D1 unless a URI is of its department and type and has an id of at least 64 random bits.
pub(super) fn require_uri(uri: &Uri, department: &str, kind: &str) -> Result<(), Refusal> {
    let prefix = format!("in.gov.wb.{department}-{kind}-");
    let id = uri.as_str().strip_prefix(&prefix).unwrap_or_default();
    require(id.len() >= RANDOM_ID_LENGTH_MIN, "D1", || {
        format!("{uri} is not {prefix} with at least {RANDOM_ID_LENGTH_MIN} random characters")
    })
}

/// Issues the extract of a khatian; by the BL&LRO.
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

/// What a sheet about a plot shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlotSheet {
    /// Class, area, holders and charges.
    Index,
    /// The plot on the map.
    Map,
}

impl PlotSheet {
    fn kind(self) -> &'static str {
        match self {
            Self::Index => PLOT_INDEX,
            Self::Map => PLOT_MAP,
        }
    }
}

/// Issues a plot's index sheet (by the BL&LRO) or its map (by the BL&LRO or the surveyor).
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IssuePlotSheet {
    /// What it shows.
    pub sheet: PlotSheet,
    /// `in.gov.wb.land-PLOTINDEX-<id>` or `in.gov.wb.land-PLOTMAP-<id>`.
    #[schemars(with = "String")]
    pub uri: Uri,
    /// SHA-256 of the file, which holds a 256-bit nonce.
    #[schemars(with = "String")]
    pub digest: Hash,
    /// The plot, in force.
    pub plot: PlotId,
    /// The version that the file shows (L14).
    pub plot_version: u64,
    /// Root of the salted claims in the file.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub claims_root: Option<Hash>,
    /// The earlier sheet of the same plot that this one replaces (D3).
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub supersedes: Option<Uri>,
}

/// Enters the extract of a khatian, drawn from its current version.
pub(super) fn issue_ror(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &IssueRor,
) -> Result<Outcome, Refusal> {
    let officer = acting(state, context, posting, &[Role::Blro], &call.khatian.mouza)?;
    let source = khatian(state, &call.khatian)?;
    require_current(&format!("khatian {}", call.khatian), source.version, call.khatian_version)?;
    let extract = Extract {
        kind: ROR,
        uri: &call.uri,
        digest: call.digest,
        subject: call.khatian.subject(),
        source: Dependency { key: call.khatian.dependency(), version: source.version },
        provenance: source.provenance,
        claims_root: call.claims_root,
        supersedes: call.supersedes.as_ref(),
    };
    extract.issue(state, context, &officer, "land.ror_issued")
}

/// Enters a sheet about a plot, drawn from its current version.
pub(super) fn issue_sheet(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &IssuePlotSheet,
) -> Result<Outcome, Refusal> {
    let roles: &[Role] = match call.sheet {
        PlotSheet::Index => &[Role::Blro],
        PlotSheet::Map => &[Role::Blro, Role::Surveyor],
    };
    let officer = acting(state, context, posting, roles, &call.plot.mouza)?;
    let source = Book::default().live_plot(state, &call.plot)?.clone();
    require_current(&format!("plot {}", call.plot), source.version, call.plot_version)?;
    let extract = Extract {
        kind: call.sheet.kind(),
        uri: &call.uri,
        digest: call.digest,
        subject: call.plot.subject(),
        source: Dependency { key: call.plot.dependency(), version: source.version },
        provenance: source.provenance,
        claims_root: call.claims_root,
        supersedes: call.supersedes.as_ref(),
    };
    extract.issue(state, context, &officer, "land.plot_sheet_issued")
}

fn require_current(what: &str, current: u64, shown: u64) -> Result<(), Refusal> {
    require(current == shown, "L14", || format!("{what} is at version {current}; the extract shows {shown}"))
}

/// A document drawn from one version of a khatian or plot.
struct Extract<'a> {
    kind: &'static str,
    uri: &'a Uri,
    digest: Hash,
    subject: SubjectId,
    source: Dependency,
    provenance: Provenance,
    claims_root: Option<Hash>,
    supersedes: Option<&'a Uri>,
}

impl Extract<'_> {
    fn issue(
        self,
        state: &mut Overlay<'_>,
        context: &Context<'_>,
        officer: &Acting,
        event: &'static str,
    ) -> Result<Outcome, Refusal> {
        require_uri(self.uri, "land", self.kind)?;
        let new = NewDocument {
            uri: self.uri.clone(),
            digest: self.digest,
            kind: token(self.kind)?,
            subject: self.subject.clone(),
            valid_from_ms: context.time_ms,
            valid_until_ms: None,
            claims_root: self.claims_root,
            classes: Set::default(),
            depends: [self.source].into_iter().collect(),
            provenance: self.provenance,
            status_age_max_ms: parameter_u64(state, context, ROR_STATUS_AGE)?,
        };
        match self.supersedes {
            None => registry::issue(state, context, officer.issuer(), new)?,
            Some(old) => {
                let replaced = registry::entry(state, old)?;
                let same = replaced.kind.as_str() == self.kind && replaced.subject == self.subject;
                require(same, "D3", || format!("{old} is not of kind {} about {}", self.kind, self.subject))?;
                registry::supersede(state, context, officer.issuer(), new, old, &token("new_extract")?)?;
            }
        }
        let mut outcome = officer.outcome();
        outcome.event(event, self.subject);
        outcome.about(registry::subject_of(self.uri)?);
        Ok(outcome)
    }
}
