//! Values that hold from a time on: parameters, a department's roles, an office's jurisdiction.
//!
//! A value is judged at block time, and none is ever entered for a time that has passed: what was decided stands.

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A value and the time from which it holds.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dated<T> {
    /// UTC milliseconds of block time.
    pub from_ms: u64,
    /// The value.
    pub value: T,
}

/// The values of one thing, by increasing time.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timeline<T> {
    /// The values.
    pub values: Vec<Dated<T>>,
}

/// Why a value does not fit a timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimelineError {
    /// Two values for one moment would leave their order to chance.
    #[error("another value holds from {0} on already")]
    Taken(u64),
    /// No room.
    #[error("it has {0} values already")]
    Full(usize),
}

impl<T> Default for Timeline<T> {
    fn default() -> Self {
        Self { values: Vec::new() }
    }
}

impl<T> Timeline<T> {
    /// One value, which holds from `from_ms` on.
    pub fn since(from_ms: u64, value: T) -> Self {
        Self { values: vec![Dated { from_ms, value }] }
    }

    /// The value in force at `time_ms`, UTC milliseconds.
    pub fn at(&self, time_ms: u64) -> Option<&T> {
        let ahead = self.values.partition_point(|dated| dated.from_ms <= time_ms);
        ahead.checked_sub(1).and_then(|place| self.values.get(place)).map(|dated| &dated.value)
    }

    /// The value in force at `time_ms`, and all that come after it.
    pub fn from(&self, time_ms: u64) -> impl Iterator<Item = &T> {
        let ahead = self.values.partition_point(|dated| dated.from_ms <= time_ms);
        self.values[ahead.saturating_sub(1)..].iter().map(|dated| &dated.value)
    }

    /// Enters a value that holds from `from_ms` on, unless there would be more than `max`.
    pub fn schedule(&mut self, from_ms: u64, value: T, max: usize) -> Result<(), TimelineError> {
        if self.values.len() >= max {
            return Err(TimelineError::Full(max));
        }
        let place = self.values.partition_point(|dated| dated.from_ms < from_ms);
        if self.values.get(place).is_some_and(|dated| dated.from_ms == from_ms) {
            return Err(TimelineError::Taken(from_ms));
        }
        self.values.insert(place, Dated { from_ms, value });
        Ok(())
    }

    /// Drops what was over before `time_ms`, for things that are judged at the present alone.
    pub fn forget_before(&mut self, time_ms: u64) {
        let ahead = self.values.partition_point(|dated| dated.from_ms <= time_ms);
        self.values.drain(..ahead.saturating_sub(1));
    }
}
