//! Many questions, answered on one head.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ask::{Ask, AskError, Attach};

/// The most questions in one batch.
pub const QUESTIONS_MAX: usize = 1_000;

/// Questions that are to be answered together.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// The questions, 1 to 1,000.
    #[schemars(length(min = 1, max = 1_000))]
    pub questions: Vec<Ask>,
    /// Which receipts each answer carries.
    #[serde(default = "Batch::attach_default")]
    pub receipts: Attach,
}

/// Why a batch is not answered at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// No question.
    #[error("the batch holds no question")]
    Empty,
    /// Too many questions.
    #[error("the batch holds {0} questions; one takes at most {QUESTIONS_MAX}: send several")]
    TooMany(usize),
    /// One of the questions is none.
    #[error("question {place}, counted from 0: {error}")]
    Question {
        /// Its place.
        place: usize,
        /// What is wrong with it.
        error: AskError,
    },
}

impl Batch {
    fn attach_default() -> Attach {
        Attach::Proof
    }

    /// Refuses what cannot be answered as a whole, before anything is answered.
    pub fn check(&self) -> Result<(), BatchError> {
        match self.questions.len() {
            0 => return Err(BatchError::Empty),
            count if count > QUESTIONS_MAX => return Err(BatchError::TooMany(count)),
            _ => {}
        }
        for (place, ask) in self.questions.iter().enumerate() {
            let asked = ask.question().and_then(|_| ask.terms(0));
            asked.map_err(|error| BatchError::Question { place, error })?;
        }
        Ok(())
    }
}
