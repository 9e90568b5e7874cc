//! Errors as problem documents (RFC 9457).

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use dalil_ledger::store::StoreError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::executor::Rejection;

/// What went wrong, for programs and people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// HTTP status.
    pub status: u16,
    /// Stable code: a rule's (L3, M5…), one of the envelope's (T_…), or one of this interface.
    pub code: String,
    /// In plain words, with what to do where that is known.
    pub detail: String,
}

impl Problem {
    /// A problem with a code.
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self { status: status.as_u16(), code: code.to_owned(), detail: detail.into() }
    }

    /// The request is wrong.
    pub fn bad_request(code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// There is no such thing here.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// This node cannot read its own data.
    pub fn internal(error: impl std::fmt::Display) -> Self {
        tracing::error!(%error, "request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "this node cannot answer; ask another one")
    }
}

impl From<StoreError> for Problem {
    /// What lies below this node's snapshot is another node's to answer; anything else is this node's trouble.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotHeld { .. } => Self::new(StatusCode::NOT_FOUND, "not_held", error.to_string()),
            other => Self::internal(other),
        }
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        let status = match rejection.code.as_str() {
            "T_FULL" | "T_SHARE" => StatusCode::TOO_MANY_REQUESTS,
            "T_DUPLICATE" => StatusCode::CONFLICT,
            "T_HALTED" | "T_INTERNAL" | "T_UNDECIDED" => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self::new(status, &rejection.code, rejection.message)
    }
}

/// Longest text of the framework that is passed on, in bytes.
const DETAIL_BYTES_MAX: usize = 4 << 10;

/// Turns the framework's own errors (no such route, a parameter that does not parse, a body too long) into problem
/// documents, so that a client needs to understand one form only.
pub(super) async fn as_problem(response: Response) -> Response {
    let status = response.status();
    // Pages say themselves what is wrong.
    let is_said =
        |value: &header::HeaderValue| value.as_bytes().ends_with(b"json") || value.as_bytes().starts_with(b"text/html");
    let failed = status.is_client_error() || status.is_server_error();
    if !failed || response.headers().get(header::CONTENT_TYPE).is_some_and(is_said) {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let text = axum::body::to_bytes(body, DETAIL_BYTES_MAX).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    let (code, reason) = match status {
        StatusCode::NOT_FOUND => ("not_found", "there is no such resource"),
        StatusCode::METHOD_NOT_ALLOWED => ("method", "this resource does not take this method"),
        StatusCode::PAYLOAD_TOO_LARGE => ("too_large", "the body is too long"),
        StatusCode::REQUEST_TIMEOUT => ("timeout", "the answer took too long; try again"),
        _ => ("request", "the request is malformed"),
    };
    let detail = if text.is_empty() { reason.to_owned() } else { text };
    let (problem, body) = Problem::new(status, code, detail).into_response().into_parts();
    // What else the answer says stands: when to ask again, which methods there are, what a browser may do with it.
    head.headers.remove(header::CONTENT_LENGTH);
    for name in problem.headers.keys() {
        head.headers.remove(name);
    }
    head.headers.extend(problem.headers);
    Response::from_parts(head, body)
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response()
    }
}
