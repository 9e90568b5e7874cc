//! One published head, the receipts that it gives, and answers to questions on it.

use std::sync::Arc;

use dalil_contracts::Invocation;
use dalil_ledger::block::Entry;
use dalil_ledger::checkpoint::{HeadProof, KeyName, Pin};
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::{DocumentEntry, Status, Uri, document_key};
use dalil_ledger::genesis::Genesis;
use dalil_ledger::log::{self, LogIndex};
use dalil_ledger::receipt::{
    self, Answer, BatchDocument, CheckedHead, CouldNotCheck, InclusionReceipt, RegisterReceipt, StatusReceipt, Terms,
    Trust, verify_inclusion_with, verify_status,
};
use dalil_ledger::store::{LedgerView, StoreError};
use dalil_ledger::validators::ValidatorSet;
use serde_json::Value;

use super::ServiceError;
use super::answer::{
    CheckedDocument, CouldNotAnswer, Receipts, RecordedEntry, ShownCheckpoint, Uploaded, Verified, VerifiedAnswer,
};
use super::ask::{Ask, AskError, Attach, Question};
use super::vehicle::Fit;
use super::words::{FileBinding, LATER, NUMBER_LEADS, as_of, not_proven, proven};
use crate::core::cosign::Published;
use crate::time::{ist, span};
use crate::verification::{self, pin_of};

/// A published head. Everything that it gives rests on the same checkpoint.
pub struct Head {
    published: Arc<Published>,
    proof: HeadProof,
    pin: Pin,
    checked: Result<CheckedHead, CouldNotCheck>,
}

/// What came of a question, before it is dressed.
pub(super) struct Found {
    pub(super) answer: VerifiedAnswer,
    pub(super) proven: Vec<String>,
    pub(super) not_proven: Vec<&'static str>,
    pub(super) uploaded: Option<Uploaded>,
    pub(super) receipts: Receipts,
}

impl Found {
    pub(super) fn could_not(why: CouldNotAnswer) -> Self {
        Self {
            answer: VerifiedAnswer::CouldNotCheck(why),
            proven: Vec::new(),
            not_proven: vec!["anything about what was asked: neither that it is in force, nor that it is not"],
            uploaded: None,
            receipts: Receipts::default(),
        }
    }
}

impl From<&CouldNotCheck> for Found {
    fn from(why: &CouldNotCheck) -> Self {
        Self::could_not(why.into())
    }
}

/// A question that the ledger cannot answer is one that could not be checked.
impl From<ServiceError> for Found {
    fn from(error: ServiceError) -> Self {
        let detail = error.to_string();
        match error {
            ServiceError::NotFound(_) => Self::could_not(CouldNotAnswer::new("not_a_record", detail)),
            ServiceError::Store(StoreError::NotHeld { .. }) => Self::could_not(CouldNotAnswer::new("not_held", detail)),
            _ => {
                tracing::error!(%detail, "a question could not be answered");
                let detail = "this node cannot read its own data; ask another one";
                Self::could_not(CouldNotAnswer::new("internal", detail))
            }
        }
    }
}

impl Head {
    pub(super) fn new(
        published: Arc<Published>,
        origin: &KeyName,
        genesis: &Genesis,
        now_ms: u64,
    ) -> Result<Self, ServiceError> {
        let view = &published.view;
        let header = view.head().clone();
        let path = view.inclusion_proof(header.entry_index(), header.log_size())?;
        let pin = pin_of(origin, genesis, (&published.validators, view.validators_from()?), now_ms)?;
        let proof = HeadProof { header, path, note: published.note.clone() };
        let checked = CheckedHead::check(&proof, &pin, now_ms);
        Ok(Self { published, proof, pin, checked })
    }

    pub(super) fn is_of(&self, published: &Arc<Published>) -> bool {
        Arc::ptr_eq(&self.published, published)
    }

    /// Whether a quorum's cosignatures were counted.
    pub fn is_endorsed(&self) -> bool {
        self.checked.is_ok()
    }

    /// The ledger at this head.
    pub fn view(&self) -> &LedgerView {
        &self.published.view
    }

    /// The header with its place under the checkpoint.
    pub fn proof(&self) -> &HeadProof {
        &self.proof
    }

    /// The pin of those who cosigned. To be believed by nobody but this node.
    pub fn pin(&self) -> &Pin {
        &self.pin
    }

    /// How many validators there are.
    pub fn validators(&self) -> usize {
        self.published.validators.len()
    }

    /// The set that cosigned the head, and decides the next height.
    pub fn validator_set(&self) -> &ValidatorSet {
        &self.published.validators
    }

    pub(super) fn checked(&self) -> Result<&CheckedHead, &CouldNotCheck> {
        self.checked.as_ref()
    }

    /// The head in numbers and words, at the time `now_ms`.
    pub fn shown(&self, now_ms: u64) -> ShownCheckpoint {
        let counted = self.checked.as_ref().ok();
        let freshness_ms = counted.map_or(self.published.freshness_ms, CheckedHead::freshness_ms);
        let age_ms = now_ms.saturating_sub(freshness_ms);
        ShownCheckpoint {
            height: self.proof.header.height,
            block: self.proof.header.id(),
            log_size: self.proof.header.log_size(),
            freshness_ms,
            freshness: ist(freshness_ms),
            age_ms,
            age: span(age_ms),
            quorum: counted.map(CheckedHead::quorum),
            validators: self.validators(),
        }
    }

    /// The status receipt of a document.
    pub fn status_receipt(&self, asked: &receipt::Question) -> Result<StatusReceipt, ServiceError> {
        let reads = StatusReceipt::gather(asked, |key| self.view().prove(key))?;
        Ok(StatusReceipt::new(self.proof.clone(), reads))
    }

    /// What the node makes of a status receipt of its own on this head.
    pub fn judge(
        &self,
        receipt: &StatusReceipt,
        asked: &receipt::Question,
        terms: Terms,
    ) -> Result<Answer, CouldNotCheck> {
        self.checked.as_ref().map_err(Clone::clone)?.status(&receipt.reads, asked, terms)
    }

    /// The inclusion receipt of the record at `index`; with the place of the document `uri` in its batch.
    pub fn inclusion_receipt(&self, index: LogIndex, uri: Option<&Uri>) -> Result<InclusionReceipt, ServiceError> {
        let view = self.view();
        let size = view.log_size();
        let beyond =
            || ServiceError::NotFound(format!("the cosigned log has {size} entries; index {index} is not among them"));
        if index >= size {
            return Err(beyond());
        }
        let entry = view.entry(index)?.ok_or_else(beyond)?;
        if let Entry::Header(header) = &entry {
            return Err(ServiceError::NotFound(format!(
                "entry {index} is the header of block {}, not a record; a receipt speaks of records",
                header.height
            )));
        }
        let document = match uri {
            Some(uri) => batch_document(view, &entry, uri)?,
            None => None,
        };
        let path = view.inclusion_proof(index, size)?;
        let receipt = InclusionReceipt::new(entry, index, path, self.published.note.clone());
        Ok(match document {
            Some(document) => receipt.for_document(document),
            None => receipt,
        })
    }

    /// The inclusion receipt of the record that issued a document.
    pub fn inclusion_of_document(&self, uri: &Uri) -> Result<InclusionReceipt, ServiceError> {
        let entry: Option<DocumentEntry> = self.view().state_value(&document_key(uri))?;
        let entry = entry.ok_or_else(|| ServiceError::NotFound(format!("{uri} is not on record")))?;
        self.inclusion_receipt(entry.record, Some(uri))
    }

    /// Answers a question at the node's time `now_ms`. Whatever is wrong with the ledger or the proof is an answer:
    /// "could not check".
    pub fn answer(&self, ask: &Ask, attach: Attach, now_ms: u64) -> Result<Verified, AskError> {
        let (question, terms) = (ask.question()?, ask.terms(now_ms)?);
        let found = match &question {
            Question::Document(_) | Question::Challan { .. } => self.document(&question, terms, attach),
            Question::Record(index) => self.record(*index, terms, attach),
            Question::Plot(plot) => self.plot(plot, terms, attach),
            Question::Receipt(bytes) => self.receipt(bytes, terms, attach),
        };
        let Found { answer, mut proven, not_proven, uploaded, receipts } = found.unwrap_or_else(Found::from);
        let is_found = matches!(&answer, VerifiedAnswer::Checked(document) if document.answer.entry.is_some());
        if is_found && matches!(question, Question::Document(receipt::Question::Slot(_))) {
            proven.insert(0, NUMBER_LEADS.to_owned());
        }
        // A receipt may be long, and whoever handed it in has it.
        let asked = Ask { receipt: None, ..ask.clone() };
        let not_proven = not_proven.into_iter().map(str::to_owned).collect();
        Ok(Verified { asked, answer, checkpoint: self.shown(now_ms), proven, not_proven, uploaded, receipts })
    }

    fn document(&self, question: &Question, terms: Terms, attach: Attach) -> Result<Found, ServiceError> {
        let asked = question.document().ok_or(ServiceError::Inconsistent("a question about no document"))?;
        let receipt = self.status_receipt(&asked)?;
        let mut receipts = Receipts::default();
        if attach != Attach::None {
            receipts.status = Some(as_json(&receipt.to_bytes())?);
        }
        let mut answer = match self.judge(&receipt, &asked, terms) {
            Ok(answer) => answer,
            Err(why) => return Ok(Found { receipts, ..Found::from(&why) }),
        };
        if let Some(entry) = answer.entry.as_ref().filter(|_| attach == Attach::All) {
            receipts.inclusion = self.inclusion_text(entry.record, Some(&entry.uri))?;
        }
        let file = FileBinding::of(&asked);
        let (mut proves, mut open) = (proven(&answer, file), not_proven(&answer, file));
        if let Question::Challan { number, vehicle } = question {
            let fit = Fit::judge(&mut answer, vehicle.as_ref());
            fit.tell(number, answer.freshness_ms, &mut proves, &mut open);
        }
        let answer = VerifiedAnswer::Checked(Box::new(CheckedDocument::from(answer)));
        Ok(Found { answer, proven: proves, not_proven: open, uploaded: None, receipts })
    }

    /// None where this node does not hold the record.
    fn inclusion_text(&self, index: LogIndex, uri: Option<&Uri>) -> Result<Option<String>, ServiceError> {
        match self.inclusion_receipt(index, uri) {
            Ok(receipt) => Ok(Some(String::from_utf8_lossy(&receipt.to_bytes()).into_owned())),
            Err(ServiceError::Store(StoreError::NotHeld { .. })) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn record(&self, index: LogIndex, terms: Terms, attach: Attach) -> Result<Found, ServiceError> {
        let head = match self.checked() {
            Ok(head) => head,
            Err(why) => return Ok(why.into()),
        };
        if index >= head.log_size() {
            let proven = vec![
                format!("the log has {} entries; there is none with the index {index}", head.log_size()),
                as_of(head.freshness_ms()),
            ];
            let answer = VerifiedAnswer::NotInLog { status: Status::NotOnRecord, reason: "beyond_log".to_owned() };
            let mut receipts = Receipts::default();
            if attach != Attach::None {
                // What proves the size of the log is the head alone.
                let receipt = RegisterReceipt { head: self.proof.clone(), reads: Vec::new() };
                receipts.register = Some(as_json(&receipt.to_bytes())?);
            }
            return Ok(Found { answer, proven, not_proven: vec![LATER], uploaded: None, receipts });
        }
        let receipt = self.inclusion_receipt(index, None)?;
        let Entry::Record(record) = &receipt.recorded.entry else {
            return Err(ServiceError::Inconsistent("an inclusion receipt of a header"));
        };
        let invocation = Invocation::decode(&record.body.call).ok();
        let documents = invocation.as_ref().map(Invocation::documents).unwrap_or_default();
        let stands = format!("record {index} stands in the log of {} entries", head.log_size());
        let signed = format!("it is signed by the key {}", record.body.signer);
        if let [uri] = documents.as_slice() {
            let question = Question::Document(receipt::Question::Uri(uri.clone()));
            let mut found = self.document(&question, terms, attach)?;
            if attach == Attach::Proof {
                found.receipts.inclusion = self.inclusion_text(index, Some(uri))?;
            }
            if matches!(found.answer, VerifiedAnswer::Checked(_)) {
                found.proven.insert(0, stands);
                found.proven.insert(1, signed);
            }
            return Ok(found);
        }
        let recorded = RecordedEntry {
            status: "recorded",
            reason: "present_status_not_proven",
            index,
            id: record.id(),
            signer: record.body.signer,
            call: invocation.as_ref().map(|invocation| invocation.call.name()),
            posting: invocation.map(|invocation| invocation.posting),
            documents,
        };
        let text = String::from_utf8_lossy(&receipt.to_bytes()).into_owned();
        let receipts = Receipts { inclusion: (attach != Attach::None).then_some(text), ..Receipts::default() };
        Ok(Found {
            answer: VerifiedAnswer::Recorded(Box::new(recorded)),
            proven: vec![stands, signed, as_of(head.freshness_ms())],
            not_proven: vec!["that what it records is still in force: ask about its documents", LATER],
            uploaded: None,
            receipts,
        })
    }

    /// Checks a receipt that was handed in against this head's validators, and answers anew what it is about.
    fn receipt(&self, bytes: &[u8], terms: Terms, attach: Attach) -> Result<Found, ServiceError> {
        let (uploaded, question) = if bytes.starts_with(b"c2sp.org/tlog-proof@") {
            let trust = Trust::Pin(&self.pin);
            match verify_inclusion_with(bytes, trust, terms.now_ms, verification::batch_of) {
                Ok(inclusion) => {
                    let uri = inclusion.document.as_deref().and_then(verification::leaf_uri);
                    let document = uri.map(|uri| Question::Document(receipt::Question::Uri(uri)));
                    let question = document.unwrap_or(Question::Record(inclusion.index));
                    (good(inclusion.freshness_ms, "recorded".to_owned()), Some(question))
                }
                Err(why) => (refused(&why), None),
            }
        } else {
            match verification::question_of(bytes) {
                Ok(Some(question)) => {
                    let uploaded = match verify_status(bytes, &self.pin, &question, Terms::now(terms.now_ms)) {
                        Ok(answer) => good(answer.freshness_ms, verification::status_name(answer.status)),
                        Err(why) => refused(&why),
                    };
                    (uploaded, Some(Question::Document(question)))
                }
                Ok(None) => {
                    let why = CouldNotAnswer::new("incomplete", "the receipt reads no document");
                    return Ok(Found::could_not(why));
                }
                Err(why) => (refused(&why), None),
            }
        };
        let found = match (&question, &uploaded) {
            (Some(Question::Record(index)), _) => self.record(*index, terms, attach)?,
            (Some(question), _) => self.document(question, terms, attach)?,
            (None, Uploaded::CouldNotCheck { reason, detail }) => Found::could_not(CouldNotAnswer::new(reason, detail)),
            (None, Uploaded::Good { .. }) => return Err(ServiceError::Inconsistent("a good receipt about nothing")),
        };
        Ok(Found { uploaded: Some(uploaded), ..found })
    }
}

fn good(freshness_ms: u64, says: String) -> Uploaded {
    Uploaded::Good { freshness_ms, freshness: ist(freshness_ms), says }
}

fn refused(why: &CouldNotCheck) -> Uploaded {
    Uploaded::CouldNotCheck { reason: why.code().to_owned(), detail: why.to_string() }
}

pub(super) fn as_json(receipt: &[u8]) -> Result<Value, ServiceError> {
    serde_json::from_slice(receipt).map_err(|_| ServiceError::Inconsistent("a receipt that is no JSON"))
}

/// The place of a document in the batch that issued it; none if it was issued singly.
fn batch_document(view: &LedgerView, entry: &Entry, uri: &Uri) -> Result<Option<BatchDocument>, ServiceError> {
    let Entry::Record(record) = entry else { return Ok(None) };
    let root = Invocation::decode(&record.body.call).ok().and_then(|invocation| invocation.attachment_root());
    let Some(root) = root else { return Ok(None) };
    let attachment = view.attachment(&root)?.ok_or(ServiceError::Inconsistent("leaf list missing"))?;
    let position = attachment.leaves.iter().position(|leaf| verification::leaf_uri(leaf).as_ref() == Some(uri));
    let index = position.ok_or(ServiceError::Inconsistent("document missing in its batch"))?;
    let hashes: Vec<Hash> = attachment.leaves.iter().map(|leaf| log::leaf_hash(leaf)).collect();
    let path = log::inclusion_proof(&*hashes, index as u64, hashes.len() as u64)
        .map_err(|_| ServiceError::Inconsistent("no path in a batch"))?;
    Ok(Some(BatchDocument { leaf: attachment.leaves[index].clone(), index: index as u64, path }))
}
