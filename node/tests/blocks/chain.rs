//! A ledger in memory that the executor extends block by block, and the officers of the sample establishment.

use std::sync::Arc;

use dalil_contracts::authority::EstablishmentPlan;
use dalil_contracts::{Call, Invocation};
use dalil_ledger::block::Block;
use dalil_ledger::crypto::{Hash, SecretKey, sha256};
use dalil_ledger::genesis::Genesis;
use dalil_ledger::store::{Batch, Executed, Ledger, MemoryKv};
use dalil_ledger::transaction::SignedTransaction;
use dalil_node::core::executor::{self, Built, Candidate, EmptyBlocks, ExecutionError, Signatures};
use serde_json::{Value, json};

use crate::support::{ESTABLISHMENT, genesis, key_of, signed_for, token};

pub const LAND: &str = include_str!("../../../testnet/sample/land-setup.json");
pub const MINERALS: &str = include_str!("../../../testnet/sample/mineral-setup.json");
pub const SHOWPIECE: &str = include_str!("../../../testnet/sample/mineral-showpiece.json");

const MINUTE_MS: i64 = 60_000;

/// Checks each signature where it is asked for.
pub struct Checked;

impl Signatures for Checked {
    fn verify(&self, _leaf: &Hash, record: &SignedTransaction) -> bool {
        record.verify_signature().is_ok()
    }
}

pub struct Chain {
    pub genesis: Genesis,
    pub ledger: Ledger,
    plan: EstablishmentPlan,
    salt: u64,
}

impl Chain {
    /// A chain that began at `start_ms`.
    pub fn since(start_ms: u64) -> Self {
        let genesis = Genesis { time_ms: start_ms, ..genesis().clone() };
        let ledger = Ledger::create(Arc::new(MemoryKv::default()), &genesis).unwrap();
        Self { genesis, ledger, plan: serde_json::from_str(ESTABLISHMENT).unwrap(), salt: 0 }
    }

    /// Time of the next block, UTC milliseconds.
    pub fn time_ms(&self) -> u64 {
        self.ledger.view().unwrap().head().timestamp_ms + 1_000
    }

    /// The key of the officer who holds a posting.
    pub fn officer(&self, posting: &str) -> SecretKey {
        key_of(self.name_of(posting))
    }

    fn name_of(&self, posting: &str) -> &str {
        self.plan.postings.iter().find(|held| held.id.as_str() == posting).unwrap().officer.as_str()
    }

    /// A call as the holder of the posting signs it. No two are the same record.
    pub fn signed(&mut self, posting: &str, call: Call) -> SignedTransaction {
        self.salt += 1;
        let invocation = Invocation { posting: token(posting), call };
        signed_for(self.genesis.chain_id(), self.name_of(posting), &invocation, self.salt, self.time_ms())
    }

    /// The record of a step of a sample file.
    pub fn step(&mut self, file: &str, name: &str) -> SignedTransaction {
        let file: Value = serde_json::from_str(file).unwrap();
        let step = file["steps"].as_array().unwrap().iter().find(|step| step["step"] == name).unwrap().clone();
        self.record_of(&step)
    }

    fn record_of(&mut self, step: &Value) -> SignedTransaction {
        let call = expand(&step["call"], self.genesis.time_ms);
        self.signed(step["posting"].as_str().unwrap(), serde_json::from_value(call).unwrap())
    }

    /// Records the first steps of a sample file, at most `count`, in one block; all of them must apply.
    pub fn play(&mut self, file: &str, count: usize) {
        let file: Value = serde_json::from_str(file).unwrap();
        let records = file["steps"].as_array().unwrap().iter().take(count).map(|step| self.record_of(step)).collect();
        self.append(records);
    }

    /// Builds a block of the records that apply.
    pub fn build(&self, records: &[SignedTransaction]) -> Built {
        let candidates: Vec<_> = records.iter().map(|record| Candidate::new(record.clone(), None)).collect();
        let (view, parameters) = (self.ledger.view().unwrap(), self.genesis.parameters);
        let (time_ms, empty) = (self.time_ms(), EmptyBlocks::Allowed);
        executor::build(&view, parameters, time_ms, token("it"), &candidates, &Checked, empty).unwrap()
    }

    /// Judges a block that somebody proposes.
    pub fn judge(&self, block: Block) -> Result<Executed, ExecutionError> {
        executor::execute(&self.ledger.view().unwrap(), self.genesis.parameters, &Arc::new(block), &Checked)
    }

    /// Adds a block of records that all apply.
    pub fn append(&mut self, records: Vec<SignedTransaction>) {
        let built = self.build(&records);
        let executed = built.executed.unwrap();
        assert_eq!(executed.block.records.len(), records.len(), "{:?}", built.dropped);
        self.ledger.commit(&executed, None, Batch::default()).unwrap();
    }
}

/// A call of a sample file with its marks replaced.
fn expand(value: &Value, start_ms: u64) -> Value {
    match value {
        Value::Object(fields) => {
            if let Some(minutes) = fields.get("minutes_from_start").and_then(Value::as_i64) {
                return json!(start_ms.checked_add_signed(minutes * MINUTE_MS).unwrap());
            }
            if let Some(text) = fields.get("digest_of").and_then(Value::as_str) {
                return json!(sha256(text.as_bytes()));
            }
            fields.iter().map(|(name, field)| (name.clone(), expand(field, start_ms))).collect()
        }
        Value::Array(items) => items.iter().map(|item| expand(item, start_ms)).collect(),
        other => other.clone(),
    }
}
