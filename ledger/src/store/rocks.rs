//! RocksDB as the engine: one column family each, one synced batch a write, snapshots that own their database.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rocksdb::{
    ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType, DBRecoveryMode, Direction, IteratorMode,
    MergeOperands, Options, WriteBatch, WriteOptions,
};
use self_cell::self_cell;

use super::kv::{Batch, Family, Kv, KvError, Pair, Snapshot};

/// The write-ahead log is cut at this size, in bytes.
const WAL_BYTES_MAX: u64 = 256 << 20;
/// The filter of absent keys in a memtable, as a part of the memtable's size.
const MEMTABLE_BLOOM_RATIO: f64 = 0.02;
/// Block cache shared by all families, in bytes.
const BLOCK_CACHE_BYTES: usize = 256 << 20;

/// Key of a family's [`Age`]. It is in no snapshot's scan, and nothing else has it: text never starts so, a
/// page's key starts with its depth, and heights and hashes have other lengths.
const AGE: &[u8] = b"\xff/age";

/// What a family saw of all writes. Every write merges its own into every family's: so one that lost some, wherever in its
/// life, counts less than the newest one's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Age {
    /// How many.
    count: u64,
    /// Number of the newest.
    newest: u64,
}

impl Age {
    /// Of another length than it is written: as if there were none.
    fn decode(bytes: &[u8]) -> Self {
        let [count, newest] = bytes.as_chunks().0 else { return Self::default() };
        Self { count: u64::from_le_bytes(*count), newest: u64::from_le_bytes(*newest) }
    }

    fn encode(self) -> Vec<u8> {
        [self.count.to_le_bytes(), self.newest.to_le_bytes()].concat()
    }

    fn then(self, later: Self) -> Self {
        Self { count: self.count.saturating_add(later.count), newest: later.newest }
    }
}

/// The merge operator.
fn merge_ages(_key: &[u8], present: Option<&[u8]>, operands: &MergeOperands) -> Option<Vec<u8>> {
    Some(operands.iter().map(Age::decode).fold(present.map(Age::decode).unwrap_or_default(), Age::then).encode())
}

/// An open RocksDB database.
#[derive(Clone)]
pub struct RocksKv {
    db: Arc<DB>,
    /// Number of the newest write.
    writes: Arc<Mutex<u64>>,
}

fn error(error: rocksdb::Error) -> KvError {
    KvError(error.into_string())
}

impl RocksKv {
    /// Opens the database in `folder`, creating it only if `create` says so.
    pub fn open(folder: &Path, create: Create) -> Result<Self, KvError> {
        let mut options = Options::default();
        options.create_if_missing(create == Create::IfMissing);
        // A family that came with a later version is made in an older database.
        options.create_missing_column_families(true);
        options.set_paranoid_checks(true);
        // A torn end of the log is what a power cut leaves, in sectors that may be written out of order: the node must come
        // back from it by itself, so replay stops at the first record that does not verify. `AbsoluteConsistency` would
        // refuse every torn end, and `TolerateCorruptedTailRecords` one with a hole in it. Nothing relies on what is cut off
        // there, since it was never reported as synced. Should the disk lose synced records too, the database is an older
        // version of itself; no mode sees that if the loss begins between two records. The sign record does: it is ahead,
        // and nothing is signed until the peers have made up for the loss.
        options.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
        // A closed log, which is needed until all families are in tables, must still have its length.
        options.set_track_and_verify_wals_in_manifest(true);
        options.set_max_total_wal_size(WAL_BYTES_MAX);
        options.set_keep_log_file_num(4);
        options.set_max_open_files(512);
        let cache = rocksdb::Cache::new_lru_cache(BLOCK_CACHE_BYTES);
        let families = Family::ALL.iter().map(|family| {
            let mut table = rocksdb::BlockBasedOptions::default();
            table.set_block_cache(&cache);
            table.set_bloom_filter(10.0, false);
            let mut options = Options::default();
            if matches!(family, Family::State | Family::Ids) {
                // Most reads here ask for what must not be there yet: a number, a transaction id.
                options.set_memtable_prefix_bloom_ratio(MEMTABLE_BLOOM_RATIO);
                options.set_memtable_whole_key_filtering(true);
            }
            options.set_block_based_table_factory(&table);
            options.set_merge_operator_associative("age", merge_ages);
            options.set_compression_type(DBCompressionType::Lz4);
            options.set_level_compaction_dynamic_level_bytes(true);
            ColumnFamilyDescriptor::new(family.name(), options)
        });
        let db = DB::open_cf_descriptors(&options, folder, families).map_err(error)?;
        let writes = Mutex::new(Self::check_ages(&db)?);
        Ok(Self { db: Arc::new(db), writes: Arc::new(writes) })
    }

    /// Whether every family holds all writes up to the same one, whose number is returned. RocksDB itself does not notice a
    /// manifest that lost its end, and with it tables whose logs are gone.
    fn check_ages(db: &DB) -> Result<u64, KvError> {
        let mut newest = 0;
        for (place, family) in Family::ALL.into_iter().enumerate() {
            let age = db.get_cf(Self::family(db, family)?, AGE).map_err(error)?;
            let age = age.as_deref().map(Age::decode).unwrap_or_default();
            if place == 0 {
                newest = age.newest;
            }
            if age != (Age { count: newest, newest }) {
                let Age { count, newest: own } = age;
                return Err(KvError(format!(
                    "Corruption: family {} holds {count} writes, the newest with number {own}; expected {newest} of both",
                    family.name()
                )));
            }
        }
        Ok(newest)
    }

    fn family(db: &DB, family: Family) -> Result<&ColumnFamily, KvError> {
        db.cf_handle(family.name()).ok_or_else(|| KvError(format!("column family {} is missing", family.name())))
    }
}

/// Whether opening may create.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Create {
    /// Open what is there, or fail.
    Never,
    /// Make a new database where there is none.
    IfMissing,
}

impl Kv for RocksKv {
    fn snapshot(&self) -> Arc<dyn Snapshot> {
        Arc::new(RocksSnapshot(SnapshotCell::new(self.db.clone(), |db| db.snapshot())))
    }

    fn write(&self, batch: Batch) -> Result<(), KvError> {
        let mut writes = WriteBatch::default();
        for write in &batch.writes {
            let family = Self::family(&self.db, write.family)?;
            match &write.value {
                Some(value) => writes.put_cf(family, &write.key, value),
                None => writes.delete_cf(family, &write.key),
            }
        }
        let mut newest = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
        let age = Age { count: 1, newest: *newest + 1 };
        for family in Family::ALL {
            writes.merge_cf(Self::family(&self.db, family)?, AGE, age.encode());
        }
        let mut options = WriteOptions::default();
        options.set_sync(true);
        self.db.write_opt(writes, &options).map_err(error)?;
        *newest = age.newest;
        Ok(())
    }
}

type RocksView<'a> = rocksdb::Snapshot<'a>;
type RocksPair = Result<(Box<[u8]>, Box<[u8]>), rocksdb::Error>;

fn is_content(item: &RocksPair) -> bool {
    item.as_ref().map_or(true, |(key, _)| **key != *AGE)
}

self_cell!(
    struct SnapshotCell {
        owner: Arc<DB>,
        #[not_covariant]
        dependent: RocksView,
    }
);

struct RocksSnapshot(SnapshotCell);

impl Snapshot for RocksSnapshot {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, KvError> {
        self.0.with_dependent(|db, view| view.get_cf(RocksKv::family(db, family)?, key).map_err(error))
    }

    fn scan(&self, family: Family, prefix: &[u8], from: &[u8], limit: usize) -> Result<Vec<Pair>, KvError> {
        self.0.with_dependent(|db, view| {
            let mode = IteratorMode::From(from.max(prefix), Direction::Forward);
            let mut pairs = Vec::new();
            for item in view.iterator_cf(RocksKv::family(db, family)?, mode).filter(is_content).take(limit) {
                let (key, value) = item.map_err(error)?;
                if !key.starts_with(prefix) {
                    break;
                }
                pairs.push((key.into_vec(), value.into_vec()));
            }
            Ok(pairs)
        })
    }

    fn last(&self, family: Family) -> Result<Option<Pair>, KvError> {
        self.0.with_dependent(|db, view| {
            let item = view.iterator_cf(RocksKv::family(db, family)?, IteratorMode::End).find(is_content);
            item.map(|item| item.map(|(key, value)| (key.into_vec(), value.into_vec())).map_err(error)).transpose()
        })
    }
}
