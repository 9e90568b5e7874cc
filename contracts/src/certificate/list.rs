//! Lists that are too long for a record: the record names root and count, the leaves are an attachment of the block (P3).

use dalil_ledger::codec::{self, Canonical};
use dalil_ledger::crypto::Hash;

use super::issue::{BatchLeaf, NewCertificate};
use super::replace::ReissueLeaf;
use crate::context::Context;
use crate::refusal::{OrReject as _, Refusal, require};

/// The most leaves of one list.
pub const LEAVES_MAX: u32 = 4_096;
/// The longest canonical leaf, in bytes.
pub const LEAF_BYTES_MAX: usize = 1_024;

/// A list by what the record says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct List {
    /// RFC 9162 root over the leaves.
    pub root: Hash,
    /// Number of leaves.
    pub count: u32,
}

/// The certificate that a leaf of any list issues; none for bytes that are no leaf.
pub fn certificate_in(leaf: &[u8]) -> Option<NewCertificate> {
    let issued = codec::decode::<BatchLeaf>(leaf, LEAF_BYTES_MAX).ok();
    issued.or_else(|| codec::decode::<ReissueLeaf>(leaf, LEAF_BYTES_MAX).ok().map(|leaf| leaf.certificate))
}

/// The leaves of a list that came with the record, each decoded when its turn comes.
pub(super) fn leaves<'a, T: Canonical>(
    context: &Context<'a>,
    list: &List,
) -> Result<impl Iterator<Item = Result<T, Refusal>> + use<'a, T>, Refusal> {
    require((1..=LEAVES_MAX).contains(&list.count), "P3", || {
        format!("a list has 1 to {LEAVES_MAX} certificates, this one says {}", list.count)
    })?;
    let found = context
        .attachments
        .iter()
        .find(|attachment| attachment.root() == list.root)
        .or_reject("P3", || format!("the list with root {} did not come with the record", list.root))?;
    require(usize::try_from(list.count) == Ok(found.leaves.len()), "P3", || {
        format!("the list has {} certificates, the record says {}", found.leaves.len(), list.count)
    })?;
    Ok(found.leaves.iter().enumerate().map(|(place, leaf)| {
        codec::decode(leaf, LEAF_BYTES_MAX)
            .ok()
            .or_reject("P3", || format!("leaf {place} of the list is not in canonical form"))
    }))
}
