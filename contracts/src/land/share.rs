//! Exact fractions of a plot. Stored as u64/u64 in lowest terms, computed in u128, never rounded but where
//! [`Share::parts`] says so (L1, L1-DENOM).

use std::fmt;
use std::str::FromStr;

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use wincode::adapter::FromInto;

use crate::refusal::{OrReject as _, Refusal};

/// A fraction ≥ 0 in lowest terms; text `1/3`. A denominator of zero cannot be decoded.
#[derive(Clone, Copy, PartialEq, Eq, Hash, SchemaWrite, SchemaRead)]
pub struct Share(#[wincode(with = "FromInto<Wire, Lowest>")] Lowest);

/// The two numbers as they travel.
#[derive(Clone, Copy, SchemaWrite, SchemaRead)]
struct Wire {
    numerator: u64,
    denominator: u64,
}

/// A fraction in lowest terms.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Lowest {
    numerator: u64,
    denominator: u64,
}

impl From<Wire> for Lowest {
    fn from(wire: Wire) -> Self {
        // What is no fraction gets a spelling that differs from its input, so that exact decoding refuses it.
        if wire.denominator == 0 {
            return Self { numerator: 0, denominator: 1 };
        }
        let divisor = gcd(u128::from(wire.numerator), u128::from(wire.denominator));
        // A divisor of two u64 fits u64.
        let divisor = u64::try_from(divisor).unwrap_or(1);
        Self { numerator: wire.numerator / divisor, denominator: wire.denominator / divisor }
    }
}

impl From<&Lowest> for Wire {
    fn from(lowest: &Lowest) -> Self {
        Self { numerator: lowest.numerator, denominator: lowest.denominator }
    }
}

/// Greatest common divisor; that of 0 and n is n, of two zeros 1, so that one can always divide by it.
fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

impl Share {
    /// Nothing.
    pub const ZERO: Self = Self(Lowest { numerator: 0, denominator: 1 });
    /// The whole.
    pub const WHOLE: Self = Self(Lowest { numerator: 1, denominator: 1 });

    /// `numerator`/`denominator`; none for a denominator of zero.
    pub fn new(numerator: u64, denominator: u64) -> Option<Self> {
        (denominator != 0).then(|| Self(Wire { numerator, denominator }.into()))
    }

    /// Whether it is nothing.
    pub fn is_zero(self) -> bool {
        self.0.numerator == 0
    }

    fn wide(self) -> Wide {
        Wide { numerator: u128::from(self.0.numerator), denominator: u128::from(self.0.denominator) }
    }

    /// The sum; refused with L1-DENOM if it does not fit.
    pub fn plus(self, other: Self) -> Result<Self, Refusal> {
        self.wide().plus(other.wide()).and_then(Wide::narrow).or_reject("L1-DENOM", || too_fine(self, other))
    }

    /// The difference; none if `other` is greater. Refused with L1-DENOM if it does not fit.
    pub fn minus(self, other: Self) -> Result<Option<Self>, Refusal> {
        if other > self {
            return Ok(None);
        }
        let difference = self.wide().minus(other.wide()).and_then(Wide::narrow);
        difference.map(Some).or_reject("L1-DENOM", || too_fine(self, other))
    }

    /// The share of a share; refused with L1-DENOM if it does not fit.
    pub fn of(self, whole: Self) -> Result<Self, Refusal> {
        let (a, b) = (self.wide(), whole.wide());
        // Neither product overflows: each factor is below 2^64.
        let product = Wide { numerator: a.numerator * b.numerator, denominator: a.denominator * b.denominator };
        product.lowest().narrow().or_reject("L1-DENOM", || too_fine(self, whole))
    }

    /// In parts of 2⁻⁶⁴, rounded down.
    pub fn parts(self) -> u128 {
        (u128::from(self.0.numerator) << 64) / u128::from(self.0.denominator)
    }

    /// Whether the shares sum to exactly one. Partial sums may be finer than a stored share; refused with L1-DENOM if
    /// they do not even fit u128.
    pub fn sum_is_whole(shares: impl IntoIterator<Item = Self>) -> Result<bool, Refusal> {
        let mut sum = Self::ZERO.wide();
        for share in shares {
            sum = sum.plus(share.wide()).or_reject("L1-DENOM", || {
                "the shares' common denominator is too great to add them exactly; a settlement record mends this"
                    .to_owned()
            })?;
        }
        Ok(sum.numerator == 1 && sum.denominator == 1)
    }
}

fn too_fine(a: Share, b: Share) -> String {
    format!("{a} and {b} give a fraction too fine to record; a settlement record mends this")
}

/// A fraction while it is being computed.
#[derive(Clone, Copy)]
struct Wide {
    numerator: u128,
    denominator: u128,
}

impl Wide {
    fn lowest(self) -> Self {
        let divisor = gcd(self.numerator, self.denominator);
        Self { numerator: self.numerator / divisor, denominator: self.denominator / divisor }
    }

    /// Both numerators over the common denominator, and that denominator.
    fn common(self, other: Self) -> Option<(u128, u128, u128)> {
        let divisor = gcd(self.denominator, other.denominator);
        let mine = self.numerator.checked_mul(other.denominator / divisor)?;
        let theirs = other.numerator.checked_mul(self.denominator / divisor)?;
        Some((mine, theirs, (self.denominator / divisor).checked_mul(other.denominator)?))
    }

    fn plus(self, other: Self) -> Option<Self> {
        let (mine, theirs, denominator) = self.common(other)?;
        Some(Self { numerator: mine.checked_add(theirs)?, denominator }.lowest())
    }

    fn minus(self, other: Self) -> Option<Self> {
        let (mine, theirs, denominator) = self.common(other)?;
        Some(Self { numerator: mine.checked_sub(theirs)?, denominator }.lowest())
    }

    fn narrow(self) -> Option<Share> {
        Share::new(u64::try_from(self.numerator).ok()?, u64::try_from(self.denominator).ok()?)
    }
}

impl Ord for Share {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let (a, b) = (self.wide(), other.wide());
        (a.numerator * b.denominator).cmp(&(b.numerator * a.denominator))
    }
}

impl PartialOrd for Share {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.0.numerator, self.0.denominator)
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Text that is no share.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a share such as 1/3, got {0:?}")]
pub struct ShareError(String);

impl FromStr for Share {
    type Err = ShareError;

    fn from_str(text: &str) -> Result<Self, ShareError> {
        let parse = || {
            let (numerator, denominator) = text.split_once('/')?;
            Self::new(numerator.parse().ok()?, denominator.parse().ok()?)
        };
        parse().ok_or_else(|| ShareError(text.chars().take(64).collect()))
    }
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Share {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Share".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^[0-9]+/[0-9]+$", "examples": ["1/3"]})
    }
}
