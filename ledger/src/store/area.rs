//! Areas: the state, its pages and the transaction ids lie under the number of an area. One area is read; a snapshot is
//! restored into a fresh one, which becomes the one that is read by a single small write. What lies in any other area is
//! left over and is swept away bit by bit.

use super::kv::{Batch, Family, KvError, Snapshot};
use crate::codec::{SchemaRead, SchemaWrite};

/// The families whose keys begin with an area.
const FAMILIES: [Family; 3] = [Family::State, Family::Pages, Family::Ids];

/// The number of an area. Numbers only go up: none is used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, SchemaWrite, SchemaRead)]
pub struct Area(pub(crate) u32);

impl Area {
    /// `key` within this area.
    pub(crate) fn key(self, key: &[u8]) -> Vec<u8> {
        [&self.0.to_be_bytes(), key].concat()
    }

    /// Reads what [`Self::key`] wrote with an empty key.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(u32::from_be_bytes(bytes.try_into().ok()?)))
    }
}

/// Deletes up to `limit` keys that lie in none of the areas `kept`.
pub(crate) fn sweep(snapshot: &dyn Snapshot, kept: &[Area], limit: usize) -> Result<Batch, KvError> {
    let mut batch = Batch::default();
    for family in FAMILIES {
        let mut from = Some(Area::default());
        while let Some(least) = from {
            let next = snapshot.scan(family, &[], &least.key(&[]), 1)?.pop();
            let Some(area) = next.and_then(|(key, _)| Area::from_bytes(key.get(..4)?)) else { break };
            let room = limit.saturating_sub(batch.writes.len());
            if !kept.contains(&area) {
                let left_over = snapshot.scan(family, &area.key(&[]), &[], room)?;
                left_over.into_iter().for_each(|(key, _)| batch.delete(family, key));
            }
            from = area.0.checked_add(1).map(Area);
        }
    }
    Ok(batch)
}

/// Key and value of the state as they are stored, under the key's path.
pub(crate) fn state_entry(key: &[u8], value: &[u8]) -> Vec<u8> {
    [&(key.len() as u32).to_be_bytes(), key, value].concat()
}

/// Key and value in what [`state_entry`] wrote.
pub(crate) fn split_state_entry(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}
