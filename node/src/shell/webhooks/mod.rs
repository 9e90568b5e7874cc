//! Webhooks: events posted to a department's own system, signed, in order, at least once.
//!
//! One task a webhook: it follows the published log, posts what fits its filter, and writes down where it stands when an
//! event was taken. What fails is tried again for ever, at growing intervals; what comes after waits, so that order holds.
//! Nothing is given up in silence: [`WebhookStatus`] says since when it fails and why.
//!
//! `config.rs` is what an operator writes, `delivery.rs` posts one event, `signature.rs` signs it, `cursor.rs` is the file that
//! says how far it is done, `worker.rs` is the task.

mod config;
mod cursor;
mod delivery;
mod signature;
mod worker;

use std::sync::{Arc, Mutex, PoisonError};

use dalil_ledger::crypto::Hash;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use config::{Prepared, WebhookConfig, prepare};
pub use delivery::DeliveryError;
pub use signature::Secret;
pub use worker::PATIENCE;

use super::events::{Follower, Position};
use super::home::Home;
use super::outbound::{Failing, Patience};
use crate::core::cosign::Published;
use worker::Worker;

/// How a webhook fares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookStatus {
    /// Its name.
    pub name: String,
    /// The next event that it will look at.
    pub next: Position,
    /// How many log entries it has yet to look at.
    pub lag: u64,
    /// Events taken since the node started.
    pub delivered: u64,
    /// Why it stands still, if it does.
    pub failing: Option<Failing>,
}

/// What a worker says of itself.
struct Fares {
    next: Position,
    delivered: u64,
    failing: Option<Failing>,
}

/// The webhooks of a node. Dropping them ends their tasks; what was not written down as taken is posted again.
pub struct Webhooks {
    published: watch::Receiver<Option<Arc<Published>>>,
    fares: Vec<(String, Arc<Mutex<Fares>>)>,
    _tasks: JoinSet<()>,
}

impl Webhooks {
    /// Starts them. A webhook that never ran begins where its configuration says, or at `newest`, the log's size now.
    pub fn start(
        home: &Home,
        chain: Hash,
        prepared: Vec<Prepared>,
        published: &watch::Receiver<Option<Arc<Published>>>,
        newest: u64,
        patience: Patience,
    ) -> anyhow::Result<Self> {
        let (mut fares, mut tasks) = (Vec::new(), JoinSet::new());
        for webhook in prepared {
            let begin = Position::at(webhook.from.unwrap_or(newest));
            let (cursor, next) = cursor::Cursor::open(home, &webhook.name, chain, begin)?;
            let state = Arc::new(Mutex::new(Fares { next, delivered: 0, failing: None }));
            fares.push((webhook.name.clone(), state.clone()));
            let follower = Follower::new(published.clone(), webhook.filter.clone(), next);
            tasks.spawn(Worker::new(webhook, follower, cursor, state, patience).run());
        }
        Ok(Self { published: published.clone(), fares, _tasks: tasks })
    }

    /// How each fares.
    pub fn status(&self) -> Vec<WebhookStatus> {
        let size = self.published.borrow().as_ref().map_or(0, |head| head.view.log_size());
        let of = |(name, fares): &(String, Arc<Mutex<Fares>>)| {
            let fares = fares.lock().unwrap_or_else(PoisonError::into_inner);
            WebhookStatus {
                name: name.clone(),
                next: fares.next,
                lag: size.saturating_sub(fares.next.index),
                delivered: fares.delivered,
                failing: fares.failing.clone(),
            }
        };
        self.fares.iter().map(of).collect()
    }
}
