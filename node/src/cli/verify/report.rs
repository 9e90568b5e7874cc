//! A finding with the circumstances of its check, as facts: the one source of the text for people and of the JSON for
//! programs.

use dalil_contracts::mineral::checkpost::ChallanSlip;
use dalil_ledger::document::Status;
use dalil_ledger::receipt::{Inclusion, ProvenRegister};
use serde_json::{Map, Value, json};

use super::claims::ShownClaim;
use super::finding::{BeyondLog, By, Finding, Plot, Proven, Recorded};
use super::subject::Asked;
use crate::service::{self, Ask, FILE_IN_HAND, LATER, NUMBER_LEADS, TITLE, as_of};
use crate::time::ist_rfc3339;
use crate::verification::leaf_uri;

/// A finding with the circumstances of the check.
pub(super) struct Report {
    /// What came of it.
    pub(super) finding: Finding,
    /// What it is about.
    pub(super) asked: Asked,
    /// The question, if it was asked by an option.
    pub(super) named: Option<Ask>,
    /// The node that gave the receipt; none for a receipt file.
    pub(super) node: Option<String>,
    /// The verifier's time, UTC milliseconds.
    pub(super) checked_at_ms: u64,
    /// Validators that the pin or policy knows, and how many of them it takes.
    pub(super) sizes: Option<(usize, usize)>,
    /// Files written by `--save`.
    pub(super) saved: Vec<String>,
    /// Claims shown that belong to the document.
    pub(super) claims: Vec<ShownClaim>,
    /// What a QR code says that the document's issuer signed.
    pub(super) slip: Option<ChallanSlip>,
}

impl Report {
    /// What the check proves.
    pub(super) fn proven(&self) -> Vec<String> {
        match &self.finding {
            Finding::Status(proven) => {
                let mut lines = proven.told().0;
                if self.slip.is_some() && proven.answer.entry.is_some() {
                    let at = lines.len().saturating_sub(1);
                    lines.insert(at, "the officer who issued the challan signed what the code says".to_owned());
                }
                if !self.claims.is_empty() {
                    let at = lines.len().saturating_sub(1);
                    lines.insert(at, "the office recorded the document with the claims shown here".to_owned());
                }
                lines
            }
            Finding::Recorded(recorded) => {
                let mut lines = vec![stands(&recorded.inclusion), signed(&recorded.inclusion)];
                if recorded.file_is_bound {
                    lines.insert(0, "the record names this SHA-256".to_owned());
                }
                lines
            }
            Finding::BeyondLog(beyond) => {
                let (index, head) = (beyond.index, &beyond.head);
                vec![
                    format!("the log has {} entries; there is none with the index {index}", head.log_size),
                    as_of(head.freshness_ms),
                ]
            }
            Finding::Plot(plot) => {
                let mut lines = plot.shown.proven(&plot.plot);
                lines.push(as_of(plot.head.freshness_ms));
                lines
            }
            Finding::Unchecked(_) => Vec::new(),
        }
    }

    /// What a reader might believe to be proven and is not.
    pub(super) fn not_proven(&self) -> Vec<&'static str> {
        match &self.finding {
            Finding::Status(proven) if proven.answer.entry.is_some() && self.slip.is_some() => {
                vec!["that the plate on the truck is the one in the code: compare them", LATER]
            }
            Finding::Status(proven) if proven.answer.entry.is_some() && !self.claims.is_empty() => {
                vec!["that whoever shows the claims is the document's holder", "what else the document says", LATER]
            }
            Finding::Status(proven) => proven.told().1,
            Finding::Recorded(recorded) => {
                let mut lines = vec!["that what it records is still in force: this takes a status receipt"];
                if !recorded.file_is_bound {
                    lines.push(FILE_IN_HAND);
                }
                lines
            }
            Finding::BeyondLog(_) => vec![LATER],
            Finding::Plot(_) => vec![TITLE, LATER],
            Finding::Unchecked(_) => {
                vec![
                    "anything about the document: neither that it is in force, nor that it is not, nor that it is forged",
                ]
            }
        }
    }

    /// One object with every fact.
    pub(super) fn to_json(&self) -> Value {
        let mut object = match &self.finding {
            Finding::Status(proven) => proven.to_json(self.checked_at_ms),
            Finding::Recorded(recorded) => recorded.to_json(self.checked_at_ms),
            Finding::BeyondLog(beyond) => beyond.to_json(self.checked_at_ms),
            Finding::Plot(plot) => plot.to_json(self.checked_at_ms),
            Finding::Unchecked(why) => json!({
                "status": "could_not_check",
                "reason": why.code,
                "detail": why.detail,
                "age_ms": why.age.map(|(age_ms, _)| age_ms),
                "age_max_ms": why.age.map(|(_, max_ms)| max_ms),
            }),
        };
        let mut asked = json!({ "uri": self.asked.uri, "digest": self.asked.digest });
        if let (Value::Object(asked), Some(Value::Object(named))) =
            (&mut asked, self.named.as_ref().map(|it| json!(it)))
        {
            asked.extend(named);
        }
        let common = json!({
            "exit_code": self.finding.exit().code(),
            "asked": asked,
            "node": self.node,
            "checked_at_ms": self.checked_at_ms,
            "checked_at": ist_rfc3339(self.checked_at_ms),
            "validators": self.sizes.map(|(validators, _)| validators),
            "quorum_needed": self.sizes.map(|(_, quorum)| quorum),
            "proven": self.proven(),
            "not_proven": self.not_proven(),
            "saved": self.saved,
            "claims": self.claims,
            "code": self.slip,
        });
        if let (Value::Object(object), Value::Object(common)) = (&mut object, common) {
            object.extend(common);
        }
        object
    }
}

impl Proven {
    /// What is proven and what is not.
    fn told(&self) -> (Vec<String>, Vec<&'static str>) {
        let (answer, file) = (&self.answer, self.file());
        let (mut proven, mut not_proven) = (service::proven(answer, file), service::not_proven(answer, file));
        match &self.by {
            By::Number if answer.entry.is_some() => proven.insert(0, NUMBER_LEADS.to_owned()),
            By::Name | By::Number => {}
            By::Challan(number, fit) => fit.tell(number, answer.freshness_ms, &mut proven, &mut not_proven),
            By::Record(inclusion) => {
                proven.insert(0, stands(inclusion));
                proven.insert(1, signed(inclusion));
            }
        }
        (proven, not_proven)
    }

    fn to_json(&self, checked_at_ms: u64) -> Value {
        let answer = &self.answer;
        json!({
            "status": answer.status,
            "reason": answer.reason,
            "since_ms": answer.since_ms,
            "since": answer.since_ms.map(ist_rfc3339),
            "as_of_ms": answer.as_of_ms,
            "as_of": ist_rfc3339(answer.as_of_ms),
            "known_at_ms": answer.known_at_ms,
            "known_at": answer.known_at_ms.map(ist_rfc3339),
            "freshness_ms": answer.freshness_ms,
            "freshness": ist_rfc3339(answer.freshness_ms),
            "age_ms": checked_at_ms.saturating_sub(answer.freshness_ms),
            "age_max_ms": self.age_max_ms,
            "quorum": answer.quorum,
            "chain": answer.chain,
            "height": answer.height,
            "log_size": answer.log_size,
            "record": answer.record,
            "file_is_bound": self.file_is_bound,
            "history": answer.history,
            "document": answer.entry,
        })
    }
}

impl Recorded {
    fn to_json(&self, checked_at_ms: u64) -> Value {
        let inclusion = &self.inclusion;
        json!({
            "status": "recorded",
            "reason": "present_status_not_proven",
            "freshness_ms": inclusion.freshness_ms,
            "freshness": ist_rfc3339(inclusion.freshness_ms),
            "age_ms": checked_at_ms.saturating_sub(inclusion.freshness_ms),
            "quorum": inclusion.quorum,
            "chain": inclusion.record.body.chain,
            "log_size": inclusion.log_size,
            "record": inclusion.index,
            "id": inclusion.record.id(),
            "signer": inclusion.record.body.signer,
            "invocation": self.invocation(),
            "document_uri": inclusion.document.as_deref().and_then(leaf_uri),
            "file_is_bound": self.file_is_bound,
        })
    }
}

impl BeyondLog {
    fn to_json(&self, checked_at_ms: u64) -> Value {
        let mut object = head_json(&self.head, checked_at_ms);
        object.extend([("status".to_owned(), json!(Status::NotOnRecord)), ("reason".to_owned(), json!("beyond_log"))]);
        object.into()
    }
}

impl Plot {
    fn to_json(&self, checked_at_ms: u64) -> Value {
        let mut object = head_json(&self.head, checked_at_ms);
        if let Value::Object(shown) = json!(self.shown) {
            object.extend(shown);
        }
        object.into()
    }
}

fn head_json(head: &ProvenRegister<()>, checked_at_ms: u64) -> Map<String, Value> {
    let facts = json!({
        "freshness_ms": head.freshness_ms,
        "freshness": ist_rfc3339(head.freshness_ms),
        "age_ms": checked_at_ms.saturating_sub(head.freshness_ms),
        "quorum": head.quorum,
        "height": head.height,
        "log_size": head.log_size,
    });
    if let Value::Object(facts) = facts { facts } else { Map::new() }
}

fn stands(inclusion: &Inclusion) -> String {
    format!("record {} stands in the log of {} entries", inclusion.index, inclusion.log_size)
}

fn signed(inclusion: &Inclusion) -> String {
    format!("it is signed by the key {}", inclusion.record.body.signer)
}
