//! How a call is refused.

use dalil_ledger::state::StateError;
use schemars::JsonSchema;
use serde::Serialize;

/// A rule said no. The code is the rule's, the same in reply, test and design (A1, L3, M5, D2…).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, JsonSchema)]
#[error("{code}: {message}")]
pub struct Reject {
    /// Code of the rule.
    pub code: &'static str,
    /// What was wrong, in plain words for the officer.
    pub message: String,
}

/// Why a call was not applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A rule refused it: the same on every node.
    #[error(transparent)]
    Rule(#[from] Reject),
    /// The state could not be read: this node's trouble, never a verdict on the record.
    #[error(transparent)]
    State(#[from] StateError),
}

/// Refuses with a rule's code.
pub fn reject<T>(code: &'static str, message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Rule(Reject { code, message: message.into() }))
}

/// Refuses with a rule's code unless `condition` holds.
pub fn require(condition: bool, code: &'static str, message: impl FnOnce() -> String) -> Result<(), Refusal> {
    if condition { Ok(()) } else { reject(code, message()) }
}

/// The value, or a refusal with a rule's code.
pub trait OrReject<T> {
    /// The value, or a refusal with `code`.
    fn or_reject(self, code: &'static str, message: impl FnOnce() -> String) -> Result<T, Refusal>;
}

impl<T> OrReject<T> for Option<T> {
    fn or_reject(self, code: &'static str, message: impl FnOnce() -> String) -> Result<T, Refusal> {
        self.ok_or_else(|| Refusal::Rule(Reject { code, message: message() }))
    }
}
