//! Calls by which departments administer offices, keys and postings.

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authority::PostingId;
use crate::context::{Context, Outcome};
use crate::refusal::{Refusal, reject};

/// What an administrator may do.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthorityCall {
    /// Placeholder.
    Nothing,
}

/// Applies a call.
pub fn apply(_: &mut Overlay<'_>, _: &Context<'_>, _: &PostingId, _: &AuthorityCall) -> Result<Outcome, Refusal> {
    reject("A1", "nothing")
}
