//! What a verifier starts from: the policy, the validator set behind it, the chain, and until when they are believed.

use serde::{Deserialize, Serialize};

use super::handover::{Handover, HandoverError};
use super::head::{HeadError, HeadProof};
use super::key::KeyName;
use super::policy::{Policy, PolicyError};
use super::quorum::{Endorsement, EndorsementError};
use crate::block::Height;
use crate::crypto::Hash;
use crate::validators::{ValidatorSet, ValidatorSetError};

/// The longest pin that is read, in bytes.
pub const PIN_BYTES_MAX: usize = 256 << 10;

/// What a pin says beside its validators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PinTerms {
    /// The chain id.
    pub chain: Hash,
    /// The first height that the validator set decides; handovers below it are old ones, replayed.
    pub from_height: Height,
    /// From then on every answer is "could not check", UTC milliseconds. It bounds what stolen old keys can forge.
    pub expires_at_ms: u64,
    /// How far a cosignature's time may be ahead of the verifier's clock, in milliseconds.
    pub cosignature_skew_ms: u64,
    /// The oldest checkpoint that proves an absence, in milliseconds.
    pub absence_age_max_ms: u64,
}

/// The most former sets that a pin remembers.
pub const FORMER_SETS_MAX: usize = 8;

/// A set that handed over. What it cosigned while it was in force still counts for what stands in the log, never for
/// what is current, and no longer than the pin that knew it would have been believed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct FormerSet {
    policy: Policy,
    validators: ValidatorSet,
    expires_at_ms: u64,
}

/// A verifier's starting point. As JSON it is what `--policy` takes; it comes from a source that the verifier trusts,
/// never from the node being checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    policy: Policy,
    validators: ValidatorSet,
    terms: PinTerms,
    /// Newest last.
    former: Vec<FormerSet>,
}

/// The JSON of a pin. Struct fields refuse duplicates; unknown ones are refused too.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PinFile {
    policy: String,
    validators: ValidatorSet,
    chain: Hash,
    from_height: Height,
    expires_at_ms: u64,
    cosignature_skew_ms: u64,
    absence_age_max_ms: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    former: Vec<FormerFile>,
}

/// The JSON of a former set.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FormerFile {
    validators: ValidatorSet,
    expires_at_ms: u64,
}

/// Why a pin is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// The file is too long.
    #[error("a pin of {0} bytes, expected at most {PIN_BYTES_MAX}")]
    TooLong(usize),
    /// Not the JSON of a pin.
    #[error("pin: {0}")]
    Json(String),
    /// The policy text is none.
    #[error("policy: {0}")]
    Policy(#[from] PolicyError),
    /// The validator set breaks a rule of sets.
    #[error("validator set: {0}")]
    Validators(#[from] ValidatorSetError),
    /// More former sets than a pin remembers.
    #[error("{0} former sets, expected at most {FORMER_SETS_MAX}")]
    Former(usize),
    /// The policy names other keys, names or another quorum than the validator set gives.
    #[error("the policy is not the one of the validator set, expected\n{expected}")]
    PolicyOfOtherSet {
        /// The policy of the set.
        expected: String,
    },
}

/// Why a head says nothing to the holder of a pin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PinnedHeadError {
    /// What old keys sign after the expiry counts for nothing. A new pin must come from a trusted source.
    #[error("the pin expired at {expires_at_ms}, now is {now_ms}: get a new one from a source you trust")]
    Expired {
        /// Expiry of the pin, UTC milliseconds.
        expires_at_ms: u64,
        /// Time of checking, UTC milliseconds.
        now_ms: u64,
    },
    /// A header of another chain.
    #[error("chain {got}, expected {expected}")]
    OtherChain {
        /// Chain in the header.
        got: Hash,
        /// Chain of the pin.
        expected: Hash,
    },
    /// The header names other validators for the next height, who cosign this one.
    #[error("the validators are {got}, the pin knows {expected}: renew the pin by handovers")]
    OtherValidators {
        /// Set named in the header.
        got: Hash,
        /// Set of the pin.
        expected: Hash,
    },
    /// The header is not shown to be the head.
    #[error(transparent)]
    Head(#[from] HeadError),
}

/// Why a pin is not renewed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenewError {
    /// The pin expired at the first time, UTC milliseconds; now is the second. A new pin must come from a trusted source.
    #[error("the pin expired at {0}, now is {1}: get a new one from a source you trust")]
    Expired(u64, u64),
    /// One of the handovers, counted from 0, is wrong.
    #[error("handover {0}: {1}")]
    Handover(usize, HandoverError),
    /// The new set makes no policy.
    #[error("policy: {0}")]
    Policy(#[from] PolicyError),
}

impl Pin {
    /// The pin of `validators` for the log `origin`.
    pub fn new(origin: &KeyName, validators: ValidatorSet, terms: PinTerms) -> Result<Self, PinError> {
        let validators = validators.checked()?;
        Ok(Self { policy: Policy::of_set(origin, &validators)?, validators, terms, former: Vec::new() })
    }

    /// Reads a pin. The policy must be the one that follows from the validator set, so that no file pairs a familiar
    /// set with foreign keys.
    pub fn from_json(bytes: &[u8]) -> Result<Self, PinError> {
        if bytes.len() > PIN_BYTES_MAX {
            return Err(PinError::TooLong(bytes.len()));
        }
        let file: PinFile = serde_json::from_slice(bytes).map_err(|error| PinError::Json(error.to_string()))?;
        let policy: Policy = file.policy.parse()?;
        let terms = PinTerms {
            chain: file.chain,
            from_height: file.from_height,
            expires_at_ms: file.expires_at_ms,
            cosignature_skew_ms: file.cosignature_skew_ms,
            absence_age_max_ms: file.absence_age_max_ms,
        };
        let mut pin = Self::new(policy.origin(), file.validators, terms)?;
        if file.former.len() > FORMER_SETS_MAX {
            return Err(PinError::Former(file.former.len()));
        }
        for FormerFile { validators, expires_at_ms } in file.former {
            let validators = validators.checked()?;
            let policy = Policy::of_set(policy.origin(), &validators)?;
            pin.former.push(FormerSet { policy, validators, expires_at_ms });
        }
        if pin.policy == policy {
            Ok(pin)
        } else {
            Err(PinError::PolicyOfOtherSet { expected: pin.policy.to_string() })
        }
    }

    /// The JSON of this pin.
    pub fn to_json(&self) -> String {
        let PinTerms { chain, from_height, expires_at_ms, cosignature_skew_ms, absence_age_max_ms } = self.terms;
        let file = PinFile {
            policy: self.policy.to_string(),
            validators: self.validators.clone(),
            chain,
            from_height,
            expires_at_ms,
            cosignature_skew_ms,
            absence_age_max_ms,
            former: self.former.iter().map(FormerSet::to_file).collect(),
        };
        serde_json::to_string_pretty(&file).expect("strings and integers have a JSON form") + "\n"
    }

    /// Whose signatures count.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The validators behind the policy.
    pub fn validators(&self) -> &ValidatorSet {
        &self.validators
    }

    /// Chain, expiry and tolerances.
    pub fn terms(&self) -> &PinTerms {
        &self.terms
    }

    /// Whether the pin still says anything at `now_ms`.
    pub fn is_live(&self, now_ms: u64) -> bool {
        now_ms < self.terms.expires_at_ms
    }

    /// Checks that a quorum of this pin's validators cosigned `note`, or one of a former set that is still believed. Says
    /// nothing of what is current: a former set's note is as old as that set.
    pub fn verify_note(&self, note: &[u8], now_ms: u64) -> Result<Endorsement, EndorsementError> {
        let skew_ms = self.terms.cosignature_skew_ms;
        self.policy.verify(note, now_ms, skew_ms).or_else(|error| {
            let believed = self.former.iter().rev().filter(|former| now_ms < former.expires_at_ms);
            let mut endorsed = believed.filter_map(|former| former.policy.verify(note, now_ms, skew_ms).ok());
            endorsed.next().ok_or(error)
        })
    }

    /// Checks that `head` is the head of this pin's chain, cosigned by this pin's validators, who are the current ones
    /// by the header's own word.
    pub fn verify_head(&self, head: &HeadProof, now_ms: u64) -> Result<Endorsement, PinnedHeadError> {
        let terms = &self.terms;
        if !self.is_live(now_ms) {
            return Err(PinnedHeadError::Expired { expires_at_ms: terms.expires_at_ms, now_ms });
        }
        // What the header names comes first: who sees another set should fetch handovers, not suspect a forgery.
        let (got, expected) = (head.header.chain, terms.chain);
        if got != expected {
            return Err(PinnedHeadError::OtherChain { got, expected });
        }
        let (got, expected) = (head.header.next_validators_hash, self.validators.hash());
        if got != expected {
            return Err(PinnedHeadError::OtherValidators { got, expected });
        }
        Ok(head.verify(&self.policy, now_ms, terms.cosignature_skew_ms)?)
    }

    /// Follows `handovers`, oldest first, to the set of the last one. Refused as a whole if one does not follow from the
    /// one before: a gap, a swapped key, signatures of the new set only, an old handover replayed.
    ///
    /// The new pin is believed for `lifetime_ms` from the last handed-over block's time, and never shorter than this one.
    /// A later expiry takes a fresh [`HeadProof`]: see [`Pin::prolong`]. The sets that handed over are remembered for what
    /// they cosigned ([`Pin::verify_note`]).
    pub fn renew(&self, handovers: &[Handover], now_ms: u64, lifetime_ms: u64) -> Result<Self, RenewError> {
        if !self.is_live(now_ms) {
            return Err(RenewError::Expired(self.terms.expires_at_ms, now_ms));
        }
        let mut pin = self.clone();
        for (number, handover) in handovers.iter().enumerate() {
            let checked = handover.verify(&pin.validators, &pin.terms.chain, pin.terms.from_height);
            checked.map_err(|error| RenewError::Handover(number, error))?;
            let policy = Policy::of_set(self.policy.origin(), &handover.next)?;
            pin.former.push(FormerSet {
                policy: std::mem::replace(&mut pin.policy, policy),
                validators: std::mem::replace(&mut pin.validators, handover.next.clone()),
                expires_at_ms: pin.terms.expires_at_ms,
            });
            pin.terms.from_height = handover.header.height.saturating_add(1);
            pin.lengthen(handover.header.timestamp_ms, now_ms, lifetime_ms);
        }
        pin.former.retain(|former| now_ms < former.expires_at_ms);
        let surplus = pin.former.len().saturating_sub(FORMER_SETS_MAX);
        pin.former.drain(..surplus);
        Ok(pin)
    }

    /// Moves the expiry to `lifetime_ms` after the freshness of `head`, which shows that the set is still the current
    /// one. Never earlier than it is now.
    pub fn prolong(&self, head: &HeadProof, now_ms: u64, lifetime_ms: u64) -> Result<Self, PinnedHeadError> {
        let endorsement = self.verify_head(head, now_ms)?;
        let mut pin = self.clone();
        pin.lengthen(endorsement.freshness_ms, now_ms, lifetime_ms);
        Ok(pin)
    }

    /// A time that runs ahead of the verifier's clock lengthens nothing beyond what `now_ms` would.
    fn lengthen(&mut self, shown_at_ms: u64, now_ms: u64, lifetime_ms: u64) {
        let until = shown_at_ms.min(now_ms).saturating_add(lifetime_ms);
        self.terms.expires_at_ms = self.terms.expires_at_ms.max(until);
    }
}

impl FormerSet {
    fn to_file(&self) -> FormerFile {
        FormerFile { validators: self.validators.clone(), expires_at_ms: self.expires_at_ms }
    }
}
