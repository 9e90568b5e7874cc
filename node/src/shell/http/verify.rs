//! "Is this document genuine and still in force?": answers with the receipts that prove them.

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Json, Response};
use dalil_contracts::Invocation;
use dalil_ledger::block::Entry;
use dalil_ledger::checkpoint::HeadProof;
use dalil_ledger::crypto::{Hash, sha256};
use dalil_ledger::document::{DocumentEntry, Uri, document_key};
use dalil_ledger::log;
use dalil_ledger::receipt::{
    Answer, BatchDocument, CouldNotCheck, InclusionReceipt, Question, StatusReceipt, Terms, verify_status,
};
use dalil_ledger::store::LedgerView;
use serde::{Deserialize, Serialize};

use super::{App, Problem};
use crate::core::cosign::Published;
use crate::shell::clock::now_ms;
use crate::verification;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ask {
    uri: Option<Uri>,
    digest: Option<Hash>,
    /// The day of legal effect, UTC milliseconds.
    as_of_ms: Option<u64>,
    /// Only what was recorded until then counts, UTC milliseconds.
    known_at_ms: Option<u64>,
}

impl Ask {
    fn question(&self) -> Result<Question, Problem> {
        match (&self.uri, &self.digest) {
            (Some(uri), None) => Ok(Question::Uri(uri.clone())),
            (None, Some(digest)) => Ok(Question::Digest(*digest)),
            _ => Err(Problem::bad_request("question", "give either `uri` or `digest`")),
        }
    }

    fn terms(&self) -> Terms {
        Terms { as_of_ms: self.as_of_ms, known_at_ms: self.known_at_ms, ..Terms::now(now_ms()) }
    }
}

/// An answer or the reason why there is none.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum VerifiedAnswer {
    /// Proven.
    Checked(Box<Answer>),
    /// Never to be read as valid, forged or not on record.
    CouldNotCheck {
        /// Short code.
        code: String,
        /// In plain words.
        detail: String,
        /// Age of the newest head with a quorum, in milliseconds.
        age_ms: Option<u64>,
    },
}

/// The node's answer with its proof. Whoever does not trust the node checks the receipt against a pin of their own.
#[derive(Debug, Clone, Serialize)]
pub struct Verified {
    /// What the node makes of its own receipt.
    pub answer: VerifiedAnswer,
    /// The status receipt (`.dalil-status`).
    pub receipt: serde_json::Value,
}

pub(super) fn receipt_of(published: &Published, question: &Question) -> Result<StatusReceipt, Problem> {
    let view = &published.view;
    let head = view.head().clone();
    let path = view.inclusion_proof(head.entry_index(), head.log_size()).map_err(Problem::internal)?;
    let reads = StatusReceipt::gather(question, |key| view.prove(key)).map_err(Problem::internal)?;
    Ok(StatusReceipt::new(HeadProof { header: head, path, note: published.note.clone() }, reads))
}

/// What the node makes of its own receipt.
pub(super) fn checked(
    app: &App,
    published: &Published,
    receipt: &[u8],
    question: &Question,
    terms: Terms,
) -> Result<Result<Answer, CouldNotCheck>, Problem> {
    let pin = app.pin(published)?;
    Ok(verify_status(receipt, &pin, question, terms))
}

pub(super) fn verified(app: &App, question: &Question, terms: Terms) -> Result<Verified, Problem> {
    let published = app.published()?;
    let receipt = receipt_of(&published, question)?.to_bytes();
    let answer = match checked(app, &published, &receipt, question, terms)? {
        Ok(answer) => VerifiedAnswer::Checked(Box::new(answer)),
        Err(why) => VerifiedAnswer::CouldNotCheck {
            code: why.code().to_owned(),
            detail: why.to_string(),
            age_ms: Some(now_ms().saturating_sub(published.freshness_ms)),
        },
    };
    Ok(Verified { answer, receipt: serde_json::from_slice(&receipt).map_err(Problem::internal)? })
}

pub(super) async fn ask(State(app): State<App>, Query(ask): Query<Ask>) -> Result<Json<Verified>, Problem> {
    let question = ask.question()?;
    Ok(Json(verified(&app, &question, ask.terms())?))
}

/// The body is the document's file; only its digest is used, and nothing is kept.
pub(super) async fn ask_by_file(State(app): State<App>, file: Bytes) -> Result<Json<Verified>, Problem> {
    if file.is_empty() {
        return Err(Problem::bad_request(
            "file",
            "the body is to be the document's file; or give its SHA-256 as `digest`",
        ));
    }
    Ok(Json(verified(&app, &Question::Digest(sha256(&file)), Terms::now(now_ms()))?))
}

pub(super) async fn status_receipt(State(app): State<App>, Query(ask): Query<Ask>) -> Result<Response, Problem> {
    let published = app.published()?;
    let bytes = receipt_of(&published, &ask.question()?)?.to_bytes();
    Ok(([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-cache")], bytes).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Where {
    index: Option<u64>,
    uri: Option<Uri>,
}

impl Where {
    /// The log index that is asked for, and the document if that is what was named.
    pub(super) fn find(self, view: &LedgerView) -> Result<(u64, Option<Uri>), Problem> {
        match (self.index, self.uri) {
            (Some(index), None) => Ok((index, None)),
            (None, Some(uri)) => {
                let entry: Option<DocumentEntry> = view.state_value(&document_key(&uri)).map_err(Problem::internal)?;
                let entry = entry.ok_or_else(|| Problem::not_found(format!("{uri} is not on record")))?;
                Ok((entry.record, Some(uri)))
            }
            _ => Err(Problem::bad_request("question", "give either `index` or `uri`")),
        }
    }
}

pub(super) async fn inclusion_receipt(State(app): State<App>, Query(place): Query<Where>) -> Result<Response, Problem> {
    let published = app.published()?;
    let view = &published.view;
    let (index, uri) = place.find(view)?;
    let receipt = inclusion_of(&published, index, uri.as_ref())?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], receipt.to_bytes()).into_response())
}

/// The inclusion receipt of the entry at `index` on a published head; of a document's place in its batch too.
pub(super) fn inclusion_of(published: &Published, index: u64, uri: Option<&Uri>) -> Result<InclusionReceipt, Problem> {
    let view = &published.view;
    let size = view.log_size();
    let beyond = || Problem::not_found(format!("the cosigned log has {size} entries; index {index} is not among them"));
    if index >= size {
        return Err(beyond());
    }
    let entry = view.entry(index)?.ok_or_else(beyond)?;
    if let Entry::Header(header) = &entry {
        return Err(Problem::not_found(format!(
            "entry {index} is the header of block {}, not a record; a receipt speaks of records",
            header.height
        )));
    }
    let document = match uri {
        Some(uri) => batch_document(view, &entry, uri)?,
        None => None,
    };
    let path = view.inclusion_proof(index, size)?;
    let receipt = InclusionReceipt::new(entry, index, path, published.note.clone());
    Ok(match document {
        Some(document) => receipt.for_document(document),
        None => receipt,
    })
}

/// The place of a document in the batch that issued it; none if it was issued singly.
fn batch_document(view: &LedgerView, entry: &Entry, uri: &Uri) -> Result<Option<BatchDocument>, Problem> {
    let Entry::Record(record) = entry else { return Ok(None) };
    let root = Invocation::decode(&record.body.call).ok().and_then(|invocation| invocation.attachment_root());
    let Some(root) = root else { return Ok(None) };
    let attachment =
        view.attachment(&root).map_err(Problem::internal)?.ok_or_else(|| Problem::internal("leaf list missing"))?;
    let position = attachment.leaves.iter().position(|leaf| verification::leaf_uri(leaf).as_ref() == Some(uri));
    let index = position.ok_or_else(|| Problem::internal("document missing in its batch"))?;
    let hashes: Vec<Hash> = attachment.leaves.iter().map(|leaf| log::leaf_hash(leaf)).collect();
    let path = log::inclusion_proof(&*hashes, index as u64, hashes.len() as u64).map_err(Problem::internal)?;
    Ok(Some(BatchDocument { leaf: attachment.leaves[index].clone(), index: index as u64, path }))
}
