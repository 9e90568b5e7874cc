//! Checking receipts against a pin, here and now; no word of any node counts.

use dalil_contracts::Invocation;
use dalil_contracts::certificate::certificate_in;
use dalil_ledger::receipt::{Question, Terms, verify_inclusion_with, verify_status};
use serde_json::Value;

use super::finding::{Finding, Proven, Recorded, Unchecked, is_about};
use super::subject::Asked;
use super::trust::Believed;
use crate::verification::{batch_of, question_of};

/// Checks a status receipt about `asked`, which may be empty: then the receipt says itself what it is about.
pub(super) fn status(bytes: &[u8], believed: &Believed, asked: &mut Asked, terms: Terms) -> Result<Finding, Unchecked> {
    let pin = believed.pin()?;
    let mut file_is_bound = asked.digest.is_some();
    let question = match question_of(bytes)? {
        Some(question) => question,
        // The library then says which read is missing.
        None => asked.question().ok_or_else(|| Unchecked::new("incomplete", "the receipt reads no document"))?,
    };
    let answer = verify_status(bytes, pin, &question, terms)?;
    match &answer.entry {
        Some(entry) => {
            is_about(entry, asked)?;
            (asked.uri, asked.digest) = (Some(entry.uri.clone()), Some(entry.digest));
        }
        None => {
            is_absence_of(&question, asked)?;
            file_is_bound = asked.digest.is_some();
        }
    }
    let age_max_ms = answer.entry.as_ref().map_or(pin.terms().absence_age_max_ms, |entry| entry.status_age_max_ms);
    Ok(Finding::Status(Box::new(Proven {
        file_is_bound,
        age_max_ms: terms.age_max_ms.unwrap_or(age_max_ms),
        asked_as_of_ms: terms.as_of_ms.or(terms.known_at_ms),
        answer,
    })))
}

/// An absence says nothing but that one key is absent: if the key is a URI's, nothing of a file.
fn is_absence_of(question: &Question, asked: &mut Asked) -> Result<(), Unchecked> {
    let silent = asked.uri.is_none() && asked.digest.is_none();
    let fits = match question {
        Question::Uri(absent) => silent || asked.uri.as_ref() == Some(absent),
        Question::Digest(absent) => silent || asked.digest.as_ref() == Some(absent),
        Question::Slot(_) => silent,
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

/// Checks an inclusion receipt. Facts asked for must stand in the record or in its document of a batch.
pub(super) fn inclusion(
    bytes: &[u8],
    believed: &Believed,
    asked: &mut Asked,
    now_ms: u64,
) -> Result<Finding, Unchecked> {
    let inclusion = verify_inclusion_with(bytes, believed.trust(), now_ms, batch_of)?;
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
        return Err(Unchecked::new("other_document", format!("record {} does not name {missing}", inclusion.index)));
    }
    let file_is_bound = asked.digest.is_some();
    if let Some(leaf) = leaf {
        (asked.uri, asked.digest) = (Some(leaf.uri), Some(leaf.digest));
    }
    Ok(Finding::Recorded(Box::new(Recorded { inclusion, file_is_bound })))
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
