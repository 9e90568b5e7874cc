//! `POST /gateway/v1/slips`: the code B of a challan, signed by the gateway for a posting that lists it (A7).
//!
//! Nothing is recorded. That the plate is the one of the challan's vehicle is the word of the system that asks: the ledger holds
//! no plates. A checkpost compares it with the record and calls out one that differs.

use std::sync::Arc;

use axum::extract::{Extension, Json, State};
use axum::http::StatusCode;
use axum::response::Response;
use dalil_contracts::authority::PostingId;
use dalil_contracts::mineral::checkpost::{ChallanSlip, Plate};
use dalil_contracts::mineral::types::ChallanNumber;
use dalil_contracts::{Context, Refusal};
use serde::Deserialize;
use tracing::info;

use super::gateway::{Office, require_posting};
use super::{Problem, qr};
use crate::gateway::clients::Client;
use crate::shell::clock::now_ms;

/// The largest question, in bytes.
pub(super) const BODY_BYTES_MAX: usize = 4 << 10;

/// Which slip is wanted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// The posting on whose behalf the gateway signs.
    posting: PostingId,
    /// The challan, on record.
    number: ChallanNumber,
    /// The vehicle's plate, as it stands on the document.
    plate: String,
    /// svg (also without it), png, or text: what the code says.
    format: Option<String>,
}

pub(super) async fn slip(
    State(office): State<Office>,
    Extension(client): Extension<Arc<Client>>,
    Json(wanted): Json<Wanted>,
) -> Result<Response, Problem> {
    let Wanted { posting, number, plate, format } = wanted;
    require_posting(&client, &posting)?;
    let plate: Plate = plate.parse().map_err(|error| Problem::bad_request("plate", format!("plate: {error}")))?;
    let head = office.app.service.head(now_ms())?;
    let view = head.view();
    let context = Context {
        chain: office.app.chain,
        height: view.head().height,
        time_ms: now_ms().max(view.head().timestamp_ms),
        record: view.log_size(),
        signer: office.gateway.public_key(),
        attachments: &[],
    };
    let said = ChallanSlip::by(view, &context, &posting, &number, plate).map_err(|refusal| match refusal {
        Refusal::Rule(rule) => office.mended(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, rule.code, rule.message)),
        Refusal::State(error) => Problem::internal(error),
    })?;
    let slip = office.gateway.sign_slip(&said).map_err(Problem::internal)?;
    info!(client = %client.name(), %posting, "gateway: slip signed");
    qr::shown(slip.to_text(), format.as_deref())
}
