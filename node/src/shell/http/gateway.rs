//! `POST /gateway/v1/records`: plain JSON in, a record with its receipts out. `POST /gateway/v1/slips` ([`super::slip`]): the code B of
//! a challan.
//!
//! Served on the gateway's own address only. The API key and the rate are checked before a body is read. Nothing that a
//! client sends stands in the log but its name, the posting and the code of a refusal.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Extension, Query, Request as HttpRequest, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state, map_response};
use axum::response::{IntoResponse as _, Json, Response};
use axum::routing::post;
use axum::{Router, http::HeaderValue};
use dalil_contracts::authority::PostingId;
use dalil_ledger::block::Header;
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::{DocumentEntry, Uri, document_key};
use dalil_ledger::store::{LedgerView, StoreError};
use serde::Serialize;
use tokio::time::timeout_at;
use tower_http::timeout::TimeoutLayer;
use tracing::{info, warn};

use super::records::{Wait, hand_in};
use super::{App, BODY_BYTES_MAX, Problem, REQUEST_TIMEOUT, problem, slip};
use crate::core::Answer;
use crate::gateway::book::BookError;
use crate::gateway::clients::Client;
use crate::gateway::once::{Attempt, Refused, Step};
use crate::gateway::request::Request;
use crate::gateway::{Gateway, IdempotencyKey};
use crate::service::{Ask, Attach, Head, ServiceError, Verified};
use crate::shell::clock::now_ms;

/// The header that names a request.
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// After how many seconds a client may ask again for what is not decided, or where the node is full.
const ASK_AGAIN_S: u64 = 2;

#[derive(Clone)]
pub(super) struct Office {
    pub(super) app: App,
    pub(super) gateway: Arc<Gateway>,
    started: Instant,
}

/// What a client is told.
#[derive(Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
enum Handed {
    /// 200: final, and a quorum has cosigned it.
    Recorded {
        /// Transaction id.
        id: Hash,
        /// Log index.
        index: u64,
        /// Height of its block; none if it is older than what this node holds.
        height: Option<u64>,
        /// Block time, UTC milliseconds.
        timestamp_ms: Option<u64>,
        /// Whether an earlier attempt with this key signed it.
        repeated: bool,
        /// The inclusion receipt (`.tlog-proof`).
        inclusion: Option<String>,
        /// The documents that it issued, with their status receipts; a batch's are asked for one by one.
        documents: Vec<IssuedDocument>,
    },
    /// 202: not yet final, or final and not yet cosigned. Send the request again with the same key.
    Pending {
        /// Transaction id.
        id: Hash,
        /// Log index, once it is final.
        index: Option<u64>,
        /// In plain words.
        detail: &'static str,
    },
}

/// A document that a record issued.
#[derive(Debug, Serialize)]
struct IssuedDocument {
    uri: Uri,
    #[serde(flatten)]
    verified: Verified,
}

/// The gateway's resources, without a socket.
pub(super) fn router(app: App, gateway: Gateway) -> Router {
    let office = Office { app, gateway: Arc::new(gateway), started: Instant::now() };
    Router::new()
        .route("/gateway/v1/records", post(submit))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .route("/gateway/v1/slips", post(slip::slip).layer(DefaultBodyLimit::max(slip::BODY_BYTES_MAX)))
        .route_layer(from_fn_with_state(office.clone(), admit))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, REQUEST_TIMEOUT))
        .layer(map_response(problem::as_problem))
        .with_state(office)
}

/// Lets in who shows an API key and has asked no more often than it may.
async fn admit(State(office): State<Office>, mut request: HttpRequest, next: Next) -> Response {
    let presented = bearer(request.headers()).unwrap_or_default();
    let Some(client) = office.gateway.clients().by_key(presented) else {
        let problem = Problem::new(StatusCode::UNAUTHORIZED, "api_key", "no valid API key; send Authorization: Bearer");
        return ([(header::WWW_AUTHENTICATE, "Bearer")], problem).into_response();
    };
    let asked_ms = u64::try_from(office.started.elapsed().as_millis()).unwrap_or(u64::MAX);
    if let Err(after_s) = client.take(asked_ms) {
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate", "too many requests of this client");
        return later(after_s, problem);
    }
    request.extensions_mut().insert(client);
    next.run(request).await
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let (scheme, key) = headers.get(header::AUTHORIZATION)?.as_bytes().split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then_some(key.trim_ascii())
}

/// A problem that is another one after a while.
fn later(after_s: u64, problem: Problem) -> Response {
    ([(header::RETRY_AFTER, HeaderValue::from(after_s))], problem).into_response()
}

async fn submit(
    State(office): State<Office>,
    Extension(client): Extension<Arc<Client>>,
    headers: HeaderMap,
    Query(wait): Query<Wait>,
    body: Bytes,
) -> Response {
    let deadline = tokio::time::Instant::now() + wait.duration();
    match office.handle(&client, &headers, &body, deadline).await {
        Ok(handed @ Handed::Recorded { .. }) => Json(handed).into_response(),
        Ok(handed @ Handed::Pending { .. }) => {
            let again = [(header::RETRY_AFTER, HeaderValue::from(ASK_AGAIN_S))];
            (StatusCode::ACCEPTED, again, Json(handed)).into_response()
        }
        Err(problem) => {
            info!(client = %client.name(), code = problem.code, status = problem.status, "gateway: refused");
            match problem.status {
                429 | 503 => later(ASK_AGAIN_S, problem),
                _ => problem.into_response(),
            }
        }
    }
}

impl Office {
    async fn handle(
        &self,
        client: &Arc<Client>,
        headers: &HeaderMap,
        body: &[u8],
        deadline: tokio::time::Instant,
    ) -> Result<Handed, Problem> {
        let key = idempotency_key(headers)?;
        let malformed = |error| Problem::bad_request("T_MALFORMED", format!("{error}"));
        let request = Request::from_json(body).map_err(malformed)?;
        let posting = request.invocation.posting.clone();
        require_posting(client, &posting)?;
        let step = self.settle(client, key, &request).await?;
        let (id, attempt, index) = match step {
            Step::Recorded { id, index } => (id, Attempt::Repeated, index),
            Step::HandIn(record, attempt) => {
                let (id, wait) = (record.id(), deadline.saturating_duration_since(tokio::time::Instant::now()));
                let answer = hand_in(&self.app, *record, request.attachment.clone(), wait).await?;
                let index = match answer {
                    Some(Answer::Recorded { index, .. }) => Some(index),
                    Some(Answer::Rejected(rejection)) if rejection.code == "T_DUPLICATE" => {
                        self.index_of(id, deadline).await?
                    }
                    Some(Answer::Rejected(rejection))
                        if matches!(rejection.code.as_str(), "T_EXPIRED" | "T_UNDECIDED") =>
                    {
                        return Err(lapsed(id));
                    }
                    Some(Answer::Rejected(rejection)) => return Err(self.mended(rejection.into())),
                    None => None,
                };
                match index {
                    Some(index) => (id, attempt, index),
                    None => {
                        let detail = "handed in, not yet final; send the request again with the same key";
                        return Ok(Handed::Pending { id, index: None, detail });
                    }
                }
            }
        };
        info!(client = %client.name(), %posting, %id, index, "gateway: recorded");
        if !self.is_published(index, deadline).await {
            let detail = "final, not yet cosigned by a quorum; send the request again with the same key";
            return Ok(Handed::Pending { id, index: Some(index), detail });
        }
        let head = self.app.service.head(now_ms())?;
        self.answer(&request, id, index, attempt == Attempt::Repeated, &head)
    }

    /// What the request comes to; the book is written on a thread of its own, and to its end if the client goes away.
    async fn settle(&self, client: &Arc<Client>, key: IdempotencyKey, request: &Request) -> Result<Step, Problem> {
        let view = self.app.node.view.borrow().clone();
        let (gateway, client, request) = (self.gateway.clone(), client.clone(), request.clone());
        let settled = tokio::task::spawn_blocking(move || gateway.once(&client, &key, &request, &view, now_ms())).await;
        settled.map_err(Problem::internal)?.map_err(refusal)
    }

    /// The log index of a record that the core knows to be on record; none if this reader does not see it in time.
    async fn index_of(&self, id: Hash, deadline: tokio::time::Instant) -> Result<Option<u64>, Problem> {
        let mut views = self.app.node.view.clone();
        let found = views.wait_for(|view| view.index_of(&id).is_ok_and(|index| index.is_some()));
        match timeout_at(deadline, found).await {
            Ok(Ok(view)) => Ok(view.index_of(&id)?),
            _ => Ok(None),
        }
    }

    /// Waits until a head with a quorum covers `index`.
    async fn is_published(&self, index: u64, deadline: tokio::time::Instant) -> bool {
        let mut heads = self.app.node.published.clone();
        // Cosignatures follow a block by milliseconds; a client that would not wait at all still gets its receipts.
        let least = tokio::time::Instant::now() + Duration::from_millis(500);
        let covered = heads.wait_for(|head| head.as_ref().is_some_and(|head| head.view.log_size() > index));
        matches!(timeout_at(deadline.max(least), covered).await, Ok(Ok(_)))
    }

    fn answer(&self, request: &Request, id: Hash, index: u64, repeated: bool, head: &Head) -> Result<Handed, Problem> {
        let view = head.view();
        let header = block_of(view, index)?;
        let inclusion = match head.inclusion_receipt(index, None) {
            Ok(receipt) => Some(String::from_utf8(receipt.to_bytes()).map_err(Problem::internal)?),
            Err(ServiceError::Store(StoreError::NotHeld { .. })) => None,
            Err(error) => return Err(error.into()),
        };
        let mut documents = Vec::new();
        for uri in request.invocation.documents() {
            let entry: Option<DocumentEntry> = view.state_value(&document_key(&uri))?;
            if entry.is_some_and(|entry| entry.record == index) {
                let verified = head.answer(&Ask::uri(uri.clone()), Attach::Proof, now_ms())?;
                documents.push(IssuedDocument { uri, verified });
            }
        }
        let (height, timestamp_ms) = (header.as_ref().map(|it| it.height), header.as_ref().map(|it| it.timestamp_ms));
        Ok(Handed::Recorded { id, index, height, timestamp_ms, repeated, inclusion, documents })
    }

    /// Adds to a rule's refusal what the gateway alone knows.
    pub(super) fn mended(&self, mut problem: Problem) -> Problem {
        if problem.code == "A7" {
            let key = self.gateway.public_key();
            problem.detail += &format!("; the department's administrator lists {key} among the posting's gateways");
        }
        problem
    }
}

/// Refuses a client that asks for a posting which is not its own.
pub(super) fn require_posting(client: &Client, posting: &PostingId) -> Result<(), Problem> {
    if client.may_act_for(posting) {
        return Ok(());
    }
    let detail = "this client may not act for the posting that the request names";
    Err(Problem::new(StatusCode::FORBIDDEN, "posting", detail))
}

fn idempotency_key(headers: &HeaderMap) -> Result<IdempotencyKey, Problem> {
    let mut keys = headers.get_all(IDEMPOTENCY_KEY).iter();
    let key = match (keys.next(), keys.next()) {
        (Some(key), None) => key.to_str().ok().and_then(|key| key.parse().ok()),
        _ => None,
    };
    key.ok_or_else(|| {
        Problem::bad_request(
            "idempotency_key",
            "send one header Idempotency-Key of 1 to 128 printable ASCII characters: a name for this request, the same \
             each time it is sent",
        )
    })
}

fn lapsed(id: Hash) -> Problem {
    let detail = format!(
        "record {id} lapsed before its block. Whether an earlier attempt was taken shows with the chain's next block: send \
         the request again with the same key"
    );
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "undecided", detail)
}

fn refusal(refused: Refused) -> Problem {
    let detail = refused.to_string();
    match refused {
        Refused::OtherRequest => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail),
        Refused::NotKnownHere { .. } => Problem::new(StatusCode::CONFLICT, "not_held", detail),
        Refused::Book(BookError::Full) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "book_full", detail),
        Refused::Book(error) => {
            warn!(%error, "gateway: nothing is signed");
            let detail = "the gateway cannot keep its book and signs nothing; its operator finds the reason in the log";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "book", detail)
        }
        Refused::Store(error) => error.into(),
        Refused::Sign(error) => Problem::internal(error),
    }
}

/// The header of the block with the entry at `index`; none if it is older than what this node holds.
fn block_of(view: &LedgerView, index: u64) -> Result<Option<Header>, StoreError> {
    let (mut low, mut high) = (view.first_block(), view.head().height);
    while low <= high {
        let middle = low + (high - low) / 2;
        let Some(header) = view.header(middle)? else { return Ok(None) };
        if index < header.first_entry {
            let Some(below) = middle.checked_sub(1) else { return Ok(None) };
            high = below;
        } else if index > header.entry_index() {
            low = middle + 1;
        } else {
            return Ok(Some(header));
        }
    }
    Ok(None)
}
