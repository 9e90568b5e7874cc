//! The land registers: chain of title, encumbrances, pendency; each answer with the receipt that proves it.

use axum::extract::{Query, State};
use axum::response::Json;
use dalil_contracts::land::keys::PlotId;
use dalil_contracts::land::registers::{Register, RegisterQuestion};
use dalil_contracts::refusal::Reject;
use dalil_ledger::document::OfficeId;
use dalil_ledger::receipt::RegisterReceipt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{App, Problem};
use crate::shell::clock::now_ms;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfPlot {
    /// The plot.
    plot: PlotId,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfOffice {
    /// The office.
    office: OfficeId,
}

/// A register as this node reads it. Whoever does not trust the node runs the register over the receipt's reads.
#[derive(Serialize, JsonSchema)]
pub(super) struct ShownRegister {
    /// The answer; null where there is nothing to tell of.
    register: Option<Register>,
    /// Why there is none: no such plot or office is on record.
    refused: Option<Reject>,
    /// The register receipt (`.dalil-register`).
    #[schemars(with = "RegisterReceipt")]
    receipt: serde_json::Value,
}

fn shown(app: &App, question: &RegisterQuestion) -> Result<Json<ShownRegister>, Problem> {
    let now_ms = now_ms();
    let (answer, receipt) = app.service.head(now_ms)?.land_register(question, now_ms)?;
    let (register, refused) = match answer {
        Ok(register) => (Some(register), None),
        Err(reject) => (None, Some(reject)),
    };
    let receipt = serde_json::from_slice(&receipt.to_bytes()).map_err(Problem::internal)?;
    Ok(Json(ShownRegister { register, refused, receipt }))
}

/// Who held the plot, by what, back to the older register and forward to today.
pub(super) async fn title(State(app): State<App>, Query(of): Query<OfPlot>) -> Result<Json<ShownRegister>, Problem> {
    shown(&app, &RegisterQuestion::Title(of.plot))
}

/// What lies on the plot, and how what lay on it was satisfied.
pub(super) async fn encumbrances(
    State(app): State<App>,
    Query(of): Query<OfPlot>,
) -> Result<Json<ShownRegister>, Problem> {
    shown(&app, &RegisterQuestion::Encumbrances(of.plot))
}

/// Which cases wait for the office, by stage, against the clock.
pub(super) async fn pendency(
    State(app): State<App>,
    Query(of): Query<OfOffice>,
) -> Result<Json<ShownRegister>, Problem> {
    shown(&app, &RegisterQuestion::Pendency(of.office))
}
