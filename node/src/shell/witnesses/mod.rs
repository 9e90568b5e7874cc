//! Outside witnesses: servers of others that are asked to cosign the log's heads (C2SP tlog-witness), so that whoever trusts
//! them need not trust that no quorum of validators shows different logs to different people.
//!
//! One task chooses heads at a measured pace; one a witness offers the chosen head, so that witnesses that are well cosign the
//! same heads and one that is slow holds up nobody. What a witness remembers is asked of the witness itself: nothing is
//! written down here. What fails is tried again for ever, at growing intervals, with the head chosen last, and
//! [`WitnessStatus`] says since when and why.
//!
//! A witness counts for nothing within the network: receipts and the policy know validators alone. Its cosignatures are
//! published beside theirs, for those whose policy asks for it. The node itself is no witness of other logs.
//!
//! `config.rs` is what an operator writes, `pace.rs` says when a head is offered, `exchange.rs` what is sent and how an answer
//! is read, `board.rs` keeps what was cosigned; these decide and touch nothing. `worker.rs` is the tasks.

mod board;
mod config;
mod exchange;
mod pace;
mod worker;

use std::sync::Arc;

use dalil_ledger::checkpoint::KeyName;
use dalil_ledger::crypto::SecretKey;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use board::{Board, Cosigned, SharedBoard};
pub use config::{Prepared, WITNESSES_MAX, WitnessConfig, prepare};
pub use exchange::{Answer, Offer, Trouble, read};
pub use pace::Pace;
pub use worker::PATIENCE;

use super::outbound::{Failing, Patience};
use crate::core::cosign::Published;
use worker::{Worker, choose};

/// How a witness fares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WitnessStatus {
    /// The name of its key.
    pub name: String,
    /// Its key, for the `witness` line of a policy (C2SP vkey).
    pub vkey: String,
    /// What it cosigned last since the node started.
    pub cosigned: Option<Cosigned>,
    /// Why it does not cosign, if it does not.
    pub failing: Option<Failing>,
}

/// What all offers have in common.
#[derive(Clone)]
pub struct Terms {
    /// The log.
    pub origin: KeyName,
    /// This validator's log key; an observer has none.
    pub log_key: Option<SecretKey>,
    /// How far beyond a verifier's clock the time of a cosignature may lie, in milliseconds.
    pub skew_ms: u64,
    /// When heads are offered.
    pub pace: Pace,
    /// How long a witness is waited for.
    pub patience: Patience,
}

/// The witnesses of a node. Dropping them ends their tasks.
pub struct Witnesses {
    board: SharedBoard,
    _tasks: JoinSet<()>,
}

impl Witnesses {
    /// Starts to offer what is published.
    pub fn start(prepared: Vec<Prepared>, terms: Terms, published: &watch::Receiver<Option<Arc<Published>>>) -> Self {
        let board = SharedBoard::new(prepared.iter().map(|witness| witness.key.clone()));
        let mut tasks = JoinSet::new();
        if !prepared.is_empty() {
            let (chosen, heads) = watch::channel(None);
            tasks.spawn(choose(published.clone(), chosen, terms.pace));
            for (place, witness) in prepared.into_iter().enumerate() {
                tasks.spawn(Worker::new(place, witness, terms.clone(), heads.clone(), board.clone()).run());
            }
        }
        Self { board, _tasks: tasks }
    }

    /// What they said so far.
    pub fn board(&self) -> SharedBoard {
        self.board.clone()
    }
}
