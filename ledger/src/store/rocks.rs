//! RocksDB as the engine: one column family each, one synced batch a write, snapshots that own their database.

use std::path::Path;
use std::sync::Arc;

use rocksdb::{
    ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType, Direction, IteratorMode, Options, WriteBatch,
    WriteOptions,
};
use self_cell::self_cell;

use super::kv::{Batch, Family, Kv, KvError, Pair, Snapshot};

/// The write-ahead log is cut at this size, in bytes.
const WAL_BYTES_MAX: u64 = 256 << 20;
/// The filter of absent keys in a memtable, as a part of the memtable's size.
const MEMTABLE_BLOOM_RATIO: f64 = 0.02;
/// Block cache shared by all families, in bytes.
const BLOCK_CACHE_BYTES: usize = 256 << 20;

/// An open RocksDB database.
#[derive(Clone)]
pub struct RocksKv {
    db: Arc<DB>,
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
            options.set_compression_type(DBCompressionType::Lz4);
            options.set_level_compaction_dynamic_level_bytes(true);
            ColumnFamilyDescriptor::new(family.name(), options)
        });
        let db = DB::open_cf_descriptors(&options, folder, families).map_err(error)?;
        Ok(Self { db: Arc::new(db) })
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
        let mut options = WriteOptions::default();
        options.set_sync(true);
        self.db.write_opt(writes, &options).map_err(error)
    }
}

type RocksView<'a> = rocksdb::Snapshot<'a>;

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
            for item in view.iterator_cf(RocksKv::family(db, family)?, mode).take(limit) {
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
            let item = view.iterator_cf(RocksKv::family(db, family)?, IteratorMode::End).next();
            item.map(|item| item.map(|(key, value)| (key.into_vec(), value.into_vec())).map_err(error)).transpose()
        })
    }
}
