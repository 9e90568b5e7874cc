//! The engine's twin in memory, for tests and simulation. Snapshots share structure, so taking one is cheap.

use std::sync::{Arc, Mutex, PoisonError};

use rpds::RedBlackTreeMapSync;

use super::kv::{Batch, Family, Kv, KvError, Pair, Snapshot};

type Map = RedBlackTreeMapSync<(Family, Vec<u8>), Vec<u8>>;

/// An engine that forgets everything when dropped. Clones share the content.
#[derive(Clone, Default)]
pub struct MemoryKv {
    map: Arc<Mutex<Map>>,
}

impl MemoryKv {
    /// An independent engine with the same content, as a disk that was copied.
    pub fn fork(&self) -> Self {
        Self { map: Arc::new(Mutex::new(self.current())) }
    }

    fn current(&self) -> Map {
        self.map.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Kv for MemoryKv {
    fn snapshot(&self) -> Arc<dyn Snapshot> {
        Arc::new(MemorySnapshot(self.current()))
    }

    fn write(&self, batch: Batch) -> Result<(), KvError> {
        let mut map = self.map.lock().unwrap_or_else(PoisonError::into_inner);
        for write in batch.writes {
            match write.value {
                Some(value) => map.insert_mut((write.family, write.key), value),
                None => {
                    map.remove_mut(&(write.family, write.key));
                }
            }
        }
        Ok(())
    }
}

struct MemorySnapshot(Map);

impl Snapshot for MemorySnapshot {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, KvError> {
        Ok(self.0.get(&(family, key.to_vec())).cloned())
    }

    fn scan(&self, family: Family, prefix: &[u8], from: &[u8], limit: usize) -> Result<Vec<Pair>, KvError> {
        let start = (family, from.max(prefix).to_vec());
        let pairs = self.0.range(start..).take_while(|((at, key), _)| *at == family && key.starts_with(prefix));
        Ok(pairs.take(limit).map(|((_, key), value)| (key.clone(), value.clone())).collect())
    }

    fn last(&self, family: Family) -> Result<Option<Pair>, KvError> {
        let last = self.0.range(..).rev().find(|((at, _), _)| *at == family);
        Ok(last.map(|((_, key), value)| (key.clone(), value.clone())))
    }
}
