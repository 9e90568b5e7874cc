//! What the explorer asks of its node.

use std::sync::Arc;
use std::time::Duration;

use dalil_ledger::block::Height;

use super::App;
use crate::portal::explorer::{Explores, Health};
use crate::service::{Head, ServiceError};
use crate::shell::clock::now_ms;

/// How long a page waits for the core to say where it stands.
const STANDING_WITHIN: Duration = Duration::from_secs(2);

impl Explores for App {
    fn head(&self) -> Result<Arc<Head>, ServiceError> {
        self.service.head(now_ms())
    }

    fn now_ms(&self) -> u64 {
        now_ms()
    }

    fn finality(&self, first: Height) -> Vec<(Height, u64)> {
        self.finality.since(first).into_iter().map(|block| (block.height, block.took_ms)).collect()
    }

    async fn health(&self) -> Option<Health> {
        let status = tokio::time::timeout(STANDING_WITHIN, self.status()).await.ok()?.ok()?;
        Some(Health { standing: status.standing, peers: status.peers })
    }
}
