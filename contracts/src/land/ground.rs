//! What a mutation case rests on (L4): deeds, a succession, an acquisition, or an officer's own finding.

use dalil_ledger::codec::{SchemaRead, SchemaWrite, Set};
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::Uri;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::deed::{PlotShare, Transferee, check_parts, check_plot_shares};
use super::keys::{DeedId, KhatianId, MouzaId, PlotId};
use super::office::require_cited;
use super::types::PLOTS_MAX;
use crate::refusal::{OrReject as _, Refusal, require};

/// The most deeds in a chain that one case uses up.
pub const CHAIN_MAX: usize = 8;

/// Deeds in order: the first gives from a khatian, each later one from a transferee of an earlier one (L5).
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeedChain {
    /// The deeds, oldest first.
    pub deeds: Vec<DeedId>,
    /// The plots that are mutated, of one mouza.
    #[schemars(with = "Vec<PlotId>")]
    pub plots: Set<PlotId>,
}

/// A holder died: the share goes to the heirs.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Inheritance {
    /// The khatian of the deceased.
    pub khatian: KhatianId,
    /// The plots that are mutated.
    #[schemars(with = "Vec<PlotId>")]
    pub plots: Set<PlotId>,
    /// The death certificate; on record and valid when the case is filed and when it is allowed (L4).
    #[schemars(with = "String")]
    pub death_certificate: Uri,
    /// Digest of the heirship certificate or probate.
    #[schemars(with = "String")]
    pub heirship: Hash,
    /// The heirs and their parts of what the deceased held.
    pub heirs: Vec<Transferee>,
}

/// A transfer by an order, not by the holder's will.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderedTransfer {
    /// Digest of the order (L4).
    #[schemars(with = "String")]
    pub order: Hash,
    /// The khatian that gives.
    pub khatian: KhatianId,
    /// What it gives.
    pub plots: Vec<PlotShare>,
    /// Who takes.
    pub transferees: Vec<Transferee>,
}

/// What a case rests on.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ground {
    /// One deed, or a chain of unmutated deeds.
    Deed(DeedChain),
    /// A succession.
    Inheritance(Inheritance),
    /// A land acquisition order.
    Acquisition(OrderedTransfer),
    /// An officer's own finding.
    SuoMotu(OrderedTransfer),
}

impl Ground {
    /// The plots that are mutated.
    pub fn plots(&self) -> Vec<&PlotId> {
        match self {
            Self::Deed(chain) => chain.plots.iter().collect(),
            Self::Inheritance(inheritance) => inheritance.plots.iter().collect(),
            Self::Acquisition(ordered) | Self::SuoMotu(ordered) => {
                ordered.plots.iter().map(|given| &given.plot).collect()
            }
        }
    }

    /// The deeds that are used up.
    pub fn deeds(&self) -> &[DeedId] {
        match self {
            Self::Deed(chain) => &chain.deeds,
            _ => &[],
        }
    }

    /// The khatian that gives, where the ground itself names it.
    fn khatian(&self) -> Option<&KhatianId> {
        match self {
            Self::Deed(_) => None,
            Self::Inheritance(inheritance) => Some(&inheritance.khatian),
            Self::Acquisition(ordered) | Self::SuoMotu(ordered) => Some(&ordered.khatian),
        }
    }

    /// Checks the form (L1, L4, L5) and returns the one mouza that it concerns.
    pub(super) fn check(&self) -> Result<MouzaId, Refusal> {
        let plots = self.plots();
        require(plots.len() <= PLOTS_MAX, "L5", || format!("{} plots, at most {PLOTS_MAX} in a case", plots.len()))?;
        let mouza = plots.first().map(|plot| plot.mouza.clone());
        let mouza = mouza.or_reject("L5", || "a case names at least one plot".to_owned())?;
        let together =
            plots.iter().all(|plot| plot.mouza == mouza) && self.khatian().is_none_or(|khatian| khatian.mouza == mouza);
        require(together, "L5", || "a case concerns one khatian and plots of one mouza".to_owned())?;
        match self {
            Self::Deed(DeedChain { deeds, .. }) => {
                require((1..=CHAIN_MAX).contains(&deeds.len()), "L5", || {
                    format!("{} deeds, expected 1 to {CHAIN_MAX}", deeds.len())
                })?;
                let repeated = deeds.iter().enumerate().any(|(at, deed)| deeds[..at].contains(deed));
                require(!repeated, "L5", || "a chain names each deed once".to_owned())?;
            }
            Self::Inheritance(inheritance) => {
                require_cited("heirship certificate or probate", &inheritance.heirship)?;
                check_parts(inheritance.heirs.iter().map(|heir| heir.part))?;
            }
            Self::Acquisition(ordered) | Self::SuoMotu(ordered) => {
                require_cited("order", &ordered.order)?;
                check_plot_shares(&ordered.plots)?;
                check_parts(ordered.transferees.iter().map(|to| to.part))?;
            }
        }
        Ok(mouza)
    }
}
