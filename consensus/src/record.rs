//! What the database keeps of the running height.

use std::sync::Arc;

use dalil_ledger::block::{Block, BlockId, Height, Round};
use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::statement::Statement;
use dalil_ledger::validators::Certificate;

/// locked(id, r): the block this node precommitted last (L37).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, SchemaWrite, SchemaRead)]
pub struct Lock {
    /// The block.
    pub block: BlockId,
    /// The round.
    pub round: Round,
}

/// valid(b, r, polka): the block this node would propose (L41).
#[derive(Debug, Clone, PartialEq, Eq, Hash, SchemaWrite, SchemaRead)]
pub struct ValidBlock {
    /// The block.
    pub block: BlockId,
    /// The round of its polka.
    pub round: Round,
    /// q prevotes for the block in that round.
    pub polka: Certificate,
}

/// The newest signature that was about to be made when the record was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, SchemaWrite, SchemaRead)]
pub struct PendingSignature {
    /// Its number, counted by the sign record.
    pub counter: u64,
    /// What it says, from which the sign-bytes follow.
    pub statement: Statement,
}

/// The one consensus record of the database; each write replaces it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, SchemaWrite, SchemaRead)]
pub struct ConsensusRecord {
    /// The height that the rest is about.
    pub height: Height,
    /// The round this node was in.
    pub round: Round,
    /// locked.
    pub locked: Option<Lock>,
    /// valid with its polka.
    pub valid: Option<ValidBlock>,
    /// A commit certificate whose block was not yet valid here.
    pub commit: Option<Certificate>,
    /// The newest nil certificate, to take up the round where it was.
    pub nil: Option<Certificate>,
    /// The block of the newest own proposal of this height.
    pub proposed: Option<BlockId>,
    /// The polka that went with that proposal.
    pub proposed_polka: Option<Certificate>,
    /// The newest signature, of this height or an earlier one.
    pub signature: Option<PendingSignature>,
}

/// The longest canonical consensus record, in bytes: four certificates of a full set.
pub const CONSENSUS_RECORD_BYTES_MAX: usize = 16_384;

impl ConsensusRecord {
    /// The blocks whose bodies a restart needs.
    pub fn block_ids(&self) -> Vec<BlockId> {
        let mut ids: Vec<BlockId> = [
            self.locked.map(|lock| lock.block),
            self.valid.as_ref().map(|valid| valid.block),
            self.proposed,
            self.commit.as_ref().and_then(|commit| commit.subject.block),
        ]
        .into_iter()
        .flatten()
        .collect();
        ids.sort();
        ids.dedup();
        ids
    }
}

/// What the driver reads from the database at start.
#[derive(Debug, Clone, Default)]
pub struct Restored {
    /// The consensus record; none in a fresh database.
    pub record: Option<ConsensusRecord>,
    /// The bodies of [`ConsensusRecord::block_ids`], as far as they are there.
    pub blocks: Vec<Arc<Block>>,
}
