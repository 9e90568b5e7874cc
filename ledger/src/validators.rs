//! The validator set, quorum arithmetic, and certificates: who decides a height, and how that is shown.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::block::{BlockId, DepartmentId, Height, Round};
use crate::codec::{self, SchemaRead, SchemaWrite, Set};
use crate::crypto::{CryptoError, Domain, Hash, PublicKey, Signature};
use crate::statement::Statement;

/// The most validators a set may have: a policy names at most 32 verifiers (C2SP tlog-policy).
pub const VALIDATORS_MAX: usize = 32;

/// One department's keys. Each key serves one purpose and none other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, SchemaWrite, SchemaRead, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Validator {
    /// The department.
    pub department: DepartmentId,
    /// Signs proposals and votes.
    pub consensus: PublicKey,
    /// Signs C2SP cosignatures (type 0x04).
    pub cosigner: PublicKey,
    /// Signs the checkpoint as the log (type 0x01).
    pub log: PublicKey,
    /// The libp2p identity.
    pub network: PublicKey,
}

/// The validators of one height, ordered by department.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ValidatorSet {
    members: Set<Validator>,
}

/// Why a list of validators is no set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValidatorSetError {
    /// The set is empty or too large.
    #[error("{0} validators: expected 1 to {VALIDATORS_MAX}")]
    Size(usize),
    /// A department or a key stands twice.
    #[error("validator {0} repeats a department or a key")]
    Repeated(DepartmentId),
    /// A key is no usable point.
    #[error("validator {0} has an unusable key")]
    UnusableKey(DepartmentId),
}

/// A member's place in the canonical order of its set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValidatorIndex(pub usize);

impl ValidatorSet {
    /// A set of `members`, in any order.
    pub fn new(members: Vec<Validator>) -> Result<Self, ValidatorSetError> {
        let set = Self { members: members.iter().cloned().collect() };
        set.check(members.len())?;
        Ok(set)
    }

    fn check(&self, given: usize) -> Result<(), ValidatorSetError> {
        if !(1..=VALIDATORS_MAX).contains(&given) {
            return Err(ValidatorSetError::Size(given));
        }
        let mut seen = std::collections::BTreeSet::new();
        for member in self.members.iter() {
            let keys = [member.consensus, member.cosigner, member.log, member.network];
            if keys.iter().any(|key| key.check().is_err()) {
                return Err(ValidatorSetError::UnusableKey(member.department.clone()));
            }
            if !keys.iter().all(|key| seen.insert(*key)) {
                return Err(ValidatorSetError::Repeated(member.department.clone()));
            }
        }
        let repeated = self.members.as_slice().windows(2).find(|pair| pair[0].department == pair[1].department);
        match repeated {
            Some(pair) => Err(ValidatorSetError::Repeated(pair[0].department.clone())),
            None if self.members.len() != given => Err(ValidatorSetError::Size(given)),
            None => Ok(()),
        }
    }

    /// Checks a set that was decoded from outside.
    pub fn checked(self) -> Result<Self, ValidatorSetError> {
        self.check(self.members.len())?;
        Ok(self)
    }

    /// n, the number of validators; each has weight 1.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether the set is empty; a checked set never is.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// f = ⌊(n−1)/3⌋, the number of faulty validators that the set bears.
    pub fn max_faulty(&self) -> usize {
        self.len().saturating_sub(1) / 3
    }

    /// q = n − f. Never 2f+1: with n = 50 that is 33, and two quorums of 33 may meet in faulty members only.
    pub fn quorum(&self) -> usize {
        self.len() - self.max_faulty()
    }

    /// The members in canonical order.
    pub fn iter(&self) -> std::slice::Iter<'_, Validator> {
        self.members.iter()
    }

    /// The member at `index`, if there is one.
    pub fn get(&self, index: ValidatorIndex) -> Option<&Validator> {
        self.members.as_slice().get(index.0)
    }

    /// The place of a department.
    pub fn index_of(&self, department: &DepartmentId) -> Option<ValidatorIndex> {
        self.members.as_slice().binary_search_by(|member| member.department.cmp(department)).ok().map(ValidatorIndex)
    }

    /// proposer(h, r) = set(h)[(h + r) mod n]: every department takes its turn.
    pub fn proposer(&self, height: Height, round: Round) -> ValidatorIndex {
        let n = self.len().max(1) as u64;
        let turn = (height % n + u64::from(round) % n) % n;
        ValidatorIndex(turn as usize)
    }

    /// Hash of the canonical set.
    pub fn hash(&self) -> Hash {
        Domain::ValidatorSet.hash(&codec::encode(self))
    }
}

/// Which of the two votes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, SchemaWrite, SchemaRead, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum VoteKind {
    /// First vote.
    Prevote,
    /// Second vote.
    Precommit,
}

impl VoteKind {
    /// The domain under which the vote is signed.
    pub fn domain(self) -> Domain {
        match self {
            Self::Prevote => Domain::Prevote,
            Self::Precommit => Domain::Precommit,
        }
    }
}

/// What a prevote or precommit says; identical for all signers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, SchemaWrite, SchemaRead, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct VoteSubject {
    /// Height voted at.
    pub height: Height,
    /// Round voted in.
    pub round: Round,
    /// The block, or nil.
    pub block: Option<BlockId>,
}

impl VoteSubject {
    /// The bytes under the signature, apart from domain and chain id.
    pub fn sign_bytes(&self) -> Vec<u8> {
        codec::encode(self)
    }
}

/// q equal votes: a polka (prevotes for a block), a commit (precommits for a block) or a nil certificate.
#[derive(Clone, PartialEq, Eq, Hash, SchemaWrite, SchemaRead, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Certificate {
    /// Which vote.
    pub kind: VoteKind,
    /// What every signer said.
    pub subject: VoteSubject,
    /// Bit i is set if validator i signed; validator 0 is the lowest bit.
    pub signers: u64,
    /// One signature a set bit, in order of the bits; exactly a quorum.
    pub signatures: Vec<Signature>,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({:?} {:?} by {:b})", self.kind, self.subject, self.signers)
    }
}

/// Why a certificate proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Not exactly a quorum of signatures, or bits and signatures differ in number.
    #[error("{got} signatures, expected exactly {quorum}")]
    Count {
        /// Signatures found.
        got: usize,
        /// The quorum.
        quorum: usize,
    },
    /// A signer is not in the set.
    #[error("signer {0} is not in the validator set")]
    UnknownSigner(usize),
    /// The signature of one signer is wrong.
    #[error("signer {0}: {1}")]
    Signature(usize, CryptoError),
}

impl Certificate {
    /// The places of the signers, in order.
    pub fn signer_indexes(&self) -> impl Iterator<Item = ValidatorIndex> + '_ {
        (0..64).filter(|bit| self.signers >> bit & 1 == 1).map(ValidatorIndex)
    }

    /// The certificate of the first q of `votes`, which are all for `subject`; none if there are fewer.
    pub fn assemble<'a>(
        set: &ValidatorSet,
        kind: VoteKind,
        subject: VoteSubject,
        votes: impl IntoIterator<Item = (ValidatorIndex, &'a Signature)>,
    ) -> Option<Self> {
        let votes: std::collections::BTreeMap<_, _> = votes.into_iter().collect();
        let quorum = set.quorum();
        if votes.len() < quorum {
            return None;
        }
        let chosen = votes.into_iter().take(quorum);
        let (signers, signatures) = chosen.fold((0, Vec::new()), |(bits, mut signatures), (index, signature)| {
            signatures.push(*signature);
            (bits | 1 << index.0, signatures)
        });
        Some(Self { kind, subject, signers, signatures })
    }

    /// Checks that exactly a quorum of `set` signed the subject on `chain`.
    pub fn verify(&self, set: &ValidatorSet, chain: &Hash) -> Result<(), CertificateError> {
        let quorum = set.quorum();
        let count = CertificateError::Count { got: self.signatures.len(), quorum };
        if self.signers.count_ones() as usize != self.signatures.len() || self.signatures.len() != quorum {
            return Err(count);
        }
        let message = self.subject.sign_bytes();
        for (index, signature) in self.signer_indexes().zip(&self.signatures) {
            let signer = set.get(index).ok_or(CertificateError::UnknownSigner(index.0))?;
            signer
                .consensus
                .verify(self.kind.domain(), chain, &message, signature)
                .map_err(|error| CertificateError::Signature(index.0, error))?;
        }
        Ok(())
    }

    /// What every signer said.
    pub fn statement(&self) -> Statement {
        Statement::Vote { kind: self.kind, subject: self.subject }
    }

    /// Whether this is a commit certificate for `block` at `height`.
    pub fn commits(&self, height: Height, block: &BlockId) -> bool {
        self.kind == VoteKind::Precommit && self.subject.height == height && self.subject.block == Some(*block)
    }
}
