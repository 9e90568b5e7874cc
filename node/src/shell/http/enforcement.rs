//! "Which challan is live for this plate?", answered to enforcement officers alone.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Json;
use dalil_contracts::Refusal;
use dalil_contracts::mineral::challan::Challan;
use dalil_contracts::mineral::enquiry::SignedEnquiry;
use dalil_contracts::mineral::keys::{challan_key, vehicle_use_key};
use dalil_ledger::block::Height;
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::Serialize;

use super::{App, Problem};
use crate::shell::clock::now_ms;

/// The answer and where its proofs are.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct LiveChallan {
    /// The live challan; none if nothing may travel on this vehicle now.
    live: Option<Challan>,
    /// Height of the head on which the answer rests.
    height: Height,
    /// The state keys that prove it: `/v1/state?key=` of each.
    keys: Vec<String>,
}

pub(super) async fn live_challan(
    State(app): State<App>,
    Json(signed): Json<SignedEnquiry>,
) -> Result<Json<LiveChallan>, Problem> {
    let published = app.published()?;
    let state = Overlay::new(&published.view);
    let live = signed.answer(&state, app.chain, now_ms()).map_err(|refusal| match refusal {
        Refusal::Rule(reject) => Problem::new(StatusCode::FORBIDDEN, reject.code, reject.message),
        Refusal::State(error) => Problem::internal(error),
    })?;
    let proof = live.as_ref().map(|challan| challan_key(challan.number()));
    let keys = [vehicle_use_key(&signed.enquiry.vehicle)].into_iter().chain(proof);
    let keys = keys.map(|key| String::from_utf8_lossy(&key).into_owned()).collect();
    Ok(Json(LiveChallan { live, height: published.view.head().height, keys }))
}
