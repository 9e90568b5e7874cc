//! A document's entry with its extensions, what it depends on, and the history that follows from them.
//!
//! An input is an entry, then a strikes slot or a mark for each key of its read set, each in canonical bytes with its
//! length before it; an empty one is absent. Oracle: what is recorded later changes nothing that was said before, and what
//! takes effect later nothing on a day before, in status and history alike: both are compared with those of an entry from
//! which all later things were taken away. Histories are in the order of their records and name only things that are there.

use std::collections::BTreeSet;

use dalil_ledger::document::{
    DOCUMENT_BYTES_MAX, DocumentEntry, Happening, HistoryEvent, Left, Moment, Slots, Standing, Status, StatusEvent,
    Strike, Strikes, history, read_set, status,
};

use crate::memory::bounded;
use crate::wire::{exact, survives_json};
use crate::{Input, Taken};

/// Moments that are asked about in one input, roughly.
const MOMENTS_MAX: usize = 256;

/// An entry and its slots.
pub fn document_history(bytes: &[u8]) -> Taken {
    let mut input = Input::new(bytes);
    let Some(entry) = exact::<DocumentEntry>(input.piece(), DOCUMENT_BYTES_MAX) else { return Taken::No };
    let keys = 0..read_set(&entry).len();
    let values: Vec<_> = keys.map(|_| Some(input.piece().to_vec()).filter(|value| !value.is_empty())).collect();
    let Ok(slots) = bounded(bytes, || Slots::decode(&entry, &values)) else { return Taken::No };
    // Contracts write a strike, its stays and their lifts in the order of their records.
    let in_order = |strike: &Strike| {
        let turns = strike.turns.iter().map(|turn| turn.recorded_at_ms);
        std::iter::once(strike.recorded_at_ms).chain(turns).is_sorted()
    };
    if !slots.strikes.iter().flat_map(|slot| &slot.strikes).all(in_order) {
        return Taken::No;
    }
    for moment in moments(&entry, &slots) {
        told_by_then(&entry, &slots, moment);
        effective_by_then(&entry, &slots, moment);
    }
    events(&entry, &slots);
    Taken::Yes
}

/// The moments around everything that happened.
fn moments(entry: &DocumentEntry, slots: &Slots) -> Vec<Moment> {
    let mut times = vec![0, entry.issued_at_ms, entry.valid_from_ms, u64::MAX];
    times.extend(entry.valid_until_ms);
    for event in history(entry, slots, u64::MAX) {
        times.extend([event.recorded_at_ms, event.effective_from_ms]);
    }
    let around: BTreeSet<u64> = times.iter().flat_map(|time| [time.saturating_sub(1), *time]).collect();
    let pairs = around.iter().flat_map(|as_of_ms| around.iter().map(|known_at_ms| (*as_of_ms, *known_at_ms)));
    let step = (around.len().pow(2) / MOMENTS_MAX).max(1);
    pairs.step_by(step).map(|(as_of_ms, known_at_ms)| Moment { as_of_ms, known_at_ms }).collect()
}

/// Entry and slots with only the things that `keep` keeps, by the time of their record and the day of their effect.
fn only(entry: &DocumentEntry, slots: &Slots, keep: impl Fn(u64, u64) -> bool) -> (DocumentEntry, Slots) {
    let (mut entry, mut slots) = (entry.clone(), slots.clone());
    entry.events.retain(|event| keep(event.recorded_at_ms, event.effective_from_ms));
    for slot in &mut slots.strikes {
        slot.strikes.retain(|strike| keep(strike.recorded_at_ms, strike.effective_from_ms));
        for strike in &mut slot.strikes {
            strike.turns.retain(|turn| keep(turn.recorded_at_ms, turn.recorded_at_ms));
        }
    }
    for slot in &mut slots.left {
        *slot = slot.take().filter(|left| keep(left.recorded_at_ms, left.effective_from_ms));
    }
    (entry, slots)
}

fn told_by_then(entry: &DocumentEntry, slots: &Slots, moment: Moment) {
    let verdict = status(entry, slots, moment);
    let Moment { as_of_ms, known_at_ms } = moment;
    let (mut earlier, slots_then) = only(entry, slots, |recorded, _| recorded <= known_at_ms);
    earlier.extensions.retain(|extension| extension.recorded_at_ms <= known_at_ms);
    assert_eq!(earlier.ends_at_ms(u64::MAX), entry.ends_at_ms(known_at_ms));
    if entry.issued_at_ms > known_at_ms {
        assert_eq!(verdict.status, Status::NotOnRecord);
        return;
    }
    assert_eq!(status(&earlier, &slots_then, Moment { as_of_ms, known_at_ms: u64::MAX }), verdict, "{moment:?}");
    let then = history(entry, slots, known_at_ms);
    assert_eq!(history(&earlier, &slots_then, u64::MAX), then);
    let mut now = history(entry, slots, u64::MAX);
    now.retain(|event| event.recorded_at_ms <= known_at_ms);
    now.dedup();
    assert_eq!(now, then, "{moment:?}");
}

fn effective_by_then(entry: &DocumentEntry, slots: &Slots, moment: Moment) {
    let verdict = status(entry, slots, moment);
    let (then, slots_then) = only(entry, slots, |_, effective| effective <= moment.as_of_ms);
    assert_eq!(status(&then, &slots_then, moment), verdict, "{moment:?}");
    assert!(!verdict.reason.is_empty());
    let by_day = matches!(verdict.status, Status::NotYetValid | Status::NotOnRecord);
    assert!(by_day || verdict.since_ms.is_none_or(|since_ms| since_ms <= moment.as_of_ms), "{verdict:?}");
    // An event that ends the document ends it whatever comes of strikes, sources and dates.
    let known = Moment { known_at_ms: u64::MAX, ..moment };
    let mut ended = entry.clone();
    let reason = "end".parse().unwrap();
    let (recorded_at_ms, effective_from_ms, record) = (u64::MAX, moment.as_of_ms, u64::MAX);
    ended.events.push(StatusEvent { standing: Standing::Revoked, recorded_at_ms, effective_from_ms, reason, record });
    assert_eq!(status(&ended, slots, known).status, Status::Revoked);
}

/// Every event of the history is one of the entry's or of a slot's, and none of them is missing.
fn events(entry: &DocumentEntry, slots: &Slots) {
    let told = history(entry, slots, u64::MAX);
    assert!(told.is_sorted_by_key(|event| event.record));
    told.iter().for_each(survives_json);
    let count = |what: fn(&Happening) -> bool| told.iter().filter(|event| what(&event.what)).count();
    let records = |what: Happening| told.iter().filter(move |event| event.what == what).map(|event| event.record);
    assert_eq!(records(Happening::Issued).collect::<Vec<_>>(), [entry.record]);
    assert!(count(|what| matches!(what, Happening::Standing(_))) <= entry.events.len());
    for event in &entry.events {
        assert!(records(Happening::Standing(event.standing)).any(|record| record == event.record));
    }
    for extension in &entry.extensions {
        let is = |event: &&HistoryEvent| {
            event.what == Happening::Extended && event.effective_from_ms == extension.valid_until_ms
        };
        assert!(told.iter().find(is).is_some(), "{extension:?}");
    }
    let strikes = slots.strikes.iter().flat_map(|slot: &Strikes| &slot.strikes);
    for strike in strikes {
        let about = strike.is_about(entry.valid_from_ms);
        assert!(!about || records(Happening::ClassStruck).any(|record| record == strike.record));
    }
    for left in slots.left.iter().flatten() {
        let Left { record, .. } = left;
        assert!(records(Happening::SourceChanged).any(|known| known == *record));
    }
}
