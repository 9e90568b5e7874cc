//! The sign record: what this node's consensus key has signed, in a small file of its own.
//!
//! It is never part of a backup: a restored copy would let the key sign twice. It holds every own signature of the
//! current and the previous round, the height's newest precommit for a block, the floor below which nothing is signed,
//! the newest cosigned checkpoint, and the counter of signatures by which it and the database tell which of them is
//! behind. If both are rolled back together (a machine snapshot) nothing local can notice.

use dalil_ledger::block::{Height, Round};
use dalil_ledger::codec::{self, CodecError, SchemaRead, SchemaWrite};
use dalil_ledger::crypto::{Hash, PublicKey, SecretKey, Signature, sha256};
use dalil_ledger::statement::{SignedStatement, Statement};

use crate::output::CosignRefused;
use crate::record::ConsensusRecord;

/// The longest sign record, in bytes: at most seven entries of under 150 bytes and a fixed part.
pub const SIGN_RECORD_BYTES_MAX: usize = 4_096;

const VERSION: u32 = 1;
const CHECKSUM_BYTES: usize = 32;

/// A checkpoint cosigned by this node (C2SP tlog-cosignature).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, SchemaWrite, SchemaRead)]
pub struct Cosigned {
    /// Leaves in the log.
    pub size: u64,
    /// Its root.
    pub root: Hash,
    /// Time under the cosignature, UTC seconds.
    pub time_s: u64,
}

/// Whether a key that came to this machine without its history may sign yet.
///
/// The highest report counts, since perhaps one honest peer alone knows of it, and it counts once this node has got there:
/// before, the set that it knows may be one whose members are long gone, and their keys with them. So a faulty peer can
/// keep the key silent by reporting a height out of reach; then the operator lifts the quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, SchemaWrite, SchemaRead)]
pub enum Quarantine {
    /// It may.
    None,
    /// Not yet: q other validators have not reported their heights, or this node is not where they are.
    AwaitingReports,
    /// Not before this height is the one to decide.
    Until(Height),
    /// It may, by an operator's override.
    Lifted,
}

/// What a consensus key has signed. One exists for each key, made together with it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, SchemaWrite, SchemaRead)]
pub struct SignRecord {
    version: u32,
    chain: Hash,
    key: PublicKey,
    /// The lowest height that may be signed.
    floor: Height,
    /// Consensus signatures made so far.
    counter: u64,
    /// Own signatures of the newest two rounds, in order of position.
    entries: Vec<SignedStatement>,
    /// The newest precommit for a block at the height of `entries`.
    precommit: Option<SignedStatement>,
    cosigned: Option<Cosigned>,
    quarantine: Quarantine,
}

/// Why the file holds no sign record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignRecordError {
    /// The checksum does not fit: the file is damaged.
    #[error("the sign record is damaged; do not recreate it: move it away and declare the key moved: `dalil key move`")]
    Damaged,
    /// The checksum fits but the content is unknown to this version.
    #[error("the sign record was written by another version: {0}")]
    Unknown(CodecError),
    /// The version number is unknown.
    #[error("the sign record has version {0}, expected {VERSION}")]
    Version(u32),
}

/// Why a node with a consensus key must not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// There is a key but no sign record.
    #[error(
        "the consensus key has no sign record. Put back the file that was made with it; if it is lost, declare the key \
         moved (`dalil key move`), so that it stays silent until two more heights are decided. A new record is never \
         created at start"
    )]
    Missing,
    /// The record belongs to another chain.
    #[error(
        "the sign record is of chain {found}, genesis.bin is of chain {expected}: put the right one of the two in place"
    )]
    WrongChain {
        /// The chain of this node.
        expected: Hash,
        /// The chain in the record.
        found: Hash,
    },
    /// The record belongs to another key.
    #[error("the sign record is of key {found}, the consensus key is {expected}: put the right file in place")]
    WrongKey {
        /// The key of this node.
        expected: PublicKey,
        /// The key in the record.
        found: PublicKey,
    },
    /// The record is more than one signature behind the database: an old copy.
    #[error(
        "the sign record counts {record} signatures but the database {database}: the record is an old copy. Put back the \
         newest file; if it is lost, declare the key moved so that it stays silent until two more heights are decided"
    )]
    Stale {
        /// Signatures counted by the sign record.
        record: u64,
        /// Number of the newest signature in the database.
        database: u64,
    },
    /// The signature that the database announces contradicts the record.
    #[error("the database announces a signature that the sign record refuses ({0}): one of them is not of this node")]
    Contradiction(SignRefused),
    /// The database's consensus record is not above its own tip's height as expected, or names another chain's height.
    #[error("the consensus record is of height {record}, the database's tip is {tip}: the database is damaged; resync")]
    RecordAhead {
        /// Height of the consensus record.
        record: Height,
        /// Height of the tip.
        tip: Height,
    },
}

/// Why a statement is not signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignRefused {
    /// Below the floor.
    #[error("height {height} is below the floor {floor}")]
    BelowFloor {
        /// Height of the statement.
        height: Height,
        /// The floor.
        floor: Height,
    },
    /// A higher position was signed already.
    #[error("a statement at a higher position was signed already")]
    LowerPosition,
    /// Something else was signed at this position.
    #[error("another statement was signed at this position")]
    DoubleSign,
}

impl SignRecord {
    /// The record of a key made just now, together with the key (`node init`). It must never be called for a key that
    /// may have signed.
    pub fn new(chain: Hash, key: PublicKey) -> Self {
        Self {
            version: VERSION,
            chain,
            key,
            floor: 1,
            counter: 0,
            entries: Vec::new(),
            precommit: None,
            cosigned: None,
            quarantine: Quarantine::None,
        }
    }

    /// The record of a key that may have signed elsewhere: it signs nothing until two heights beyond the highest that q
    /// other validators report are decided.
    pub fn for_moved_key(chain: Hash, key: PublicKey) -> Self {
        Self { quarantine: Quarantine::AwaitingReports, ..Self::new(chain, key) }
    }

    /// An operator's override of the quarantine; the caller logs it.
    pub fn lift_quarantine(&mut self) {
        self.quarantine = Quarantine::Lifted;
    }

    /// Canonical bytes and a SHA-256 checksum over them.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = codec::encode(self);
        let checksum = sha256(&bytes);
        bytes.extend_from_slice(checksum.as_bytes());
        bytes
    }

    /// Reads what [`Self::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, SignRecordError> {
        let length = bytes.len().checked_sub(CHECKSUM_BYTES).ok_or(SignRecordError::Damaged)?;
        let (content, checksum) = bytes.split_at(length);
        if sha256(content).as_bytes().as_slice() != checksum {
            return Err(SignRecordError::Damaged);
        }
        let record: Self = codec::decode(content, SIGN_RECORD_BYTES_MAX).map_err(SignRecordError::Unknown)?;
        if record.version != VERSION {
            return Err(SignRecordError::Version(record.version));
        }
        Ok(record)
    }

    /// The lowest height that may be signed.
    pub fn floor(&self) -> Height {
        self.floor
    }

    /// Consensus signatures made so far.
    pub fn counter(&self) -> u64 {
        self.counter
    }

    /// The newest checkpoint cosigned.
    pub fn cosigned(&self) -> Option<Cosigned> {
        self.cosigned
    }

    /// Whether the key is held back.
    pub fn quarantine(&self) -> Quarantine {
        self.quarantine
    }

    /// Own signatures of `height` that are kept, in order of position.
    pub fn signed_at(&self, height: Height) -> Vec<SignedStatement> {
        let of_height = |entry: &&SignedStatement| entry.statement.position().height == height;
        let mut signed: Vec<_> = self.precommit.iter().chain(&self.entries).filter(of_height).copied().collect();
        signed.sort_by_key(|entry| entry.statement.position());
        signed.dedup();
        signed
    }

    /// The round of the newest precommit for a block at `height`.
    pub fn block_precommit_round(&self, height: Height) -> Option<Round> {
        let position = self.precommit?.statement.position();
        (position.height == height).then_some(position.round)
    }

    /// What is checked before a node with a key takes part: the record against chain, key, tip and database. Returns the
    /// record to go on with; where it differs from the stored one it must be durable before anything else is written.
    pub fn check_start(
        mut self,
        key: &SecretKey,
        chain: &Hash,
        tip: Height,
        database: Option<&ConsensusRecord>,
    ) -> Result<Self, StartError> {
        self.check_owner(key, chain)?;
        if let Some(record) = database.filter(|record| record.height > tip.saturating_add(1)) {
            return Err(StartError::RecordAhead { record: record.height, tip });
        }
        if let Some(announced) = database.and_then(|record| record.signature) {
            if self.quarantine != Quarantine::None && self.counter == 0 {
                // A key that lost its history takes up the count of the database, which is never behind what was signed:
                // the newest signature that it announces counts as signed.
                self.counter = announced.counter.saturating_sub(1);
            }
            match announced.counter.checked_sub(self.counter) {
                // The record may be ahead: the database was restored or resynced, and the floor rules below apply.
                None | Some(0) => {}
                Some(1) => self.enter_announced(announced.statement, key)?,
                Some(_) => return Err(StartError::Stale { record: self.counter, database: announced.counter }),
            }
        }
        self.enter_height(tip.saturating_add(1));
        Ok(self)
    }

    /// Whether the record is that of `key` on `chain`.
    pub fn check_owner(&self, key: &SecretKey, chain: &Hash) -> Result<(), StartError> {
        if self.chain != *chain {
            return Err(StartError::WrongChain { expected: *chain, found: self.chain });
        }
        if self.key != key.public() {
            return Err(StartError::WrongKey { expected: key.public(), found: self.key });
        }
        Ok(())
    }

    /// The crash came between the database batch and the sign record: what the batch announced counts as signed.
    fn enter_announced(&mut self, statement: Statement, key: &SecretKey) -> Result<(), StartError> {
        if statement.position().height < self.floor {
            self.counter = self.counter.saturating_add(1);
            return Ok(());
        }
        self.sign(statement, key).map(|_| ()).map_err(StartError::Contradiction)
    }

    /// Raises the floor to `height` and drops what was signed below it. The floor never sinks.
    pub(crate) fn enter_height(&mut self, height: Height) {
        self.floor = self.floor.max(height);
        let floor = self.floor;
        self.entries.retain(|entry| entry.statement.position().height >= floor);
        self.precommit = self.precommit.filter(|entry| entry.statement.position().height >= floor);
    }

    /// Signs and records a statement, or gives the signature again if exactly this was signed last.
    pub(crate) fn sign(&mut self, statement: Statement, key: &SecretKey) -> Result<Signature, SignRefused> {
        let position = statement.position();
        if position.height < self.floor {
            return Err(SignRefused::BelowFloor { height: position.height, floor: self.floor });
        }
        if let Some(last) = self.signed_last() {
            match position.cmp(&last.statement.position()) {
                std::cmp::Ordering::Less => return Err(SignRefused::LowerPosition),
                std::cmp::Ordering::Equal if statement == last.statement => return Ok(last.signature),
                std::cmp::Ordering::Equal => return Err(SignRefused::DoubleSign),
                std::cmp::Ordering::Greater => {}
            }
        }
        let signed = SignedStatement { statement, signature: statement.sign(key, &self.chain) };
        let recent = |entry: &SignedStatement| {
            let at = entry.statement.position();
            at.height == position.height && at.round.saturating_add(1) >= position.round
        };
        self.entries.retain(recent);
        self.entries.push(signed);
        if statement.is_block_precommit() {
            self.precommit = Some(signed);
        } else {
            self.precommit = self.precommit.filter(|entry| entry.statement.position().height == position.height);
        }
        self.counter = self.counter.saturating_add(1);
        Ok(signed.signature)
    }

    fn signed_last(&self) -> Option<SignedStatement> {
        self.precommit.iter().chain(&self.entries).max_by_key(|entry| entry.statement.position()).copied()
    }

    /// Records a checkpoint as cosigned: size never down, time up at equal size, one root a size.
    pub(crate) fn cosign(&mut self, checkpoint: Cosigned) -> Result<(), CosignRefused> {
        if let Some(last) = self.cosigned {
            if checkpoint.size < last.size {
                return Err(CosignRefused::SizeDown { size: checkpoint.size, cosigned: last.size });
            }
            if checkpoint.size == last.size && checkpoint.root != last.root {
                return Err(CosignRefused::OtherRoot { size: last.size });
            }
            if checkpoint.size == last.size && checkpoint.time_s <= last.time_s {
                return Err(CosignRefused::TimeNotUp { time_s: checkpoint.time_s, cosigned_s: last.time_s });
            }
        }
        self.cosigned = Some(checkpoint);
        Ok(())
    }

    /// Fixes or lifts the quarantine.
    pub(crate) fn set_quarantine(&mut self, quarantine: Quarantine) {
        self.quarantine = quarantine;
    }
}
