//! "Is this document genuine and still in force?": questions to the service, and its receipts as files.

use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Json, Response};
use dalil_ledger::crypto::sha256;
use dalil_ledger::document::Uri;
use dalil_ledger::log::LogIndex;
use dalil_ledger::receipt::InclusionReceipt;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::mpsc;

use super::{App, Problem};
use crate::service::{Ask, AskError, Attach, Batch, BatchError, Head, ServiceError, ShownCheckpoint, Verified};
use crate::shell::clock::now_ms;

/// How much of a batch's answer is handed to the connection at a time, in bytes; at least one answer.
const FRAME_BYTES: usize = 64 << 10;
/// How many frames wait for a client. A client that takes nothing keeps no more in memory.
const FRAMES_MAX: usize = 2;

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        let detail = error.to_string();
        match error {
            ServiceError::NoCheckpoint => Self::new(StatusCode::SERVICE_UNAVAILABLE, "no_checkpoint", detail),
            ServiceError::NotFound(_) => Self::not_found(detail),
            ServiceError::Store(error) => error.into(),
            _ => Self::internal(detail),
        }
    }
}

impl From<AskError> for Problem {
    fn from(error: AskError) -> Self {
        Self::bad_request("question", error.to_string())
    }
}

impl From<BatchError> for Problem {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::TooMany(_) => Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_many_questions", error.to_string()),
            _ => Self::bad_request("question", error.to_string()),
        }
    }
}

pub(super) async fn ask(State(app): State<App>, Query(ask): Query<Ask>) -> Result<Json<Verified>, Problem> {
    Ok(Json(app.answer(&ask)?))
}

/// The body is the document's file; only its digest is used, and nothing is kept.
pub(super) async fn ask_by_file(State(app): State<App>, file: Bytes) -> Result<Json<Verified>, Problem> {
    if file.is_empty() {
        return Err(Problem::bad_request(
            "file",
            "the body is to be the document's file; or give its SHA-256 as `digest`",
        ));
    }
    Ok(Json(app.answer(&Ask::digest(sha256(&file)))?))
}

/// The body is a receipt: is it good, and what does the ledger say today of what it is about?
pub(super) async fn ask_by_receipt(State(app): State<App>, receipt: Bytes) -> Result<Json<Verified>, Problem> {
    let text = String::from_utf8(receipt.into())
        .map_err(|_| Problem::bad_request("receipt", "the body is no receipt: receipts are text"))?;
    Ok(Json(app.answer(&Ask { receipt: Some(text), ..Ask::default() })?))
}

/// Up to 1,000 questions, answered on one head. The answer is written as it is made.
pub(super) async fn batch(State(app): State<App>, body: Bytes) -> Result<Response, Problem> {
    let mut json = serde_json::Deserializer::from_slice(&body);
    let batch: Batch = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| Problem::bad_request("batch", format!("not a batch of questions: {error}")))?;
    json.end().map_err(|error| Problem::bad_request("batch", format!("not a batch of questions: {error}")))?;
    batch.check()?;
    let place = app.batches.clone().try_acquire_owned().map_err(|_| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "as many batches are being answered as this node bears")
    })?;
    let head = app.service.head(now_ms())?;
    let (frames, taken) = mpsc::channel(FRAMES_MAX);
    tokio::task::spawn_blocking(move || {
        // The client may go away at any time.
        let _gone = write_batch(&head, &batch, &frames);
        drop(place);
    });
    let body = Body::from_stream(futures::stream::unfold(taken, |mut taken| async {
        taken.recv().await.map(|frame| (Ok::<_, std::convert::Infallible>(frame), taken))
    }));
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

/// The form of the answer to a batch, which is written piece by piece.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it is nothing but its schema")]
pub(super) struct BatchAnswer {
    /// The head on which all answers rest.
    checkpoint: ShownCheckpoint,
    /// The answers, in the order of the questions.
    answers: Vec<Verified>,
}

fn write_batch(head: &Head, batch: &Batch, frames: &mpsc::Sender<Bytes>) -> Result<(), mpsc::error::SendError<Bytes>> {
    let now_ms = now_ms();
    let checkpoint = serde_json::to_string(&head.shown(now_ms)).unwrap_or_default();
    let mut frame = format!("{{\"checkpoint\":{checkpoint},\"answers\":[");
    for (place, ask) in batch.questions.iter().enumerate() {
        if place > 0 {
            frame.push(',');
        }
        // The batch was checked before, so every question is one.
        let answer = head.answer(ask, batch.receipts, now_ms);
        frame.push_str(&answer.map(|it| serde_json::to_string(&it).unwrap_or_default()).unwrap_or_default());
        if frame.len() >= FRAME_BYTES {
            frames.blocking_send(std::mem::take(&mut frame).into())?;
        }
    }
    frame.push_str("]}\n");
    frames.blocking_send(frame.into())
}

/// Whose status receipt is wanted.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfDocument {
    /// The document's URI.
    uri: Option<Uri>,
    /// SHA-256 of the document's file.
    digest: Option<dalil_ledger::crypto::Hash>,
    /// A certificate's printed number, with its `department` and `type`.
    number: Option<dalil_contracts::certificate::record::CertificateNumber>,
    /// The department that issued the certificate.
    department: Option<dalil_ledger::block::DepartmentId>,
    /// The certificate's type, such as `DOM`.
    #[serde(rename = "type")]
    kind: Option<dalil_ledger::document::TypeCode>,
}

pub(super) async fn status_receipt(State(app): State<App>, Query(of): Query<OfDocument>) -> Result<Response, Problem> {
    let OfDocument { uri, digest, number, department, kind } = of;
    let ask = Ask { uri, digest, number, department, kind, ..Ask::default() };
    let crate::service::Question::Document(asked) = ask.question()? else { return Err(AskError::NotOne.into()) };
    let bytes = app.service.head(now_ms())?.status_receipt(&asked)?.to_bytes();
    Ok(([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-cache")], bytes).into_response())
}

/// Which record's inclusion receipt is wanted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Where {
    /// Log index of the record.
    pub(super) index: Option<LogIndex>,
    /// URI of a document: the record that issued it, and the document's place in its batch.
    pub(super) uri: Option<Uri>,
}

impl Where {
    /// The inclusion receipt of what is named.
    pub(super) fn inclusion(&self, head: &Head) -> Result<InclusionReceipt, Problem> {
        match (self.index, &self.uri) {
            (Some(index), None) => Ok(head.inclusion_receipt(index, None)?),
            (None, Some(uri)) => Ok(head.inclusion_of_document(uri)?),
            _ => Err(Problem::bad_request("question", "give either `index` or `uri`")),
        }
    }
}

pub(super) async fn inclusion_receipt(State(app): State<App>, Query(place): Query<Where>) -> Result<Response, Problem> {
    let receipt = place.inclusion(&*app.service.head(now_ms())?)?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], receipt.to_bytes()).into_response())
}

impl App {
    /// One question, answered in full on the newest head.
    pub(super) fn answer(&self, ask: &Ask) -> Result<Verified, Problem> {
        // What is wrong with the question is said even where nothing is published yet.
        ask.question()?;
        let now_ms = now_ms();
        Ok(self.service.head(now_ms)?.answer(ask, Attach::All, now_ms)?)
    }
}
