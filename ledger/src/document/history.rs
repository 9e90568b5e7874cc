//! What happened to a document, each with the log index of its record: for each an inclusion receipt can be fetched.

use serde::{Deserialize, Serialize};

use super::{DocumentEntry, Slots, Standing};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Happening {
    /// It was issued.
    Issued,
    /// Its standing changed.
    Standing(Standing),
    /// Its validity was prolonged.
    Extended,
    /// An order struck its class.
    ClassStruck,
    /// A court stayed the strike.
    StrikeStayed,
    /// The stay ended: the strike has effect again.
    StayLifted,
    /// What it was drawn from changed.
    SourceChanged,
}

/// One thing that happened to a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HistoryEvent {
    /// What.
    pub what: Happening,
    /// Block time of the record, UTC milliseconds.
    pub recorded_at_ms: u64,
    /// Day of legal effect, UTC milliseconds; of an extension the new end.
    pub effective_from_ms: u64,
    /// Coarse reason, where the record gives one.
    pub reason: Option<String>,
    /// Log index of the record.
    pub record: u64,
}

/// All that happened to `entry` by what was recorded until `known_at_ms`, in the order of the records.
pub fn history(entry: &DocumentEntry, slots: &Slots, known_at_ms: u64) -> Vec<HistoryEvent> {
    let event = |what, recorded_at_ms, effective_from_ms, record| HistoryEvent {
        what,
        recorded_at_ms,
        effective_from_ms,
        reason: None,
        record,
    };
    let mut events = vec![event(Happening::Issued, entry.issued_at_ms, entry.valid_from_ms, entry.record)];
    events.extend(entry.events.iter().map(|change| HistoryEvent {
        reason: Some(change.reason.to_string()),
        ..event(Happening::Standing(change.standing), change.recorded_at_ms, change.effective_from_ms, change.record)
    }));
    events.extend(entry.extensions.iter().map(|extension| HistoryEvent {
        reason: Some(extension.reason.to_string()),
        ..event(Happening::Extended, extension.recorded_at_ms, extension.valid_until_ms, extension.record)
    }));
    let strikes = slots.strikes.iter().flat_map(|slot| &slot.strikes);
    for strike in strikes.filter(|strike| strike.is_about(entry.valid_from_ms)) {
        let (at_ms, from_ms) = (strike.recorded_at_ms, strike.effective_from_ms);
        events.push(event(Happening::ClassStruck, at_ms, from_ms, strike.record));
        for (place, turn) in strike.turns.iter().enumerate() {
            let what = if place % 2 == 0 { Happening::StrikeStayed } else { Happening::StayLifted };
            events.push(event(what, turn.recorded_at_ms, turn.recorded_at_ms, turn.record));
        }
    }
    for left in slots.left.iter().flatten() {
        events.push(event(Happening::SourceChanged, left.recorded_at_ms, left.effective_from_ms, left.record));
    }
    events.retain(|event| event.recorded_at_ms <= known_at_ms);
    events.sort_by_key(|event| event.record);
    // One order may strike several classes of one document; it is still one record.
    events.dedup();
    events
}
