//! Asking for the receipts of many questions at once, and checking each.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::super::ask::{Verified, no_receipt};
use super::super::check::{Checker, Given};
use super::super::finding::{Finding, Unchecked};
use super::super::subject::Asked;
use super::super::trust::Believed;
use super::question::Task;
use super::source::{BadRow, Row};
use crate::cli::client::{Client, ClientError};
use crate::service::{Ask, Attach, Batch};
use crate::shell::clock::now_ms;

/// The longest answer to a request, in bytes; a longer one is asked for in halves.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// How long to wait before a node that does not answer is asked again, one pause after the other.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// Whom to ask and whom to believe.
pub(super) struct Asker {
    /// The node; none offline.
    pub(super) client: Option<Client>,
    /// The pin.
    pub(super) believed: Believed,
    /// The oldest proof that counts, in milliseconds, in place of the kinds' limits.
    pub(super) age_max_ms: Option<u64>,
}

/// What came of a row.
pub(super) struct Answered {
    /// The line on which it begins.
    pub(super) line: u64,
    /// The offset in the file at which it ends, in bytes.
    pub(super) ends_at: u64,
    /// What is to stand in the report as well.
    pub(super) carried: Vec<String>,
    /// The answer, or why the row is no question.
    pub(super) outcome: Result<Outcome, BadRow>,
}

/// The answer to a question.
pub(super) struct Outcome {
    /// The question in words.
    pub(super) shown: String,
    /// What came of the check.
    pub(super) finding: Finding,
    /// The document that it is about, as far as that is proven or was asked.
    pub(super) asked: Asked,
    /// The verifier's time, UTC milliseconds.
    pub(super) checked_at_ms: u64,
}

#[derive(Deserialize)]
struct BatchAnswer {
    answers: Vec<Verified>,
}

impl Asker {
    /// Answers rows, or says why no more can be answered.
    pub(super) async fn answer(self: Arc<Self>, rows: Vec<Row>) -> Result<Vec<Answered>, String> {
        let asks: Vec<Ask> = rows.iter().filter_map(|row| row.task.as_ref().ok()?.ask.clone()).collect();
        let given = if asks.is_empty() { Vec::new() } else { self.fetch(&asks).await? };
        let checked = tokio::task::spawn_blocking(move || self.check(rows, given)).await;
        checked.map_err(|error| format!("the check ended early: {error}"))
    }

    fn check(&self, rows: Vec<Row>, given: Vec<Given>) -> Vec<Answered> {
        let checked_at_ms = now_ms();
        let mut checker = Checker::new(&self.believed, checked_at_ms, self.age_max_ms);
        let mut given = given.into_iter();
        let mut answered = |Row { line, ends_at, carried, task }: Row| {
            let outcome = task.map(|Task { question, ask, mut asked, moments, shown }| {
                let given = ask.and_then(|_| given.next()).unwrap_or_default();
                let finding = checker.answer(&question, &given, &mut asked, moments);
                Outcome { shown, finding: finding.unwrap_or_else(Finding::Unchecked), asked, checked_at_ms }
            });
            Answered { line, ends_at, carried, outcome }
        };
        rows.into_iter().map(&mut answered).collect()
    }

    /// The receipts for each question, in their order. A node that is gone for long ends the run; a node that talks nonsense
    /// proves nothing.
    async fn fetch(&self, asks: &[Ask]) -> Result<Vec<Given>, String> {
        let Some(client) = &self.client else { return Err("offline no node is asked".to_owned()) };
        let refused = |why: &Unchecked| {
            let given = || Given { refusal: Some(why.clone()), ..Given::default() };
            Ok(asks.iter().map(|_| given()).collect())
        };
        // Without a pin their receipts could not be checked.
        if let Err(why) = self.believed.pin() {
            return refused(&why);
        }
        let batch = Batch { questions: asks.to_vec(), receipts: Attach::Proof };
        let bytes = match post(client, &batch).await {
            Ok(bytes) => bytes,
            Err(ClientError::TooLong(..)) if asks.len() > 1 => {
                let (first, second) = asks.split_at(asks.len() / 2);
                let mut given = Box::pin(self.fetch(first)).await?;
                given.append(&mut Box::pin(self.fetch(second)).await?);
                return Ok(given);
            }
            Err(error @ ClientError::TooLong(..)) => return refused(&no_receipt(error)),
            Err(error) => {
                let Unchecked { code, detail, .. } = no_receipt(error);
                return Err(format!("{detail} ({code})"));
            }
        };
        match serde_json::from_slice::<BatchAnswer>(&bytes) {
            Ok(answer) if answer.answers.len() == asks.len() => {
                Ok(answer.answers.into_iter().map(Given::from).collect())
            }
            Ok(answer) => {
                let detail = format!("the node gave {} answers to {} questions", answer.answers.len(), asks.len());
                refused(&Unchecked::new("malformed", detail))
            }
            Err(error) => refused(&Unchecked::new("malformed", format!("the node's answer: {error}"))),
        }
    }
}

/// Asks again where nobody answers, for a while.
async fn post(client: &Client, batch: &Batch) -> Result<Vec<u8>, ClientError> {
    for pause in PAUSES {
        match client.post_patiently("/v1/verify/batch", batch, ANSWER_BYTES_MAX).await {
            Err(ClientError::Unreachable(..)) => tokio::time::sleep(pause).await,
            answer => return answer,
        }
    }
    client.post_patiently("/v1/verify/batch", batch, ANSWER_BYTES_MAX).await
}
