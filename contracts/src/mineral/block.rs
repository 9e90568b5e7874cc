//! Mining blocks and the way from a block to a lease: auction result, letter of intent, lease.
//!
//! A block whose bidder failed, or whose lease is over, is reopened by an order and auctioned anew.

use dalil_ledger::codec::{SchemaRead, SchemaWrite, Set, Token};
use dalil_ledger::crypto::Hash;
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authority::place::{BlockCode, DistrictCode};
use crate::authority::{Place, PostingId, Role, authorise};
use crate::context::{Context, Outcome};
use crate::land::keys::{MouzaId, PlotId};
use crate::mineral::keys::block_key;
use crate::mineral::lease;
use crate::mineral::types::{Commitment, LeaseId, MineralCode, MiningBlockId, plain, subject, unused};
use crate::refusal::{OrReject as _, Refusal, reject, require};

/// The most minerals and the most mouzas of one block.
pub const BLOCK_LIST_MAX: usize = 32;
/// The most plots of one block.
pub const BLOCK_PLOTS_MAX: usize = 256;

/// A river's code.
pub type RiverCode = Token<32>;

/// How far a block has come.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockStage {
    /// On record, not yet auctioned.
    Registered,
    /// An auction has a result.
    Auctioned {
        /// The bidder who won.
        bidder: Commitment,
    },
    /// A letter of intent was issued.
    Intended {
        /// The bidder it went to, who becomes the lessee.
        bidder: Commitment,
    },
    /// A lease was granted.
    Leased {
        /// The lease.
        lease: LeaseId,
    },
}

/// A mining block.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize)]
pub struct MiningBlock {
    /// What was registered.
    pub registered: RegisterBlock,
    /// Stage.
    pub stage: BlockStage,
}

/// Registers a mining block.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterBlock {
    /// The block's id.
    #[schemars(with = "String")]
    pub block: MiningBlockId,
    /// LGD code of the district.
    pub district: DistrictCode,
    /// LGD code of the community development block.
    pub development_block: Option<BlockCode>,
    /// The river, for a river bed.
    #[schemars(with = "Option<String>")]
    pub river: Option<RiverCode>,
    /// The mouzas it lies in.
    #[schemars(with = "Vec<String>")]
    pub mouzas: Set<MouzaId>,
    /// The plots it is made of; none where it takes in whole mouzas or a stretch of river.
    #[serde(default)]
    #[schemars(with = "Vec<PlotId>")]
    pub plots: Set<PlotId>,
    /// Digest of the boundary file.
    #[schemars(with = "String")]
    pub boundary: Hash,
    /// The minerals found there.
    #[schemars(with = "Vec<String>")]
    pub minerals: Set<MineralCode>,
}

/// Records the result of a block's auction.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordAuction {
    /// The block.
    #[schemars(with = "String")]
    pub block: MiningBlockId,
    /// Digest of the auction's result.
    #[schemars(with = "String")]
    pub result: Hash,
    /// Commitment to the bidder who won.
    #[schemars(with = "String")]
    pub bidder: Commitment,
}

/// Issues a letter of intent to the bidder who won.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueLoi {
    /// The block.
    #[schemars(with = "String")]
    pub block: MiningBlockId,
    /// Digest of the letter.
    #[schemars(with = "String")]
    pub letter: Hash,
}

/// Opens a block for another auction: its bidder failed, or its lease is over.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReopenBlock {
    /// The block.
    #[schemars(with = "String")]
    pub block: MiningBlockId,
    /// Digest of the order.
    #[schemars(with = "String")]
    pub order: Hash,
}

impl MiningBlock {
    /// Where it lies.
    pub fn place(&self) -> Place {
        Place { district: self.registered.district, block: self.registered.development_block, lease: None }
    }
}

/// The block, refused with D2 if there is none.
pub(super) fn load(state: &Overlay<'_>, id: &MiningBlockId) -> Result<MiningBlock, Refusal> {
    state.get_value(&block_key(id))?.or_reject("D2", || format!("there is no mining block {id}"))
}

pub(super) fn save(state: &mut Overlay<'_>, block: &MiningBlock) {
    state.put_value(block_key(&block.registered.block), block);
}

pub(super) fn register(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &RegisterBlock,
) -> Result<Outcome, Refusal> {
    let block = MiningBlock { registered: call.clone(), stage: BlockStage::Registered };
    let acting = authorise(state, context, posting, &[Role::MineralOfficer], &block.place())?;
    plain("block", call.block.as_str())?;
    for mineral in call.minerals.iter() {
        plain("mineral", mineral.as_str())?;
    }
    unused(state, &block_key(&call.block), "block", &call.block)?;
    let fits = (1..=BLOCK_LIST_MAX).contains(&call.minerals.len()) && call.mouzas.len() <= BLOCK_LIST_MAX;
    require(fits, "M9", || format!("a block has 1 to {BLOCK_LIST_MAX} minerals and at most as many mouzas"))?;
    let few = call.plots.len() <= BLOCK_PLOTS_MAX;
    require(few, "M9", || format!("a block is made of at most {BLOCK_PLOTS_MAX} plots"))?;
    let here = call.plots.iter().all(|plot| call.mouzas.contains(&plot.mouza));
    require(here, "M9", || format!("block {} names a plot outside its mouzas", call.block))?;
    save(state, &block);
    let mut outcome = acting.outcome();
    outcome.event("mineral.block_registered", subject("mining_block", &call.block));
    Ok(outcome)
}

pub(super) fn record_auction(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &RecordAuction,
) -> Result<Outcome, Refusal> {
    let mut block = load(state, &call.block)?;
    let acting = authorise(state, context, posting, &[Role::MineralOfficer], &block.place())?;
    require(block.stage == BlockStage::Registered, "D2", || format!("block {} has an auction result", call.block))?;
    block.stage = BlockStage::Auctioned { bidder: call.bidder };
    save(state, &block);
    let mut outcome = acting.outcome();
    outcome.event("mineral.auction_recorded", subject("mining_block", &call.block));
    Ok(outcome)
}

pub(super) fn issue_loi(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &IssueLoi,
) -> Result<Outcome, Refusal> {
    let mut block = load(state, &call.block)?;
    let acting = authorise(state, context, posting, &[Role::MineralOfficer], &block.place())?;
    let BlockStage::Auctioned { bidder } = block.stage else {
        return reject("D2", format!("block {} waits for no letter of intent", call.block));
    };
    block.stage = BlockStage::Intended { bidder };
    save(state, &block);
    let mut outcome = acting.outcome();
    outcome.event("mineral.loi_issued", subject("mining_block", &call.block));
    Ok(outcome)
}

pub(super) fn reopen(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &ReopenBlock,
) -> Result<Outcome, Refusal> {
    let mut block = load(state, &call.block)?;
    let acting = authorise(state, context, posting, &[Role::MineralOfficer], &block.place())?;
    let free = match &block.stage {
        BlockStage::Registered => false,
        BlockStage::Auctioned { .. } | BlockStage::Intended { .. } => true,
        BlockStage::Leased { lease } => lease::load(state, lease)?.is_over(context),
    };
    require(free, "D2", || format!("block {} is open already, or its lease is not over", call.block))?;
    block.stage = BlockStage::Registered;
    save(state, &block);
    let mut outcome = acting.outcome();
    outcome.event("mineral.block_reopened", subject("mining_block", &call.block));
    Ok(outcome)
}
