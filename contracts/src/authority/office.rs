//! Offices of a department: opened, given another jurisdiction, and closed by its administrator.
//!
//! An act is judged by the office's jurisdiction at the time of its block. An office that was closed opens no more, for
//! its id stands on documents; a new one is opened instead.

use dalil_ledger::block::DepartmentId;
use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::document::OfficeId;
use dalil_ledger::state::{Overlay, StateView as _};
use serde::{Deserialize, Serialize};

use super::calls::{require_name, require_own};
use super::dated::Timeline;
use super::place::Jurisdiction;
use super::posting::Acting;
use crate::context::Context;
use crate::refusal::{OrReject as _, Refusal, require};

/// The most places that one jurisdiction names: West Bengal has 23 districts and 345 blocks.
pub const PLACES_MAX: usize = 512;
/// The most dated jurisdictions that an office keeps: the one in force and those to come.
pub const JURISDICTIONS_MAX: usize = 8;

/// An office at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Office {
    /// The department.
    pub department: DepartmentId,
    /// The office's id, unique in the state.
    pub id: OfficeId,
    /// Where it may act.
    pub jurisdiction: Jurisdiction,
}

/// An office as the state knows it.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
pub struct OfficeRecord {
    /// The department.
    pub department: DepartmentId,
    /// The office's id, unique in the state.
    pub id: OfficeId,
    /// Where it may act: now, and from times to come on.
    pub jurisdictions: Timeline<Jurisdiction>,
    /// From when on it is closed, UTC milliseconds of block time.
    pub closed_from_ms: Option<u64>,
}

impl From<Office> for OfficeRecord {
    /// The record of an office that has had its jurisdiction from the beginning.
    fn from(office: Office) -> Self {
        let jurisdictions = Timeline::since(0, office.jurisdiction);
        Self { department: office.department, id: office.id, jurisdictions, closed_from_ms: None }
    }
}

/// State key of an office.
pub fn office_key(id: &OfficeId) -> Vec<u8> {
    format!("auth/office/{id}").into_bytes()
}

/// The office's record, refused with A1 if there is none.
pub fn office_record(state: &Overlay<'_>, id: &OfficeId) -> Result<OfficeRecord, Refusal> {
    state.get_value(&office_key(id))?.or_reject("A1", || format!("there is no office {id}"))
}

/// The office at the block's time, refused with A1 if there is none or it is closed.
pub fn office(state: &Overlay<'_>, context: &Context<'_>, id: &OfficeId) -> Result<Office, Refusal> {
    let record = office_record(state, id)?;
    record.require_open(context.time_ms)?;
    let jurisdiction = record.jurisdictions.at(context.time_ms).cloned();
    let jurisdiction = jurisdiction.or_reject("A1", || format!("office {id} has no jurisdiction yet"))?;
    Ok(Office { department: record.department, id: record.id, jurisdiction })
}

impl OfficeRecord {
    /// Refuses with A1 if the office is closed at `time_ms`.
    pub(super) fn require_open(&self, time_ms: u64) -> Result<(), Refusal> {
        let open = self.closed_from_ms.is_none_or(|closed| time_ms < closed);
        require(open, "A1", || format!("office {} is closed at this time", self.id))
    }
}

fn require_places(jurisdiction: &Jurisdiction) -> Result<(), Refusal> {
    require((1..=PLACES_MAX).contains(&jurisdiction.places()), "A2", || {
        format!("a jurisdiction names 1 to {PLACES_MAX} districts or blocks")
    })
}

/// Opens an office of `department`.
pub(super) fn open(
    state: &mut Overlay<'_>,
    department: &DepartmentId,
    id: &OfficeId,
    jurisdiction: &Jurisdiction,
) -> Result<(), Refusal> {
    require_name(id.as_str(), department)?;
    require_places(jurisdiction)?;
    require(state.get(&office_key(id))?.is_none(), "A2", || format!("office {id} exists already"))?;
    let office = Office { department: department.clone(), id: id.clone(), jurisdiction: jurisdiction.clone() };
    state.put_value(office_key(id), &OfficeRecord::from(office));
    Ok(())
}

/// Gives an office of the administrator's department another jurisdiction from `from_ms` on.
pub(super) fn change_jurisdiction(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    admin: &Acting,
    id: &OfficeId,
    jurisdiction: &Jurisdiction,
    from_ms: u64,
) -> Result<(), Refusal> {
    let mut record = office_record(state, id)?;
    require_own(admin, &record.department, &format!("office {id}"))?;
    require_places(jurisdiction)?;
    require(from_ms >= context.time_ms, "A8", || "a jurisdiction cannot change in the past".to_owned())?;
    record.require_open(from_ms)?;
    record.jurisdictions.forget_before(context.time_ms);
    let scheduled = record.jurisdictions.schedule(from_ms, jurisdiction.clone(), JURISDICTIONS_MAX);
    scheduled.ok().or_reject("A8", || {
        format!("office {id} has another jurisdiction from that time on, or {JURISDICTIONS_MAX} of them")
    })?;
    state.put_value(office_key(id), &record);
    Ok(())
}

/// Closes an office of the administrator's department from `from_ms` on: nobody acts for it any more.
pub(super) fn close(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    admin: &Acting,
    id: &OfficeId,
    from_ms: u64,
) -> Result<(), Refusal> {
    let mut record = office_record(state, id)?;
    require_own(admin, &record.department, &format!("office {id}"))?;
    require(from_ms >= context.time_ms, "A8", || "an office cannot close in the past".to_owned())?;
    require(record.closed_from_ms.is_none_or(|closed| from_ms < closed), "A8", || {
        format!("office {id} closes no later than that already")
    })?;
    record.closed_from_ms = Some(from_ms);
    state.put_value(office_key(id), &record);
    Ok(())
}
