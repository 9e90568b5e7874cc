//! Quantities as they are declared, their mass, and the levies on them.

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authority::parameters::parameter_u64;
use crate::context::Context;
use crate::mineral::parameters::{CESS_PERMILLE, DMF_PERMILLE, density_name, royalty_name, royalty_tonne_name};
use crate::mineral::types::MineralCode;
use crate::refusal::{OrReject as _, Refusal, require};
use crate::units::{Kilograms, Paise};

/// Litres in a cubic metre and kilograms in a tonne.
const THOUSAND: u128 = 1_000;

/// A declared quantity. Volumes are in litres, so that 11.00 m³ is 11,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Volume in litres, 1/1,000 m³.
    Litres(u64),
    /// Mass in kilograms.
    Kilograms(u64),
}

impl Quantity {
    /// The mass, by the mineral's density in force; a fraction of a kilogram counts as a whole one.
    pub fn mass(self, state: &Overlay<'_>, context: &Context<'_>, mineral: &MineralCode) -> Result<Kilograms, Refusal> {
        let kilograms = match self {
            Self::Kilograms(kilograms) => kilograms,
            Self::Litres(litres) => {
                let density = parameter_u64(state, context, &density_name(mineral))?;
                let mass = (u128::from(litres) * u128::from(density)).div_ceil(THOUSAND);
                u64::try_from(mass).ok().or_reject("M1", || format!("{litres} litres of {mineral} are too much"))?
            }
        };
        require(kilograms > 0, "M1", || "a quantity is more than nothing".to_owned())?;
        Ok(Kilograms(kilograms))
    }

    /// What is due on this quantity, by head, at the rates in force; a fraction of a paisa counts as a whole one.
    /// A mineral has a rate by volume or by mass; a quantity in the other unit is refused with P1.
    pub fn levies(self, state: &Overlay<'_>, context: &Context<'_>, mineral: &MineralCode) -> Result<Heads, Refusal> {
        let (units, name) = match self {
            Self::Litres(litres) => (litres, royalty_name(mineral)),
            Self::Kilograms(kilograms) => (kilograms, royalty_tonne_name(mineral)),
        };
        let rate = parameter_u64(state, context, &name)?;
        let royalty = (u128::from(units) * u128::from(rate)).div_ceil(THOUSAND);
        let share = |name: &str| -> Result<u128, Refusal> {
            let permille = parameter_u64(state, context, name)?;
            let product = royalty.checked_mul(u128::from(permille));
            Ok(product.or_reject("M2", || "the levies are too much".to_owned())?.div_ceil(THOUSAND))
        };
        let paise = |amount: u128| {
            i64::try_from(amount).ok().map(Paise).or_reject("M2", || "the levies are too much".to_owned())
        };
        Ok(Heads { royalty: paise(royalty)?, dmf: paise(share(DMF_PERMILLE)?)?, cess: paise(share(CESS_PERMILLE)?)? })
    }
}

/// Money by head of account, in paise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Heads {
    /// Royalty.
    pub royalty: Paise,
    /// District Mineral Foundation.
    pub dmf: Paise,
    /// Cess.
    pub cess: Paise,
}

impl Heads {
    /// The part of these amounts that falls on `part` of `whole`, rounded down; nothing of nothing.
    pub(super) fn part(&self, part: Kilograms, whole: Kilograms) -> Self {
        // `part` ≤ `whole` and the amounts are not negative: the quotient fits whatever was divided.
        let of = |amount: Paise| {
            let product = i128::from(amount.0) * i128::from(part.0);
            let share = product.checked_div(i128::from(whole.0)).unwrap_or(0);
            Paise(i64::try_from(share).unwrap_or(amount.0))
        };
        Self { royalty: of(self.royalty), dmf: of(self.dmf), cess: of(self.cess) }
    }

    /// The heads with their names.
    pub fn named(&self) -> [(&'static str, Paise); 3] {
        [("royalty", self.royalty), ("DMF", self.dmf), ("cess", self.cess)]
    }
}

/// `value` × (1,000 + `permille`) ÷ 1,000, rounded down; saturated, which only ever is beyond every limit compared.
pub(super) fn with_tolerance(value: Kilograms, permille: u64) -> Kilograms {
    let raised = u128::from(value.0) * (THOUSAND + u128::from(permille)) / THOUSAND;
    Kilograms(u64::try_from(raised).unwrap_or(u64::MAX))
}
