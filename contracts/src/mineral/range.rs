//! Ranges of challan numbers, allocated beforehand for a gate without a network (O2).
//!
//! The site's agent allocates a range: how many numbers, for how much of which mineral, for which device, from when until
//! when. The quantity is reserved at once, so that what leaves off the network can never exceed permit or stockyard. The
//! range's id holds at least 64 random bits; its numbers are `<range>-0001`, `<range>-0002` and so on. Whoever holds the
//! record of the allocation (an inclusion receipt) can check off the network that a challan is of the range and was signed
//! by the device named in it.
//!
//! | | |
//! |---|---|
//! | from … until | challans may be issued |
//! | until + `mineral/range/sync_min` | challans may still reach the ledger ([`super::offline`]); until then a number is pending |
//! | afterwards | what is not on record is not valid; `close` gives back what was not used |
//!
//! A range cannot be closed sooner: loads may be on the road under numbers that nobody has brought in yet.

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authority::PostingId;
use crate::authority::parameters::parameter_u64;
use crate::context::{Context, Outcome};
use crate::mineral::device::{self, DeviceId};
use crate::mineral::keys::{challan_key, range_key, void_key};
use crate::mineral::parameters::{RANGE_COUNT_MAX, RANGE_SYNC_MIN, RANGE_WINDOW_MIN_MAX, minutes_ms};
use crate::mineral::quantity::Quantity;
use crate::mineral::source::{self, Source};
use crate::mineral::types::{ChallanNumber, LeaseId, MineralCode, RangeId, plain, subject, unused};
use crate::refusal::{OrReject as _, Refusal, require};
use crate::units::Kilograms;

/// Digits of a serial number, at least.
const SERIAL_DIGITS: usize = 4;

/// Allocates a range of numbers.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AllocateRange {
    /// The range's id; at least 64 random bits.
    #[schemars(with = "String")]
    pub range: RangeId,
    /// What its challans draw on: a permit or a stockyard.
    pub source: Source,
    /// The mineral.
    #[schemars(with = "String")]
    pub mineral: MineralCode,
    /// The device that will issue, of the agent's office.
    #[schemars(with = "String")]
    pub device: DeviceId,
    /// How many numbers.
    pub count: u32,
    /// How much in all.
    pub quantity: Quantity,
    /// Start of the window of issue, UTC milliseconds.
    pub from_ms: u64,
    /// End of the window of issue (exclusive), UTC milliseconds.
    pub until_ms: u64,
}

/// Closes a range after its time and gives back what was not used.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseRange {
    /// The range.
    #[schemars(with = "String")]
    pub range: RangeId,
}

/// A range of numbers.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize)]
pub struct Range {
    /// What was allocated.
    pub allocated: AllocateRange,
    /// The lease or stockyard.
    pub site: LeaseId,
    /// Still reserved for numbers that are not on record, kg.
    pub free_kg: Kilograms,
    /// Time until which its challans may reach the ledger (exclusive), UTC milliseconds.
    pub sync_until_ms: u64,
    /// Whether what was not used has been given back.
    pub closed: bool,
}

/// The number's range and serial, if it is spelled like a number of a range.
pub fn split(number: &ChallanNumber) -> Option<(RangeId, u32)> {
    let (range, digits) = number.as_str().rsplit_once('-')?;
    let serial: u32 = digits.parse().ok()?;
    (format!("{serial:0SERIAL_DIGITS$}") == digits).then_some((range.parse().ok()?, serial))
}

fn find(state: &Overlay<'_>, id: &RangeId) -> Result<Option<Range>, Refusal> {
    Ok(state.get_value(&range_key(id))?)
}

/// The range to which a number was allocated, if there is one.
pub(super) fn of(state: &Overlay<'_>, number: &ChallanNumber) -> Result<Option<Range>, Refusal> {
    let Some((id, serial)) = split(number) else { return Ok(None) };
    let range = find(state, &id)?;
    Ok(range.filter(|range| (1..=range.allocated.count).contains(&serial)))
}

/// Refuses a number that looks like one of a range on record (D1): those are issued by the range's device alone.
pub(super) fn require_outside(state: &Overlay<'_>, number: &ChallanNumber) -> Result<(), Refusal> {
    let inside = match split(number) {
        Some((id, _)) => find(state, &id)?.is_some(),
        None => false,
    };
    require(!inside, "D1", || format!("challan number {number} belongs to a range"))
}

/// Whether a number that is not on record may still come in.
pub(super) fn is_pending(state: &Overlay<'_>, context: &Context<'_>, number: &ChallanNumber) -> Result<bool, Refusal> {
    Ok(of(state, number)?.is_some_and(|range| context.time_ms < range.sync_until_ms))
}

/// Takes `mass` for one of its numbers (O2).
pub(super) fn draw(state: &mut Overlay<'_>, mut range: Range, mass: Kilograms) -> Result<(), Refusal> {
    let id = range.allocated.range.clone();
    let left = range.free_kg.checked_sub(mass);
    range.free_kg = left.or_reject("O2", || {
        format!("range {id} is used up: {} kg are left of it, {} kg asked", range.free_kg.0, mass.0)
    })?;
    state.put_value(range_key(&id), &range);
    Ok(())
}

pub(super) fn allocate(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &AllocateRange,
) -> Result<Outcome, Refusal> {
    let site = source::site(state, &call.source)?;
    let acting = source::authorise_agent(state, context, posting, &site)?;
    plain("range", call.range.as_str())?;
    unused(state, &range_key(&call.range), "range", &call.range)?;
    let drawn = !matches!(call.source, Source::Entry(_));
    require(drawn, "O2", || "loads from another state are not issued from a range".to_owned())?;
    source::require_open(state, context, &call.source, &call.mineral)?;
    let device = device::load(state, &call.device)?;
    let here = device.office == acting.office.id;
    require(here, "O1", || format!("device {} serves office {}", call.device, device.office))?;

    let count_max = parameter_u64(state, context, RANGE_COUNT_MAX)?;
    require((1..=count_max).contains(&u64::from(call.count)), "O2", || {
        format!("{} numbers asked; a range has 1 to {count_max}", call.count)
    })?;
    let window_ms = minutes_ms(state, context, RANGE_WINDOW_MIN_MAX)?;
    let ahead = context.time_ms <= call.from_ms && call.from_ms < call.until_ms;
    require(ahead && call.until_ms - context.time_ms <= window_ms, "O2", || {
        format!("the window of a range begins now or later and ends within {} minutes", window_ms / 60_000)
    })?;
    let sync_until_ms = call.until_ms.checked_add(minutes_ms(state, context, RANGE_SYNC_MIN)?);
    let sync_until_ms = sync_until_ms.or_reject("O2", || "the window ends too late".to_owned())?;
    let free_kg = call.quantity.mass(state, context, &call.mineral)?;
    source::reserve(state, &call.source, &call.mineral, free_kg)?;
    let range = Range { allocated: call.clone(), site: site.id, free_kg, sync_until_ms, closed: false };
    state.put_value(range_key(&call.range), &range);
    device::mark(state, context, &call.device);
    let mut outcome = acting.outcome();
    outcome.event("mineral.range_allocated", subject("range", &call.range));
    outcome.about(call.source.subject());
    outcome.about(subject("device", call.device));
    Ok(outcome)
}

pub(super) fn close(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &CloseRange,
) -> Result<Outcome, Refusal> {
    let range = find(state, &call.range)?;
    let mut range = range.or_reject("O2", || format!("there is no range {}", call.range))?;
    let AllocateRange { source, mineral, .. } = &range.allocated;
    let acting = source::authorise_agent(state, context, posting, &source::site(state, source)?)?;
    require(!range.closed, "D2", || format!("range {} is closed already", call.range))?;
    require(context.time_ms >= range.sync_until_ms, "O2", || {
        format!("challans of range {} may still come in until {}", call.range, range.sync_until_ms)
    })?;
    source::give_back(state, source, mineral, range.free_kg)?;
    let mut outcome = acting.outcome();
    outcome.event("mineral.range_closed", subject("range", &call.range));
    outcome.about(source.subject());
    range.free_kg = Kilograms::default();
    range.closed = true;
    state.put_value(range_key(&call.range), &range);
    Ok(outcome)
}

/// Refuses a number that is on record or was entered as void (D1).
pub(super) fn require_unused(state: &Overlay<'_>, number: &ChallanNumber) -> Result<(), Refusal> {
    unused(state, &challan_key(number), "challan", number)?;
    unused(state, &void_key(number), "void challan", number)
}
