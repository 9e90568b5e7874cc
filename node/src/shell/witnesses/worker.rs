//! The tasks: one that chooses heads, and one a witness that offers them.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use dalil_ledger::checkpoint::{Cosignature, NOTE_BYTES_MAX};
use dalil_ledger::crypto::Hash;
use dalil_ledger::log::LogSize;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tracing::{debug, info, warn};

use super::Terms;
use super::board::SharedBoard;
use super::config::Prepared;
use super::exchange::{Answer, Offer, Trouble, read};
use super::pace::Pace;
use crate::core::cosign::Published;
use crate::shell::clock::now_ms;
use crate::shell::outbound::Patience;

/// How long a witness is waited for.
pub const PATIENCE: Patience = Patience {
    attempt: Duration::from_secs(15),
    retry_first: Duration::from_secs(5),
    retry_most: Duration::from_secs(600),
};

/// Chooses the heads that are offered, until the node stops.
pub(super) async fn choose(
    mut published: watch::Receiver<Option<Arc<Published>>>,
    chosen: watch::Sender<Option<Arc<Published>>>,
    pace: Pace,
) {
    let mut last: Option<(Instant, LogSize)> = None;
    loop {
        let newest = published.borrow_and_update().clone();
        let wait = newest.as_ref().map(|head| {
            let since = last.map(|(at, _)| at.elapsed());
            pace.wait(since, last.is_none_or(|(_, size)| size != head.view.log_size()))
        });
        match (newest, wait) {
            (Some(head), Some(Duration::ZERO)) => {
                last = Some((Instant::now(), head.view.log_size()));
                chosen.send_replace(Some(head));
            }
            (_, wait) => tokio::select! {
                () = sleep(wait.unwrap_or(Duration::MAX)) => {}
                changed = published.changed() => if changed.is_err() { return },
            },
        }
    }
}

/// The task of one witness.
pub(super) struct Worker {
    place: usize,
    witness: Prepared,
    terms: Terms,
    heads: watch::Receiver<Option<Arc<Published>>>,
    board: SharedBoard,
    /// How many entries the witness remembers, as far as is known.
    known: Option<LogSize>,
}

impl Worker {
    pub(super) fn new(
        place: usize,
        witness: Prepared,
        terms: Terms,
        heads: watch::Receiver<Option<Arc<Published>>>,
        board: SharedBoard,
    ) -> Self {
        Self { place, witness, terms, heads, board, known: None }
    }

    /// Until the node stops.
    pub(super) async fn run(mut self) {
        info!(witness = %self.witness.key.name, "witness is asked to cosign");
        while self.heads.changed().await.is_ok() {
            // After a failure it is the head chosen last that is offered, not the one that failed.
            loop {
                let head = self.heads.borrow_and_update().clone();
                let Some(head) = head else { break };
                match self.offer(head).await {
                    Ok(()) => break,
                    Err(trouble) => self.failed(&trouble).await,
                }
            }
        }
    }

    /// Offers a head. What the witness remembers is not known at first, and may change: then it says so, and is asked once
    /// more. The head is let go at the end, however long the next attempt is away: it keeps the store from tidying up.
    async fn offer(&mut self, head: Arc<Published>) -> Result<(), Trouble> {
        let offer = Offer::new(&head.note, &head.validators, self.terms.log_key.as_ref())?;
        let old = self.known.filter(|known| *known <= offer.checkpoint.size).unwrap_or(0);
        let mut known = None;
        loop {
            match self.ask(&head, &offer, known.unwrap_or(old)).await? {
                Answer::Cosigned(cosignature) => {
                    self.cosigned(&head, &offer, &cosignature);
                    return Ok(());
                }
                Answer::Knows(then) => {
                    self.known = Some(then);
                    if let Some(first) = known.replace(then) {
                        return Err(Trouble::Moving { first, then });
                    }
                }
            }
        }
    }

    async fn ask(&self, head: &Arc<Published>, offer: &Offer, old: LogSize) -> Result<Answer, Trouble> {
        let request = offer.request(old, prove(head, old).await?);
        let fields = [("content-type", "text/plain; charset=utf-8".to_owned())];
        let Prepared { key, target } = &self.witness;
        let body = Bytes::from(request.to_string());
        let answered = target.post(&fields, body, Some(NOTE_BYTES_MAX), self.terms.patience.attempt).await?;
        read(&answered, &offer.checkpoint, old, key, now_ms(), self.terms.skew_ms)
    }

    fn cosigned(&mut self, head: &Published, offer: &Offer, cosignature: &Cosignature) {
        self.known = Some(offer.checkpoint.size);
        let witness = &self.witness.key.name;
        debug!(%witness, size = offer.checkpoint.size, time_s = cosignature.time_s, "cosigned by a witness");
        if let Some(failing) = self.board.cosigned(self.place, &offer.checkpoint, &head.note, cosignature) {
            info!(%witness, attempts = failing.attempts, "witness cosigns again");
        }
    }

    /// Says so, and waits before the next attempt.
    async fn failed(&self, trouble: &Trouble) {
        let attempts = self.board.failed(self.place, trouble.to_string());
        let wait = self.terms.patience.after(attempts);
        warn!(
            witness = %self.witness.key.name,
            attempts,
            wait_ms = wait.as_millis() as u64,
            why = %trouble,
            "a witness did not cosign; it will be asked again"
        );
        sleep(wait).await;
    }
}

/// The proof that the log of `old` entries is a prefix of the head's.
async fn prove(head: &Arc<Published>, old: LogSize) -> Result<Vec<Hash>, Trouble> {
    if old == 0 {
        return Ok(Vec::new());
    }
    let (view, size) = (head.view.clone(), head.view.log_size());
    let proof = tokio::task::spawn_blocking(move || view.consistency_proof(old, size)).await;
    let no_proof = |why: String| Trouble::NoProof { old, why };
    proof.map_err(|error| no_proof(error.to_string()))?.map_err(|error| no_proof(error.to_string()))
}
