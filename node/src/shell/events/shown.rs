//! An event as clients get it: one shape for streams, webhooks and the command line.

use dalil_contracts::authority::{Place, PostingId};
use dalil_ledger::block::Height;
use dalil_ledger::crypto::Hash;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// Something that happened on the chain. It says what the node executed; the record at `index` is what can be proven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "Event")]
pub struct ShownEvent {
    /// Name of this event on every node of the chain: `<index>-<ordinal>`.
    pub id: String,
    /// Name of its kind.
    #[schemars(schema_with = "kinds")]
    pub kind: String,
    /// What it happened to, in the form that its kind has.
    pub subject: String,
    /// Where the officer acted; null for administration, votes and what a block's end brings about.
    pub place: Option<Place>,
    /// Log index of the record; of the block's header for what the block's end brings about.
    pub index: u64,
    /// Place among the events of that log index, from 0.
    pub ordinal: u32,
    /// Height of the block.
    pub height: Height,
    /// Time of the block, UTC milliseconds.
    pub time_ms: u64,
    /// Transaction id of the record; null for what a block's end brings about.
    #[schemars(with = "Option<String>")]
    pub transaction: Option<Hash>,
    /// Name of the record's call, such as `land.register_deed`; null as above.
    pub call: Option<String>,
    /// The posting under which the officer acted; null as above.
    #[schemars(with = "Option<String>")]
    pub posting: Option<PostingId>,
}

fn kinds(_: &mut SchemaGenerator) -> Schema {
    let names: Vec<_> = dalil_contracts::events::KINDS.iter().map(|kind| kind.name).collect();
    json_schema!({ "type": "string", "enum": names })
}

/// JSON Schema of a [`ShownEvent`].
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(ShownEvent).to_value()
}
