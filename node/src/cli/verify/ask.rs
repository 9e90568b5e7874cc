//! Asking a node for receipts, and keeping them.

use std::path::Path;

use dalil_contracts::mineral::challan::challan_uri;
use serde::Deserialize;
use serde_json::Value;

use super::check::{Checker, Given};
use super::finding::{Finding, Unchecked};
use super::subject::Asked;
use crate::cli::client::{Client, ClientError};
use crate::legible::visible;
use crate::service::Ask;

/// What of a node's answer is looked at.
#[derive(Deserialize)]
pub(super) struct Verified {
    answer: Said,
    receipts: Receipts,
}

/// Why the node cannot answer, if it cannot.
#[derive(Deserialize)]
struct Said {
    result: String,
    reason: Option<String>,
    detail: Option<String>,
}

#[derive(Deserialize)]
struct Receipts {
    status: Option<Value>,
    inclusion: Option<String>,
    register: Option<Value>,
}

impl From<Verified> for Given {
    fn from(Verified { answer, receipts }: Verified) -> Self {
        let Receipts { status, inclusion, register } = receipts;
        let refusal = (answer.result == "could_not_check").then(|| {
            let detail = format!("the node says: {}", visible(&answer.detail.unwrap_or_default()));
            Unchecked::new(&visible(&answer.reason.unwrap_or_default()), detail)
        });
        let bytes = |receipt: Value| receipt.to_string().into_bytes();
        Self {
            status: status.map(bytes),
            inclusion: inclusion.map(String::into_bytes),
            register: register.map(bytes),
            refusal,
        }
    }
}

/// What of a question a node needs to know: neither which vehicle it is about, nor which moment.
pub(super) fn for_node(ask: &Ask) -> Ask {
    let Ask { uri, digest, index, plot, challan, number, department, kind, .. } = ask.clone();
    Ask { uri, digest, index, plot, challan, number, department, kind, ..Ask::default() }
}

/// Fetches the receipts that answer one question.
pub(super) async fn fetch(client: &Client, ask: &Ask) -> Result<Given, Unchecked> {
    let mut ask = for_node(ask);
    if let Some(number) = ask.challan.take() {
        ask.uri = Some(challan_uri(&number));
    }
    let is_document = ask.index.is_none() && ask.plot.is_none();
    let Ok(Value::Object(fields)) = serde_json::to_value(&ask) else {
        return Err(Unchecked::new("incomplete", "nothing was asked"));
    };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let query: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), text(value))).collect();
    if is_document {
        let status = client.get_query("/v1/receipts/status", &query).await.map_err(no_receipt)?;
        return Ok(Given { status: Some(status), ..Given::default() });
    }
    let answer: Verified = client.get_json("/v1/verify", &query).await.map_err(no_receipt)?;
    Ok(answer.into())
}

/// Why there is no receipt, in words in which nothing of the node's can hide.
pub(super) fn no_receipt(error: ClientError) -> Unchecked {
    match error {
        ClientError::Problem(problem) => {
            Unchecked::new(&visible(&problem.code), format!("the node says: {}", visible(&problem.detail)))
        }
        unreachable @ (ClientError::Unreachable(..) | ClientError::TooLong(..)) => {
            Unchecked::new("unreachable", unreachable.to_string())
        }
    }
}

/// Keeps the receipts and, for a document on record, the inclusion receipt of its record once it is checked too.
pub(super) async fn save(
    client: &Client,
    folder: &Path,
    checker: &Checker<'_>,
    given: &Given,
    (about, asked, finding): (&str, &Asked, &Finding),
) -> Result<Vec<String>, String> {
    let name = asked.uri.as_ref().map(ToString::to_string);
    let name = name.or_else(|| asked.digest.as_ref().map(ToString::to_string)).unwrap_or_else(|| about.to_owned());
    let name: String = name.chars().map(safe).collect();
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut saved = Vec::new();
    let mut keep = |ending: &str, bytes: &[u8]| {
        let path = folder.join(format!("{name}.{ending}"));
        std::fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()))?;
        saved.push(path.display().to_string());
        Ok::<(), String>(())
    };
    let receipts =
        [("dalil-status", &given.status), ("tlog-proof", &given.inclusion), ("dalil-register", &given.register)];
    for (ending, receipt) in receipts {
        if let Some(bytes) = receipt {
            keep(ending, bytes)?;
        }
    }
    let on_record = matches!(finding, Finding::Status(proven) if proven.answer.entry.is_some());
    if let (Some(uri), true, None) = (&asked.uri, on_record, &given.inclusion) {
        let query = [("uri", uri.to_string())];
        let proof = client.get_query("/v1/receipts/inclusion", &query).await.map_err(|error| error.to_string())?;
        checker.inclusion(&proof, &mut Asked::default()).map_err(|why| why.detail)?;
        keep("tlog-proof", &proof)?;
    }
    Ok(saved)
}

/// A character of a file's name: URIs may hold what folders are made of.
fn safe(character: char) -> char {
    if character.is_ascii_alphanumeric() || matches!(character, '.' | '-' | '_') { character } else { '_' }
}
