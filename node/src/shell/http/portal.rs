//! What the portal asks of its node.

use dalil_contracts::mineral::challan::CHALLAN_URI_PREFIX;
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::DocumentEntry;
use dalil_ledger::receipt::{InclusionReceipt, Question, Terms, Trust, verify_inclusion_with};

use super::{App, Problem};
use crate::portal::{Answers, Outcome, RecordedAt};
use crate::service::{Journey, ServiceError};
use crate::shell::clock::now_ms;
use crate::verification::batch_of;

impl Answers for App {
    fn answer(&self, question: &Question, as_of_ms: Option<u64>) -> Outcome {
        let checked_at_ms = now_ms();
        let terms = Terms { as_of_ms, ..Terms::now(checked_at_ms) };
        let found = self.service.head(checked_at_ms).and_then(|head| {
            let receipt = head.status_receipt(question)?;
            Ok::<_, ServiceError>((head.judge(&receipt, question, terms), head.validators()))
        });
        match found {
            Ok((Ok(answer), validators)) => Outcome::Checked { answer: Box::new(answer), validators, checked_at_ms },
            Ok((Err(why), _)) => Outcome::CouldNotCheck { code: why.code().to_owned(), detail: why.to_string() },
            Err(error) => Outcome::CouldNotCheck { code: "unreachable".to_owned(), detail: error.to_string() },
        }
    }

    fn chain(&self) -> Hash {
        self.chain
    }

    fn journey(&self, entry: &DocumentEntry) -> Option<Journey> {
        let number = entry.uri.as_str().strip_prefix(CHALLAN_URI_PREFIX)?;
        let subject = format!("challan/{number}").parse().ok()?;
        let journey = self.service.head(now_ms()).and_then(|head| head.journey(&subject, entry.record));
        // Without its own issue it would be no journey: then the document's life stands for it.
        journey.ok().filter(|journey| journey.legs.first().is_some_and(|leg| leg.record == entry.record))
    }

    fn recorded(&self, receipt: &InclusionReceipt) -> Result<RecordedAt, (String, String)> {
        let unreachable = |Problem { detail, .. }| ("unreachable".to_owned(), detail);
        let pin = self.published().and_then(|published| self.pin(&published)).map_err(unreachable)?;
        let checked = verify_inclusion_with(&receipt.to_bytes(), Trust::Pin(&pin), now_ms(), batch_of);
        let found = checked.map_err(|why| (why.code().to_owned(), why.to_string()))?;
        Ok(RecordedAt { index: found.index, log_size: found.log_size, freshness_ms: found.freshness_ms })
    }
}
