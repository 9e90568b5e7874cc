//! Genesis: the first state of a chain, and the chain id that follows from it.

use serde::{Deserialize, Serialize};

use crate::codec::{self, SchemaRead, SchemaWrite, Set, Token};
use crate::crypto::{Domain, Hash};
use crate::validators::ValidatorSet;

/// Limits on one block. Set so that the worst block is checked in half of the cap of the propose timeout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockLimits {
    /// Sum of the canonical records, in bytes.
    pub bytes_max: u32,
    /// Number of records.
    pub records_max: u32,
    /// Reads and writes of the state, counted by the overlay.
    pub state_operations_max: u32,
    /// Sum of the canonical attachments, in bytes.
    pub attachment_bytes_max: u32,
}

/// Timeouts of consensus, in milliseconds. Each grows by its delta a round, up to the cap; never exponentially.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timeouts {
    /// Waiting for a proposal in round 0.
    pub propose_ms: u32,
    /// Waiting for a polka after mixed prevotes.
    pub prevote_ms: u32,
    /// Waiting for a commit after mixed precommits.
    pub precommit_ms: u32,
    /// Growth of each of the three a round.
    pub delta_ms: u32,
    /// No timeout is longer.
    pub cap_ms: u32,
    /// Rebroadcast of votes, proposal, certificates and status.
    pub rebroadcast_ms: u32,
}

/// What holds for the whole chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Limits on one block.
    pub limits: BlockLimits,
    /// Consensus timeouts.
    pub timeouts: Timeouts,
    /// How far a proposal's time may be ahead of, or its sending behind, the receiver's clock, in milliseconds.
    pub clock_drift_ms: u32,
    /// How often an idle chain cosigns its head again, in milliseconds.
    pub cosign_interval_ms: u32,
    /// How far a cosignature's time may be ahead of a verifier's clock, in milliseconds.
    pub cosignature_skew_ms: u32,
    /// The oldest checkpoint that proves an absence, in milliseconds: the shortest maximum age of any kind.
    pub absence_age_max_ms: u64,
    /// Allows fewer than four validators (rule A4). Never set on a chain that matters.
    pub development: bool,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            limits: BlockLimits {
                bytes_max: 2 << 20,
                records_max: 4_000,
                state_operations_max: 200_000,
                attachment_bytes_max: 2 << 20,
            },
            timeouts: Timeouts {
                propose_ms: 3_000,
                prevote_ms: 500,
                precommit_ms: 500,
                delta_ms: 500,
                cap_ms: 10_000,
                rebroadcast_ms: 1_000,
            },
            clock_drift_ms: 2_000,
            cosign_interval_ms: 15_000,
            cosignature_skew_ms: 10_000,
            absence_age_max_ms: 600_000,
            development: false,
        }
    }
}

/// One entry of the initial state.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, SchemaWrite, SchemaRead)]
pub struct InitialEntry {
    /// State key.
    pub key: Vec<u8>,
    /// State value.
    pub value: Vec<u8>,
}

/// The longest canonical genesis, in bytes.
pub const GENESIS_BYTES_MAX: usize = 8 << 20;

/// The first state of a chain.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead)]
pub struct Genesis {
    /// The log's origin: a scheme-less URL without a trailing slash, such as `ledger.example/wb` (C2SP tlog-checkpoint).
    pub origin: Token<128>,
    /// Random, so that two chains never share an id.
    pub nonce: [u8; 32],
    /// Timestamp of block 0, UTC milliseconds.
    pub time_ms: u64,
    /// What holds for the whole chain.
    pub parameters: Parameters,
    /// The validators that decide block 1 and cosign block 0.
    pub validators: ValidatorSet,
    /// The state at height 0.
    pub initial_state: Set<InitialEntry>,
}

impl Genesis {
    /// The chain id: SHA-256(`dalil/v1/genesis` ‖ NUL ‖ canonical genesis).
    pub fn chain_id(&self) -> Hash {
        Domain::Genesis.hash(&codec::encode(self))
    }
}
