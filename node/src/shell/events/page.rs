//! One bounded read of events.

use dalil_contracts::Invocation;
use dalil_ledger::block::Entry;
use dalil_ledger::store::{LedgerView, StoreError};

use super::{EventId, Filter, Position, ShownEvent};
use crate::core::happened::Happened;

/// The most events in a page.
pub const PAGE_EVENTS_MAX: usize = 512;
/// The most log indexes that a page looks at.
const PAGE_INDEXES_MAX: usize = 4_096;
/// How many log indexes are read at a time; those of batches are long.
const READ_AT_ONCE: usize = 64;

/// Events in order, and where to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Those that fit.
    pub events: Vec<ShownEvent>,
    /// The next event to look at.
    pub next: Position,
}

/// Reads from `from` on what fits `filter`, up to the head of `view`. Refused with [`StoreError::NotHeld`] below what this
/// node holds.
pub fn page(view: &LedgerView, filter: &Filter, from: Position) -> Result<Page, StoreError> {
    let mut page = Page { events: Vec::new(), next: from };
    let mut looked_at = 0;
    while looked_at < PAGE_INDEXES_MAX {
        let read = view.events(page.next.index, READ_AT_ONCE)?;
        let is_last = read.len() < READ_AT_ONCE;
        looked_at += read.len();
        for (index, bytes) in read {
            if !take(view, filter, index, &bytes, &mut page)? {
                return Ok(page);
            }
        }
        if is_last {
            page.next = page.next.max(Position::at(view.log_size()));
            break;
        }
    }
    Ok(page)
}

/// Adds the events of one log index. False if the page is full before its last one.
fn take(view: &LedgerView, filter: &Filter, index: u64, bytes: &[u8], page: &mut Page) -> Result<bool, StoreError> {
    let damaged = |error: String| StoreError::Damaged(format!("events at log index {index}: {error}"));
    let happened = Happened::decode(bytes).map_err(|error| damaged(error.to_string()))?;
    let skip = if page.next.index == index { page.next.ordinal } else { 0 };
    let mut source = None;
    if filter.fits_place(happened.place.as_ref()) {
        for (ordinal, (kind, subject)) in (0..).zip(happened.events()) {
            if ordinal < skip || !filter.fits(kind, subject) {
                continue;
            }
            if page.events.len() == PAGE_EVENTS_MAX {
                page.next = Position { index, ordinal };
                return Ok(false);
            }
            let Source { transaction, call, posting } = match &source {
                Some(source) => source,
                None => source.insert(Source::read(view, index)?),
            };
            page.events.push(ShownEvent {
                id: EventId::Event(Position { index, ordinal }).to_string(),
                kind: kind.to_owned(),
                subject: subject.to_string(),
                place: happened.place.clone(),
                index,
                ordinal,
                height: happened.height,
                time_ms: happened.time_ms,
                transaction: *transaction,
                call: call.clone(),
                posting: posting.clone(),
            });
        }
    }
    page.next = Position::at(index + 1);
    Ok(true)
}

/// The record that brought events about; nothing where it was the end of a block.
#[derive(Default)]
struct Source {
    transaction: Option<dalil_ledger::crypto::Hash>,
    call: Option<String>,
    posting: Option<dalil_contracts::authority::PostingId>,
}

impl Source {
    fn read(view: &LedgerView, index: u64) -> Result<Self, StoreError> {
        let entry = view.entry(index)?;
        let entry =
            entry.ok_or_else(|| StoreError::Damaged(format!("events of log index {index}, which has no entry")))?;
        let Entry::Record(record) = entry else { return Ok(Self::default()) };
        let invocation = Invocation::decode(&record.body.call);
        let invocation = invocation.map_err(|error| StoreError::Damaged(format!("record at {index}: {error}")))?;
        Ok(Self {
            transaction: Some(record.id()),
            call: Some(invocation.call.name()),
            posting: Some(invocation.posting),
        })
    }
}
