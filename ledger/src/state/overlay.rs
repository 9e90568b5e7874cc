//! Changes above an immutable state; nothing is written below until somebody takes the changes.

use std::cell::Cell;
use std::collections::BTreeMap;

use super::{StateError, StateView};
use crate::codec::{self, CANONICAL_BYTES_MAX, Canonical};

/// Key → new value, or none for a deletion, in key order.
pub type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// A state with changes on top. An overlay may stand on another one: a record's on its block's.
pub struct Overlay<'a> {
    base: &'a dyn StateView,
    changes: Changes,
    operations: Cell<u64>,
}

impl<'a> Overlay<'a> {
    /// No changes yet.
    pub fn new(base: &'a dyn StateView) -> Self {
        Self { base, changes: Changes::new(), operations: Cell::new(0) }
    }

    /// Reads and writes so far, the measure of `state_operations_max`.
    pub fn operations(&self) -> u64 {
        self.operations.get()
    }

    fn count(&self) {
        self.operations.set(self.operations.get() + 1);
    }

    /// The canonical value under `key`.
    pub fn get_value<T: Canonical>(&self, key: &[u8]) -> Result<Option<T>, StateError> {
        let Some(bytes) = self.get(key)? else { return Ok(None) };
        let value = codec::decode(&bytes, CANONICAL_BYTES_MAX)
            .map_err(|error| StateError(format!("value under {:?}: {error}", String::from_utf8_lossy(key))))?;
        Ok(Some(value))
    }

    /// Sets `key` to raw bytes.
    pub fn put(&mut self, key: impl Into<Vec<u8>>, value: Vec<u8>) {
        self.count();
        self.changes.insert(key.into(), Some(value));
    }

    /// Sets `key` to the canonical bytes of `value`.
    pub fn put_value<T: Canonical>(&mut self, key: impl Into<Vec<u8>>, value: &T) {
        self.put(key, codec::encode(value));
    }

    /// Removes `key`.
    pub fn delete(&mut self, key: impl Into<Vec<u8>>) {
        self.count();
        self.changes.insert(key.into(), None);
    }

    /// Takes over the changes and the operation count of an overlay that stood on this one.
    pub fn merge(&mut self, changes: Changes, operations: u64) {
        self.changes.extend(changes);
        self.operations.set(self.operations.get() + operations);
    }

    /// The changes alone.
    pub fn into_changes(self) -> Changes {
        self.changes
    }
}

impl StateView for Overlay<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        self.count();
        match self.changes.get(key) {
            Some(change) => Ok(change.clone()),
            None => self.base.get(key),
        }
    }
}
