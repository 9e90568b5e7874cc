//! What departments decide together: ballots, and the dated parameters that they voted for.

use axum::extract::{Query, State};
use axum::response::Json;
use dalil_contracts::authority::ballot::BALLOTS;
use dalil_contracts::authority::dated::{Dated, Timeline};
use dalil_contracts::authority::membership::{ChangeOutcome, outcome_key};
use dalil_contracts::authority::parameters::{PARAMETERS, ParameterName, parameter_key};
use dalil_contracts::authority::upgrade::{Protocol, Upgrade};
use dalil_contracts::authority::{Ballot, BallotId, ballot_key};
use dalil_contracts::list;
use dalil_ledger::store::LedgerView;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{App, Problem};

/// The most items in one answer.
const PAGE: u64 = 100;

/// A ballot as it stands, and what became of the change that it carried.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ShownBallot {
    /// Its id.
    pub id: BallotId,
    /// The ballot.
    #[serde(flatten)]
    pub ballot: Ballot,
    /// Of a change of the validator set that is under way no more.
    pub outcome: Option<ChangeOutcome>,
}

/// A page of a list.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Page<T> {
    /// The items, in the order of their records.
    pub items: Vec<T>,
    /// What goes into `from` for the rest; none if these are all.
    pub next: Option<u64>,
}

/// A parameter with its dated values, and the one in force in the newest block.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ShownParameter {
    /// Its name.
    pub name: ParameterName,
    /// The value in force; none before the first.
    pub in_force: Option<i64>,
    /// All values, those to come included.
    pub values: Vec<Dated<i64>>,
}

/// The protocol that judges blocks, now and from heights to come.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ShownProtocol {
    /// The version that judges the next block.
    pub in_force: u32,
    /// The newest version that this node follows: it stops before a block of a newer one.
    pub follows: u32,
    /// Upgrades to come.
    pub to_come: Vec<Upgrade>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfBallot {
    /// The ballot's id.
    ballot: BallotId,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FromNumber {
    /// Number of the first item.
    #[serde(default)]
    from: u64,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfParameter {
    /// The parameter's name.
    name: ParameterName,
}

fn shown_ballot(view: &LedgerView, id: BallotId) -> Result<ShownBallot, Problem> {
    let ballot = view.state_value(&ballot_key(&id)).map_err(Problem::internal)?;
    let ballot = ballot.ok_or_else(|| Problem::not_found(format!("there is no ballot {id}")))?;
    let outcome = view.state_value(&outcome_key(&id)).map_err(Problem::internal)?;
    Ok(ShownBallot { id, ballot, outcome })
}

fn shown_parameter(view: &LedgerView, name: ParameterName) -> Result<ShownParameter, Problem> {
    let dated: Option<Timeline<i64>> = view.state_value(&parameter_key(name.as_str())).map_err(Problem::internal)?;
    let dated = dated.ok_or_else(|| Problem::not_found(format!("there is no parameter {name}")))?;
    Ok(ShownParameter { name, in_force: dated.at(view.head().timestamp_ms).copied(), values: dated.values })
}

/// A page of the list `of` from number `from` on, each item as `show` makes it.
fn page<Id: dalil_ledger::codec::Canonical, T>(
    view: &LedgerView,
    of: &str,
    from: u64,
    show: fn(&LedgerView, Id) -> Result<T, Problem>,
) -> Result<Page<T>, Problem> {
    let count = list::len(view, of).map_err(Problem::internal)?;
    let ids: Vec<Id> = list::read(view, of, from, PAGE).map_err(Problem::internal)?;
    let next = from.saturating_add(PAGE);
    let items = ids.into_iter().map(|id| show(view, id)).collect::<Result<_, _>>()?;
    Ok(Page { items, next: (next < count).then_some(next) })
}

pub(super) async fn ballot(State(app): State<App>, Query(of): Query<OfBallot>) -> Result<Json<ShownBallot>, Problem> {
    let view = app.node.view.borrow().clone();
    Ok(Json(shown_ballot(&view, of.ballot)?))
}

pub(super) async fn ballots(
    State(app): State<App>,
    Query(from): Query<FromNumber>,
) -> Result<Json<Page<ShownBallot>>, Problem> {
    let view = app.node.view.borrow().clone();
    Ok(Json(page(&view, BALLOTS, from.from, shown_ballot)?))
}

pub(super) async fn parameter(
    State(app): State<App>,
    Query(of): Query<OfParameter>,
) -> Result<Json<ShownParameter>, Problem> {
    let view = app.node.view.borrow().clone();
    Ok(Json(shown_parameter(&view, of.name)?))
}

pub(super) async fn parameters(
    State(app): State<App>,
    Query(from): Query<FromNumber>,
) -> Result<Json<Page<ShownParameter>>, Problem> {
    let view = app.node.view.borrow().clone();
    Ok(Json(page(&view, PARAMETERS, from.from, shown_parameter)?))
}

pub(super) async fn protocol(State(app): State<App>) -> Result<Json<ShownProtocol>, Problem> {
    let view = app.node.view.borrow().clone();
    let protocol = Protocol::read(&view).map_err(Problem::internal)?;
    let next = view.head().height + 1;
    Ok(Json(ShownProtocol {
        in_force: protocol.at(next),
        follows: dalil_contracts::authority::upgrade::PROTOCOL_VERSION,
        to_come: protocol.upgrades.into_iter().filter(|upgrade| upgrade.from_height > next).collect(),
    }))
}
