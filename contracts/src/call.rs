//! What a record asks for, and the dispatcher: one arm for each kind of record.

use dalil_ledger::codec::{self, CodecError, SchemaRead, SchemaWrite};
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::Uri;
use dalil_ledger::state::Overlay;
use dalil_ledger::transaction::RECORD_BYTES_MAX;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authority::{self, AuthorityCall, PostingId};
use crate::certificate::{self, CertificateCall};
use crate::context::{Context, Outcome};
use crate::land::{self, LandCall};
use crate::mineral::challan::challan_uri;
use crate::mineral::{self, MineralCall};
use crate::refusal::Refusal;

/// A call of one kind.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Call {
    /// Departments, offices, keys, postings, parameters.
    Authority(AuthorityCall),
    /// Khatians, plots, deeds, mutations.
    Land(LandCall),
    /// Leases, permits, payments, vehicles, challans.
    Mineral(MineralCall),
    /// Certificate types and certificates.
    Certificate(CertificateCall),
}

impl Call {
    /// Room and name: `land.register_deed`.
    pub fn name(&self) -> String {
        name_in(&serde_json::to_value(self).unwrap_or_default())
    }
}

/// Room and name of a call as JSON, be it of a kind that this program knows or not.
pub fn name_in(call: &serde_json::Value) -> String {
    let only = |fields: &serde_json::Map<String, serde_json::Value>| match fields.iter().next() {
        Some((name, inner)) if fields.len() == 1 => Some((name.clone(), inner.clone())),
        _ => None,
    };
    let Some((room, inner)) = call.as_object().and_then(only) else { return "unknown".to_owned() };
    let name = inner.as_str().map(str::to_owned).or_else(|| Some(only(inner.as_object()?)?.0));
    name.map_or_else(|| room.clone(), |name| format!("{room}.{name}"))
}

/// A call and the posting it is made under.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Invocation {
    /// The posting on whose behalf the signer acts (rule A7).
    #[schemars(with = "String")]
    pub posting: PostingId,
    /// What is done.
    pub call: Call,
}

impl Invocation {
    /// Decodes the call of a record.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::decode(bytes, RECORD_BYTES_MAX)
    }

    /// The canonical bytes that a record carries.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// RFC 9162 root of the list that must come with the record as an attachment of its block, if the call needs one.
    pub fn attachment_root(&self) -> Option<Hash> {
        match &self.call {
            Call::Certificate(call) => call.list().map(|list| list.root),
            _ => None,
        }
    }

    /// URIs of the documents that the call would enter one by one, without those of a batch's list.
    pub fn documents(&self) -> Vec<Uri> {
        match &self.call {
            Call::Certificate(
                CertificateCall::Issue { certificate, .. } | CertificateCall::Replace { certificate, .. },
            ) => {
                vec![certificate.uri.clone()]
            }
            Call::Land(LandCall::IssueRor(extract)) => vec![extract.uri.clone()],
            Call::Mineral(MineralCall::IssueChallan(challan)) => vec![challan_uri(&challan.number)],
            _ => Vec::new(),
        }
    }
}

/// JSON Schema of an [`Invocation`]: what a client hands in and what `record submit` reads.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Invocation).to_value()
}

/// Applies a call to `state`. On refusal the caller drops the overlay: nothing is half applied.
pub fn apply(state: &mut Overlay<'_>, context: &Context<'_>, invocation: &Invocation) -> Result<Outcome, Refusal> {
    let posting = &invocation.posting;
    match &invocation.call {
        Call::Authority(call) => authority::calls::apply(state, context, posting, call),
        Call::Land(call) => land::apply(state, context, posting, call),
        Call::Mineral(call) => mineral::apply(state, context, posting, call),
        Call::Certificate(call) => certificate::apply(state, context, posting, call),
    }
}
