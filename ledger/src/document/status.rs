//! "Is this document genuine and in force?": one pure function of an entry, its slots and two times.

use serde::{Deserialize, Serialize};

use super::{DocumentEntry, Slots, Standing};

/// The answer to "is this document genuine and in force?".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// In force.
    Valid,
    /// Its validity has not begun.
    NotYetValid,
    /// Its validity is over.
    Expired,
    /// Not to be relied on for the time being.
    Suspended,
    /// Taken back.
    Revoked,
    /// Replaced by a newer document or by a newer state of what it was drawn from.
    Superseded,
    /// Used up.
    Consumed,
    /// Withdrawn before use.
    Cancelled,
    /// Held by an enforcement officer.
    Seized,
    /// The ledger knows no such document. Not the same as forged.
    NotOnRecord,
}

/// A status with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The status.
    pub status: Status,
    /// Coarse reason; every negative answer has one.
    pub reason: String,
    /// Since when, UTC milliseconds, where a recorded event says so.
    pub since_ms: Option<u64>,
}

/// The two times of a question: what held on a day, and by what was recorded until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The day of legal effect that is asked about, UTC milliseconds.
    pub as_of_ms: u64,
    /// Only what was recorded until then counts, UTC milliseconds.
    pub known_at_ms: u64,
}

impl Moment {
    /// The present, with all that is recorded by now.
    pub fn now(now_ms: u64) -> Self {
        Self::as_of(now_ms)
    }

    /// The legal effect on a day, as known now.
    pub fn as_of(as_of_ms: u64) -> Self {
        Self { as_of_ms, known_at_ms: u64::MAX }
    }

    /// What the ledger said at a time about that time.
    pub fn known_at(known_at_ms: u64) -> Self {
        Self { as_of_ms: known_at_ms, known_at_ms }
    }
}

/// The status of `entry` at `moment`, given the slots it depends on.
///
/// In this order: the last event in effect that ends the document; a class strike; a dependency that was left; a
/// suspension; the bounds of validity.
pub fn status(entry: &DocumentEntry, slots: &Slots, moment: Moment) -> Verdict {
    let Moment { as_of_ms, known_at_ms } = moment;
    let verdict = |status, reason: &str, since_ms| Verdict { status, reason: reason.to_owned(), since_ms };
    if entry.issued_at_ms > known_at_ms {
        return verdict(Status::NotOnRecord, "not_recorded_by_then", None);
    }
    let in_effect = |recorded: u64, effective: u64| recorded <= known_at_ms && effective <= as_of_ms;
    let last = entry.events.iter().rev().find(|event| in_effect(event.recorded_at_ms, event.effective_from_ms));
    let by_event = last.and_then(|event| {
        let status = match event.standing {
            Standing::Active => return None,
            Standing::Suspended => Status::Suspended,
            Standing::Revoked => Status::Revoked,
            Standing::Superseded => Status::Superseded,
            Standing::Consumed => Status::Consumed,
            Standing::Cancelled => Status::Cancelled,
            Standing::Seized => Status::Seized,
        };
        Some(verdict(status, event.reason.as_str(), Some(event.effective_from_ms)))
    });
    if let Some(ended) = by_event.as_ref().filter(|found| found.status != Status::Suspended) {
        return ended.clone();
    }
    let struck = slots.strikes.iter().flat_map(|slot| &slot.strikes).find(|strike| {
        let turns = strike.turns.iter().filter(|turn| in_effect(turn.recorded_at_ms, turn.recorded_at_ms)).count();
        strike.is_about(entry.valid_from_ms)
            && turns.is_multiple_of(2)
            && in_effect(strike.recorded_at_ms, strike.effective_from_ms)
    });
    if let Some(strike) = struck {
        return verdict(Status::Revoked, "class_struck", Some(strike.effective_from_ms));
    }
    let left = slots.left.iter().flatten().find(|left| in_effect(left.recorded_at_ms, left.effective_from_ms));
    if let Some(left) = left {
        return verdict(Status::Superseded, "source_changed", Some(left.effective_from_ms));
    }
    if let Some(suspended) = by_event {
        return suspended;
    }
    if as_of_ms < entry.valid_from_ms {
        return verdict(Status::NotYetValid, "before_validity", Some(entry.valid_from_ms));
    }
    match entry.ends_at_ms(known_at_ms) {
        Some(until) if as_of_ms >= until => verdict(Status::Expired, "validity_over", Some(until)),
        _ => verdict(Status::Valid, "in_force", Some(entry.valid_from_ms)),
    }
}
