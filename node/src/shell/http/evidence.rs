//! Contradictions of consensus keys, as far as this node holds them.

use axum::extract::{Query, State};
use axum::response::Json;
use dalil_contracts::authority::evidence::{RecordedEvidence, evidence_key};
use dalil_contracts::authority::{ConsensusKey, consensus_key_key};
use dalil_ledger::block::{DepartmentId, Height, Round};
use dalil_ledger::crypto::PublicKey;
use dalil_ledger::evidence::Evidence;
use dalil_ledger::statement::Phase;
use dalil_ledger::store::{LedgerView, StoreError};
use dalil_ledger::validators::Certificate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{App, Problem};
use crate::core::evidence::{accusations_held, evidence_held};

/// The most pieces in one page.
const PAGE_MAX: usize = 100;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EvidenceQuery {
    /// A department or a consensus key.
    validator: Option<String>,
    /// `next` of the page before.
    after: Option<String>,
}

/// What this node can prove against validators.
#[derive(Serialize, JsonSchema)]
pub(super) struct EvidencePage {
    evidence: Vec<ShownEvidence>,
    /// On the first page alone.
    accusations: Vec<ShownAccusation>,
    /// Where the next page begins, if there may be one.
    next: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct ShownEvidence {
    department: Option<DepartmentId>,
    height: Height,
    round: Round,
    phase: Phase,
    /// Log index of the record that puts the contradiction on the chain; null while none does.
    recorded: Option<u64>,
    evidence: Evidence,
}

#[derive(Serialize, JsonSchema)]
struct ShownAccusation {
    height: Height,
    accused: Vec<Accused>,
    commit: Certificate,
    later: Certificate,
}

#[derive(Serialize, JsonSchema)]
struct Accused {
    department: Option<DepartmentId>,
    key: PublicKey,
}

fn department(view: &LedgerView, key: &PublicKey) -> Result<Option<DepartmentId>, StoreError> {
    let known: Option<ConsensusKey> = view.state_value(&consensus_key_key(key))?;
    Ok(known.map(|known| known.department))
}

fn shown(view: &LedgerView, evidence: Evidence) -> Result<ShownEvidence, StoreError> {
    let position = evidence.position();
    let recorded: Option<RecordedEvidence> = view.state_value(&evidence_key(&evidence.key, position.height))?;
    Ok(ShownEvidence {
        department: department(view, &evidence.key)?,
        height: position.height,
        round: position.round,
        phase: position.phase,
        recorded: recorded.map(|recorded| recorded.record),
        evidence,
    })
}

fn is_about(validator: &str, department: Option<&DepartmentId>, key: &PublicKey) -> bool {
    department.is_some_and(|department| department.as_str() == validator) || key.to_string() == validator
}

/// Evidence and accusations; of one validator, if that is asked for.
pub(super) async fn list(
    State(app): State<App>,
    Query(query): Query<EvidenceQuery>,
) -> Result<Json<EvidencePage>, Problem> {
    let after = query.after.as_deref().map(hex::decode).transpose();
    let mut after = after.map_err(|_| Problem::bad_request("after", "expected `next` of the page before"))?;
    let wanted = |department: Option<&DepartmentId>, key: &PublicKey| {
        query.validator.as_ref().is_none_or(|validator| is_about(validator, department, key))
    };
    // What is kept comes between blocks too: the newest version, not that of the last block.
    let view = app.ledger.view().map_err(Problem::internal)?;
    let snapshot = app.ledger.kv().snapshot();
    let mut accusations = Vec::new();
    if after.is_none() {
        for accusation in accusations_held(&*snapshot).map_err(Problem::internal)? {
            let named = |key: &PublicKey| Ok(Accused { department: department(&view, key)?, key: *key });
            let accused: Result<Vec<_>, StoreError> = accusation.accused.iter().map(named).collect();
            let accused = accused.map_err(Problem::internal)?;
            if accused.iter().any(|accused| wanted(accused.department.as_ref(), &accused.key)) {
                let (commit, later) = (accusation.commit, accusation.later);
                accusations.push(ShownAccusation { height: commit.subject.height, accused, commit, later });
            }
        }
    }
    let mut evidence = Vec::new();
    let next = loop {
        let room = PAGE_MAX - evidence.len();
        let pieces = evidence_held(&*snapshot, after.as_deref(), room).map_err(Problem::internal)?;
        let full = pieces.len() == room;
        for (place, piece) in pieces {
            let piece = shown(&view, piece).map_err(Problem::internal)?;
            if wanted(piece.department.as_ref(), &piece.evidence.key) {
                evidence.push(piece);
            }
            after = Some(place);
        }
        if !full {
            break None;
        }
        if evidence.len() == PAGE_MAX {
            break after.map(hex::encode);
        }
    };
    Ok(Json(EvidencePage { evidence, accusations, next }))
}
