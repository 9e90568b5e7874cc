//! The document registry's entry, its status and its history: pure functions, shared by node, CLI and every embedder.
//!
//! A status depends on several state keys. Starting from the URI or the digest asked for, [`read_set`] tells which keys
//! an entry depends on; a verifier that holds a proof for each of them calls [`status`] and [`history`] and needs
//! nobody's word. Both take two times: the day of legal effect, and the time up to which records count ([`Moment`]).

mod history;
mod status;

use serde::{Deserialize, Serialize};

use crate::block::DepartmentId;
use crate::codec::{self, CodecError, SchemaRead, SchemaWrite, Set, Token};
use crate::crypto::{Hash, PublicKey};

pub use history::{Happening, HistoryEvent, history};
pub use status::{Moment, Status, Verdict, status};

/// `in.gov.wb.<dept>-<TYPE>-<id>`.
pub type Uri = Token<128>;
/// What a document is about: a plot, a khatian, a vehicle id, a commitment.
pub type SubjectId = Token<96>;
/// A dependency's state key without its version, such as `khatian/2795-51/101`.
pub type DependencyKey = Token<128>;
/// A certificate type's code, or another kind's, such as `SC` or `ROR`.
pub type TypeCode = Token<16>;
/// A class within a type, such as `OBC-A`, that an order may strike.
pub type ClassCode = Token<32>;
/// An office's id.
pub type OfficeId = Token<48>;
/// A coarse public reason, or a rule code.
pub type ReasonCode = Token<32>;

/// The longest canonical entry, in bytes.
pub const DOCUMENT_BYTES_MAX: usize = 16 << 10;
/// The most dependencies of one entry.
pub const DEPENDENCIES_MAX: usize = 8;
/// The most classes of one entry.
pub const CLASSES_MAX: usize = 8;
/// The most status events of one entry.
pub const EVENTS_MAX: usize = 64;
/// The most extensions of one entry.
pub const EXTENSIONS_MAX: usize = 16;
/// The most strikes against one class.
pub const STRIKES_MAX: usize = 32;

/// Who issued a document.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Issuer {
    /// The department.
    pub department: DepartmentId,
    /// The office within it.
    pub office: OfficeId,
    /// The officer's key.
    pub officer: PublicKey,
}

/// A versioned thing that a document was drawn from. Once the version is left, the document is superseded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, SchemaWrite, SchemaRead, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Dependency {
    /// The state key without its version.
    pub key: DependencyKey,
    /// The version that was current when the document was issued.
    pub version: u64,
}

/// A class that an order may strike.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, SchemaWrite, SchemaRead, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Class {
    /// The certificate type.
    pub kind: TypeCode,
    /// The class within it.
    pub class: ClassCode,
}

/// Where the content comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Provenance {
    /// Decided under the chain's rules.
    Decided,
    /// Brought from an older register as it stood: "imported, not decided here".
    Imported,
    /// Issued because the statutory clock lapsed.
    Deemed,
    /// Renewed without an application.
    AutoRenewed,
}

/// What a status event puts the document into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, SchemaWrite, SchemaRead, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// In force, if its validity covers the day.
    Active,
    /// Not to be relied on for the time being.
    Suspended,
    /// Taken back.
    Revoked,
    /// Replaced, or to be replaced, by a newer document.
    Superseded,
    /// Used up, such as a delivered challan.
    Consumed,
    /// Withdrawn before use.
    Cancelled,
    /// Held by an enforcement officer.
    Seized,
}

/// One change of a document's standing.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StatusEvent {
    /// The standing from then on.
    pub standing: Standing,
    /// Block time of the record, UTC milliseconds.
    pub recorded_at_ms: u64,
    /// Day of legal effect, UTC milliseconds; before `recorded_at_ms` for fraud and issue in error.
    pub effective_from_ms: u64,
    /// Coarse reason.
    pub reason: ReasonCode,
    /// Log index of the record.
    pub record: u64,
}

/// A later end of validity.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Extension {
    /// The new end of validity (exclusive), UTC milliseconds.
    pub valid_until_ms: u64,
    /// Block time of the record, UTC milliseconds.
    pub recorded_at_ms: u64,
    /// Coarse reason.
    pub reason: ReasonCode,
    /// Log index of the record.
    pub record: u64,
}

/// A document as the registry knows it.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DocumentEntry {
    /// The document's URI.
    pub uri: Uri,
    /// SHA-256 of the document's file, which holds a 256-bit nonce.
    pub digest: Hash,
    /// Type code: `ROR`, `CHALLAN`, `SC`…
    pub kind: TypeCode,
    /// Who issued it.
    pub issuer: Issuer,
    /// What it is about.
    pub subject: SubjectId,
    /// Start of validity, UTC milliseconds.
    pub valid_from_ms: u64,
    /// End of validity (exclusive) as issued, UTC milliseconds; none for a document without end.
    pub valid_until_ms: Option<u64>,
    /// Root of the salted claims, if there are any.
    pub claims_root: Option<Hash>,
    /// Classes that an order may strike.
    pub classes: Set<Class>,
    /// What the document was drawn from.
    pub depends: Set<Dependency>,
    /// Decided here, imported, deemed or auto-renewed.
    pub provenance: Provenance,
    /// Block time of issue, UTC milliseconds.
    pub issued_at_ms: u64,
    /// Log index of the issuing record.
    pub record: u64,
    /// The oldest checkpoint that proves a present status of this kind, in milliseconds.
    pub status_age_max_ms: u64,
    /// Changes of standing in the order of their records.
    pub events: Vec<StatusEvent>,
    /// Later ends of validity, in the order of their records.
    pub extensions: Vec<Extension>,
    /// The document that replaces this one.
    pub superseded_by: Option<Uri>,
    /// The document that this one replaces.
    pub supersedes: Option<Uri>,
}

impl DocumentEntry {
    /// Decodes an entry from a state value.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::decode(bytes, DOCUMENT_BYTES_MAX)
    }

    /// The standing in effect at `time_ms`, by all that is recorded: contracts judge edges by it. A renewal recorded early
    /// supersedes only from its own start, and until then the running term is suspended or revoked like any other.
    pub fn standing_at(&self, time_ms: u64) -> Standing {
        let last = self.events.iter().rev().find(|event| event.effective_from_ms <= time_ms);
        last.map_or(Standing::Active, |event| event.standing)
    }

    /// End of validity (exclusive), UTC milliseconds, by what was recorded until `known_at_ms`.
    pub fn ends_at_ms(&self, known_at_ms: u64) -> Option<u64> {
        let known = self.extensions.iter().rev().find(|extension| extension.recorded_at_ms <= known_at_ms);
        known.map(|extension| extension.valid_until_ms).or(self.valid_until_ms)
    }
}

/// A stay of a strike, or its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
pub struct StrikeTurn {
    /// Block time of the record, UTC milliseconds.
    pub recorded_at_ms: u64,
    /// Log index of the record.
    pub record: u64,
}

/// An order that strikes documents of one class.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
pub struct Strike {
    /// Documents valid from this day on are struck, UTC milliseconds.
    pub issued_from_ms: u64,
    /// Documents valid from before this day are struck (exclusive), UTC milliseconds.
    pub issued_until_ms: u64,
    /// Day of legal effect, UTC milliseconds.
    pub effective_from_ms: u64,
    /// Block time of the record, UTC milliseconds.
    pub recorded_at_ms: u64,
    /// Digest of the order.
    pub order: Hash,
    /// Digest of the saving clause, if the order has one.
    pub saving_clause: Option<Hash>,
    /// When the strike was stayed (even places) and took effect again (odd places).
    pub turns: Vec<StrikeTurn>,
    /// Log index of the record.
    pub record: u64,
}

impl Strike {
    /// Whether it strikes a document whose validity begins at `valid_from_ms`.
    pub fn is_about(&self, valid_from_ms: u64) -> bool {
        (self.issued_from_ms..self.issued_until_ms).contains(&valid_from_ms)
    }
}

/// All strikes against one class, in the order of their records.
#[derive(Debug, Clone, PartialEq, Eq, Default, SchemaWrite, SchemaRead, Serialize, Deserialize)]
pub struct Strikes {
    /// The strikes.
    pub strikes: Vec<Strike>,
}

/// The mark that a version of a dependency is no longer current.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
pub struct Left {
    /// Block time of the record that left it, UTC milliseconds.
    pub recorded_at_ms: u64,
    /// Day of legal effect, UTC milliseconds.
    pub effective_from_ms: u64,
    /// Log index of the record.
    pub record: u64,
}

/// State key of a document entry.
pub fn document_key(uri: &Uri) -> Vec<u8> {
    format!("doc/uri/{uri}").into_bytes()
}

/// State key under which a digest leads to its URI.
pub fn digest_key(digest: &Hash) -> Vec<u8> {
    format!("doc/digest/{digest}").into_bytes()
}

/// State key of a class's strike slot. No token holds a space, so no two classes share a key.
pub fn strike_key(class: &Class) -> Vec<u8> {
    format!("strike/{} {}", class.kind, class.class).into_bytes()
}

/// State key of the mark that a dependency's version was left.
pub fn left_key(dependency: &Dependency) -> Vec<u8> {
    format!("left/{}/{}", dependency.key, dependency.version).into_bytes()
}

/// The keys, beside the entry's own, on which the status of `entry` depends: a slot for each class, then for each
/// dependency, in canonical order.
pub fn read_set(entry: &DocumentEntry) -> Vec<Vec<u8>> {
    entry.classes.iter().map(strike_key).chain(entry.depends.iter().map(left_key)).collect()
}

/// The values under [`read_set`], decoded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Slots {
    /// One for each class.
    pub strikes: Vec<Strikes>,
    /// One for each dependency.
    pub left: Vec<Option<Left>>,
}

/// Values that do not belong to a read set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlotsError {
    /// More or fewer values than the entry has slots.
    #[error("{got} slot values, expected {expected}")]
    Count {
        /// Values given.
        got: usize,
        /// Slots of the entry.
        expected: usize,
    },
    /// A value that is none of its slot's type.
    #[error("slot value: {0}")]
    Malformed(#[from] CodecError),
}

impl Slots {
    /// Decodes the values found under [`read_set`], in its order.
    pub fn decode(entry: &DocumentEntry, values: &[Option<Vec<u8>>]) -> Result<Self, SlotsError> {
        let expected = entry.classes.len() + entry.depends.len();
        if values.len() != expected {
            return Err(SlotsError::Count { got: values.len(), expected });
        }
        let (strikes, left) = values.split_at(entry.classes.len());
        let strikes = strikes.iter().map(|value| match value {
            None => Ok(Strikes::default()),
            Some(bytes) => codec::decode(bytes, DOCUMENT_BYTES_MAX),
        });
        let left =
            left.iter().map(|value| value.as_deref().map(|bytes| codec::decode(bytes, DOCUMENT_BYTES_MAX)).transpose());
        Ok(Self { strikes: strikes.collect::<Result<_, _>>()?, left: left.collect::<Result<_, _>>()? })
    }
}
