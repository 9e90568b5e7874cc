//! `POST /digilocker/pulluri` and `POST /digilocker/pulldoc`, on an address of their own.
//!
//! Every answer to a request that was read is XML in the interface's form, also a refusal. Nothing of a request stands in the log but its transaction
//! name and the code of a refusal: no parameter, no key hash.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use dalil_ledger::crypto::sha256;
use dalil_ledger::document::Uri;
use dalil_ledger::receipt::{Question, Terms};
use tokio::sync::Semaphore;
use tower_http::timeout::TimeoutLayer;
use tracing::{error, info};

use super::{App, Problem, REQUEST_TIMEOUT};
use crate::digilocker::DigiLocker;
use crate::digilocker::request::{Asked, Kind, PullRequest, REQUEST_BYTES_MAX};
use crate::digilocker::response::{Head, Served, may_be_served, status_word};
use crate::service::ServiceError;
use crate::shell::clock::now_ms;

/// How many requests are answered at once; each may hold a file in memory a few times over.
const SERVED_AT_ONCE: usize = 8;
/// The header with the HMAC of the body.
const HMAC: &str = "x-digilocker-hmac";

#[derive(Clone)]
struct Counter {
    app: App,
    digilocker: Arc<DigiLocker>,
    room: Arc<Semaphore>,
}

/// A request that comes to nothing.
struct Refusal {
    status: StatusCode,
    code: String,
    detail: String,
}

impl Refusal {
    fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), detail: detail.into() }
    }

    /// Understood, and answered in the interface's form.
    fn of(code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::OK, code, detail)
    }

    /// The department's store does not read.
    fn store(error: &std::io::Error) -> Self {
        error!(%error, "digilocker: the store of documents");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "store", "the issuer's store cannot be read; try again later")
    }
}

impl From<ServiceError> for Refusal {
    fn from(error: ServiceError) -> Self {
        Problem::from(error).into()
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, code: problem.code, detail: problem.detail }
    }
}

/// The interface's resources, without a socket.
pub(super) fn router(app: App, digilocker: DigiLocker) -> Router {
    let counter = Counter { app, digilocker: Arc::new(digilocker), room: Arc::new(Semaphore::new(SERVED_AT_ONCE)) };
    Router::new()
        .route("/digilocker/pulluri", post(pull_uri))
        .route("/digilocker/pulldoc", post(pull_doc))
        .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, REQUEST_TIMEOUT))
        .with_state(counter)
}

async fn pull_uri(State(counter): State<Counter>, headers: HeaderMap, body: Bytes) -> Response {
    counter.respond(Kind::Uri, headers, body).await
}

async fn pull_doc(State(counter): State<Counter>, headers: HeaderMap, body: Bytes) -> Response {
    counter.respond(Kind::Doc, headers, body).await
}

impl Counter {
    async fn respond(self, kind: Kind, headers: HeaderMap, body: Bytes) -> Response {
        // Never closed; without a place the request would only not be counted.
        let place = self.room.clone().acquire_owned().await;
        let answered = tokio::task::spawn_blocking(move || {
            let answer = self.answer(kind, &headers, &body);
            // Whoever asked may be gone long before.
            drop(place);
            answer
        });
        let answered = answered.await;
        let (status, xml) = answered.unwrap_or_else(|error| {
            let problem = Refusal::from(Problem::internal(error));
            (problem.status, Head { kind, ts: "", txn: "" }.error(&problem.code, &problem.detail))
        });
        (status, [(header::CONTENT_TYPE, "application/xml; charset=utf-8")], xml).into_response()
    }

    /// Blocks on the disk.
    fn answer(&self, kind: Kind, headers: &HeaderMap, body: &[u8]) -> (StatusCode, String) {
        let request = match PullRequest::from_xml(kind, body) {
            Ok(request) => request,
            Err(malformed) => {
                let head = Head { kind, ts: "", txn: "" };
                return (StatusCode::BAD_REQUEST, head.error("malformed", &malformed.to_string()));
            }
        };
        let head = Head { kind, ts: request.envelope.ts.as_str(), txn: request.envelope.txn.as_str() };
        match self.serve(&head, headers, body, &request) {
            Ok(xml) => {
                info!(txn = head.txn, "digilocker: served");
                (StatusCode::OK, xml)
            }
            Err(Refusal { status, code, detail }) => {
                info!(txn = head.txn, code, "digilocker: refused");
                (status, head.error(&code, &detail))
            }
        }
    }

    fn serve(
        &self,
        head: &Head<'_>,
        headers: &HeaderMap,
        body: &[u8],
        request: &PullRequest,
    ) -> Result<String, Refusal> {
        let hmac = headers.get(HMAC).map(|value| value.as_bytes());
        let admitted = self.digilocker.admit(&request.envelope, body, hmac, now_ms());
        admitted.map_err(|why| Refusal::new(StatusCode::UNAUTHORIZED, "not_admitted", why.to_string()))?;
        let (uri, name) = match &request.asked {
            Asked::Doc(uri) => (uri.clone(), None),
            Asked::Uri { doc_type, parameters } => {
                let config = &self.digilocker.config;
                let parameter = |name: &str| {
                    let missing = || Refusal::of("parameter", format!("the element {name} is missing"));
                    parameters.get(name).ok_or_else(missing)
                };
                let (number, name) = (parameter(config.number.as_str())?, parameter(config.name.as_str())?);
                // A number that fits no document is answered as one that fits none here.
                let found = match number.parse() {
                    Ok(number) => self.digilocker.store.find(doc_type, &number, name),
                    Err(_) => Ok(None),
                };
                let found = found.map_err(|error| Refusal::store(&error))?;
                let uri = found.ok_or_else(|| Refusal::of("not_found", "no document of this number and name"))?;
                (uri, Some(name.as_str()))
            }
        };
        self.document(head, &uri, name, request)
    }

    /// The document, if the ledger proves that it is on record as it is and was not taken back.
    fn document(
        &self,
        head: &Head<'_>,
        uri: &Uri,
        name: Option<&str>,
        request: &PullRequest,
    ) -> Result<String, Refusal> {
        let store = &self.digilocker.store;
        let unknown = || Refusal::of("not_found", "the issuer's store has no such document");
        let number = store.number_of(uri).map_err(|error| Refusal::store(&error))?.ok_or_else(unknown)?;
        let file = store.file(uri).map_err(|error| Refusal::store(&error))?.ok_or_else(unknown)?;
        let (now_ms, question) = (now_ms(), Question::Uri(uri.clone()));
        let newest = self.app.service.head(now_ms)?;
        let receipt = newest.status_receipt(&question)?;
        let answer = newest
            .judge(&receipt, &question, Terms::now(now_ms))
            .map_err(|why| Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "could_not_check", why.to_string()))?;
        let Some(entry) = &answer.entry else {
            return Err(Refusal::of("not_on_record", "the document is not on record"));
        };
        if entry.digest != sha256(&file) {
            error!(%uri, "digilocker: the file in the store is not the one on record");
            return Err(Refusal::of("mismatch", "the file in the issuer's store is not the one on record"));
        }
        if !may_be_served(answer.status) {
            return Err(Refusal::of(
                &status_word(answer.status),
                format!("the document is not in force: {}", answer.reason),
            ));
        }
        let receipt = receipt.to_bytes();
        Ok(head.document(&Served {
            number: &number,
            name,
            file: &file,
            answer: &answer,
            entry,
            receipt: &receipt,
            format: request.envelope.format,
        }))
    }
}
