//! "Is this document genuine and still in force?": the one place that answers, behind every face of the node.
//!
//! REST, JSON-RPC, the portal, the gateway and DigiLocker put a question here and show what comes back. Each answer rests on
//! one published head ([`Head`]), carries the receipts that prove it, and says in words what is proven and what is not. The
//! node judges its own receipts with the verifiers' code and never says more than they prove: whoever does not trust the node
//! checks the same receipts against a pin of their own.
//!
//! Nothing here knows HTTP, and nothing looks a person up: questions are about documents, records, plots, challans and
//! printed numbers.

mod answer;
mod ask;
mod batch;
mod evidence;
mod head;
mod journey;
mod register;
mod vehicle;
mod words;

use std::sync::{Arc, Mutex, PoisonError};

use dalil_contracts::certificate::types::types_at_genesis;
use dalil_ledger::block::DepartmentId;
use dalil_ledger::checkpoint::{KeyName, PinError};
use dalil_ledger::document::TypeCode;
use dalil_ledger::genesis::Genesis;
use dalil_ledger::state::StateError;
use dalil_ledger::store::StoreError;
use tokio::sync::watch;

pub use answer::{
    CheckedDocument, CouldNotAnswer, Dates, Receipts, RecordedEntry, ShownCheckpoint, ShownPlot, Uploaded, Verified,
    VerifiedAnswer,
};
pub use ask::{Ask, AskError, Attach, Question};
pub use batch::{Batch, BatchError, QUESTIONS_MAX};
pub use head::Head;
pub use journey::{Journey, Leg, STEPS_MAX, Waypoint};
pub use register::{NOT_THERE, SelfChecked};
pub use vehicle::Fit;
pub use words::{FILE_IN_HAND, FileBinding, LATER, NUMBER_LEADS, TITLE, as_of, not_proven, proven};

use crate::core::cosign::Published;

/// Why there is no answer at all. What is wrong with one question is an answer of its own.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// Nothing is published yet.
    #[error("no quorum has cosigned a head yet; try again")]
    NoCheckpoint,
    /// There is no such thing on the head.
    #[error("{0}")]
    NotFound(String),
    /// The ledger cannot be read, or does not hold it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The state cannot be read.
    #[error("{0}")]
    State(#[from] StateError),
    /// The pin of the validators cannot be made.
    #[error(transparent)]
    Pin(#[from] PinError),
    /// The ledger contradicts itself.
    #[error("{0}")]
    Inconsistent(&'static str),
}

/// Answers questions on the newest published head.
#[derive(Clone)]
pub struct Service {
    published: watch::Receiver<Option<Arc<Published>>>,
    origin: KeyName,
    genesis: Arc<Genesis>,
    /// The head that was checked last: its signatures are checked once for all answers on it.
    newest: Arc<Mutex<Option<Arc<Head>>>>,
    certificate_types: Arc<[(DepartmentId, TypeCode)]>,
}

impl Service {
    /// Answers on what `published` shows, for the log `origin` of the chain of `genesis`.
    pub fn new(published: watch::Receiver<Option<Arc<Published>>>, origin: KeyName, genesis: Arc<Genesis>) -> Self {
        let types = types_at_genesis(&genesis).into_iter().map(|kind| (kind.department, kind.code));
        Self { published, origin, certificate_types: types.collect(), genesis, newest: Arc::default() }
    }

    /// Departments and the types of their certificates since genesis. The state cannot be searched: one that was voted for
    /// later is not among them, and is answered like these.
    pub fn certificate_types(&self) -> &[(DepartmentId, TypeCode)] {
        &self.certificate_types
    }

    /// The newest published head, checked at `now_ms` (UTC milliseconds). All answers that are to agree ask one head.
    pub fn head(&self, now_ms: u64) -> Result<Arc<Head>, ServiceError> {
        let published = self.published.borrow().clone().ok_or(ServiceError::NoCheckpoint)?;
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(head) = newest.as_ref().filter(|head| head.is_of(&published)) {
            return Ok(head.clone());
        }
        let head = Arc::new(Head::new(published, &self.origin, &self.genesis, now_ms)?);
        // One that does not check out now may do so when the clock is right.
        *newest = head.is_endorsed().then(|| head.clone());
        Ok(head)
    }
}
