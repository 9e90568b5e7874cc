//! What nodes say to each other. All messages are one-way: an answer is a message of its own, asked again by timer.
//! Canonical bytes; every value from outside is adversarial.

use dalil_ledger::block::{Attachment, Block, BlockId, Header, Height};
use dalil_ledger::codec::{self, CodecError, SchemaRead, SchemaWrite};
use dalil_ledger::crypto::{Hash, Signature};
use dalil_ledger::evidence::Evidence;
use dalil_ledger::snapshot::{Chunk, Offer, Prefix, WindowBlock};
use dalil_ledger::transaction::SignedTransaction;
use dalil_ledger::validators::Certificate;

/// The longest message, in bytes: a block at its limits with its attachments, and room for a certificate.
pub const MESSAGE_BYTES_MAX: usize = 8 << 20;
/// The largest block that a message carries with its certificate, in bytes of records and attachments.
pub const BLOCK_BYTES_MAX: usize = MESSAGE_BYTES_MAX - (1 << 20);
/// The most records asked for or advertised at once.
pub const FETCH_RECORDS_MAX: usize = 4_096;
/// The most pending records advertised at once (rule 12).
pub const ADVERTISED_RECORDS_MAX: usize = 256;
/// The most blocks in one answer.
pub const SYNC_BLOCKS_MAX: usize = 64;
/// An answer stops growing beyond this, in bytes of records and attachments.
pub const SYNC_BYTES_MAX: usize = 2 << 20;

/// What a record takes beside its call, in bytes, rounded up.
pub const RECORD_OVERHEAD_BYTES: usize = 256;

/// Which stream carries a message. A busy record stream never delays a vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Votes, certificates, cosignatures, small requests.
    Votes,
    /// Records and blocks.
    Bulk,
}

/// A record as it travels before it stands in a block.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead)]
pub struct LooseRecord {
    /// The record.
    pub record: SignedTransaction,
    /// The leaf list that it names.
    pub attachment: Option<Attachment>,
}

impl LooseRecord {
    /// About how many bytes it takes in a message.
    pub fn weight(&self) -> usize {
        self.record.body.call.len() + RECORD_OVERHEAD_BYTES + self.attachment.as_ref().map_or(0, Attachment::weight)
    }
}

/// A proposal's body for those who hold most records already.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead)]
pub struct CompactBlock {
    /// The header.
    pub header: Header,
    /// Leaf hashes of the records in order.
    pub leaves: Vec<Hash>,
}

/// A decided block with what decided it.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead)]
pub struct DecidedBlock {
    /// The block.
    pub block: Block,
    /// Its commit certificate.
    pub certificate: Certificate,
}

impl DecidedBlock {
    /// About how many bytes it takes in a message.
    pub fn weight(&self) -> usize {
        let records: usize =
            self.block.records.iter().map(|record| record.body.call.len() + RECORD_OVERHEAD_BYTES).sum();
        records + self.block.attachments.iter().map(Attachment::weight).sum::<usize>()
    }
}

/// One validator's cosignature of a head (C2SP tlog-cosignature v1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead)]
pub struct HeadCosignature {
    /// Leaves in the log.
    pub size: u64,
    /// Place of the cosigner in the set of the next height.
    pub signer: u8,
    /// UTC seconds.
    pub time_s: u64,
    /// By the cosigner key.
    pub signature: Signature,
    /// By the log key, over the checkpoint alone.
    pub log_signature: Signature,
}

/// Names a part of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, SchemaWrite, SchemaRead)]
pub enum PartName {
    /// Blocks of the recent window, from this height down.
    Window(Height),
    /// What lies under a prefix of the state's paths.
    Chunk(Prefix),
}

/// A part of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead)]
pub enum Part {
    /// Blocks of the recent window, highest first.
    Window(Vec<WindowBlock>),
    /// What lies under the prefix.
    Chunk(Prefix, Chunk),
}

impl Part {
    /// What it answers; none of nothing.
    pub fn name(&self) -> Option<PartName> {
        match self {
            Self::Window(blocks) => blocks.first().map(|block| PartName::Window(block.header.height)),
            Self::Chunk(prefix, _) => Some(PartName::Chunk(*prefix)),
        }
    }
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead)]
pub enum Message {
    /// Consensus.
    Consensus(dalil_consensus::Message),
    /// A cosignature of a head.
    Cosignature(HeadCosignature),
    /// Leaf hashes of pending records that the sender holds.
    Advertise(Vec<Hash>),
    /// Asks for pending records by leaf hash.
    FetchRecords(Vec<Hash>),
    /// Asks for the body of a block that is being decided.
    FetchBlock(BlockId),
    /// Asks for decided blocks from this height on.
    FetchDecided(Height),
    /// Records, unasked or asked for.
    Records(Vec<LooseRecord>),
    /// The body of the sender's proposal.
    Compact(CompactBlock),
    /// Answer to [`Message::FetchBlock`].
    Block(Block),
    /// Decided blocks of consecutive heights.
    Decided(Vec<DecidedBlock>),
    /// Asks for the cosignatures of the head of so many leaves; each comes as a [`Message::Cosignature`].
    FetchCosignatures(u64),
    /// A consensus key contradicted itself (rule 13).
    Evidence(Evidence),
    /// Answer to [`Message::FetchDecided`] by a node that was restored from a snapshot: its blocks begin at this height.
    HeldFrom(Height),
    /// Asks for the newest snapshot above this height.
    FetchSnapshot(Height),
    /// Answer to it.
    Snapshot(Box<Offer>),
    /// Asks for a part of the snapshot whose head has this id.
    FetchPart {
        /// Block id of the snapshot's head.
        snapshot: BlockId,
        /// Which part.
        name: PartName,
    },
    /// Answer to it.
    Part {
        /// Block id of the snapshot's head.
        snapshot: BlockId,
        /// The part.
        part: Part,
    },
    /// Answer to it where that snapshot is not held any more.
    SnapshotGone(BlockId),
}

impl Message {
    /// The stream that carries it.
    pub fn lane(&self) -> Lane {
        match self {
            Self::Consensus(_)
            | Self::Cosignature(_)
            | Self::Advertise(_)
            | Self::FetchRecords(_)
            | Self::FetchBlock(_)
            | Self::FetchDecided(_)
            | Self::FetchCosignatures(_)
            | Self::Evidence(_)
            | Self::HeldFrom(_)
            | Self::FetchSnapshot(_)
            | Self::FetchPart { .. }
            | Self::SnapshotGone(_) => Lane::Votes,
            Self::Records(_)
            | Self::Compact(_)
            | Self::Block(_)
            | Self::Decided(_)
            | Self::Snapshot(_)
            | Self::Part { .. } => Lane::Bulk,
        }
    }

    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Decodes one message.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::decode(bytes, MESSAGE_BYTES_MAX)
    }
}
