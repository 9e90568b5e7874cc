//! What the portal asks of its node.

use dalil_ledger::receipt::{Question, Terms};

use super::App;
use crate::portal::{Answers, Outcome};
use crate::service::ServiceError;
use crate::shell::clock::now_ms;

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
}
