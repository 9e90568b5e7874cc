//! What a snapshot is of, and who says so.

use crate::block::{Entry, HEADER_VERSION, Header, Height};
use crate::checkpoint::{EndorsementError, Handover, HandoverError, KeyName, Policy, PolicyError};
use crate::codec::{SchemaRead, SchemaWrite};
use crate::crypto::Hash;
use crate::log::{self, Frontier, leaf_hash};
use crate::store::{LedgerView, StoreError};
use crate::validators::ValidatorSet;

/// The most changes of the validator set that one offer leads through; checking one takes a quorum of signatures.
pub const HANDOVERS_MAX: usize = 256;

/// A head of which a snapshot can be had.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead)]
pub struct Offer {
    /// From the set that the receiver knows to the one that cosigned, oldest first; empty where they are the same.
    pub handovers: Vec<Handover>,
    /// Header h, the last leaf of the log.
    pub header: Header,
    /// The right edge of the log before that leaf.
    pub frontier: Frontier,
    /// The checkpoint of the log up to and with the header, as a quorum of set(h+1) cosigned it (C2SP signed-note).
    pub note: Vec<u8>,
}

/// What a node knows before it believes an offer.
#[derive(Debug, Clone)]
pub struct Known {
    /// The chain id.
    pub chain: Hash,
    /// The log's origin.
    pub origin: KeyName,
    /// The set that decides the height above the node's head.
    pub validators: ValidatorSet,
    /// That height.
    pub height: Height,
}

/// Why an offer proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    /// More changes of the set than one offer may lead through.
    #[error("{0} handovers, at most {HANDOVERS_MAX}")]
    Handovers(usize),
    /// A handover does not follow from the one before.
    #[error("handover {0}: {1}")]
    Handover(usize, HandoverError),
    /// A handover is of a height above the header: the sets between recur, and the offer is of an earlier turn.
    #[error("handover {number} is of height {got}, above the header's height {head}")]
    Above {
        /// Which handover.
        number: usize,
        /// Its height.
        got: Height,
        /// Height of the header.
        head: Height,
    },
    /// A header of another layout or chain.
    #[error("header version {version} of chain {chain}, expected version {HEADER_VERSION} of chain {expected}")]
    Header {
        /// Version in the header.
        version: u32,
        /// Chain in the header.
        chain: Hash,
        /// The chain of this node.
        expected: Hash,
    },
    /// The header hands on to a set that the handovers do not lead to.
    #[error("the header's next validators are {got}, known are {expected}")]
    Validators {
        /// Set named by the header.
        got: Hash,
        /// Set known.
        expected: Hash,
    },
    /// The validators give no policy.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The note is no quorum's.
    #[error("note: {0}")]
    Note(#[from] EndorsementError),
    /// The frontier is not that of the log below the header.
    #[error("a frontier of {got} leaves that is not the log's, expected {expected} leaves")]
    Frontier {
        /// Leaves of the frontier.
        got: u64,
        /// Log index of the header.
        expected: u64,
    },
    /// The header is not the last leaf of the cosigned log.
    #[error("the header is not the last leaf of the cosigned log of {0} leaves")]
    LastLeaf(u64),
}

impl Offer {
    /// The offer of the head of `view`, whose note is `note`, for a node that knows the set that decides height `from`.
    pub fn of(view: &LedgerView, note: &str, from: Height) -> Result<Self, StoreError> {
        let handovers = view.handovers(from, HANDOVERS_MAX)?;
        let header = view.head().clone();
        let frontier = log::frontier_at(view, header.entry_index());
        let frontier = frontier.map_err(|error| StoreError::Damaged(error.to_string()))?;
        Ok(Self { handovers, header, frontier, note: note.as_bytes().to_vec() })
    }

    /// Leaf hash of the header: the block id, by which parts are asked for.
    pub fn id(&self) -> Hash {
        self.header.id()
    }

    /// Checks that a quorum of the set to which the handovers lead from `known` cosigned the log that ends with the
    /// header. Returns that set, which decides the next height.
    ///
    /// When they signed does not matter here: a head that was final once is final.
    pub fn verify(&self, known: &Known) -> Result<ValidatorSet, OfferError> {
        let header = &self.header;
        if header.version != HEADER_VERSION || header.chain != known.chain {
            let (version, chain, expected) = (header.version, header.chain, known.chain);
            return Err(OfferError::Header { version, chain, expected });
        }
        let validators = self.walk(known)?;
        let (got, expected) = (header.next_validators_hash, validators.hash());
        if got != expected {
            return Err(OfferError::Validators { got, expected });
        }
        let mut frontier = self.frontier.clone();
        let (got, expected) = (frontier.size(), header.entry_index());
        if got != expected || frontier.root() != header.records_root {
            return Err(OfferError::Frontier { got, expected });
        }
        let policy = Policy::of_set(&known.origin, &validators)?;
        let checkpoint = policy.verify(&self.note, u64::MAX, 0)?.checkpoint;
        frontier.push(leaf_hash(&Entry::Header(header.clone()).encode()));
        if frontier.size() != checkpoint.size || frontier.root() != checkpoint.root {
            return Err(OfferError::LastLeaf(checkpoint.size));
        }
        Ok(validators)
    }

    fn walk(&self, known: &Known) -> Result<ValidatorSet, OfferError> {
        if self.handovers.len() > HANDOVERS_MAX {
            return Err(OfferError::Handovers(self.handovers.len()));
        }
        let (mut validators, mut least) = (known.validators.clone(), known.height);
        for (number, handover) in self.handovers.iter().enumerate() {
            let checked = handover.verify(&validators, &known.chain, least);
            checked.map_err(|error| OfferError::Handover(number, error))?;
            let (got, head) = (handover.header.height, self.header.height);
            if got > head {
                return Err(OfferError::Above { number, got, head });
            }
            validators = handover.next.clone();
            least = handover.header.height.saturating_add(1);
        }
        Ok(validators)
    }
}
