//! What outside witnesses cosigned, and how they fare.

use std::num::NonZeroUsize;

use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Json, Response};
use dalil_ledger::checkpoint::NOTE_SIGNATURES_FOR_ALL;
use dalil_ledger::log::LogSize;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::conditional::REVALIDATED;
use super::{App, Problem};
use crate::shell::witnesses::WitnessStatus;

const TEXT: &str = "text/plain; charset=utf-8";

fn note(note: String) -> Response {
    ([(header::CONTENT_TYPE, TEXT), (header::CACHE_CONTROL, REVALIDATED)], note).into_response()
}

/// The newest head with a quorum; the lines of witnesses that cosigned it too stand last, as far as every verifier takes
/// that many lines.
pub(super) async fn checkpoint(State(app): State<App>) -> Result<Response, Problem> {
    let published = app.published()?;
    Ok(note(app.witnesses.dress(&published.note, NOTE_SIGNATURES_FOR_ALL)))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HowMany {
    /// How many witnesses must have cosigned it at least; 1 if not given.
    least: Option<NonZeroUsize>,
}

/// The newest head that witnesses cosigned, which may be older than the newest published one.
pub(super) async fn cosigned(State(app): State<App>, Query(asked): Query<HowMany>) -> Result<Response, Problem> {
    let published = app.node.published.borrow().clone();
    let least = asked.least.map_or(1, NonZeroUsize::get);
    let newest = app.witnesses.newest(least, published.as_ref().map(|head| head.note.as_str()));
    newest.map(note).ok_or_else(|| {
        Problem::not_found(format!(
            "no head was cosigned by {least} or more outside witnesses since this node started; /v1/witnesses says how they fare"
        ))
    })
}

/// Outside witnesses, as an operator configured them.
#[derive(Serialize, JsonSchema)]
pub(super) struct ShownWitnesses {
    /// Entries of the newest head with a quorum, of which witnesses may have cosigned an older one.
    log_size: Option<LogSize>,
    witnesses: Vec<WitnessStatus>,
}

pub(super) async fn list(State(app): State<App>) -> Json<ShownWitnesses> {
    let log_size = app.node.published.borrow().as_ref().map(|head| head.view.log_size());
    Json(ShownWitnesses { log_size, witnesses: app.witnesses.status() })
}
