//! Submitting records and reading them back.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Json, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use dalil_contracts::Invocation;
use dalil_ledger::block::{Attachment, Entry, Header};
use dalil_ledger::crypto::{Hash, PublicKey};
use dalil_ledger::document::SubjectId;
use dalil_ledger::store::StoreError;
use dalil_ledger::transaction::SignedTransaction;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::conditional::IMMUTABLE;
use super::{App, Problem};
use crate::core::Answer;
use crate::core::executor::Rejection;
use crate::shell::handle::Submission;

/// How long a submission waits for finality if it does not say, in milliseconds.
const WAIT_MS_DEFAULT: u64 = 20_000;
/// The longest wait, in milliseconds.
const WAIT_MS_MAX: u64 = 50_000;
/// The most records in one page of a history.
const HISTORY_MAX: usize = 100;

/// A signed record as JSON.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmittedRecord {
    /// Canonical signed transaction, base64.
    pub record: String,
    /// The leaves of the batch that it names, base64 each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachment: Option<Vec<String>>,
}

/// What a submission is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Submitted {
    /// 200: final.
    Recorded {
        /// Transaction id.
        id: Hash,
        /// Log index.
        index: u64,
        /// Height of its block.
        height: u64,
        /// Block time, UTC milliseconds.
        timestamp_ms: u64,
    },
    /// 202: accepted, not yet final. Not an acknowledgement: ask again by id.
    Pending {
        /// Transaction id.
        id: Hash,
    },
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Wait {
    /// How long to wait for finality, in milliseconds; at most 50,000.
    wait_ms: Option<u64>,
}

impl Wait {
    /// A wait of so many milliseconds.
    pub(super) fn of(wait_ms: Option<u64>) -> Self {
        Self { wait_ms }
    }

    /// How long the client waits.
    pub(super) fn duration(&self) -> Duration {
        Duration::from_millis(self.wait_ms.unwrap_or(WAIT_MS_DEFAULT).min(WAIT_MS_MAX))
    }
}

fn malformed(detail: String) -> Problem {
    Problem::bad_request("T_MALFORMED", detail)
}

fn decode(json: SubmittedRecord) -> Result<(SignedTransaction, Option<Attachment>), Problem> {
    let bytes = BASE64.decode(&json.record).map_err(|error| malformed(format!("record: {error}")))?;
    let record = SignedTransaction::decode(&bytes).map_err(|error| malformed(format!("record: {error}")))?;
    let attachment = json.attachment.map(|leaves| {
        let leaves = leaves.iter().map(|leaf| BASE64.decode(leaf)).collect::<Result<_, _>>();
        leaves.map(|leaves| Attachment { leaves }).map_err(|error| malformed(format!("attachment: {error}")))
    });
    Ok((record, attachment.transpose()?))
}

pub(super) async fn submit(State(app): State<App>, Query(wait): Query<Wait>, body: Bytes) -> Result<Response, Problem> {
    let submitted = serde_json::from_slice(&body).map_err(|error| malformed(format!("not a submission: {error}")))?;
    Ok(match accept(&app, submitted, wait).await? {
        pending @ Submitted::Pending { .. } => (StatusCode::ACCEPTED, Json(pending)).into_response(),
        recorded => Json(recorded).into_response(),
    })
}

/// Hands in what a client submits.
pub(super) async fn accept(app: &App, submitted: SubmittedRecord, wait: Wait) -> Result<Submitted, Problem> {
    let (record, attachment) = decode(submitted)?;
    if record.body.chain != app.chain {
        return Err(
            Rejection::new("T_CHAIN", format!("meant for chain {}, this is {}", record.body.chain, app.chain)).into()
        );
    }
    let id = record.id();
    match hand_in(app, record, attachment, wait.duration()).await? {
        None => Ok(Submitted::Pending { id }),
        Some(Answer::Recorded { id, index, height, timestamp_ms }) => {
            Ok(Submitted::Recorded { id, index, height, timestamp_ms })
        }
        Some(Answer::Rejected(rejection)) => Err(rejection.into()),
    }
}

/// Hands a record to the core and waits for its end; none if that did not come in time.
pub(super) async fn hand_in(
    app: &App,
    record: SignedTransaction,
    attachment: Option<Attachment>,
    wait: Duration,
) -> Result<Option<Answer>, Problem> {
    let (answer, answered) = oneshot::channel();
    let stopping = || Problem::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", "the node is stopping");
    app.node.submit.send(Submission { record, attachment, answer }).await.map_err(|_| stopping())?;
    // While the quorum is lost, clients that wait must not take the connections of those who only ask.
    let place = app.waiting.try_acquire();
    let wait = if place.is_ok() { wait } else { Duration::ZERO };
    match tokio::time::timeout(wait, answered).await {
        Err(_elapsed) => Ok(None),
        Ok(Err(_)) => Err(stopping()),
        Ok(Ok(answer)) => Ok(Some(answer)),
    }
}

/// A record as JSON.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Shown {
    Record {
        index: u64,
        id: Hash,
        signer: PublicKey,
        expires_at_ms: u64,
        invocation: Option<Box<Invocation>>,
        entry: String,
    },
    Header {
        index: u64,
        id: Hash,
        header: Box<Header>,
        entry: String,
    },
}

fn shown(index: u64, bytes: &[u8]) -> Result<Shown, Problem> {
    let entry_text = BASE64.encode(bytes);
    Ok(match Entry::decode(bytes).map_err(Problem::internal)? {
        Entry::Record(record) => Shown::Record {
            index,
            id: record.id(),
            signer: record.body.signer,
            expires_at_ms: record.body.expires_at_ms,
            invocation: Invocation::decode(&record.body.call).ok().map(Box::new),
            entry: entry_text,
        },
        Entry::Header(header) => Shown::Header { index, id: header.id(), header: Box::new(header), entry: entry_text },
    })
}

pub(super) async fn show(State(app): State<App>, Path(which): Path<String>) -> Result<Response, Problem> {
    let view = app.node.view.borrow().clone();
    let index = match which.parse::<u64>() {
        Ok(index) => Some(index),
        Err(_) => {
            let id: Hash = which.parse().map_err(|_| {
                Problem::bad_request("which", "expected a log index or a transaction id of 64 hexadecimal digits")
            })?;
            view.index_of(&id)?
        }
    };
    let first = view.base().index;
    let not_here = || {
        if first > 0 {
            // Of what is older it does not know whether there is such a record.
            return StoreError::NotHeld { first }.into();
        }
        Problem::not_found(format!("{which} is not in the log of {} entries", view.log_size()))
    };
    let index = index.ok_or_else(not_here)?;
    let beyond = || Problem::not_found(format!("{which} is not in the log of {} entries", view.log_size()));
    let bytes = view.entry_bytes(index)?.ok_or_else(beyond)?;
    Ok(([(header::CACHE_CONTROL, IMMUTABLE)], Json(shown(index, &bytes)?)).into_response())
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HistoryQuery {
    /// What the records are about, such as `khatian/2795-51/101`.
    subject: SubjectId,
    /// The first log index.
    #[serde(default)]
    from: u64,
    /// The most records, 1 to 100.
    #[schemars(range(min = 1, max = 100))]
    limit: Option<usize>,
}

/// One page of a subject's history.
#[derive(Serialize, JsonSchema)]
pub(super) struct History {
    subject: SubjectId,
    records: Vec<Shown>,
    /// Where the next page begins, if there may be one.
    next: Option<u64>,
}

pub(super) async fn history(
    State(app): State<App>,
    Query(query): Query<HistoryQuery>,
) -> Result<Json<History>, Problem> {
    let view = app.node.view.borrow().clone();
    let limit = query.limit.unwrap_or(HISTORY_MAX).clamp(1, HISTORY_MAX);
    let indexes = view.history(&query.subject, query.from, limit)?;
    let mut records = Vec::with_capacity(indexes.len());
    for index in &indexes {
        if let Some(bytes) = view.entry_bytes(*index)? {
            records.push(shown(*index, &bytes)?);
        }
    }
    let next = indexes.last().filter(|_| indexes.len() == limit).map(|last| last + 1);
    Ok(Json(History { subject: query.subject, records, next }))
}
