//! What the log says of a thing's way: the records about it, each with what happened, when and where.
//!
//! The node's index of a subject's records is no part of the state, so no receipt proves that the list is whole. Each record in
//! it stands in the log, which its inclusion receipt proves.

use dalil_contracts::authority::Place;
use dalil_contracts::mineral::MineralCall;
use dalil_contracts::{Call, Invocation};
use dalil_ledger::block::{Entry, Header, Height};
use dalil_ledger::document::SubjectId;
use dalil_ledger::log::LogIndex;
use dalil_ledger::store::StoreError;

use super::ServiceError;
use super::head::Head;
use crate::core::happened::Happened;

/// The most records of one journey.
pub const STEPS_MAX: usize = 64;

/// What the records about a thing say, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journey {
    /// The records.
    pub legs: Vec<Leg>,
    /// Whether there are more than these.
    pub more: bool,
}

/// What one record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    /// Its log index.
    pub record: LogIndex,
    /// Block time, UTC milliseconds.
    pub recorded_at_ms: u64,
    /// What happened to the thing, by kinds of events ([`dalil_contracts::events::KINDS`]).
    pub kinds: Vec<String>,
    /// Where the officer acted; none where it is no matter of a place.
    pub place: Option<Place>,
    /// What the record adds.
    pub point: Waypoint,
}

/// What a record of the road adds to its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waypoint {
    /// Nothing.
    Bare,
    /// A weight, kg: at the gate, or at the destination.
    Weighed(u64),
    /// A check on the road.
    Checked {
        /// The checkpost or patrol.
        post: String,
        /// When, UTC milliseconds; the claim of officer or device.
        observed_at_ms: u64,
    },
    /// The works bill that accounts for it.
    Billed(String),
    /// So many minutes more.
    Extended(u32),
}

impl Waypoint {
    fn of(call: &Call) -> Self {
        let Call::Mineral(call) = call else { return Self::Bare };
        match call {
            MineralCall::GateOut(gate) => {
                gate.gross_kg.checked_sub(gate.tare_kg).map_or(Self::Bare, |net| Self::Weighed(net.0))
            }
            MineralCall::DeliverChallan(delivery) => {
                delivery.received_kg.map_or(Self::Bare, |received| Self::Weighed(received.0))
            }
            MineralCall::CheckChallan(check) => {
                Self::Checked { post: check.place.post.to_string(), observed_at_ms: check.observed_at_ms }
            }
            MineralCall::RedeemChallan(redemption) => Self::Billed(redemption.bill.to_string()),
            MineralCall::ExtendChallan(extension) => Self::Extended(extension.minutes),
            _ => Self::Bare,
        }
    }
}

impl Head {
    /// The journey of `subject` from the log index `first` on, that of its first record or before.
    pub fn journey(&self, subject: &SubjectId, first: LogIndex) -> Result<Journey, ServiceError> {
        let mut indexes = self.view().history(subject, first, STEPS_MAX + 1)?;
        let more = indexes.len() > STEPS_MAX;
        indexes.truncate(STEPS_MAX);
        let legs = indexes.into_iter().map(|index| self.leg(subject, index)).collect::<Result<_, _>>()?;
        Ok(Journey { legs, more })
    }

    fn leg(&self, subject: &SubjectId, index: LogIndex) -> Result<Leg, ServiceError> {
        let (recorded_at_ms, happened) = (self.time_of(index)?, self.happened(index)?);
        let about = happened.iter().flat_map(Happened::events).filter(|(_, about)| *about == subject);
        let kinds = about.map(|(kind, _)| kind.to_owned()).collect();
        let point = match self.view().entry(index)? {
            Some(Entry::Record(record)) => {
                Invocation::decode(&record.body.call).map_or(Waypoint::Bare, |said| Waypoint::of(&said.call))
            }
            _ => Waypoint::Bare,
        };
        let place = happened.and_then(|happened| happened.place);
        Ok(Leg { record: index, recorded_at_ms, kinds, place, point })
    }

    /// What happened at a log index; none where nothing did, or where this node does not hold it.
    pub fn happened(&self, index: LogIndex) -> Result<Option<Happened>, ServiceError> {
        if index < self.view().first_events() {
            return Ok(None);
        }
        let found = self.view().events(index, 1)?.into_iter().find(|(at, _)| *at == index);
        let decoded = found.map(|(_, bytes)| Happened::decode(&bytes)).transpose();
        decoded.map_err(|_| ServiceError::Inconsistent("events that do not decode"))
    }

    /// Block time of the entry at `index`, UTC milliseconds.
    pub fn time_of(&self, index: LogIndex) -> Result<u64, ServiceError> {
        if let Some(happened) = self.happened(index)? {
            return Ok(happened.time_ms);
        }
        let block = self.block_of(index)?;
        let beyond = || ServiceError::NotFound(format!("entry {index} is not under this head"));
        block.map(|(_, header)| header.timestamp_ms).ok_or_else(beyond)
    }

    /// The block in which the entry at `index` stands, the header's own entry included; none beyond the head.
    pub fn block_of(&self, index: LogIndex) -> Result<Option<(Height, Header)>, ServiceError> {
        let view = self.view();
        if index >= view.log_size() {
            return Ok(None);
        }
        if index < view.base().index {
            return Err(StoreError::NotHeld { first: view.base().index }.into());
        }
        // The first block whose header stands at the index or behind it.
        let (mut low, mut high) = (view.base().height, view.head().height);
        while low < high {
            let middle = low + (high - low) / 2;
            let header = self.header(middle)?;
            if header.entry_index() < index { low = middle + 1 } else { high = middle }
        }
        Ok(Some((low, self.header(low)?)))
    }

    fn header(&self, height: Height) -> Result<Header, ServiceError> {
        self.view().header(height)?.ok_or(ServiceError::Inconsistent("a block below the head is missing"))
    }
}
