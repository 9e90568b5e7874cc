//! A view that asks its base for each key once.

use std::cell::RefCell;
use std::collections::HashMap;

use super::{StateError, StateView};

/// Remembers what was read from an immutable base. Records of one piece of work read the same few keys over and over:
/// postings, offices, parameters. It lives as long as that work, so it needs no bound and no lock of its own.
pub struct ReadCache<'a> {
    base: &'a dyn StateView,
    values: RefCell<HashMap<Vec<u8>, Option<Vec<u8>>>>,
}

impl<'a> ReadCache<'a> {
    /// Nothing read yet.
    pub fn new(base: &'a dyn StateView) -> Self {
        Self { base, values: RefCell::default() }
    }
}

impl StateView for ReadCache<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        if let Some(value) = self.values.borrow().get(key) {
            return Ok(value.clone());
        }
        let value = self.base.get(key)?;
        self.values.borrow_mut().insert(key.to_vec(), value.clone());
        Ok(value)
    }
}
