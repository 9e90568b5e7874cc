//! Where something happens, and where an office may act.

use dalil_ledger::codec::{SchemaRead, SchemaWrite, Set, Token};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// LGD code of a district.
pub type DistrictCode = u32;
/// LGD code of a community development block.
pub type BlockCode = u32;
/// A lease's id.
pub type LeaseId = Token<48>;

/// Where something happens.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// LGD code of the district.
    pub district: DistrictCode,
    /// LGD code of the block; none in cities.
    pub block: Option<BlockCode>,
    /// The lease, where the act belongs to one.
    #[schemars(with = "Option<String>")]
    pub lease: Option<LeaseId>,
}

impl Place {
    /// A district as a whole.
    pub fn district(district: DistrictCode) -> Self {
        Self { district, block: None, lease: None }
    }

    /// A block of a district.
    pub fn block(district: DistrictCode, block: BlockCode) -> Self {
        Self { district, block: Some(block), lease: None }
    }
}

/// Where an office may act.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Jurisdiction {
    /// The whole state.
    State,
    /// These districts.
    Districts(#[schemars(with = "Vec<DistrictCode>")] Set<DistrictCode>),
    /// These blocks.
    Blocks(#[schemars(with = "Vec<BlockCode>")] Set<BlockCode>),
    /// One lease.
    Lease(#[schemars(with = "String")] LeaseId),
}

impl Jurisdiction {
    /// Whether the office may act at `place`.
    pub fn covers(&self, place: &Place) -> bool {
        match self {
            Self::State => true,
            Self::Districts(districts) => districts.contains(&place.district),
            Self::Blocks(blocks) => place.block.is_some_and(|block| blocks.contains(&block)),
            Self::Lease(lease) => place.lease.as_ref() == Some(lease),
        }
    }

    /// How many places it names.
    pub fn places(&self) -> usize {
        match self {
            Self::State | Self::Lease(_) => 1,
            Self::Districts(places) | Self::Blocks(places) => places.len(),
        }
    }
}
