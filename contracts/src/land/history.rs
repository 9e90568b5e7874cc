//! What happened to each plot, entry by entry: the ground of the registers (chain of title, encumbrances) and of L15.
//!
//! Entries are only ever added. `Book` numbers them and writes them with the record that caused them.

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::crypto::Hash;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::case::Gain;
use super::keys::{CaseId, Cnr};
use super::types::{Charge, Freeze, FrozenBy, Holding, LandClass};
use crate::units::Area;

/// One thing that happened to a plot.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// Log index of the record.
    pub record: u64,
    /// Block time, UTC milliseconds.
    pub at_ms: u64,
    /// What happened.
    pub act: PlotAct,
}

/// What happened to a plot.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlotAct {
    /// A mutation was applied.
    Mutated {
        /// The case.
        case: CaseId,
        /// Who gave how much of the plot.
        gives: Vec<Holding>,
        /// Who took how much.
        gains: Vec<Gain>,
    },
    /// A mutation was undone: the shares went back.
    SetAside {
        /// The case.
        case: CaseId,
        /// The entry of this plot that it undoes; none where the plot was made by a split or merger since.
        undoes: Option<u32>,
        /// Who gave back how much of this plot; nobody where the shares went back in the plots made from it.
        gives: Vec<Holding>,
        /// Who got back how much.
        gains: Vec<Holding>,
    },
    /// The collector settled who holds how much.
    Settled {
        /// Digest of the order.
        order: Hash,
        /// The holdings from then on.
        holdings: Vec<Holding>,
    },
    /// It was vested in the Government.
    Vested {
        /// Digest of the order.
        order: Hash,
    },
    /// It was divided or merged away, and retired.
    Surveyed {
        /// Digest of the survey.
        survey: Hash,
    },
    /// A bar was laid on voluntary transfer.
    Frozen(Freeze),
    /// A bar was lifted.
    Unfrozen {
        /// Who lifted it.
        by: FrozenBy,
        /// CNR or number of the order that had laid it.
        reference: Cnr,
        /// Digest of the order that lifted it.
        order: Hash,
    },
    /// A charge was entered.
    Charged(Charge),
    /// A charge was released.
    Released {
        /// The charge.
        charge: Charge,
        /// Digest of the charge-holder's record of satisfaction.
        satisfaction: Hash,
    },
    /// Its use was converted.
    Converted {
        /// The use before.
        from: LandClass,
        /// The use from then on.
        to: LandClass,
        /// Digest of the order.
        order: Hash,
    },
    /// A clerical error in its area was corrected.
    Rectified {
        /// The area before, in 1/10,000 acre.
        from: Area,
        /// The right area.
        to: Area,
        /// Digest of the order.
        order: Hash,
    },
}

impl PlotAct {
    /// Whether it belongs to the chain of title: who holds, and who was barred from giving.
    pub fn is_of_title(&self) -> bool {
        !matches!(self, Self::Charged(_) | Self::Released { .. } | Self::Converted { .. } | Self::Rectified { .. })
    }
}
