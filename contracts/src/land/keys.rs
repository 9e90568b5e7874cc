//! Names of khatians, plots, deeds and cases, as text and as state keys.
//!
//! The text is the one on paper, with the mouza's code in front: plot `2795-51/257`, its part `2795-51/257/1`, khatian
//! `2795-51/101`, deed `0101-I-00001-2026`. A text form is unique: `0257` is no spelling of `257`.

use std::fmt;
use std::str::FromStr;

use dalil_ledger::codec::{SchemaRead, SchemaWrite, Token};
use dalil_ledger::document::{DependencyKey, SubjectId};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::refusal::{OrReject as _, Refusal};

/// The land department's code of a mouza: letters, digits and `-`, otherwise opaque.
pub type MouzaId = Token<24>;
/// A mutation case's id.
pub type CaseId = Token<32>;
/// A court's case number record (CNR), or the number of an acquisition order.
pub type Cnr = Token<32>;
/// The number of a khatian within its mouza.
pub type KhatianNumber = u32;

/// Khatian 1 of every mouza is Government vested land.
pub const VESTED_KHATIAN: KhatianNumber = 1;

/// A khatian: one holder's account in one mouza.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, SchemaWrite, SchemaRead)]
pub struct KhatianId {
    /// The mouza.
    pub mouza: MouzaId,
    /// Number within the mouza.
    pub number: KhatianNumber,
}

/// A plot (dag) of a mouza.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, SchemaWrite, SchemaRead)]
pub struct PlotId {
    /// The mouza.
    pub mouza: MouzaId,
    /// Main number.
    pub main: u32,
    /// Bata number of a plot that was carved out of `main`.
    pub bata: Option<u32>,
}

/// A deed as the registration office numbers it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, SchemaWrite, SchemaRead)]
pub struct DeedId {
    /// Registration office, letters and digits.
    pub office: Token<8>,
    /// Book, letters and digits.
    pub book: Token<4>,
    /// Serial within the year.
    pub serial: u32,
    /// Year of registration.
    pub year: u16,
}

impl fmt::Display for KhatianId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.mouza, self.number)
    }
}

impl fmt::Display for PlotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.mouza, self.main)?;
        self.bata.map_or(Ok(()), |bata| write!(f, "/{bata}"))
    }
}

impl fmt::Display for DeedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{:05}-{}", self.office, self.book, self.serial, self.year)
    }
}

/// Text that names nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, got {got:?}")]
pub struct IdError {
    expected: &'static str,
    got: String,
}

impl KhatianId {
    const FORM: &'static str = "a khatian such as 2795-51/101";
    const PATTERN: &'static str = "^[A-Za-z0-9-]{1,24}/[0-9]+$";

    fn parse(text: &str) -> Option<Self> {
        let (mouza, number) = text.split_once('/')?;
        Some(Self { mouza: mouza.parse().ok()?, number: number.parse().ok()? })
    }

    /// The key that documents name as a dependency; the version stands beside it.
    pub fn dependency(&self) -> DependencyKey {
        named("khatian", self)
    }

    /// As the subject of a record.
    pub fn subject(&self) -> SubjectId {
        named("khatian", self)
    }
}

impl PlotId {
    const FORM: &'static str = "a plot such as 2795-51/257 or 2795-51/257/1";
    const PATTERN: &'static str = "^[A-Za-z0-9-]{1,24}/[0-9]+(/[0-9]+)?$";

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('/');
        let (mouza, main) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let bata = parts.next().map(|bata| bata.parse().ok().ok_or(())).transpose().ok()?;
        Some(Self { mouza, main, bata })
    }

    /// The key that documents name as a dependency; the version stands beside it.
    pub fn dependency(&self) -> DependencyKey {
        named("plot", self)
    }

    /// As the subject of a record.
    pub fn subject(&self) -> SubjectId {
        named("plot", self)
    }

    /// A khatian of the same mouza.
    pub fn khatian(&self, number: KhatianNumber) -> KhatianId {
        KhatianId { mouza: self.mouza.clone(), number }
    }
}

impl DeedId {
    const FORM: &'static str = "a deed such as 0101-I-00001-2026";
    const PATTERN: &'static str = "^[A-Za-z0-9]{1,8}-[A-Za-z0-9]{1,4}-[0-9]{5,}-[0-9]+$";

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        Some(Self {
            office: parts.next()?.parse().ok()?,
            book: parts.next()?.parse().ok()?,
            serial: parts.next()?.parse().ok()?,
            year: parts.next()?.parse().ok()?,
        })
    }

    /// As the subject of a record.
    pub fn subject(&self) -> SubjectId {
        named("deed", self)
    }
}

/// `kind/id` as a token. The ids are shorter than every token they go into.
fn named<const MAX: usize>(kind: &str, id: &impl fmt::Display) -> Token<MAX> {
    format!("{kind}/{id}").parse().expect("an id is printable ASCII of at most 64 characters")
}

/// A case as the subject of a record.
pub fn case_subject(case: &CaseId) -> SubjectId {
    named("case", case)
}

/// Defines text form, serde and schema of an id with `parse`, `FORM` and `PATTERN`.
macro_rules! text_form {
    ($name:ident) => {
        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                // Comparing with the text form refuses every second spelling.
                Self::parse(text)
                    .filter(|id| id.to_string() == text)
                    .ok_or_else(|| IdError { expected: Self::FORM, got: text.chars().take(64).collect() })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"type": "string", "pattern": Self::PATTERN, "description": Self::FORM})
            }
        }
    };
}

text_form!(KhatianId);
text_form!(PlotId);
text_form!(DeedId);

/// Whether a token is made of letters, digits and the characters of `also`, so that joined keys stay apart.
pub(super) fn is_plain(text: &str, also: &str) -> bool {
    text.chars().all(|character| character.is_ascii_alphanumeric() || also.contains(character))
}

/// Refuses a case id that does not make a plain key (D1).
pub(super) fn require_plain_case(case: &CaseId) -> Result<(), Refusal> {
    is_plain(case.as_str(), "-_.")
        .then_some(())
        .or_reject("D1", || format!("case id {case} may hold only letters, digits and - _ ."))
}

/// State key of a mouza.
pub fn mouza_key(id: &MouzaId) -> Vec<u8> {
    format!("land/mouza/{id}").into_bytes()
}

/// State key of a khatian.
pub fn khatian_key(id: &KhatianId) -> Vec<u8> {
    format!("land/khatian/{id}").into_bytes()
}

/// State key of a plot.
pub fn plot_key(id: &PlotId) -> Vec<u8> {
    format!("land/plot/{id}").into_bytes()
}

/// State key of a deed.
pub fn deed_key(id: &DeedId) -> Vec<u8> {
    format!("land/deed/{id}").into_bytes()
}

/// State key of a mutation case.
pub fn case_key(id: &CaseId) -> Vec<u8> {
    format!("land/case/{id}").into_bytes()
}

/// State key of the case that a fee receipt paid for.
pub fn fee_key(receipt: &Token<32>) -> Vec<u8> {
    format!("land/fee/{receipt}").into_bytes()
}

/// State key of the plot that an ULPIN names.
pub fn ulpin_key(ulpin: &Token<14>) -> Vec<u8> {
    format!("land/ulpin/{ulpin}").into_bytes()
}

/// State key of an act that waits for a second officer, by the log index of its record.
pub fn pending_key(record: u64) -> Vec<u8> {
    format!("land/pending/{record}").into_bytes()
}
