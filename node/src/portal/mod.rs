//! The citizen's portal: "is this document genuine and still in force?", as web pages of every node.
//!
//! Pages are rendered here in three languages and work without JavaScript, then with the node's own word, which they say.
//! With JavaScript the browser fetches the receipt and checks it itself (`node/portal/*.js`), and a file is hashed there and
//! never uploaded. [`assets::verifier`] is the same verifier in one HTML file, for those who trust no page. [`explorer`] shows
//! what the ledger holds and how the network fares.
//!
//! Called by the HTTP interface of a node, which answers the questions ([`Answers`]). It keeps nothing, follows no link, and
//! reads no clock.

mod answer;
pub mod assets;
mod checkpost;
pub mod explorer;
mod pages;
mod routes;
mod scan;
mod text;
mod timeline;
mod words;

use dalil_ledger::crypto::Hash;
use dalil_ledger::document::DocumentEntry;
use dalil_ledger::receipt::{Answer, InclusionReceipt, Question};

use crate::service::Journey;

pub use routes::{Ask as AskOfPortal, Reader, routes};
pub use scan::RecordedAt;
pub use words::{Language, Words};

/// What a node says about a document.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The node checked its own receipt.
    Checked {
        /// What came of it.
        answer: Box<Answer>,
        /// How many validators there are.
        validators: usize,
        /// Time of checking, UTC milliseconds.
        checked_at_ms: u64,
    },
    /// There is no answer. Never to be shown as valid, forged or not on record.
    CouldNotCheck {
        /// Short code.
        code: String,
        /// For technicians.
        detail: String,
    },
}

/// Who answers questions: a node.
pub trait Answers: Clone + Send + Sync + 'static {
    /// The legal effect of a document now, or at `as_of_ms` (UTC milliseconds).
    fn answer(&self, question: &Question, as_of_ms: Option<u64>) -> Outcome;

    /// The chain for which issuers sign.
    fn chain(&self) -> Hash;

    /// What the records say of a challan's way; none for other documents, and where this node does not hold the records.
    fn journey(&self, entry: &DocumentEntry) -> Option<Journey>;

    /// Where the record of an inclusion receipt stands; or a code and a detail why that is not shown.
    fn recorded(&self, receipt: &InclusionReceipt) -> Result<RecordedAt, (String, String)>;
}
