//! The docket of each seat: the cases that wait for an office, by stage, oldest first, against the statutory clock.
//!
//! A *seat* is the block, or the city part of a district, whose land office hears a mouza's cases. Its docket is a list of
//! pages linked in both directions, in the order in which cases came to wait, so that a move writes the docket's head and
//! one page however many cases are open. `sync` is called whenever a case is stored, and is the only writer.

use std::fmt;

use dalil_ledger::codec::{SchemaRead, SchemaWrite, Set};
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::case::{CaseState, MutationCase};
use super::keys::{CaseId, districts_key, docket_key, docket_page_key, seats_key};
use super::office::mouza;
use super::types::Mouza;
use crate::authority::Place;
use crate::authority::parameters::parameter_u64;
use crate::authority::place::{BlockCode, DistrictCode};
use crate::context::Context;
use crate::refusal::{OrReject as _, Refusal, require};
use crate::units::DAY_MS;

/// Parameter: within how many days a case is to be decided, from filing or appeal.
pub const CLOCK: &str = "land/mutation_clock_days";
/// Parameter: the same where somebody objected.
pub const CLOCK_CONTESTED: &str = "land/mutation_clock_contested_days";
/// The most cases on a page.
pub const PAGE_CASES_MAX: usize = 32;
/// The most blocks of a district.
pub const BLOCKS_MAX: usize = 64;
/// The most districts.
pub const DISTRICTS_MAX: usize = 64;

/// The states in which a case waits for an office, in the order of the mutation table.
pub const STAGES: [CaseState; 7] = [
    CaseState::Filed,
    CaseState::FeeSettled,
    CaseState::Enquired,
    CaseState::Noticed,
    CaseState::Heard,
    CaseState::AppealedAllowed,
    CaseState::AppealedRejected,
];

/// Whose docket: a block's, or that of a district's mouzas outside blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Seat {
    /// A block, by LGD code.
    Block(BlockCode),
    /// The cities of a district, by LGD code.
    City(DistrictCode),
}

impl fmt::Display for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Block(code) => write!(f, "block/{code}"),
            Self::City(code) => write!(f, "city/{code}"),
        }
    }
}

impl From<&Place> for Seat {
    fn from(place: &Place) -> Self {
        place.block.map_or(Self::City(place.district), Self::Block)
    }
}

/// The seats of a district that have a registered mouza.
#[derive(Debug, Clone, PartialEq, Eq, Default, SchemaWrite, SchemaRead, Serialize, Deserialize)]
pub struct Seats {
    /// Blocks.
    pub blocks: Set<BlockCode>,
    /// Whether there are mouzas outside blocks.
    pub city: bool,
}

/// The head of a docket.
#[derive(Debug, Clone, PartialEq, Eq, Default, SchemaWrite, SchemaRead, Serialize, Deserialize)]
pub struct Docket {
    /// The page with the oldest cases.
    pub first: Option<u64>,
    /// The page that new cases go to.
    pub last: Option<u64>,
    /// Number of the next page.
    pub next: u64,
    /// How many cases wait in each of [`STAGES`].
    pub counts: [u32; STAGES.len()],
}

/// A page of a docket.
#[derive(Debug, Clone, PartialEq, Eq, Default, SchemaWrite, SchemaRead, Serialize, Deserialize)]
pub struct DocketPage {
    /// The page of older cases.
    pub before: Option<u64>,
    /// The page of newer cases.
    pub after: Option<u64>,
    /// The cases, oldest first.
    pub cases: Vec<Waiting>,
}

/// A case that waits.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
pub struct Waiting {
    /// The case.
    pub case: CaseId,
    /// Where it stands.
    pub stage: CaseState,
    /// Since when it waits: its filing, or the appeal. UTC milliseconds.
    pub since_ms: u64,
    /// When it came to its stage, UTC milliseconds.
    pub entered_ms: u64,
    /// When the clock lapses, UTC milliseconds, by the parameter in force when it began to wait or was contested.
    pub due_ms: u64,
    /// Whether somebody ever objected.
    pub contested: bool,
    /// Whether a court stays it: it cannot move.
    pub stayed: bool,
}

fn stage_of(state: CaseState) -> Option<usize> {
    STAGES.iter().position(|stage| *stage == state)
}

/// Enters the mouza's seat in the lists from which a district or the state is looked through.
pub(super) fn seat(state: &mut Overlay<'_>, mouza: &Mouza) -> Result<(), Refusal> {
    let mut seats: Seats = state.get_value(&seats_key(mouza.district))?.unwrap_or_default();
    let before = seats.clone();
    match mouza.block {
        Some(block) => seats.blocks = seats.blocks.iter().copied().chain([block]).collect(),
        None => seats.city = true,
    }
    require(seats.blocks.len() <= BLOCKS_MAX, "D1", || {
        format!("district {} has {BLOCKS_MAX} blocks already", mouza.district)
    })?;
    if seats == before {
        return Ok(());
    }
    state.put_value(seats_key(mouza.district), &seats);
    let districts: Set<DistrictCode> = state.get_value(&districts_key())?.unwrap_or_default();
    if !districts.contains(&mouza.district) {
        require(districts.len() < DISTRICTS_MAX, "D1", || format!("there are {DISTRICTS_MAX} districts already"))?;
        let districts: Set<DistrictCode> = districts.iter().copied().chain([mouza.district]).collect();
        state.put_value(districts_key(), &districts);
    }
    Ok(())
}

/// Brings the docket to where the case stands now: entered, moved to its stage, or taken off.
pub(super) fn sync(state: &mut Overlay<'_>, context: &Context<'_>, record: &mut MutationCase) -> Result<(), Refusal> {
    let stage = stage_of(record.state);
    if stage.is_none() && record.docket_page.is_none() {
        return Ok(());
    }
    let seat = Seat::from(&mouza(state, &record.mouza)?.place());
    let mut docket: Docket = state.get_value(&docket_key(&seat))?.unwrap_or_default();
    match (record.docket_page, stage) {
        (None, Some(stage)) => {
            record.docket_page = Some(docket.append(state, context, &seat, record)?);
            docket.count(stage, 1)?;
        }
        (Some(number), to) => {
            let mut page = page(state, &seat, number)?;
            let at = page.cases.iter().position(|waiting| waiting.case == record.id);
            let at = at.or_reject("D2", || format!("case {} is not on its page of the docket", record.id))?;
            if let Some(from) = stage_of(page.cases[at].stage) {
                docket.count(from, -1)?;
            }
            if let Some(to) = to {
                docket.count(to, 1)?;
                page.cases[at].update(state, context, record)?;
                state.put_value(docket_page_key(&seat, number), &page);
            } else {
                page.cases.remove(at);
                docket.shrink(state, &seat, number, page)?;
                record.docket_page = None;
            }
        }
        (None, None) => {}
    }
    state.put_value(docket_key(&seat), &docket);
    Ok(())
}

fn page(state: &Overlay<'_>, seat: &Seat, number: u64) -> Result<DocketPage, Refusal> {
    state.get_value(&docket_page_key(seat, number))?.or_reject("D2", || format!("docket {seat} has no page {number}"))
}

impl Docket {
    fn count(&mut self, stage: usize, by: i32) -> Result<(), Refusal> {
        let count = self.counts[stage].checked_add_signed(by);
        self.counts[stage] = count.or_reject("D2", || "the docket's counts do not add up".to_owned())?;
        Ok(())
    }

    /// Puts a case on the last page, or on a new one, and returns the page's number.
    fn append(
        &mut self,
        state: &mut Overlay<'_>,
        context: &Context<'_>,
        seat: &Seat,
        record: &MutationCase,
    ) -> Result<u64, Refusal> {
        let mut waiting = Waiting {
            case: record.id.clone(),
            stage: record.state,
            since_ms: context.time_ms,
            entered_ms: context.time_ms,
            due_ms: due(state, context, CLOCK, context.time_ms)?,
            contested: false,
            stayed: false,
        };
        waiting.update(state, context, record)?;
        if let Some(number) = self.last {
            let mut last = page(state, seat, number)?;
            if last.cases.len() < PAGE_CASES_MAX {
                last.cases.push(waiting);
                state.put_value(docket_page_key(seat, number), &last);
                return Ok(number);
            }
            last.after = Some(self.next);
            state.put_value(docket_page_key(seat, number), &last);
        }
        let (number, before) = (self.next, self.last);
        self.next += 1;
        self.last = Some(number);
        self.first = self.first.or(self.last);
        state.put_value(docket_page_key(seat, number), &DocketPage { before, after: None, cases: vec![waiting] });
        Ok(number)
    }

    /// Writes a page that lost a case; an empty one leaves the list.
    fn shrink(&mut self, state: &mut Overlay<'_>, seat: &Seat, number: u64, shrunk: DocketPage) -> Result<(), Refusal> {
        if !shrunk.cases.is_empty() {
            state.put_value(docket_page_key(seat, number), &shrunk);
            return Ok(());
        }
        state.delete(docket_page_key(seat, number));
        match shrunk.before {
            None => self.first = shrunk.after,
            Some(before) => {
                let neighbour = DocketPage { after: shrunk.after, ..page(state, seat, before)? };
                state.put_value(docket_page_key(seat, before), &neighbour);
            }
        }
        match shrunk.after {
            None => self.last = shrunk.before,
            Some(after) => {
                let neighbour = DocketPage { before: shrunk.before, ..page(state, seat, after)? };
                state.put_value(docket_page_key(seat, after), &neighbour);
            }
        }
        Ok(())
    }
}

impl Waiting {
    fn update(&mut self, state: &Overlay<'_>, context: &Context<'_>, record: &MutationCase) -> Result<(), Refusal> {
        (self.stage, self.entered_ms) = (record.state, record.entered_ms);
        self.stayed = !record.stays.is_empty();
        if !self.contested && !record.objections.is_empty() {
            self.contested = true;
            self.due_ms = due(state, context, CLOCK_CONTESTED, self.since_ms)?;
        }
        Ok(())
    }
}

/// When the clock of a case that waits since `since_ms` lapses.
fn due(state: &Overlay<'_>, context: &Context<'_>, clock: &str, since_ms: u64) -> Result<u64, Refusal> {
    let days = parameter_u64(state, context, clock)?;
    let due = days.checked_mul(DAY_MS).and_then(|span| since_ms.checked_add(span));
    due.or_reject("P1", || format!("parameter {clock} is out of range"))
}
