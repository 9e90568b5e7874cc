//! What a checkpost takes along: the numbers of challans in a time, and what the ledger says of them, proven.

use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Json, Response};
use dalil_contracts::mineral::challan::Challan;
use dalil_contracts::mineral::checkpost::BookQuestion;
use dalil_contracts::mineral::keys::challan_key;
use dalil_contracts::mineral::types::{ChallanNumber, RangeId};
use dalil_ledger::block::Height;
use dalil_ledger::receipt::REGISTER_READS_MAX;
use dalil_ledger::state::{Overlay, StateError, StateView};
use dalil_ledger::store::{LedgerView, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use super::{App, Problem};
use crate::core::cosign::Published;
use crate::service::Head;
use crate::shell::clock::now_ms;
use crate::shell::events::{Filter, Position, page};

/// The largest question, in bytes.
pub(super) const QUESTION_BYTES_MAX: usize = 64 << 10;

/// Books that are made at once; further ones wait. A book takes some two thousand proofs.
static BOOKS: Semaphore = Semaphore::const_new(2);

/// The kinds of events that bring a number into being.
const NUMBERED: [&str; 3] = ["mineral.challan_issued", "mineral.challan_synced", "mineral.challan_transhipped"];
/// The kind of event that sets numbers aside for issue off the network.
const ALLOCATED: &str = "mineral.range_allocated";

/// From where on: exactly one of the two.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Since {
    /// From this log index on.
    from: Option<u64>,
    /// From the first block of this time on, UTC milliseconds.
    since_ms: Option<u64>,
}

/// A page of the numbers that the ledger took in. Which numbers there are is this node's word.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Numbers {
    /// Challans in the order of their records.
    pub challans: Vec<ChallanNumber>,
    /// Ranges of numbers for challans issued off the network.
    pub ranges: Vec<RangeId>,
    /// The log index from which the next page begins.
    pub next: u64,
    /// Entries of the log that a quorum has cosigned; the last page ends there.
    pub log_size: u64,
}

/// The log index of the first record in a block of `since_ms` or later.
fn first_since(view: &LedgerView, since_ms: u64) -> Result<u64, StoreError> {
    let (mut below, mut at): (Height, Height) = (view.first_block(), view.head().height);
    while below < at {
        let middle = below + (at - below) / 2;
        let header = view.header(middle)?.ok_or(StoreError::NotHeld { first: view.base().index })?;
        if header.timestamp_ms < since_ms { below = middle + 1 } else { at = middle }
    }
    let header = view.header(below)?.ok_or(StoreError::NotHeld { first: view.base().index })?;
    Ok(header.first_entry)
}

pub(super) async fn numbers(State(app): State<App>, Query(since): Query<Since>) -> Result<Json<Numbers>, Problem> {
    let published = app.published()?;
    let read = tokio::task::spawn_blocking(move || numbers_of(&published, &since));
    read.await.map_err(Problem::internal)?
}

fn numbers_of(published: &Published, since: &Since) -> Result<Json<Numbers>, Problem> {
    let view = &published.view;
    let from = match (since.from, since.since_ms) {
        (Some(from), None) => from,
        (None, Some(since_ms)) => first_since(view, since_ms)?,
        _ => return Err(Problem::bad_request("since", "give either `from`, a log index, or `since_ms`")),
    };
    let first = view.first_events();
    if from < first {
        return Err(StoreError::NotHeld { first }.into());
    }
    let kinds = NUMBERED.into_iter().chain([ALLOCATED]).map(str::to_owned).collect();
    let found = page(view, &Filter { kinds, ..Filter::default() }, Position::at(from))?;
    let (mut challans, mut ranges) = (Vec::new(), Vec::new());
    for event in &found.events {
        let subject = |prefix: &str| event.subject.strip_prefix(prefix).map(str::to_owned);
        let odd = |error| Problem::internal(format!("event {}: {error}", event.id));
        if let Some(number) = subject("challan/") {
            challans.push(number.parse().map_err(|error| odd(format!("{error}")))?);
        } else if let Some(range) = subject("range/") {
            ranges.push(range.parse().map_err(|error| odd(format!("{error}")))?);
        }
    }
    // Every record brings at most one of these events, so a page never ends within a log index.
    Ok(Json(Numbers { challans, ranges, next: found.next.index, log_size: view.log_size() }))
}

/// Runs `ask` over the state of a head; the register receipt proves all that it read.
fn proven<T>(head: &Head, ask: impl FnOnce(&dyn StateView) -> Result<T, StateError>) -> Result<(T, Vec<u8>), Problem> {
    let (answer, receipt) = head.register(ask)?;
    let reads = receipt.reads.len();
    if reads > REGISTER_READS_MAX {
        let detail = format!("the answer rests on {reads} values, at most {REGISTER_READS_MAX} fit a receipt");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "too_much_asked", detail));
    }
    Ok((answer, receipt.to_bytes()))
}

fn receipt(bytes: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-cache")], bytes).into_response()
}

pub(super) async fn book(State(app): State<App>, Json(question): Json<BookQuestion>) -> Result<Response, Problem> {
    let place = BOOKS.acquire().await.map_err(Problem::internal)?;
    let head = app.service.head(now_ms())?;
    let read = tokio::task::spawn_blocking(move || {
        let answered = proven(&head, |state| question.answer(state));
        // The client may be gone long before.
        drop(place);
        answered
    });
    let (answer, bytes) = read.await.map_err(Problem::internal)??;
    answer.map_err(|refused| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, refused.code, refused.message))?;
    Ok(receipt(bytes))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfNumber {
    /// The challan's number.
    number: ChallanNumber,
}

/// A challan as it stands, for its issuer, who signs what the code is to say.
pub(super) async fn challan(State(app): State<App>, Query(of): Query<OfNumber>) -> Result<Response, Problem> {
    let head = app.service.head(now_ms())?;
    let ask = |state: &dyn StateView| Overlay::new(state).get_value::<Challan>(&challan_key(&of.number));
    Ok(receipt(proven(&head, ask)?.1))
}
