//! Rule 13 beyond single keys: two certificates that only a broken lock rule can have brought about.
//!
//! What one key said twice is [`dalil_ledger::evidence::Evidence`].

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::crypto::PublicKey;
use dalil_ledger::validators::{Certificate, ValidatorIndex, ValidatorSet, VoteKind};

/// A commit certificate, and a polka or commit certificate of a later round of the same height for another block.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead)]
pub struct Accusation {
    /// q precommits for one block.
    pub commit: Certificate,
    /// q votes for another one in a later round.
    pub later: Certificate,
    /// The consensus keys of those who signed both.
    pub accused: Vec<PublicKey>,
}

impl Accusation {
    /// The accusation that two certificates of one height make together, in either order; none if they get along.
    ///
    /// Both must be verified against `set`, which is set(h).
    pub fn of(one: &Certificate, other: &Certificate, set: &ValidatorSet) -> Option<Self> {
        let ordered = one.subject.round < other.subject.round;
        let (commit, later) = if ordered { (one, other) } else { (other, one) };
        let accused = accused_of_amnesia(commit, later).into_iter();
        let accused: Vec<_> = accused.filter_map(|who| set.get(who)).map(|member| member.consensus).collect();
        (!accused.is_empty()).then(|| Self { commit: commit.clone(), later: later.clone(), accused })
    }
}

/// The members accused by a commit certificate and a later polka of the same height for another block: they precommitted
/// one block and prevoted another in a later round. Without a polka in between that released them, at least f+1 of them
/// broke the lock rule (amnesia); which of them, their own messages must show. A later commit certificate accuses in the
/// same way, since a polka of its round came before it. Empty unless the two contradict each other.
///
/// Both certificates must have been verified against set(h).
pub fn accused_of_amnesia(commit: &Certificate, later: &Certificate) -> Vec<ValidatorIndex> {
    let (before, after) = (commit.subject, later.subject);
    let of_blocks = before.block.is_some() && after.block.is_some() && before.block != after.block;
    if commit.kind != VoteKind::Precommit || !of_blocks || before.height != after.height || before.round >= after.round
    {
        return Vec::new();
    }
    commit.signer_indexes().filter(|who| later.signers >> who.0 & 1 == 1).collect()
}
