//! What clients of a running node reach: the way in, and the newest versions to read.

use std::sync::Arc;

use dalil_ledger::block::Attachment;
use dalil_ledger::crypto::Hash;
use dalil_ledger::store::LedgerView;
use dalil_ledger::transaction::SignedTransaction;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot, watch};

use crate::core::cosign::Published;
use crate::core::{Answer, Standing};
use crate::shell::webhooks::WebhookStatus;
use crate::shell::witnesses::WitnessStatus;

/// A record handed in by a client.
pub struct Submission {
    /// The record.
    pub record: SignedTransaction,
    /// The leaf list that it names.
    pub attachment: Option<Attachment>,
    /// Where the answer goes.
    pub answer: oneshot::Sender<Answer>,
}

/// What an operator asks.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct NodeStatus {
    /// The chain id.
    pub chain: Hash,
    /// Where the core stands.
    #[serde(flatten)]
    pub standing: Standing,
    /// Connected peers.
    pub peers: usize,
    /// The newest head with a quorum of cosignatures: its size and the oldest of their times, UTC milliseconds.
    #[schemars(with = "Option<[u64; 2]>")]
    pub published: Option<(u64, u64)>,
    /// How webhooks fare, as they are configured.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub webhooks: Vec<WebhookStatus>,
    /// How outside witnesses fare, as they are configured.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub witnesses: Vec<WitnessStatus>,
}

/// What clients of a running node reach.
#[derive(Clone)]
pub struct NodeHandle {
    /// Submissions to the core.
    pub submit: mpsc::Sender<Submission>,
    /// Questions about the node's standing.
    pub status: mpsc::Sender<oneshot::Sender<NodeStatus>>,
    /// The newest head with a quorum.
    pub published: watch::Receiver<Option<Arc<Published>>>,
    /// The newest head.
    pub view: watch::Receiver<LedgerView>,
}
