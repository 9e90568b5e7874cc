//! Inclusion receipts in the form of RFC 9942, signed by this node's log key.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use dalil_ledger::crypto::SecretKey;
use dalil_ledger::receipt::CoseReceipt;

use super::verify::Where;
use super::{App, Problem};
use crate::shell::clock::now_ms;

/// A COSE_Sign1 (RFC 9052 §10.2).
const COSE_SIGN1: &str = "application/cose; cose-type=\"cose-sign1\"";

/// The log key of a validator; an observer has none.
pub(super) type LogKey = Option<Arc<SecretKey>>;

/// The COSE receipt of a record, or of the record that issued a document. Only heads that a quorum cosigned are signed, so
/// that this key never says what the others do not.
pub(super) async fn receipt(State(app): State<App>, Query(place): Query<Where>) -> Result<Response, Problem> {
    let key = app.log_key.as_ref().ok_or_else(|| {
        let detail = "this node is no validator and signs no receipts; ask another one";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no_log_key", detail)
    })?;
    let head = app.service.head(now_ms())?;
    let found = place.inclusion(&head)?;
    let receipt = CoseReceipt { size: head.view().log_size(), index: found.index, path: found.path };
    let bytes = receipt.sign(&head.view().log_root()?, &app.origin, key);
    Ok(([(header::CONTENT_TYPE, COSE_SIGN1)], bytes).into_response())
}
