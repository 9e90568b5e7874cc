//! Consensus keys: every key that may or ever might sign votes, whose it is, and for which heights.
//!
//! The validator set in force forgets who left it. Evidence may come later, so the keys stay here for ever; whoever
//! writes a set goes through this file.

use dalil_ledger::block::{DepartmentId, Height};
use dalil_ledger::codec::{self, SchemaRead, SchemaWrite};
use dalil_ledger::crypto::PublicKey;
use dalil_ledger::state::{Overlay, StateError};
use dalil_ledger::validators::ValidatorSet;
use serde::{Deserialize, Serialize};

use super::establishment::StateEntry;
use super::validators_key;

/// The first height that the validators of genesis decide.
const FIRST_HEIGHT: Height = 1;

/// A key that is or was a validator's consensus key.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
pub struct ConsensusKey {
    /// The department that brought it.
    pub department: DepartmentId,
    /// The first height that it voted on.
    pub from_height: Height,
    /// The first height that it no longer voted on; none while it is in the set. A key that comes back is taken to have
    /// been there all the time.
    pub until_height: Option<Height>,
    /// At how many heights it is recorded to have contradicted itself (A9).
    pub contradictions: u32,
}

impl ConsensusKey {
    /// Whether the key was in the set of `height`.
    pub fn voted_at(&self, height: Height) -> bool {
        self.from_height <= height && self.until_height.is_none_or(|until| height < until)
    }
}

/// State key of a consensus key.
pub fn consensus_key_key(key: &PublicKey) -> Vec<u8> {
    format!("auth/consensus_key/{key}").into_bytes()
}

/// What the initial state holds of the validators: the set in force, and their consensus keys.
pub fn genesis_validators(set: &ValidatorSet) -> Vec<StateEntry> {
    let keys = set.iter().map(|member| {
        let department = member.department.clone();
        let record = ConsensusKey { department, from_height: FIRST_HEIGHT, until_height: None, contradictions: 0 };
        (consensus_key_key(&member.consensus), codec::encode(&record))
    });
    keys.chain([(validators_key(), codec::encode(set))]).collect()
}

/// Notes whose keys vote from `from` on: those of `next`. To be called before `next` is written as the set in force, so
/// that it can be seen who leaves.
pub fn register_consensus_keys(state: &mut Overlay<'_>, next: &ValidatorSet, from: Height) -> Result<(), StateError> {
    let before: Option<ValidatorSet> = state.get_value(&validators_key())?;
    let stays = |key: &PublicKey| next.iter().any(|member| member.consensus == *key);
    for member in before.iter().flat_map(ValidatorSet::iter).filter(|member| !stays(&member.consensus)) {
        let key = consensus_key_key(&member.consensus);
        if let Some(record) = state.get_value::<ConsensusKey>(&key)? {
            state.put_value(key, &ConsensusKey { until_height: Some(from), ..record });
        }
    }
    for member in next.iter() {
        let key = consensus_key_key(&member.consensus);
        match state.get_value::<ConsensusKey>(&key)? {
            Some(record) if record.until_height.is_none() => {}
            Some(record) => state.put_value(key, &ConsensusKey { until_height: None, ..record }),
            None => {
                let department = member.department.clone();
                let record = ConsensusKey { department, from_height: from, until_height: None, contradictions: 0 };
                state.put_value(key, &record);
            }
        }
    }
    Ok(())
}
