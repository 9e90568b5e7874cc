//! JSON-RPC 2.0 at `/rpc`: the same service and the same readers as REST, by method names.
//!
//! A POST carries one call or a batch of them; over a WebSocket each message does, and a client may also subscribe to heads and
//! events ([`socket`]). Methods are a table ([`method`]), from which `/openrpc.json` is made.

mod method;
mod openrpc;
mod socket;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{App, Problem};
pub(super) use openrpc::openrpc;
pub(super) use socket::upgrade;

/// The most calls in one batch.
const CALLS_MAX: usize = 100;
/// The longest answer to a batch, in bytes; calls beyond it are refused one by one.
const ANSWERS_BYTES_MAX: usize = 32 << 20;

const PARSE_ERROR: i64 = -32_700;
const INVALID_REQUEST: i64 = -32_600;
const METHOD_NOT_FOUND: i64 = -32_601;
const INVALID_PARAMS: i64 = -32_602;
const INTERNAL_ERROR: i64 = -32_603;
/// The node understood and does not do it; `data` is the problem document that REST would give.
const REFUSED: i64 = -32_000;

/// Why a call has no result (JSON-RPC 2.0 § 5.1).
#[derive(Debug, Clone, Serialize)]
pub(super) struct RpcError {
    code: i64,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
}

impl RpcError {
    fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    fn params(why: impl std::fmt::Display) -> Self {
        Self { data: Some(json!({ "detail": why.to_string() })), ..Self::new(INVALID_PARAMS, "Invalid params") }
    }
}

impl From<Problem> for RpcError {
    fn from(problem: Problem) -> Self {
        let (code, message) = match problem.status {
            400 => (INVALID_PARAMS, "Invalid params".to_owned()),
            500 => (INTERNAL_ERROR, "Internal error".to_owned()),
            _ => (REFUSED, problem.detail.clone()),
        };
        Self { code, message, data: serde_json::to_value(&problem).ok() }
    }
}

/// A call that is one.
struct Call {
    /// None for a notification, which is never answered.
    id: Option<Value>,
    method: String,
    params: Map<String, Value>,
}

/// The id to answer with, and what is wrong.
type Unfit = (Value, RpcError);

impl Call {
    fn parse(value: Value) -> Result<Self, Unfit> {
        let Value::Object(mut fields) = value else {
            return Err((Value::Null, RpcError::new(INVALID_REQUEST, "Invalid Request")));
        };
        let id = fields.remove("id");
        let fit = matches!(id, None | Some(Value::Null | Value::String(_) | Value::Number(_)));
        let shown = id.clone().filter(|_| fit).unwrap_or(Value::Null);
        let unfit = |error: RpcError| (shown.clone(), error);
        let method = match (fields.remove("jsonrpc"), fields.remove("method")) {
            (Some(Value::String(version)), Some(Value::String(method))) if version == "2.0" && fit => method,
            _ => return Err(unfit(RpcError::new(INVALID_REQUEST, "Invalid Request"))),
        };
        let params = match fields.remove("params") {
            None => Map::new(),
            Some(Value::Object(params)) => params,
            Some(Value::Array(list)) if list.is_empty() => Map::new(),
            // By the specification these are well formed; the methods here take names only.
            Some(Value::Array(_)) => return Err(unfit(RpcError::params("parameters are given by name, as an object"))),
            Some(_) => return Err(unfit(RpcError::new(INVALID_REQUEST, "Invalid Request"))),
        };
        Ok(Self { id, method, params })
    }
}

fn response(id: &Value, result: Result<Value, RpcError>) -> Value {
    match result {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err(error) => json!({ "jsonrpc": "2.0", "id": id, "error": error }),
    }
}

/// Who carries out a call: the table of methods, or a socket, which knows more.
trait Handler {
    async fn call(&mut self, app: &App, method: &str, params: Map<String, Value>) -> Result<Value, RpcError>;
}

/// The methods that need no connection.
struct Methods;

impl Handler for Methods {
    async fn call(&mut self, app: &App, method: &str, params: Map<String, Value>) -> Result<Value, RpcError> {
        method::call(app, method, params).await
    }
}

async fn answer_one(app: &App, handler: &mut impl Handler, value: Value) -> Option<Value> {
    match Call::parse(value) {
        Err((id, error)) => Some(response(&id, Err(error))),
        Ok(Call { id, method, params }) => {
            let result = handler.call(app, &method, params).await;
            id.map(|id| response(&id, result))
        }
    }
}

/// Answers a message: one call or a batch. None if nothing is to be said, as to notifications.
async fn answer(app: &App, handler: &mut impl Handler, message: &[u8]) -> Option<String> {
    let invalid = |code, words: &str| Some(response(&Value::Null, Err(RpcError::new(code, words))).to_string());
    match serde_json::from_slice::<Value>(message) {
        Err(_) => invalid(PARSE_ERROR, "Parse error"),
        Ok(Value::Array(calls)) if calls.is_empty() => invalid(INVALID_REQUEST, "Invalid Request"),
        Ok(Value::Array(calls)) if calls.len() > CALLS_MAX => {
            let words = format!("Invalid Request: {} calls in one batch, at most {CALLS_MAX} are taken", calls.len());
            invalid(INVALID_REQUEST, &words)
        }
        Ok(Value::Array(calls)) => {
            let mut answers = String::new();
            for call in calls {
                let id = call.get("id").cloned();
                let said = if answers.len() > ANSWERS_BYTES_MAX {
                    id.map(|id| response(&id, Err(RpcError::new(REFUSED, "the answers to this batch are too long"))))
                } else {
                    answer_one(app, handler, call).await
                };
                if let Some(said) = said {
                    answers.push(if answers.is_empty() { '[' } else { ',' });
                    answers.push_str(&said.to_string());
                }
            }
            (!answers.is_empty()).then(|| answers + "]")
        }
        Ok(call) => answer_one(app, handler, call).await.map(|said| said.to_string()),
    }
}

/// `POST /rpc`.
pub(super) async fn post(State(app): State<App>, body: Bytes) -> Response {
    match answer(&app, &mut Methods, &body).await {
        Some(said) => ([(header::CONTENT_TYPE, "application/json")], said).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    }
}
