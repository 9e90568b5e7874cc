//! The log as C2SP lays it out, blocks, policy, pin, and raw state.

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use dalil_ledger::checkpoint::Policy;
use dalil_ledger::codec;
use dalil_ledger::crypto::Hash;
use dalil_ledger::log::tile::Tile;
use dalil_ledger::state::StateView as _;
use dalil_ledger::validators::Certificate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::conditional::{IMMUTABLE, REVALIDATED};
use super::{App, Problem};

/// The longest state key that is looked up, in bytes.
const STATE_KEY_BYTES_MAX: usize = 512;

fn text(content: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], content).into_response()
}

fn immutable(bytes: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/octet-stream"), (header::CACHE_CONTROL, IMMUTABLE)], bytes).into_response()
}

pub(super) async fn tile(State(app): State<App>, Path(path): Path<String>) -> Result<Response, Problem> {
    let published = app.published()?;
    let view = &published.view;
    let tile: Tile =
        format!("tile/{path}").parse().map_err(|error| Problem::bad_request("tile", format!("{error}")))?;
    if !tile.exists_at(view.log_size()) {
        return Err(Problem::not_found(format!(
            "the log has {} entries; this tile does not exist yet",
            view.log_size()
        )));
    }
    let bytes = view.tile_bytes(&tile)?;
    Ok(immutable(bytes))
}

/// The canonical bytes of genesis: their SHA-256 with its domain is the chain's id.
pub(super) async fn genesis(State(app): State<App>) -> Response {
    immutable(codec::encode(&*app.genesis))
}

/// The leaf list of a batch, canonical: it is executed with the block, and not part of the log.
pub(super) async fn attachment(State(app): State<App>, Path(root): Path<Hash>) -> Result<Response, Problem> {
    let view = app.node.view.borrow().clone();
    let attachment = view.attachment(&root)?;
    let attachment = attachment.ok_or_else(|| Problem::not_found(format!("no batch on record has root {root}")))?;
    Ok(immutable(codec::encode(&attachment)))
}

pub(super) async fn policy(State(app): State<App>) -> Result<Response, Problem> {
    let published = app.published()?;
    let policy = Policy::of_set(&app.origin, &published.validators).map_err(Problem::internal)?;
    Ok(([(header::CACHE_CONTROL, REVALIDATED)], text(policy.to_string())).into_response())
}

/// What a verifier starts from. To be taken from a source that the verifier trusts, never from the node being checked.
pub(super) async fn pin(State(app): State<App>) -> Result<Response, Problem> {
    let published = app.published()?;
    let pin = app.pin(&published)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], pin.to_json()).into_response())
}

/// A block as JSON.
#[derive(Serialize, JsonSchema)]
pub(super) struct ShownBlock {
    id: Hash,
    header: dalil_ledger::block::Header,
    /// Transaction ids of the records in order.
    records: Vec<Hash>,
    /// What decided it; none for genesis.
    certificate: Option<Certificate>,
}

pub(super) async fn block(State(app): State<App>, Path(asked): Path<String>) -> Result<Response, Problem> {
    let view = app.node.view.borrow().clone();
    let height = match asked.as_str() {
        "head" => view.head().height,
        number => number.parse().map_err(|_| Problem::bad_request("height", "expected a height or `head`"))?,
    };
    let block = view.block(height)?;
    let block =
        block.ok_or_else(|| Problem::not_found(format!("height {height} is above the head {}", view.head().height)))?;
    let certificate = view.commit(height)?;
    // Of the head, another set of signatures may still be shown.
    let kept = if asked != "head" && height < view.head().height { IMMUTABLE } else { REVALIDATED };
    let shown = ShownBlock {
        id: block.id(),
        records: block.records.iter().map(|record| record.id()).collect(),
        header: block.header,
        certificate,
    };
    Ok(([(header::CACHE_CONTROL, kept)], Json(shown)).into_response())
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StateQuery {
    /// The key.
    #[schemars(length(min = 1, max = 512))]
    key: String,
}

/// A state value with its proof under the newest published head.
#[derive(Serialize, JsonSchema)]
pub(super) struct ShownState {
    key: String,
    /// Canonical bytes, base64; null if the key is absent.
    value: Option<String>,
    height: u64,
    state_root: Hash,
    proof: dalil_ledger::state::StateProof,
}

pub(super) async fn state(
    State(app): State<App>,
    Query(query): Query<StateQuery>,
) -> Result<Json<ShownState>, Problem> {
    if query.key.len() > STATE_KEY_BYTES_MAX {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "key", format!("at most {STATE_KEY_BYTES_MAX} bytes")));
    }
    let published = app.published()?;
    let view = &published.view;
    let value = view.get(query.key.as_bytes()).map_err(Problem::internal)?;
    let (_, proof) = view.prove(query.key.as_bytes()).map_err(Problem::internal)?;
    Ok(Json(ShownState {
        value: value.map(|bytes| BASE64.encode(bytes)),
        height: view.head().height,
        state_root: view.head().state_root,
        proof,
        key: query.key,
    }))
}
