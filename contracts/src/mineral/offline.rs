//! Challans issued off the network, brought to the ledger later (O1, O2).
//!
//! At a gate without a network the site's device issues and weighs in one act, under a number of its range
//! ([`super::range`]), and seals the whole ([`super::device`]). Who is shown such a challan checks the seal against the
//! allocation; on the ledger its number is pending. When there is a network again the agent brings it (`sync`): it is
//! judged by every rule as at the time of its issue, and enters the books as a load that has left.
//!
//! **What a rule refuses stays refused.** Of two challans for one vehicle the first on record stands; the second, issued
//! off the network while the first was live, is refused with M3 like any other. But its load is on the road, and the
//! sealed challan is proof of that. So enforcement, which has it from the driver, puts it on record as **void**
//! (`report`): the number is used up and never becomes valid, what it carried is drawn from the range, and an alert
//! stands under number and vehicle with the code of the rule that it breaks. What could be synced cannot be reported.

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::crypto::PublicKey;
use dalil_ledger::document::ReasonCode;
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authority::place::DistrictCode;
use crate::authority::{Acting, Place, PostingId, Role, authorise};
use crate::context::{Context, Outcome};
use crate::mineral::challan::{Challan, IssuedOffline};
use crate::mineral::check::{self, Finding};
use crate::mineral::device::{Device, Purpose, Seal};
use crate::mineral::gate::{self, Weighing};
use crate::mineral::geo::Point;
use crate::mineral::issue::{self, IssueChallan};
use crate::mineral::keys::{bare_checks_key, checks_key, void_key};
use crate::mineral::range::{self, Range};
use crate::mineral::source::{self, Site};
use crate::mineral::types::{reason, subject};
use crate::refusal::{OrReject as _, Refusal, reject, require};
use crate::units::Kilograms;

/// What a device seals: a challan issued and let out off the network.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfflineChallan {
    /// The challan, under a number of the device's range.
    pub challan: IssueChallan,
    /// The weighing at the gate.
    pub weighed: Weighing,
    /// When it was issued, UTC milliseconds; the device's claim.
    pub observed_at_ms: u64,
    /// Where.
    pub place: Point,
}

/// Brings a challan that was issued off the network.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SyncChallan {
    /// What the device sealed.
    pub offline: OfflineChallan,
    /// The seal.
    pub seal: Seal,
}

/// Puts a challan on record as void that was issued off the network against a rule.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportChallan {
    /// What the device sealed.
    pub offline: OfflineChallan,
    /// The seal.
    pub seal: Seal,
    /// LGD code of the district in which it was shown.
    pub district: DistrictCode,
}

/// A challan on record as void.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize)]
pub struct VoidChallan {
    /// What the device sealed.
    pub offline: OfflineChallan,
    /// Code of the rule that it breaks.
    pub rule: ReasonCode,
    /// The officer who reported it.
    pub officer: PublicKey,
    /// Block time, UTC milliseconds.
    pub recorded_at_ms: u64,
    /// What was drawn from the range for it, kg.
    pub drawn_kg: Kilograms,
}

/// The range and the device of a sealed challan whose number is not used yet (O1, O2, D1).
fn authentic(
    state: &Overlay<'_>,
    context: &Context<'_>,
    offline: &OfflineChallan,
    seal: &Seal,
) -> Result<(Range, Device), Refusal> {
    let number = &offline.challan.number;
    let range = range::of(state, number)?;
    let range = range.or_reject("O2", || format!("challan number {number} is of no range"))?;
    let id = &range.allocated.range;
    require(range.allocated.device == seal.device, "O2", || format!("range {id} is for another device"))?;
    let device = seal.verify(state, context, Purpose::Challan, offline)?;
    range::require_unused(state, number)?;
    Ok((range, device))
}

/// Judges an authentic challan and enters it as a load on the road.
fn enter(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    acting: &Acting,
    site: &Site,
    (range, offline): (Range, &OfflineChallan),
) -> Result<Challan, Refusal> {
    let OfflineChallan { challan: call, weighed, observed_at_ms, place } = offline;
    let allocated = &range.allocated;
    require(place.exists(), "O1", || "there is no such place on the globe".to_owned())?;
    let of_range = call.source == allocated.source && call.mineral == allocated.mineral;
    require(of_range, "O2", || format!("range {} is for another source or mineral", allocated.range))?;
    let in_window = (allocated.from_ms..allocated.until_ms).contains(observed_at_ms);
    require(in_window, "O2", || format!("the challan was not issued in the window of range {}", allocated.range))?;
    require(context.time_ms < range.sync_until_ms, "O2", || {
        format!("challans of range {} were due before {}", allocated.range, range.sync_until_ms)
    })?;
    let id = allocated.range.clone();
    let then = Context { time_ms: *observed_at_ms, ..*context };
    let mass_kg = issue::admit(state, &then, call, site)?;
    range::draw(state, range, mass_kg)?;
    let mut challan = issue::enter(state, context, acting, site, call, mass_kg)?;
    challan.offline = Some(IssuedOffline { range: id, observed_at_ms: *observed_at_ms });
    gate::leave(state, &then, &mut challan, weighed)?;
    Ok(challan)
}

pub(super) fn sync(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &SyncChallan,
) -> Result<Outcome, Refusal> {
    let SyncChallan { offline, seal } = call;
    let site = source::site(state, &offline.challan.source)?;
    let acting = source::authorise_agent(state, context, posting, &site)?;
    let (range, device) = authentic(state, context, offline, seal)?;
    let window_ms = range.sync_until_ms.saturating_sub(range.allocated.from_ms);
    seal.advance(state, context, device, offline.observed_at_ms, window_ms)?;
    let range_subject = subject("range", &range.allocated.range);
    let challan = enter(state, context, &acting, &site, (range, offline))?;
    let mut outcome = challan.outcome(&acting, "mineral.challan_synced");
    outcome.about(challan.issued.source.subject());
    outcome.about(range_subject);
    Ok(outcome)
}

pub(super) fn report(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &ReportChallan,
) -> Result<Outcome, Refusal> {
    let acting = authorise(state, context, posting, &[Role::Enforcement], &Place::district(call.district))?;
    let ReportChallan { offline, seal, .. } = call;
    let number = &offline.challan.number;
    let (range, _) = authentic(state, context, offline, seal)?;
    let site = source::site(state, &range.allocated.source)?;
    let mut trial = Overlay::new(&*state);
    let broken = match enter(&mut trial, context, &acting, &site, (range.clone(), offline)) {
        // A missing parameter is no fault of the challan.
        Err(Refusal::Rule(broken)) if !broken.code.starts_with('P') => broken,
        Err(refusal) => return Err(refusal),
        Ok(_) => return reject("D2", format!("challan {number} breaks no rule; its issuer syncs it")),
    };
    // What left has left, whether the challan was lawful or not; as far as the range holds it.
    let net = offline.weighed.gross_kg.checked_sub(offline.weighed.tare_kg).unwrap_or_default();
    let drawn_kg = net.min(range.free_kg);
    source::settle(state, &range.allocated.source, &range.allocated.mineral, drawn_kg, drawn_kg)?;
    let range_subject = subject("range", &range.allocated.range);
    range::draw(state, range, drawn_kg)?;
    let (officer, recorded_at_ms) = (acting.posting.officer, context.time_ms);
    let void = VoidChallan { offline: offline.clone(), rule: reason(broken.code), officer, recorded_at_ms, drawn_kg };
    state.put_value(void_key(number), &void);
    let overlap = (broken.code == "M3").then_some(Finding::Overlap);
    for list in [checks_key(number), bare_checks_key(&offline.challan.vehicle)] {
        check::raise(state, list, [Finding::Void].into_iter().chain(overlap))?;
    }
    let mut outcome = acting.outcome();
    outcome.event("mineral.challan_void", subject("challan", number));
    outcome.about(subject("vehicle", offline.challan.vehicle));
    outcome.about(range_subject);
    Ok(outcome)
}
