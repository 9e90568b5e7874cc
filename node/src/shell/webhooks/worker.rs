//! The task of one webhook.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use super::Fares;
use super::config::Prepared;
use super::cursor::Cursor;
use super::delivery::deliver;
use crate::shell::clock::now_ms;
use crate::shell::events::{Ended, Follower, Page, Position, ShownEvent};
use crate::shell::outbound::{Failing, Patience};

/// How often the file is replaced while nothing fits.
const SAVE_EVERY: Duration = Duration::from_secs(10);

/// How long a webhook waits for its receiver.
pub const PATIENCE: Patience = Patience {
    attempt: Duration::from_secs(15),
    retry_first: Duration::from_secs(1),
    retry_most: Duration::from_secs(300),
};

pub(super) struct Worker {
    webhook: Prepared,
    follower: Follower,
    cursor: Cursor,
    fares: Arc<Mutex<Fares>>,
    patience: Patience,
    saved: Instant,
}

impl Worker {
    pub(super) fn new(
        webhook: Prepared,
        follower: Follower,
        cursor: Cursor,
        fares: Arc<Mutex<Fares>>,
        patience: Patience,
    ) -> Self {
        Self { webhook, follower, cursor, fares, patience, saved: Instant::now() }
    }

    /// Until the node stops.
    pub(super) async fn run(mut self) {
        info!(webhook = self.webhook.name, from = self.follower.position().index, "webhook runs");
        loop {
            match self.follower.next_page().await {
                Ok(page) => self.take(page).await,
                Err(Ended::Stopping) => return,
                Err(error) => {
                    let why = format!(
                        "{error}. Fetch what it misses with `dalil events` from another node, then remove webhooks/{}.json",
                        self.webhook.name
                    );
                    self.failed(why).await;
                }
            }
        }
    }

    async fn take(&mut self, page: Page) {
        for event in &page.events {
            while let Err(why) = self.post(event).await {
                self.failed(why).await;
            }
            let next = Position { index: event.index, ordinal: event.ordinal.saturating_add(1) };
            self.passed(next, Duration::ZERO).await;
            self.fares().delivered += 1;
        }
        self.passed(page.next, SAVE_EVERY).await;
    }

    async fn post(&self, event: &ShownEvent) -> Result<(), String> {
        let body = Bytes::from(serde_json::to_vec(event).map_err(|error| error.to_string())?);
        let Prepared { target, secret, .. } = &self.webhook;
        let posted = deliver(target, secret, &event.id, now_ms() / 1_000, body, self.patience.attempt).await;
        posted.map_err(|error| format!("event {}: {error}", event.id))
    }

    /// Notes that everything before `next` is done, in the file too if that is older than `stale`.
    async fn passed(&mut self, next: Position, stale: Duration) {
        while self.saved.elapsed() >= stale {
            let cursor = self.cursor.clone();
            let saved = tokio::task::spawn_blocking(move || cursor.save(next)).await;
            match saved.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
                Ok(()) => {
                    self.saved = Instant::now();
                    break;
                }
                Err(error) => self.failed(format!("cannot write how far it is done: {error}")).await,
            }
        }
        let mut fares = self.fares();
        fares.next = next;
        if let Some(failing) = fares.failing.take() {
            info!(webhook = self.webhook.name, attempts = failing.attempts, "webhook goes on");
        }
    }

    /// Says so, and waits before the next attempt.
    async fn failed(&self, why: String) {
        let attempts = {
            let mut fares = self.fares();
            let failing = Failing::again(fares.failing.take(), why.clone());
            fares.failing.insert(failing).attempts
        };
        let wait = self.patience.after(attempts);
        warn!(
            webhook = self.webhook.name,
            attempts,
            wait_ms = wait.as_millis() as u64,
            why,
            "webhook failed; it will be tried again"
        );
        sleep(wait).await;
    }

    fn fares(&self) -> MutexGuard<'_, Fares> {
        self.fares.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
