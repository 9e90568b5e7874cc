//! Page after page: history first, then each head as it is published.

use std::sync::Arc;

use dalil_ledger::store::StoreError;
use tokio::sync::watch;

use super::page::{Page, page};
use super::{Filter, Position};
use crate::core::cosign::Published;

/// Why there is no next page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    /// The node stops.
    #[error("the node is stopping")]
    Stopping,
    /// The store cannot be read there.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A reader that stands at a position and waits.
pub struct Follower {
    published: watch::Receiver<Option<Arc<Published>>>,
    filter: Arc<Filter>,
    next: Position,
}

impl Follower {
    /// Reads what fits `filter` from `next` on.
    pub fn new(published: watch::Receiver<Option<Arc<Published>>>, filter: Filter, next: Position) -> Self {
        Self { published, filter: Arc::new(filter), next }
    }

    /// The next event that will be looked at.
    pub fn position(&self) -> Position {
        self.next
    }

    /// Number of entries in the newest published log; 0 before there is one.
    pub fn log_size(&self) -> u64 {
        self.published.borrow().as_ref().map_or(0, |head| head.view.log_size())
    }

    /// Waits until there is something to look at and reads it. The page may hold no event: then nothing fitted, and the
    /// position has moved on. A call that is given up loses nothing.
    pub async fn next_page(&mut self) -> Result<Page, Ended> {
        loop {
            self.published.has_changed().map_err(|_| Ended::Stopping)?;
            let head = self.published.borrow_and_update().clone();
            if let Some(head) = head.filter(|head| self.next.index < head.view.log_size()) {
                let (filter, from) = (self.filter.clone(), self.next);
                // The version of the ledger is let go of before anybody is waited for.
                let read = tokio::task::spawn_blocking(move || page(&head.view, &filter, from));
                let page = read.await.map_err(|_| Ended::Stopping)??;
                self.next = page.next;
                return Ok(page);
            }
            self.published.changed().await.map_err(|_| Ended::Stopping)?;
        }
    }
}
