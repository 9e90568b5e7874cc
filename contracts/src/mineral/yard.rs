//! Stockyards: what came in and what may go out again (M10). An agent's office is bound to a yard as to a lease.

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authority::place::{BlockCode, DistrictCode};
use crate::authority::{Place, PostingId, Role, authorise};
use crate::context::{Context, Outcome};
use crate::mineral::keys::{lease_key, stock_key, yard_key};
use crate::mineral::types::{MineralCode, YardId, plain, site_place, subject, unused};
use crate::refusal::{OrReject as _, Refusal, require};
use crate::units::Kilograms;

/// Registers a stockyard.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterStockyard {
    /// The yard's id; no lease has it.
    #[schemars(with = "String")]
    pub yard: YardId,
    /// LGD code of the district.
    pub district: DistrictCode,
    /// LGD code of the community development block.
    pub development_block: Option<BlockCode>,
}

impl RegisterStockyard {
    /// Where it lies.
    pub fn place(&self) -> Place {
        site_place(self.district, self.development_block, &self.yard)
    }
}

/// A yard's balance of one mineral. Always: `reserved_kg` ≤ `balance_kg` (M10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, SchemaWrite, SchemaRead, Serialize)]
pub struct Stock {
    /// What lies there, kg.
    pub balance_kg: Kilograms,
    /// Of that, reserved by challans that have not passed the gate, kg.
    pub reserved_kg: Kilograms,
}

/// The yard, refused with M10 if there is none.
pub(super) fn load(state: &Overlay<'_>, id: &YardId) -> Result<RegisterStockyard, Refusal> {
    state.get_value(&yard_key(id))?.or_reject("M10", || format!("there is no stockyard {id}"))
}

pub(super) fn register(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &RegisterStockyard,
) -> Result<Outcome, Refusal> {
    let acting = authorise(state, context, posting, &[Role::MineralOfficer], &call.place())?;
    plain("stockyard", call.yard.as_str())?;
    unused(state, &yard_key(&call.yard), "stockyard", &call.yard)?;
    unused(state, &lease_key(&call.yard), "lease", &call.yard)?;
    state.put_value(yard_key(&call.yard), call);
    let mut outcome = acting.outcome();
    outcome.event("mineral.stockyard_registered", subject("stockyard", &call.yard));
    Ok(outcome)
}

/// The balance of one mineral.
pub(super) fn stock(state: &Overlay<'_>, yard: &YardId, mineral: &MineralCode) -> Result<Stock, Refusal> {
    Ok(state.get_value(&stock_key(yard, mineral))?.unwrap_or_default())
}

/// Sets a balance; refused with M10 if more is reserved than lies there.
pub(super) fn set_stock(
    state: &mut Overlay<'_>,
    yard: &YardId,
    mineral: &MineralCode,
    stock: &Stock,
) -> Result<(), Refusal> {
    require(stock.reserved_kg <= stock.balance_kg, "M10", || {
        format!("stockyard {yard} has {} kg of {mineral}, not {} kg", stock.balance_kg.0, stock.reserved_kg.0)
    })?;
    state.put_value(stock_key(yard, mineral), stock);
    Ok(())
}

/// Takes a load in.
pub(super) fn take_in(
    state: &mut Overlay<'_>,
    yard: &YardId,
    mineral: &MineralCode,
    load: Kilograms,
) -> Result<(), Refusal> {
    let mut stock = stock(state, yard, mineral)?;
    stock.balance_kg =
        stock.balance_kg.checked_add(load).or_reject("M10", || format!("stockyard {yard} cannot hold so much"))?;
    set_stock(state, yard, mineral, &stock)
}
