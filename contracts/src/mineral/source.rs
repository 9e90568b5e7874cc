//! What a challan draws on: a permit of a lease, or a stockyard. One set of books for both: reserve at issue, settle at
//! the gate, give back when nothing left (M1, M10). A load that enters from another state draws on nothing here.

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::document::SubjectId;
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authority::{Acting, Jurisdiction, Place, PostingId, Role, authorise};
use crate::context::Context;
use crate::mineral::keys::permit_key;
use crate::mineral::permit::{self, Permit};
use crate::mineral::quantity::Heads;
use crate::mineral::types::{LeaseId, MineralCode, PermitId, YardId, subject};
use crate::mineral::{lease, yard};
use crate::refusal::{OrReject as _, Refusal, require};
use crate::units::Kilograms;

/// What a challan draws on.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A permit.
    Permit(#[schemars(with = "String")] PermitId),
    /// A stockyard.
    Stockyard(#[schemars(with = "String")] YardId),
    /// Nothing of this state: the load enters from another one under that state's pass, at this stockyard, whose agent
    /// issues.
    Entry(#[schemars(with = "String")] YardId),
}

impl Source {
    /// As the subject of a record.
    pub(super) fn subject(&self) -> SubjectId {
        match self {
            Self::Permit(permit) => subject("permit", permit),
            Self::Stockyard(yard) | Self::Entry(yard) => subject("stockyard", yard),
        }
    }
}

/// The lease or stockyard behind a source.
#[derive(Debug, Clone)]
pub(super) struct Site {
    /// Its id.
    pub(super) id: LeaseId,
    /// Where it lies.
    place: Place,
}

/// The site of `source`.
pub(super) fn site(state: &Overlay<'_>, source: &Source) -> Result<Site, Refusal> {
    let place = match source {
        Source::Permit(permit) => {
            let lease = permit::load(state, permit)?.granted.lease;
            lease::load(state, &lease)?.place()
        }
        Source::Stockyard(yard) | Source::Entry(yard) => yard::load(state, yard)?.place(),
    };
    let id = place.lease.clone().or_reject("M9", || "a challan leaves from a lease or a stockyard".to_owned())?;
    Ok(Site { id, place })
}

/// Checks that an agent bound to exactly this site acts (A1, A2, A7). A lessee's agent with an office for a whole
/// district would act for its competitors.
pub(super) fn authorise_agent(
    state: &Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    site: &Site,
) -> Result<Acting, Refusal> {
    let acting = authorise(state, context, posting, &[Role::LesseeAgent], &site.place)?;
    let bound = acting.office.jurisdiction == Jurisdiction::Lease(site.id.clone());
    require(bound, "A2", || format!("posting {posting} is not bound to {} alone", site.id))?;
    Ok(acting)
}

/// Refuses a source from which nothing may leave now: lease not active, other mineral, monsoon (M9), window (M1).
pub(super) fn require_open(
    state: &Overlay<'_>,
    context: &Context<'_>,
    source: &Source,
    mineral: &MineralCode,
) -> Result<(), Refusal> {
    let Source::Permit(id) = source else { return Ok(()) };
    let granted = permit::load(state, id)?.granted;
    let lease = lease::load(state, &granted.lease)?;
    lease.require_active(context)?;
    lease.require_mineral(mineral)?;
    require(granted.mineral == *mineral, "M9", || format!("permit {id} is for {}, not {mineral}", granted.mineral))?;
    lease.require_no_monsoon(context)?;
    let open = (granted.from_ms..granted.until_ms).contains(&context.time_ms);
    require(open, "M1", || format!("permit {id} is not within its window"))
}

/// What was levied on `load` of a source, by head: its part of the permit's levies.
pub(super) fn amounts(state: &Overlay<'_>, source: &Source, load: Kilograms) -> Result<Heads, Refusal> {
    let Source::Permit(id) = source else { return Ok(Heads::default()) };
    let permit = permit::load(state, id)?;
    Ok(permit.levied.part(load, permit.total_kg))
}

/// A weight that left the books cannot be given back twice.
fn minus(value: Kilograms, part: Kilograms) -> Result<Kilograms, Refusal> {
    value.checked_sub(part).or_reject("M1", || format!("{} kg are on the books, not {} kg", value.0, part.0))
}

fn plus(value: Kilograms, part: Kilograms) -> Result<Kilograms, Refusal> {
    value.checked_add(part).or_reject("M1", || "the sum of weights is too large".to_owned())
}

/// Saves a permit; refused with M1 if it is overdrawn.
fn save_permit(state: &mut Overlay<'_>, permit: &Permit) -> Result<(), Refusal> {
    let sum = plus(permit.reserved_kg, permit.drawn_kg)?;
    require(sum <= permit.total_kg, "M1", || {
        let (id, total) = (&permit.granted.permit, permit.total_kg.0);
        format!("permit {id} is for {total} kg; reserved and carried would be {} kg", sum.0)
    })?;
    state.put_value(permit_key(&permit.granted.permit), permit);
    Ok(())
}

/// Moves `reserved` off the reservations of `source` and `net` onto what has left, after adding `more` reservations.
fn book(
    state: &mut Overlay<'_>,
    source: &Source,
    mineral: &MineralCode,
    more: Kilograms,
    reserved: Kilograms,
    net: Kilograms,
) -> Result<(), Refusal> {
    match source {
        Source::Permit(id) => {
            let mut permit = permit::load(state, id)?;
            permit.reserved_kg = minus(plus(permit.reserved_kg, more)?, reserved)?;
            permit.drawn_kg = plus(permit.drawn_kg, net)?;
            save_permit(state, &permit)
        }
        Source::Stockyard(id) => {
            let mut stock = yard::stock(state, id, mineral)?;
            stock.reserved_kg = minus(plus(stock.reserved_kg, more)?, reserved)?;
            stock.balance_kg = stock
                .balance_kg
                .checked_sub(net)
                .or_reject("M10", || format!("stockyard {id} has less than {} kg of {mineral}", net.0))?;
            yard::set_stock(state, id, mineral, &stock)
        }
        Source::Entry(_) => Ok(()),
    }
}

/// Reserves a load (M1, M10).
pub(super) fn reserve(
    state: &mut Overlay<'_>,
    source: &Source,
    mineral: &MineralCode,
    load: Kilograms,
) -> Result<(), Refusal> {
    book(state, source, mineral, load, Kilograms::default(), Kilograms::default())
}

/// Turns a reservation into the net weight that passed the gate (M1, M10).
pub(super) fn settle(
    state: &mut Overlay<'_>,
    source: &Source,
    mineral: &MineralCode,
    reserved: Kilograms,
    net: Kilograms,
) -> Result<(), Refusal> {
    book(state, source, mineral, Kilograms::default(), reserved, net)
}

/// Gives a reservation back of which nothing left.
pub(super) fn give_back(
    state: &mut Overlay<'_>,
    source: &Source,
    mineral: &MineralCode,
    reserved: Kilograms,
) -> Result<(), Refusal> {
    book(state, source, mineral, Kilograms::default(), reserved, Kilograms::default())
}
