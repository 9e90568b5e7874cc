//! The key-value engine below the store: column families, one atomic synced batch, immutable snapshots.

use std::sync::Arc;

/// A column family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Schema version, chain id, genesis, head.
    Meta,
    /// Log index → entry.
    Entries,
    /// (level, index) → hash of a complete subtree of the log.
    Log,
    /// Height → log index of the block's header.
    Blocks,
    /// Block id → height.
    BlockIds,
    /// Height → commit certificate.
    Commits,
    /// Height → the handover from its set to the next one, where the two differ.
    Handovers,
    /// Root → leaf list of a batch; height → roots of the block's attachments in order.
    Attachments,
    /// (area, path of a state key) → key and value.
    State,
    /// (area, page of the state tree) → bytes.
    Pages,
    /// (area, transaction id) → log index.
    Ids,
    /// (subject, log index) → nothing: the history of a subject.
    Subjects,
    /// Log index → what happened there, for those who wait.
    Events,
    /// What consensus and cosigning persist beside blocks.
    Consensus,
    /// How far a snapshot that is being restored has come.
    Restore,
}

impl Family {
    /// All families.
    pub const ALL: [Self; 15] = [
        Self::Meta,
        Self::Entries,
        Self::Log,
        Self::Blocks,
        Self::BlockIds,
        Self::Commits,
        Self::Handovers,
        Self::Attachments,
        Self::State,
        Self::Pages,
        Self::Ids,
        Self::Subjects,
        Self::Events,
        Self::Consensus,
        Self::Restore,
    ];

    /// The name on disk.
    pub fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Entries => "entries",
            Self::Log => "log",
            Self::Blocks => "blocks",
            Self::BlockIds => "block-ids",
            Self::Commits => "commits",
            Self::Handovers => "handovers",
            Self::Attachments => "attachments",
            Self::State => "state",
            Self::Pages => "pages",
            Self::Ids => "ids",
            Self::Subjects => "subjects",
            Self::Events => "events",
            Self::Consensus => "consensus",
            Self::Restore => "restore",
        }
    }
}

/// The engine failed: a broken disk, a corrupt file, no space.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("storage: {0}")]
pub struct KvError(pub String);

/// A write to one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Where.
    pub family: Family,
    /// Key.
    pub key: Vec<u8>,
    /// New value, or none to remove the key.
    pub value: Option<Vec<u8>>,
}

/// Writes that become durable together or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batch {
    /// The writes, later ones winning.
    pub writes: Vec<Write>,
}

impl Batch {
    /// Sets `key`.
    pub fn put(&mut self, family: Family, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.writes.push(Write { family, key: key.into(), value: Some(value.into()) });
    }

    /// Removes `key`.
    pub fn delete(&mut self, family: Family, key: impl Into<Vec<u8>>) {
        self.writes.push(Write { family, key: key.into(), value: None });
    }
}

/// Key and value of a scan.
pub type Pair = (Vec<u8>, Vec<u8>);

/// One immutable version of everything.
pub trait Snapshot: Send + Sync {
    /// The value under `key`.
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, KvError>;

    /// Up to `limit` pairs whose keys are at least `from` and start with `prefix`, in key order.
    fn scan(&self, family: Family, prefix: &[u8], from: &[u8], limit: usize) -> Result<Vec<Pair>, KvError>;

    /// The pair with the greatest key of the family, if there is any.
    fn last(&self, family: Family) -> Result<Option<Pair>, KvError>;
}

/// The engine.
pub trait Kv: Send + Sync {
    /// Today's version.
    fn snapshot(&self) -> Arc<dyn Snapshot>;

    /// Writes `batch` atomically; on return it survives a power cut.
    fn write(&self, batch: Batch) -> Result<(), KvError>;
}
