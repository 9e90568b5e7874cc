//! What waits for the core, and in which order it is taken.
//!
//! What must be quick comes first: writes that became durable, timers and finished work, then the vote stream. Clients
//! and the bulk stream share the rest by lot. A peer that floods the vote stream takes most of the core, but not all.

use futures::FutureExt as _;
use tokio::sync::{mpsc, oneshot};

use super::handle::{NodeStatus, Submission};
use crate::core::Event;

/// After so many messages of the vote stream in a row, something else that waits gets its turn.
pub const VOTES_IN_A_ROW_MAX: u32 = 64;

/// What became of a write.
pub enum StorageEvent {
    /// The write with this number, and all before it, are durable.
    Durable(u64),
    /// A write failed: nothing may be done any more that relies on it.
    Failed(String),
}

/// One thing for the core's loop.
pub enum Incoming {
    /// A write came to its end.
    Storage(StorageEvent),
    /// An event for the core.
    Event(Event),
    /// A client hands in a record.
    Submission(Submission),
    /// A client asks where the node stands.
    Question(oneshot::Sender<NodeStatus>),
}

/// All queues that end at the core.
pub struct Sources {
    /// Writes.
    pub storage: mpsc::UnboundedReceiver<StorageEvent>,
    /// Timers and finished work.
    pub internal: mpsc::UnboundedReceiver<Event>,
    /// The vote streams of all peers.
    pub votes: mpsc::Receiver<Event>,
    /// The rest.
    pub shared: Shared,
    /// Messages of the vote stream since something of [`Shared`] had its turn.
    pub votes_in_a_row: u32,
}

/// Queues of equal rank.
pub struct Shared {
    /// The bulk streams of all peers.
    pub bulk: mpsc::Receiver<Event>,
    /// Records of clients.
    pub submissions: mpsc::Receiver<Submission>,
    /// Questions of clients.
    pub questions: mpsc::Receiver<oneshot::Sender<NodeStatus>>,
}

impl Shared {
    /// One thing, by lot where several wait; none once all queues are closed.
    async fn next(&mut self) -> Option<Incoming> {
        tokio::select! {
            Some(event) = self.bulk.recv() => Some(Incoming::Event(event)),
            Some(submission) = self.submissions.recv() => Some(Incoming::Submission(submission)),
            Some(question) = self.questions.recv() => Some(Incoming::Question(question)),
            else => None,
        }
    }
}

impl Sources {
    /// The next thing; none once all queues are closed. Nothing is lost if the future is dropped before it resolves.
    pub async fn next(&mut self) -> Option<Incoming> {
        if self.votes_in_a_row >= VOTES_IN_A_ROW_MAX {
            self.votes_in_a_row = 0;
            if let Some(Some(incoming)) = self.shared.next().now_or_never() {
                return Some(incoming);
            }
        }
        tokio::select! {
            biased;
            Some(event) = self.storage.recv() => Some(Incoming::Storage(event)),
            Some(event) = self.internal.recv() => Some(Incoming::Event(event)),
            Some(event) = self.votes.recv() => {
                self.votes_in_a_row += 1;
                Some(Incoming::Event(event))
            }
            Some(incoming) = self.shared.next() => {
                self.votes_in_a_row = 0;
                Some(incoming)
            }
            else => None,
        }
    }
}
