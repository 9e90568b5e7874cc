//! What the portal asks of its node.

use dalil_ledger::receipt::{Question, Terms};

use super::verify::{checked, receipt_of};
use super::{App, Problem};
use crate::portal::{Answers, Outcome};
use crate::shell::clock::now_ms;

impl Answers for App {
    fn answer(&self, question: &Question, as_of_ms: Option<u64>) -> Outcome {
        let checked_at_ms = now_ms();
        let terms = Terms { as_of_ms, ..Terms::now(checked_at_ms) };
        let found = self.published().and_then(|published| {
            let receipt = receipt_of(&published, question)?.to_bytes();
            Ok((checked(self, &published, &receipt, question, terms)?, published.validators.len()))
        });
        match found {
            Ok((Ok(answer), validators)) => Outcome::Checked { answer: Box::new(answer), validators, checked_at_ms },
            Ok((Err(why), _)) => Outcome::CouldNotCheck { code: why.code().to_owned(), detail: why.to_string() },
            Err(Problem { detail, .. }) => Outcome::CouldNotCheck { code: "unreachable".to_owned(), detail },
        }
    }
}
