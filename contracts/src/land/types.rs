//! What the land records hold: mouzas, khatians, plots, charges.

use dalil_ledger::codec::{SchemaRead, SchemaWrite, Token};
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::Provenance;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::keys::{Cnr, DeedId, KhatianId, KhatianNumber, MouzaId, PlotId};
use super::share::Share;
use crate::authority::Place;
use crate::refusal::{OrReject as _, Refusal, require};
use crate::units::Area;

/// The most khatians that hold in one plot.
pub const HOLDINGS_MAX: usize = 256;
/// The most charges on one plot.
pub const CHARGES_MAX: usize = 32;
/// The most freezes on one plot, and stays or objections on one case or deed.
pub const OVERLAYS_MAX: usize = 8;
/// The most plots in one deed or case.
pub const PLOTS_MAX: usize = 16;
/// The most transferees of a deed, or heirs of a succession.
pub const TRANSFEREES_MAX: usize = 32;

/// A mouza: the village of the land records.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mouza {
    /// The land department's code.
    #[schemars(with = "String")]
    pub id: MouzaId,
    /// LGD code of the district.
    pub district: u32,
    /// LGD code of the block; none in cities.
    pub block: Option<u32>,
    /// Code of the police station (thana).
    #[schemars(with = "Option<String>")]
    pub thana: Option<Token<24>>,
    /// Jurisdiction list number.
    pub jl: u32,
}

impl Mouza {
    /// Where it lies, for jurisdiction (A2, L11).
    pub fn place(&self) -> Place {
        Place { district: self.district, block: self.block, lease: None }
    }
}

/// One holder's account in one mouza. Extracts (RoR) are drawn from a version of it.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
pub struct Khatian {
    /// Mouza and number.
    pub id: KhatianId,
    /// Commitment to the holder.
    pub holder: Hash,
    /// Rises by one whenever something changes that an extract shows (L14).
    pub version: u64,
    /// A transfer needs the reference of a permission (L10); the reason stays inside the commitment.
    pub permission_required: bool,
    /// In how many plots it holds.
    pub plots: u32,
    /// Decided here or imported.
    pub provenance: Provenance,
}

/// What land is used as.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    SchemaWrite,
    SchemaRead,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum LandClass {
    /// Paddy land.
    Shali,
    /// High arable land.
    Sona,
    /// Upland.
    Danga,
    /// Homestead.
    Bastu,
    /// Tank.
    Pukur,
    /// Ditch.
    Doba,
    /// Orchard.
    Bagan,
    /// Road.
    Road,
    /// River.
    River,
    /// Factory.
    Karkhana,
    /// Commercial.
    Commercial,
}

impl LandClass {
    /// Whether it is a water body, whose conversion the DLLRO alone decides (L8).
    pub fn is_water(self) -> bool {
        matches!(self, Self::Pukur | Self::Doba | Self::River)
    }
}

/// A khatian's share in a plot.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Holding {
    /// Number of the khatian, of the plot's mouza.
    pub khatian: KhatianNumber,
    /// Its share of the plot.
    pub share: Share,
}

/// An encumbrance. It stays on the plot through every transfer until it is released (L16).
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Charge {
    /// 1 is satisfied first.
    pub rank: u8,
    /// Commitment to the charge-holder.
    #[schemars(with = "String")]
    pub holder: Hash,
    /// The registered instrument.
    pub instrument: DeedId,
}

/// Who froze a plot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FrozenBy {
    /// A court's order, entered by the court entry officer.
    Court,
    /// The land acquisition collector.
    Acquisition,
}

/// A bar on voluntary transfer (L6).
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
pub struct Freeze {
    /// Who froze it, and may lift it.
    pub by: FrozenBy,
    /// CNR or number of the order.
    pub reference: Cnr,
    /// Digest of the order.
    pub order: Hash,
}

/// A plot of land.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
pub struct Plot {
    /// Mouza and number.
    pub id: PlotId,
    /// Rises by one whenever something changes that an extract shows.
    pub version: u64,
    /// Use.
    pub class: LandClass,
    /// Area in 1/10,000 acre.
    pub area: Area,
    /// Who holds how much, by increasing khatian number.
    pub holdings: Vec<Holding>,
    /// What no khatian is recorded for; imports only.
    pub remainder: Share,
    /// Encumbrances by rank.
    pub charges: Vec<Charge>,
    /// Bars on voluntary transfer.
    pub freezes: Vec<Freeze>,
    /// Vested in the Government.
    pub vested: bool,
    /// Unique land parcel number.
    pub ulpin: Option<Token<14>>,
    /// Divided or merged away; its parts or the merged plot stand in `children`.
    pub retired: bool,
    /// The plots it was made from.
    pub parents: Vec<PlotId>,
    /// The plots made from it.
    pub children: Vec<PlotId>,
    /// How many entries its history has (`history`).
    pub history: u32,
    /// Log index of the record that entered it: an import, a split or a merger.
    pub entered: u64,
    /// Decided here or imported.
    pub provenance: Provenance,
}

impl Plot {
    /// A khatian's share; zero if it holds nothing.
    pub fn held(&self, khatian: KhatianNumber) -> Share {
        self.find(khatian).map_or(Share::ZERO, |at| self.holdings[at].share)
    }

    fn find(&self, khatian: KhatianNumber) -> Result<usize, usize> {
        self.holdings.binary_search_by_key(&khatian, |holding| holding.khatian)
    }

    /// The holdings in force: none once the plot is retired.
    pub fn live_holdings(&self) -> &[Holding] {
        if self.retired { &[] } else { &self.holdings }
    }

    /// Takes `share` from a khatian; refused with L2 if it holds less.
    pub(super) fn take(&mut self, khatian: KhatianNumber, share: Share) -> Result<(), Refusal> {
        let held = self.held(khatian);
        let left = held.minus(share)?.or_reject("L2", || {
            format!("khatian {khatian} holds {held} of plot {}; it cannot give {share}", self.id)
        })?;
        if let Ok(at) = self.find(khatian) {
            if left.is_zero() {
                self.holdings.remove(at);
            } else {
                self.holdings[at].share = left;
            }
        }
        Ok(())
    }

    /// Gives `share` to a khatian; refused with L1-DENOM if the sum does not fit.
    pub(super) fn give(&mut self, khatian: KhatianNumber, share: Share) -> Result<(), Refusal> {
        if share.is_zero() {
            return Ok(());
        }
        match self.find(khatian) {
            Ok(at) => self.holdings[at].share = self.holdings[at].share.plus(share)?,
            Err(at) => self.holdings.insert(at, Holding { khatian, share }),
        }
        require(self.holdings.len() <= HOLDINGS_MAX, "L1", || {
            format!("more than {HOLDINGS_MAX} khatians would hold in plot {}; it needs a partition first", self.id)
        })
    }

    /// Checks that shares and remainder sum to exactly one (L1).
    pub(super) fn check_shares(&self) -> Result<(), Refusal> {
        let shares = self.holdings.iter().map(|holding| holding.share).chain([self.remainder]);
        let ordered = self.holdings.windows(2).all(|pair| pair[0].khatian < pair[1].khatian);
        let positive = self.holdings.iter().all(|holding| !holding.share.is_zero());
        require(ordered && positive && Share::sum_is_whole(shares)?, "L1", || {
            format!("the shares and the remainder of plot {} do not sum to one", self.id)
        })
    }
}
