//! `GET /v1/events`: server-sent events, resumable by log index.
//!
//! One task feeds one client through a short queue. It reads a page, lets go of the ledger, and waits until the client has
//! taken it: a client that takes nothing for [`StreamLimits::slow_after`] is cut off and resumes where it was. A beat now
//! and then shows both sides that the other is there, and carries the position, so that a filter that nothing fits does
//! not make a client begin where it began.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Json, Response};
use dalil_ledger::store::StoreError;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use super::{App, Problem};
use crate::shell::events::{Ended, EventId, Filter, Follower, Page, Position, ShownEvent, schema};

/// How much is handed to the connection at a time, in bytes; at least one event.
const FRAME_BYTES: usize = 32 << 10;
/// How many frames wait for a client.
const FRAMES_MAX: usize = 4;
/// What clients are told to wait before they connect again, in milliseconds.
const RETRY_MS: u64 = 2_000;

/// What clients may take of this node.
#[derive(Debug, Clone, Copy)]
pub struct StreamLimits {
    /// The most streams at once.
    pub streams_max: usize,
    /// How often a stream shows that it lives. Well below what proxies and connections bear.
    pub beat_every: Duration,
    /// How long a client may leave a frame where it is.
    pub slow_after: Duration,
}

impl Default for StreamLimits {
    fn default() -> Self {
        Self { streams_max: 256, beat_every: Duration::from_secs(15), slow_after: Duration::from_secs(30) }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EventsQuery {
    /// The first log index; without it, what comes next.
    from: Option<u64>,
    /// Kinds such as `land.*`, joined by commas.
    #[schemars(length(max = 1_024))]
    kind: Option<String>,
    /// LGD codes of districts, joined by commas.
    #[schemars(length(max = 1_024), regex(pattern = "^[0-9]+(,[0-9]+)*$"))]
    district: Option<String>,
    /// LGD codes of blocks, joined by commas.
    #[schemars(length(max = 1_024), regex(pattern = "^[0-9]+(,[0-9]+)*$"))]
    block: Option<String>,
    /// A subject, or what it begins with and a star.
    #[schemars(length(max = 96))]
    subject: Option<String>,
}

impl EventsQuery {
    fn filter(&self) -> Result<Filter, Problem> {
        let refused = |detail: String| Problem::bad_request("filter", detail);
        let kinds = list(self.kind.as_deref()).map(str::to_owned).collect();
        let codes = |text: Option<&str>| list(text).map(str::parse).collect::<Result<Vec<u32>, _>>();
        let no_code = |_| refused("district and block take LGD codes, joined by commas".to_owned());
        let districts = codes(self.district.as_deref()).map_err(no_code)?;
        let blocks = codes(self.block.as_deref()).map_err(no_code)?;
        let filter = Filter { kinds, districts, blocks, subject: self.subject.clone() };
        filter.check().map_err(|error| refused(error.to_string()))?;
        Ok(filter)
    }
}

fn list(text: Option<&str>) -> impl Iterator<Item = &str> {
    text.into_iter().flat_map(|text| text.split(','))
}

/// What the client saw last, if it says so. It is the newer word than `from`, which a browser repeats with its URL.
fn last_seen(headers: &HeaderMap) -> Result<Option<EventId>, Problem> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let id = value.to_str().ok().and_then(|text| text.parse().ok());
    id.map(Some)
        .ok_or_else(|| Problem::bad_request("last_event_id", "Last-Event-ID: expected an event's id such as 17-0"))
}

pub(super) async fn stream(
    State(app): State<App>,
    Query(query): Query<EventsQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let filter = query.filter()?;
    let view = app.node.view.borrow().clone();
    let newest = app.node.published.borrow().as_ref().map_or(view.log_size(), |head| head.view.log_size());
    let next = match last_seen(&headers)? {
        Some(seen) => seen.next(),
        None => Position::at(query.from.unwrap_or(newest)),
    };
    let first = view.first_events();
    if next.index < first {
        return Err(StoreError::NotHeld { first }.into());
    }
    let place = app.streams.clone().try_acquire_owned().map_err(|_| {
        let detail = "as many clients listen to this node as it bears; try again or listen to another one";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_streams", detail)
    })?;
    let follower = Follower::new(app.node.published.clone(), filter, next);
    let (frames, taken) = mpsc::channel(FRAMES_MAX);
    let limits = app.limits;
    tokio::spawn(async move {
        feed(follower, Client { frames, slow_after: limits.slow_after }, limits.beat_every).await;
        drop(place);
    });
    let body = futures::stream::unfold(taken, |mut taken| async {
        taken.recv().await.map(|frame| (Ok::<_, Infallible>(frame), taken))
    });
    let kind = (header::CONTENT_TYPE, "text/event-stream");
    // The second asks reverse proxies not to gather.
    let headers =
        [kind, (header::CACHE_CONTROL, "no-store"), (header::HeaderName::from_static("x-accel-buffering"), "no")];
    Ok((headers, Body::from_stream(body)).into_response())
}

/// JSON Schema of an event.
pub(super) async fn event_schema() -> impl axum::response::IntoResponse {
    ([(header::CACHE_CONTROL, super::conditional::REVALIDATED)], Json(schema()))
}

/// The way to one client.
struct Client {
    frames: mpsc::Sender<Bytes>,
    slow_after: Duration,
}

/// The client is gone, or takes nothing.
struct Gone;

impl Client {
    async fn send(&self, frame: String) -> Result<(), Gone> {
        match tokio::time::timeout(self.slow_after, self.frames.send(frame.into())).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Gone),
            Err(_elapsed) => {
                tracing::debug!("a client of /v1/events takes nothing; it is cut off and may resume");
                Err(Gone)
            }
        }
    }

    async fn send_page(&self, page: &Page) -> Result<(), Gone> {
        let mut frame = String::new();
        for event in &page.events {
            write_event(&mut frame, event);
            if frame.len() >= FRAME_BYTES {
                self.send(std::mem::take(&mut frame)).await?;
            }
        }
        if frame.is_empty() { Ok(()) } else { self.send(frame).await }
    }
}

async fn feed(mut follower: Follower, client: Client, beat_every: Duration) {
    let mut beat = interval(beat_every);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    if client.send(format!("retry: {RETRY_MS}\n\n")).await.is_err() {
        return;
    }
    loop {
        let sent = tokio::select! {
            biased;
            () = client.frames.closed() => return,
            // First, so that history without a match does not keep it waiting.
            _ = beat.tick() => client.send(beat_at(follower.position())).await,
            page = follower.next_page() => match page {
                Ok(page) => client.send_page(&page).await,
                Err(ended) => {
                    if let Ended::Store(error) = &ended {
                        tracing::warn!(%error, "a stream of events ends");
                    }
                    let _gone = client.send(format!(": {ended}\n\n")).await;
                    return;
                }
            },
        };
        if sent.is_err() {
            return;
        }
    }
}

/// A comment and the position, with no event.
fn beat_at(next: Position) -> String {
    EventId::before(next).map_or_else(|| ":\n\n".to_owned(), |seen| format!(":\nid: {seen}\n\n"))
}

/// JSON has no line break in it, so one `data:` line holds it.
fn write_event(frame: &mut String, event: &ShownEvent) {
    let data = serde_json::to_string(event).unwrap_or_default();
    let _infallible = write!(frame, "id: {}\nevent: {}\ndata: {data}\n\n", event.id, event.kind);
}
