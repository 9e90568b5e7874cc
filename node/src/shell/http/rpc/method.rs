//! The methods.

use std::future::Future;
use std::pin::Pin;

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use schemars::{JsonSchema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::super::api::SchemaOf;
use super::super::verify::{BatchAnswer, OfDocument, Where, inclusion_receipt, status_receipt};
use super::super::{App, Problem, land, log, membership, records, witnesses};
use super::{METHOD_NOT_FOUND, RpcError};
use crate::service::{Ask, Batch, Verified};
use crate::shell::clock::now_ms;
use crate::shell::handle::NodeStatus;

/// The longest answer of one reader, in bytes.
const ANSWER_BYTES_MAX: usize = 20 << 20;

type Answered<'a> = Pin<Box<dyn Future<Output = Result<Value, RpcError>> + Send + 'a>>;

/// A method of the table.
pub(super) struct Method {
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    pub(super) params: SchemaOf,
    pub(super) result: SchemaOf,
    run: for<'a> fn(&'a App, Map<String, Value>) -> Answered<'a>,
}

/// What takes no parameter.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// Which entry.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Which {
    /// A log index or a transaction id.
    #[schemars(with = "super::super::api::forms::IndexOrId")]
    which: String,
}

/// Which block.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AtHeight {
    /// A height, or `head`.
    #[schemars(with = "super::super::api::forms::Height")]
    height: String,
}

/// A signed record to hand in.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Submit {
    /// Canonical signed transaction, base64.
    record: String,
    /// The leaves of the batch that it names, base64 each.
    attachment: Option<Vec<String>>,
    /// How long to wait for finality, in milliseconds; at most 50,000.
    wait_ms: Option<u64>,
}

/// Text in a format of its own.
#[derive(Serialize, JsonSchema)]
struct Text {
    /// The text, as REST serves it.
    text: String,
}

fn params<T: DeserializeOwned>(params: Map<String, Value>) -> Result<T, RpcError> {
    serde_path_to_error::deserialize(Value::Object(params)).map_err(RpcError::params)
}

fn value(result: &impl Serialize) -> Result<Value, RpcError> {
    serde_json::to_value(result).map_err(|error| Problem::internal(error).into())
}

/// What a reader of the REST interface answers, as JSON or as text.
async fn read(answered: impl IntoResponse) -> Result<Value, RpcError> {
    let response = answered.into_response();
    let status = response.status();
    let is_json = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().ends_with(b"json"));
    let bytes = axum::body::to_bytes(response.into_body(), ANSWER_BYTES_MAX).await.map_err(Problem::internal)?;
    if status != StatusCode::OK && status != StatusCode::ACCEPTED {
        let problem: Problem = serde_json::from_slice(&bytes).map_err(Problem::internal)?;
        return Err(problem.into());
    }
    if is_json {
        return serde_json::from_slice(&bytes).map_err(|error| Problem::internal(error).into());
    }
    value(&Text { text: String::from_utf8_lossy(&bytes).into_owned() })
}

/// Writes a row of the table.
macro_rules! method {
    ($name:literal, $summary:literal, $params:ty => $result:ty, |$app:ident, $given:ident| $body:expr) => {
        Method {
            name: $name,
            summary: $summary,
            params: SchemaGenerator::subschema_for::<$params>,
            result: SchemaGenerator::subschema_for::<$result>,
            run: |$app, given| {
                Box::pin(async move {
                    let $given: $params = params(given)?;
                    $body
                })
            },
        }
    };
}

/// All methods that need no connection, apart from `rpc.discover`.
pub(super) static METHODS: [Method; 13] = [
    method!("verify", "Is this document genuine and still in force?", Ask => Verified, |app, ask| value(&app.answer(&ask)?)),
    method!(
        "verify.batch",
        "Up to 1,000 questions, answered on one checkpoint.",
        Batch => BatchAnswer,
        |app, batch| verify_batch(app, batch).await
    ),
    method!(
        "receipt.status",
        "A document's status receipt.",
        OfDocument => Map<String, Value>,
        |app, of| read(status_receipt(State(app.clone()), Query(of)).await).await
    ),
    method!(
        "receipt.inclusion",
        "A record's inclusion receipt.",
        Where => Text,
        |app, place| read(inclusion_receipt(State(app.clone()), Query(place)).await).await
    ),
    method!(
        "record.show",
        "An entry of the log.",
        Which => records::Shown,
        |app, of| read(records::show(State(app.clone()), Path(of.which)).await).await
    ),
    method!(
        "record.history",
        "The records about a subject, a page at a time.",
        records::HistoryQuery => records::History,
        |app, query| read(records::history(State(app.clone()), Query(query)).await).await
    ),
    method!(
        "record.submit",
        "Hands in a signed record and waits for finality.",
        Submit => records::Submitted,
        |app, given| {
            let Submit { record, attachment, wait_ms } = given;
            let submitted = records::SubmittedRecord { record, attachment };
            value(&records::accept(app, submitted, records::Wait::of(wait_ms)).await?)
        }
    ),
    method!(
        "block.show",
        "A block.",
        AtHeight => log::ShownBlock,
        |app, of| read(log::block(State(app.clone()), Path(of.height)).await).await
    ),
    method!(
        "checkpoint",
        "The cosigned checkpoint.",
        Nothing => Text,
        |app, _given| read(witnesses::checkpoint(State(app.clone())).await).await
    ),
    method!(
        "checkpoint.witnessed",
        "The newest checkpoint that outside witnesses cosigned.",
        witnesses::HowMany => Text,
        |app, asked| read(witnesses::cosigned(State(app.clone()), Query(asked)).await).await
    ),
    method!(
        "land.encumbrances",
        "What lies on a plot.",
        land::OfPlot => land::ShownRegister,
        |app, of| read(land::encumbrances(State(app.clone()), Query(of)).await).await
    ),
    method!(
        "validators",
        "The validators of the next height.",
        Nothing => membership::ShownValidators,
        |app, _given| read(membership::validators(State(app.clone())).await).await
    ),
    method!("node.status", "Where the node stands.", Nothing => NodeStatus, |app, _given| value(&app.status().await?)),
];

/// As REST answers a batch, but as one value; so its length is bounded.
async fn verify_batch(app: &App, batch: Batch) -> Result<Value, RpcError> {
    batch.check().map_err(Problem::from)?;
    let place = app.batches.clone().try_acquire_owned().map_err(|_| {
        let detail = "as many batches are being answered as this node bears";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail)
    })?;
    let (now_ms, service) = (now_ms(), app.service.clone());
    let answered = tokio::task::spawn_blocking(move || {
        let _place = place;
        let head = service.head(now_ms).map_err(Problem::from)?;
        let (mut answers, mut length) = (Vec::new(), 0);
        for ask in &batch.questions {
            let answer = value(&head.answer(ask, batch.receipts, now_ms).map_err(Problem::from)?)?;
            length += answer.to_string().len();
            if length > ANSWER_BYTES_MAX {
                let detail = "the answers are too long for one message; ask fewer, or `receipts: \"none\"`";
                return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail).into());
            }
            answers.push(answer);
        }
        Ok(json!({ "checkpoint": value(&head.shown(now_ms))?, "answers": answers }))
    });
    answered.await.map_err(Problem::internal)?
}

/// Carries out a method of the table.
pub(super) async fn call(app: &App, name: &str, params: Map<String, Value>) -> Result<Value, RpcError> {
    if name == "rpc.discover" {
        return Ok(super::openrpc::document().clone());
    }
    let method = METHODS.iter().find(|method| method.name == name);
    let method = method.ok_or_else(|| RpcError::new(METHOD_NOT_FOUND, "Method not found"))?;
    (method.run)(app, params).await
}
