//! Checking receipts against a pin, here and now; no word of any node counts.

use dalil_contracts::Invocation;
use dalil_contracts::certificate::certificate_in;
use dalil_contracts::land::registers::RegisterQuestion;
use dalil_contracts::mineral::challan::challan_uri;
use dalil_ledger::checkpoint::HeadProof;
use dalil_ledger::log::LogIndex;
use dalil_ledger::receipt::{
    self, CheckedHead, CouldNotCheck, ProvenRegister, RegisterReceipt, StatusReceipt, Terms, verify_inclusion_with,
};
use dalil_ledger::state::{StateError, StateView};
use serde_json::Value;

use super::finding::{BeyondLog, By, Finding, Plot, Proven, Recorded, Unchecked, is_about};
use super::subject::Asked;
use super::trust::Believed;
use crate::service::{Fit, Question, ShownPlot};
use crate::verification::{batch_of, question_of};

/// Receipts as a node gave them. Nothing else of its answer counts.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// A status receipt.
    pub(super) status: Option<Vec<u8>>,
    /// An inclusion receipt.
    pub(super) inclusion: Option<Vec<u8>>,
    /// A register receipt.
    pub(super) register: Option<Vec<u8>>,
    /// Why the node says that it cannot answer.
    pub(super) refusal: Option<Unchecked>,
}

impl Given {
    /// A receipt that an answer cannot do without.
    fn needed(receipt: Option<&Vec<u8>>, refusal: Option<&Unchecked>) -> Result<Vec<u8>, Unchecked> {
        receipt.cloned().ok_or_else(|| {
            refusal.cloned().unwrap_or_else(|| Unchecked::new("no_receipt", "the node gave no receipt for its answer"))
        })
    }
}

/// Checks receipts at one moment. Those that rest on the same head share the check of its signatures.
pub(super) struct Checker<'a> {
    believed: &'a Believed,
    now_ms: u64,
    age_max_ms: Option<u64>,
    head: Option<(HeadProof, CheckedHead)>,
}

/// The moment asked about; none of them for the present.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Moments {
    /// Of legal effect.
    pub(super) as_of_ms: Option<u64>,
    /// Of knowledge.
    pub(super) known_at_ms: Option<u64>,
}

impl<'a> Checker<'a> {
    /// At the verifier's time `now_ms`, with another limit of age than the kinds' own if there is one.
    pub(super) fn new(believed: &'a Believed, now_ms: u64, age_max_ms: Option<u64>) -> Self {
        Self { believed, now_ms, age_max_ms, head: None }
    }

    fn head(&mut self, proof: &HeadProof) -> Result<&CheckedHead, Unchecked> {
        let known = self.head.take().filter(|(known, _)| known == proof);
        let checked = match known {
            Some((_, checked)) => checked,
            None => CheckedHead::check(proof, self.believed.pin()?, self.now_ms)?,
        };
        Ok(&self.head.insert((proof.clone(), checked)).1)
    }

    /// Answers a question by the receipts that a node gave for it.
    pub(super) fn answer(
        &mut self,
        question: &Question,
        given: &Given,
        asked: &mut Asked,
        moments: Moments,
    ) -> Result<Finding, Unchecked> {
        let status = || Given::needed(given.status.as_ref(), given.refusal.as_ref());
        match question {
            Question::Document(about) => self.status(&status()?, Some(about), asked, moments),
            Question::Challan { number, vehicle } => {
                let about = receipt::Question::Uri(challan_uri(number));
                let mut finding = self.status(&status()?, Some(&about), asked, moments)?;
                if let Finding::Status(proven) = &mut finding {
                    proven.by = By::Challan(number.clone(), Fit::judge(&mut proven.answer, vehicle.as_ref()));
                }
                Ok(finding)
            }
            Question::Record(index) => self.record(*index, given, asked, moments),
            Question::Plot(plot) => {
                let register = Given::needed(given.register.as_ref(), given.refusal.as_ref())?;
                let question = RegisterQuestion::Encumbrances(plot.clone());
                let now_ms = self.now_ms;
                let (answer, head) = self.register(&register, |state| question.answer(state, now_ms))?;
                let shown = ShownPlot::of(answer);
                let shown = shown.ok_or_else(|| Unchecked::new("proof_wrong", "the state read contradicts itself"))?;
                Ok(Finding::Plot(Box::new(Plot { plot: plot.clone(), shown, head })))
            }
            Question::Receipt(bytes) => self.receipt(bytes, asked, moments),
        }
    }

    /// Checks a receipt that somebody handed over.
    pub(super) fn receipt(&mut self, bytes: &[u8], asked: &mut Asked, moments: Moments) -> Result<Finding, Unchecked> {
        if looks_like_inclusion(bytes) {
            return self.inclusion(bytes, asked);
        }
        self.status(bytes, None, asked, moments)
    }

    /// Checks a status receipt about `question`; without one the receipt says itself what it is about. The facts in `asked`
    /// must fit it in any case.
    pub(super) fn status(
        &mut self,
        bytes: &[u8],
        question: Option<&receipt::Question>,
        asked: &mut Asked,
        moments: Moments,
    ) -> Result<Finding, Unchecked> {
        let absence_age_max_ms = self.believed.pin()?.terms().absence_age_max_ms;
        let mut file_is_bound = asked.digest.is_some();
        let about = match (question_of(bytes)?, question) {
            (Some(about), Some(question)) if about != *question => {
                return Err(Unchecked::new("other_document", "the node gave a receipt about something else"));
            }
            (Some(about), _) => about,
            // The library then says which read is missing.
            (None, question) => question
                .cloned()
                .or_else(|| asked.question())
                .ok_or_else(|| Unchecked::new("incomplete", "the receipt reads no document"))?,
        };
        let terms = Terms {
            now_ms: self.now_ms,
            age_max_ms: self.age_max_ms,
            as_of_ms: moments.as_of_ms,
            known_at_ms: moments.known_at_ms,
        };
        let receipt = StatusReceipt::parse(bytes).map_err(CouldNotCheck::from)?;
        let answer = self.head(&receipt.head)?.status(&receipt.reads, &about, terms)?;
        match &answer.entry {
            Some(entry) => {
                is_about(entry, asked)?;
                (asked.uri, asked.digest) = (Some(entry.uri.clone()), Some(entry.digest));
            }
            None => {
                is_absence_of(&about, asked)?;
                file_is_bound = asked.digest.is_some();
            }
        }
        let age_max_ms = answer.entry.as_ref().map_or(absence_age_max_ms, |entry| entry.status_age_max_ms);
        Ok(Finding::Status(Box::new(Proven {
            file_is_bound,
            age_max_ms: self.age_max_ms.unwrap_or(age_max_ms),
            asked_as_of_ms: terms.as_of_ms.or(terms.known_at_ms),
            answer,
            by: if matches!(question, Some(receipt::Question::Slot(_))) { By::Number } else { By::Name },
        })))
    }

    /// Checks an inclusion receipt. Facts asked for must stand in the record or in its document of a batch.
    pub(super) fn inclusion(&self, bytes: &[u8], asked: &mut Asked) -> Result<Finding, Unchecked> {
        let inclusion = verify_inclusion_with(bytes, self.believed.trust(), self.now_ms, batch_of)?;
        let leaf = inclusion.document.as_deref().map(|leaf| {
            certificate_in(leaf)
                .ok_or_else(|| Unchecked::new("proof_wrong", "the document in its batch is not in canonical form"))
        });
        let leaf = leaf.transpose()?;
        let named = match &leaf {
            Some(leaf) => serde_json::to_value(leaf),
            None => serde_json::to_value(Invocation::decode(&inclusion.record.body.call).ok()),
        };
        let named = named.unwrap_or(Value::Null);
        let facts = [asked.uri.as_ref().map(ToString::to_string), asked.digest.as_ref().map(ToString::to_string)];
        if let Some(missing) = facts.into_iter().flatten().find(|fact| !names(&named, fact)) {
            return Err(Unchecked::new(
                "other_document",
                format!("record {} does not name {missing}", inclusion.index),
            ));
        }
        let file_is_bound = asked.digest.is_some();
        if let Some(leaf) = leaf {
            (asked.uri, asked.digest) = (Some(leaf.uri), Some(leaf.digest));
        }
        Ok(Finding::Recorded(Box::new(Recorded { inclusion, file_is_bound })))
    }

    /// A record, and the status of the document if it issues one and no other.
    fn record(
        &mut self,
        index: LogIndex,
        given: &Given,
        asked: &mut Asked,
        moments: Moments,
    ) -> Result<Finding, Unchecked> {
        if let (None, Some(register)) = (&given.inclusion, &given.register) {
            let ((), head) = self.register(register, |_| Ok(()))?;
            if index < head.log_size {
                let detail = format!("the log has {} entries, and the node shows no record {index}", head.log_size);
                return Err(Unchecked::new("no_receipt", detail));
            }
            return Ok(Finding::BeyondLog(Box::new(BeyondLog { index, head })));
        }
        let inclusion = Given::needed(given.inclusion.as_ref(), given.refusal.as_ref())?;
        let finding = self.inclusion(&inclusion, asked)?;
        let Finding::Recorded(recorded) = finding else { return Ok(finding) };
        if recorded.inclusion.index != index {
            let detail = format!("the node gave a receipt of record {}, asked was {index}", recorded.inclusion.index);
            return Err(Unchecked::new("other_document", detail));
        }
        let documents = recorded.invocation().map(|invocation| invocation.documents()).unwrap_or_default();
        let ([uri], Some(status)) = (documents.as_slice(), &given.status) else {
            return Ok(Finding::Recorded(recorded));
        };
        let mut finding = self.status(status, Some(&receipt::Question::Uri(uri.clone())), asked, moments)?;
        if let Finding::Status(proven) = &mut finding {
            proven.by = By::Record(Box::new(recorded.inclusion));
        }
        Ok(finding)
    }

    /// What `ask` gives of the values that a register receipt proves, and the head that they stand under.
    fn register<T>(
        &mut self,
        bytes: &[u8],
        ask: impl FnOnce(&dyn StateView) -> Result<T, StateError>,
    ) -> Result<(T, ProvenRegister<()>), Unchecked> {
        let (now_ms, age_max_ms) = (self.now_ms, self.age_max_ms);
        let receipt = RegisterReceipt::parse(bytes).map_err(CouldNotCheck::from)?;
        let ProvenRegister { answer, freshness_ms, quorum, height, log_size } =
            self.head(&receipt.head)?.register(&receipt.reads, now_ms, age_max_ms, ask)?;
        Ok((answer, ProvenRegister { answer: (), freshness_ms, quorum, height, log_size }))
    }
}

/// Whether these bytes are meant to be an inclusion receipt.
pub(super) fn looks_like_inclusion(bytes: &[u8]) -> bool {
    bytes.starts_with(b"c2sp.org/tlog-proof@")
}

/// An absence says nothing but that one key is absent: if the key is a URI's, nothing of a file.
fn is_absence_of(question: &receipt::Question, asked: &mut Asked) -> Result<(), Unchecked> {
    use receipt::Question;
    let silent = asked.uri.is_none() && asked.digest.is_none() && asked.slot.is_none();
    let fits = match question {
        Question::Uri(absent) => silent || asked.uri.as_ref() == Some(absent),
        Question::Digest(absent) => silent || asked.digest.as_ref() == Some(absent),
        Question::Slot(absent) => silent || asked.slot.as_ref() == Some(absent),
    };
    let about = match question {
        Question::Uri(uri) => Asked { uri: Some(uri.clone()), ..Asked::default() },
        Question::Digest(digest) => Asked { digest: Some(*digest), ..Asked::default() },
        Question::Slot(key) => Asked { slot: Some(key.clone()), ..Asked::default() },
    };
    if !fits {
        let detail = format!("the receipt says that {about} is absent, asked was {asked}");
        return Err(Unchecked::new("other_document", detail));
    }
    *asked = about;
    Ok(())
}

/// Whether a text stands somewhere in a call. Calls name documents in many places; each is exactly the URI or digest.
fn names(value: &Value, fact: &str) -> bool {
    match value {
        Value::String(text) => text == fact,
        Value::Array(items) => items.iter().any(|item| names(item, fact)),
        Value::Object(fields) => fields.values().any(|field| names(field, fact)),
        _ => false,
    }
}
