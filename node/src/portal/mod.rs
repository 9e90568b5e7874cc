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
mod ask;
pub mod assets;
mod checkpost;
mod evidence;
pub mod explorer;
pub mod fonts;
mod pages;
mod records;
mod routes;
mod scan;
mod text;
mod timeline;
mod words;

use dalil_ledger::block::DepartmentId;
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::{DocumentEntry, TypeCode};
use dalil_ledger::receipt::InclusionReceipt;

pub use ask::Ask as AskOfPortal;
pub use routes::{Reader, routes};
pub use scan::RecordedAt;
pub use words::{Language, Words};

use crate::court::{Evidence, Subject};
use crate::service::{self, CouldNotAnswer, Journey, Verified};

/// Who answers questions: a node, by its one service.
pub trait Answers: Clone + Send + Sync + 'static {
    /// The answer to a question, or why there is none.
    fn answer(&self, ask: &service::Ask) -> Result<Verified, CouldNotAnswer>;

    /// What a court is handed, or why it cannot be gathered. It may take a while and keeps the thread busy.
    fn evidence(&self, subject: &Subject) -> Result<Evidence, CouldNotAnswer>;

    /// Departments with the types of their certificates, to be offered beside the field that takes any.
    fn certificate_types(&self) -> &[(DepartmentId, TypeCode)];

    /// The chain for which issuers sign.
    fn chain(&self) -> Hash;

    /// What the records say of a challan's way; none for other documents, and where this node does not hold the records.
    fn journey(&self, entry: &DocumentEntry) -> Option<Journey>;

    /// Where the record of an inclusion receipt stands; or a code and a detail why that is not shown.
    fn recorded(&self, receipt: &InclusionReceipt) -> Result<RecordedAt, (String, String)>;
}
