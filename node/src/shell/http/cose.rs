//! Inclusion receipts in the form of RFC 9942, signed by this node's log key.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use dalil_ledger::crypto::SecretKey;
use dalil_ledger::receipt::CoseReceipt;

use super::verify::Where;
use super::{App, Problem};

/// A COSE_Sign1 (RFC 9052 §10.2).
const COSE_SIGN1: &str = "application/cose; cose-type=\"cose-sign1\"";

/// The log key of a validator; an observer has none.
pub(super) type LogKey = Option<Arc<SecretKey>>;

/// The COSE receipt of a record, or of the record that issued a document. Only heads that a quorum cosigned are signed, so
/// that this key never says what the others do not.
pub(super) async fn receipt(State(app): State<App>, Query(place): Query<Where>) -> Result<Response, Problem> {
    let key = app.log_key.as_ref().ok_or_else(|| {
        Problem::not_found("this node is no validator and signs no receipts; ask another one".to_owned())
    })?;
    let published = app.published()?;
    let view = &published.view;
    let (index, _) = place.find(view)?;
    let size = view.log_size();
    if index >= size {
        return Err(Problem::not_found(format!("the cosigned log has {size} entries; {index} is not among them")));
    }
    let receipt = CoseReceipt { size, index, path: view.inclusion_proof(index, size)? };
    let bytes = receipt.sign(&view.log_root()?, &app.origin, key);
    Ok(([(header::CONTENT_TYPE, COSE_SIGN1)], bytes).into_response())
}
