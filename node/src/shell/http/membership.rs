//! Who decides: the validator set, changes of it that are under way, and the handovers by which verifiers follow.

use axum::extract::{Query, State};
use axum::response::Json;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use dalil_contracts::authority::membership::{Absent, HeadName, Membership, PendingChange, membership_key};
use dalil_ledger::block::{Entry, Height};
use dalil_ledger::checkpoint::HeadProof;
use dalil_ledger::codec::{self, CANONICAL_BYTES_MAX};
use dalil_ledger::crypto::Hash;
use dalil_ledger::validators::ValidatorSet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{App, Problem};

/// The most handovers in one answer.
const HANDOVERS_PAGE: usize = 64;

/// A head with its proof, as JSON.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ShownHead {
    /// The header's log entry, base64.
    header: String,
    /// Inclusion path of the last leaf.
    path: Vec<Hash>,
    /// The checkpoint with its signatures.
    checkpoint: String,
}

impl ShownHead {
    fn of(head: HeadProof) -> Self {
        let header = BASE64.encode(Entry::Header(head.header).encode());
        Self { header, path: head.path, checkpoint: head.note }
    }

    /// The proof, as yet unchecked; none if the header is none.
    pub fn read(self) -> Option<HeadProof> {
        let entry: Entry = codec::decode(&BASE64.decode(self.header).ok()?, CANONICAL_BYTES_MAX).ok()?;
        let Entry::Header(header) = entry else { return None };
        Some(HeadProof { header, path: self.path, note: self.checkpoint })
    }
}

/// What renews a pin: handovers, oldest first, and the newest head.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ShownHandovers {
    /// Canonical handovers, base64.
    pub handovers: Vec<String>,
    /// The height to ask from for the rest; none if these are all.
    pub more_from: Option<Height>,
    /// The newest head with a quorum of cosignatures.
    pub head: ShownHead,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct From {
    /// The first height.
    from: Height,
}

pub(super) async fn handovers(
    State(app): State<App>,
    Query(from): Query<From>,
) -> Result<Json<ShownHandovers>, Problem> {
    let published = app.published()?;
    let view = &published.view;
    let found = view.handovers(from.from, HANDOVERS_PAGE).map_err(Problem::internal)?;
    let is_full = found.len() == HANDOVERS_PAGE;
    let last = found.last().map(|handover| handover.header.height + 1);
    let head = view.head().clone();
    let path = view.inclusion_proof(head.entry_index(), head.log_size()).map_err(Problem::internal)?;
    Ok(Json(ShownHandovers {
        handovers: found.iter().map(|handover| BASE64.encode(handover.encode())).collect(),
        more_from: last.filter(|_| is_full),
        head: ShownHead::of(HeadProof { header: head, path, note: published.note.clone() }),
    }))
}

/// A change that waits, and the height at which it comes into force as things stand.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ShownChange {
    /// The change.
    #[serde(flatten)]
    pub pending: PendingChange,
    /// The first height that the changed set decides; none while a `ready` is wanted.
    pub due_height: Option<Height>,
}

/// Who decides, in the newest state.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ShownValidators {
    /// Height of the head.
    pub height: Height,
    /// The first height that the set decides.
    pub from_height: Height,
    /// The set of the next height.
    pub validators: ValidatorSet,
    /// Changes that wait, in the order in which they were carried.
    pub pending: Vec<ShownChange>,
    /// Members that have not joined yet.
    pub absent: Vec<Absent>,
    /// The newest block that a `ready` or a `joined` may name; none while nothing is under way.
    pub recent: Option<HeadName>,
}

pub(super) async fn validators(State(app): State<App>) -> Result<Json<ShownValidators>, Problem> {
    let view = app.node.view.borrow().clone();
    let membership: Option<Membership> = view.state_value(&membership_key()).map_err(Problem::internal)?;
    let Membership { pending, absent, heads } = membership.unwrap_or_default();
    let change = |pending: PendingChange| ShownChange { due_height: pending.due_height(), pending };
    Ok(Json(ShownValidators {
        height: view.head().height,
        from_height: view.validators_from().map_err(Problem::internal)?,
        validators: crate::core::executor::next_validators(&view).map_err(Problem::internal)?,
        pending: pending.into_iter().map(change).collect(),
        absent,
        recent: heads.last().copied(),
    }))
}
