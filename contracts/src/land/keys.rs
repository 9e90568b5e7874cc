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
use wincode::adapter::FromInto;

use super::docket::Seat;
use crate::authority::place::DistrictCode;
use crate::refusal::{OrReject as _, Refusal};

/// The land department's code of a mouza: letters, digits and `-`, otherwise opaque.
pub type MouzaId = Code<24, true>;
/// A mutation case's id.
pub type CaseId = Token<32>;
/// A court's case number record (CNR), or the number of an acquisition order.
pub type Cnr = Token<32>;
/// The number of a khatian within its mouza.
pub type KhatianNumber = u32;

/// Khatian 1 of every mouza is Government vested land.
pub const VESTED_KHATIAN: KhatianNumber = 1;

/// A part of a joined name: 1 to `MAX` letters and digits, and dashes where `DASH` allows them. It never holds the
/// character that joins it to its neighbours, in text or in bytes, so that two names never share a key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, SchemaWrite, SchemaRead)]
pub struct Code<const MAX: usize, const DASH: bool>(
    #[wincode(with = "FromInto<Vec<u8>, Letters<MAX, DASH>>")] Letters<MAX, DASH>,
);

/// The characters of a [`Code`]; none, or a slash, stand for bytes that are no code.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Letters<const MAX: usize, const DASH: bool>(String);

fn is_code(text: &[u8], max: usize, dash: bool) -> bool {
    (1..=max).contains(&text.len()) && text.iter().all(|byte| byte.is_ascii_alphanumeric() || (dash && *byte == b'-'))
}

impl<const MAX: usize, const DASH: bool> From<&Letters<MAX, DASH>> for Vec<u8> {
    fn from(letters: &Letters<MAX, DASH>) -> Self {
        letters.0.clone().into_bytes()
    }
}

impl<const MAX: usize, const DASH: bool> From<Vec<u8>> for Letters<MAX, DASH> {
    fn from(bytes: Vec<u8>) -> Self {
        if is_code(&bytes, MAX, DASH) {
            return Self(String::from_utf8(bytes).unwrap_or_default());
        }
        // What is no code gets another spelling than the input, so that exact decoding refuses it.
        Self(if bytes.is_empty() { "/".to_owned() } else { String::new() })
    }
}

impl<const MAX: usize, const DASH: bool> Code<MAX, DASH> {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0.0
    }
}

impl<const MAX: usize, const DASH: bool> FromStr for Code<MAX, DASH> {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let expected = if DASH { "letters, digits and -" } else { "letters and digits" };
        let code = is_code(text.as_bytes(), MAX, DASH).then(|| Self(Letters(text.to_owned())));
        code.ok_or_else(|| IdError { expected, got: text.chars().take(64).collect() })
    }
}

impl<const MAX: usize, const DASH: bool> fmt::Display for Code<MAX, DASH> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<const MAX: usize, const DASH: bool> fmt::Debug for Code<MAX, DASH> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

impl<const MAX: usize, const DASH: bool> Serialize for Code<MAX, DASH> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de, const MAX: usize, const DASH: bool> Deserialize<'de> for Code<MAX, DASH> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

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
    /// Registration office.
    pub office: Code<8, false>,
    /// Book.
    pub book: Code<4, false>,
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

/// Refuses a case id that does not make a plain key (D1).
pub(super) fn require_plain_case(case: &CaseId) -> Result<(), Refusal> {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    case.as_str()
        .chars()
        .all(plain)
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

/// State key of an entry in a plot's history, counted from 0.
pub fn history_key(plot: &PlotId, entry: u32) -> Vec<u8> {
    format!("land/history/{plot}#{entry}").into_bytes()
}

/// State key of a deed.
pub fn deed_key(id: &DeedId) -> Vec<u8> {
    format!("land/deed/{id}").into_bytes()
}

/// State key of a mutation case.
pub fn case_key(id: &CaseId) -> Vec<u8> {
    format!("land/case/{id}").into_bytes()
}

/// State key of how many stays lie on cases and deeds over a plot.
pub fn stays_key(plot: &PlotId) -> Vec<u8> {
    format!("land/stays/{plot}").into_bytes()
}

/// State key of the case that a fee receipt paid for.
pub fn fee_key(receipt: &Token<32>) -> Vec<u8> {
    format!("land/fee/{receipt}").into_bytes()
}

/// State key of the plot that an ULPIN names.
pub fn ulpin_key(ulpin: &Token<14>) -> Vec<u8> {
    format!("land/ulpin/{ulpin}").into_bytes()
}

/// State key of the set of districts with a registered mouza.
pub fn districts_key() -> Vec<u8> {
    b"land/districts".to_vec()
}

/// State key of the seats of a district: the blocks, and the city, that have a registered mouza.
pub fn seats_key(district: DistrictCode) -> Vec<u8> {
    format!("land/seats/{district}").into_bytes()
}

/// State key of the docket of a seat.
pub fn docket_key(seat: &Seat) -> Vec<u8> {
    format!("land/docket/{seat}").into_bytes()
}

/// State key of a page of a docket.
pub fn docket_page_key(seat: &Seat, page: u64) -> Vec<u8> {
    format!("land/docket/{seat}#{page}").into_bytes()
}

/// State key of an act that waits for a second officer, by the log index of its record.
pub fn pending_key(record: u64) -> Vec<u8> {
    format!("land/pending/{record}").into_bytes()
}
