//! Pendency: the mutation cases that wait for an office, by stage, oldest first, against the statutory clock.

use std::collections::BTreeSet;

use dalil_ledger::codec::Set;
use dalil_ledger::document::OfficeId;
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::case::CaseState;
use super::super::docket::{Docket, DocketPage, STAGES, Seat, Seats, Waiting};
use super::super::keys::{districts_key, docket_key, docket_page_key, seats_key};
use super::Extent;
use crate::authority::Jurisdiction;
use crate::authority::office::office_record;
use crate::authority::place::DistrictCode;
use crate::refusal::{OrReject as _, Refusal};
use crate::units::DAY_MS;

/// The most pages of dockets in one answer.
pub const PAGES_MAX: usize = 128;

/// The cases that wait for an office.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pendency {
    /// The office.
    pub office: OfficeId,
    /// For which moment overdue cases are counted, UTC milliseconds.
    pub as_of_ms: u64,
    /// How many wait, by stage, in each seat of the office's jurisdiction where one does: always all of them.
    pub seats: Vec<SeatCounts>,
    /// The cases, by seat, oldest first.
    pub cases: Vec<PendingCase>,
    /// Whether these are all; else the oldest of each seat that could be looked at.
    pub extent: Extent,
}

/// The numbers of one seat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SeatCounts {
    /// The block, or the cities of the district.
    pub seat: Seat,
    /// How many wait in each stage, in the order of the mutation table.
    pub stages: Vec<StageCount>,
}

/// How many cases wait in a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StageCount {
    /// The stage.
    pub stage: CaseState,
    /// The number.
    pub cases: u32,
}

/// A case that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PendingCase {
    /// Where.
    pub seat: Seat,
    /// The case, its stage and its clock.
    pub waiting: Waiting,
    /// Days begun since the clock lapsed; 0 within it.
    pub overdue_days: u64,
}

/// The pendency of an office as of `as_of_ms`; refused with A1 if there is no such office.
pub fn pendency(state: &Overlay<'_>, office: &OfficeId, as_of_ms: u64) -> Result<Pendency, Refusal> {
    let mut answer =
        Pendency { office: office.clone(), as_of_ms, seats: Vec::new(), cases: Vec::new(), extent: Extent::Complete };
    let mut pages = 0;
    let record = office_record(state, office)?;
    let jurisdiction = record.jurisdictions.at(as_of_ms);
    let jurisdiction = jurisdiction.or_reject("A1", || format!("office {office} has no jurisdiction at that time"))?;
    for seat in seats_of(state, jurisdiction)? {
        let docket: Option<Docket> = state.get_value(&docket_key(&seat))?;
        let Some(docket) = docket.filter(|docket| docket.first.is_some()) else { continue };
        let count = |(stage, cases): (&CaseState, &u32)| StageCount { stage: *stage, cases: *cases };
        let stages = STAGES.iter().zip(&docket.counts).map(count).collect();
        answer.seats.push(SeatCounts { seat, stages });
        let mut next = docket.first;
        while let Some(number) = next {
            if pages == PAGES_MAX {
                answer.extent = Extent::CutShort;
                break;
            }
            pages += 1;
            let page: DocketPage = state.get_value(&docket_page_key(&seat, number))?.unwrap_or_default();
            next = page.after;
            answer.cases.extend(page.cases.into_iter().map(|waiting| {
                let overdue_days = as_of_ms.saturating_sub(waiting.due_ms).div_ceil(DAY_MS);
                PendingCase { seat, waiting, overdue_days }
            }));
        }
    }
    Ok(answer)
}

/// The seats of a jurisdiction in which a mouza is registered.
fn seats_of(state: &Overlay<'_>, jurisdiction: &Jurisdiction) -> Result<BTreeSet<Seat>, Refusal> {
    let districts: Set<DistrictCode> = match jurisdiction {
        Jurisdiction::Blocks(blocks) => return Ok(blocks.iter().copied().map(Seat::Block).collect()),
        Jurisdiction::Lease(_) => return Ok(BTreeSet::new()),
        Jurisdiction::Districts(districts) => districts.clone(),
        Jurisdiction::State => state.get_value(&districts_key())?.unwrap_or_default(),
    };
    let mut found = BTreeSet::new();
    for district in districts.iter() {
        let seats: Seats = state.get_value(&seats_key(*district))?.unwrap_or_default();
        found.extend(seats.blocks.iter().copied().map(Seat::Block));
        found.extend(seats.city.then_some(Seat::City(*district)));
    }
    Ok(found)
}
