//! Cosignatures of heads: collected, checked, and published once a quorum is in hand.

use std::collections::BTreeMap;

use dalil_ledger::checkpoint::{Checkpoint, Cosignature, LogSignature, Note, Policy};
use dalil_ledger::crypto::{PublicKey, SecretKey};
use dalil_ledger::store::LedgerView;
use dalil_ledger::validators::{ValidatorIndex, ValidatorSet};

use super::event::Peer;
use super::message::HeadCosignature;

/// How many heads wait for their quorum; older ones are covered by the next.
const HEADS_MAX: usize = 8;
/// From how many peers a cosignature of a head that this node has not reached is kept, one each.
const EARLY_MAX: usize = 64;

/// The newest head with a quorum of cosignatures, and the version of the ledger at that head.
#[derive(Clone)]
pub struct Published {
    /// The checkpoint with the log's signature and q cosignatures (C2SP signed-note).
    pub note: String,
    /// The ledger at this head.
    pub view: LedgerView,
    /// The set whose quorum cosigned.
    pub validators: ValidatorSet,
    /// The oldest of the q times, UTC milliseconds.
    pub freshness_ms: u64,
}

/// One head and the cosignatures of it so far.
struct Head {
    checkpoint: Checkpoint,
    policy: Policy,
    view: LedgerView,
    validators: ValidatorSet,
    cosignatures: BTreeMap<ValidatorIndex, (Cosignature, LogSignature)>,
}

/// Cosignatures of the newest heads.
#[derive(Default)]
pub struct Cosigning {
    heads: BTreeMap<u64, Head>,
    /// By the peer that sent it: what cannot be checked yet takes nobody else's place.
    early: BTreeMap<Peer, HeadCosignature>,
    published: Option<(u64, u64)>,
}

/// Why a cosignature is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CosignatureError {
    /// The signer is no validator of the next height.
    #[error("cosigner {0} is not in the validator set")]
    Unknown(usize),
    /// A signature is wrong.
    #[error("a signature of cosigner {0} does not verify")]
    Bad(usize),
    /// Its time is ahead of this node's clock.
    #[error("the time of cosigner {0} is in the future")]
    Future(usize),
}

impl Cosigning {
    /// A new head; cosignatures that came early are taken up.
    pub fn head(
        &mut self,
        checkpoint: Checkpoint,
        policy: Policy,
        view: LedgerView,
        validators: ValidatorSet,
        now_ms: u64,
        skew_ms: u64,
    ) -> Option<Published> {
        let size = checkpoint.size;
        self.heads.insert(size, Head { checkpoint, policy, view, validators, cosignatures: BTreeMap::new() });
        while self.heads.len() > HEADS_MAX {
            self.heads.pop_first();
        }
        let early: Vec<_> = self.early.extract_if(.., |_, early| early.size <= size).map(|(_, early)| early).collect();
        let mut published = None;
        for early in early.into_iter().filter(|early| early.size == size) {
            // A wrong one that came early is forgotten; its sender cannot be told any more.
            published = self.add(None, early, now_ms, skew_ms).ok().flatten().or(published);
        }
        published
    }

    /// Whether the head of `size` leaves was published.
    pub fn is_published(&self, size: u64) -> bool {
        self.published.is_some_and(|(published, _)| published >= size)
    }

    /// The cosignatures that are held of the head of `size` leaves, all checked.
    pub fn held(&self, size: u64) -> Vec<HeadCosignature> {
        let held = self.heads.get(&size).map(|head| &head.cosignatures);
        held.into_iter()
            .flatten()
            .map(|(signer, (cosignature, log_signature))| HeadCosignature {
                size,
                signer: signer.0 as u8,
                time_s: cosignature.time_s,
                signature: cosignature.signature,
                log_signature: log_signature.0,
            })
            .collect()
    }

    /// The own cosignature of the head of `size` leaves by the validator with the consensus key `key`. Its place is the one in
    /// the set that cosigns that head: by the time that a slow disk lets the signature out, another set may be in office.
    pub fn sign(
        &self,
        size: u64,
        key: &PublicKey,
        time_s: u64,
        cosigner: &SecretKey,
        log: &SecretKey,
    ) -> Option<HeadCosignature> {
        let Head { checkpoint, validators, .. } = self.heads.get(&size)?;
        let signer = validators.iter().position(|member| member.consensus == *key)?;
        Some(HeadCosignature {
            size,
            signer: u8::try_from(signer).ok()?,
            time_s,
            signature: Cosignature::sign(checkpoint, cosigner, time_s).signature,
            log_signature: LogSignature::sign(checkpoint, log).0,
        })
    }

    /// Takes a cosignature that came from `from`, none being this node. Returns a publication if it made a quorum, or a
    /// fresher one.
    pub fn add(
        &mut self,
        from: Option<Peer>,
        given: HeadCosignature,
        now_ms: u64,
        skew_ms: u64,
    ) -> Result<Option<Published>, CosignatureError> {
        let index = usize::from(given.signer);
        let signer = ValidatorIndex(index);
        if given.time_s.saturating_mul(1_000) > now_ms.saturating_add(skew_ms / 2) {
            return Err(CosignatureError::Future(index));
        }
        let newest = self.heads.last_key_value().map(|(size, _)| *size);
        let Some(head) = self.heads.get_mut(&given.size) else {
            if let Some(from) = from.filter(|_| newest.is_none_or(|newest| given.size > newest))
                && (self.early.len() < EARLY_MAX || self.early.contains_key(&from))
            {
                self.early.insert(from, given);
            }
            return Ok(None);
        };
        let validator = head.validators.get(signer).ok_or(CosignatureError::Unknown(index))?;
        if head.cosignatures.get(&signer).is_some_and(|(held, _)| held.time_s >= given.time_s) {
            return Ok(None);
        }
        let cosignature = Cosignature { time_s: given.time_s, signature: given.signature };
        let log_signature = LogSignature(given.log_signature);
        cosignature.verify(&head.checkpoint, &validator.cosigner).map_err(|_| CosignatureError::Bad(index))?;
        log_signature.verify(&head.checkpoint, &validator.log).map_err(|_| CosignatureError::Bad(index))?;
        head.cosignatures.insert(signer, (cosignature, log_signature));
        let Some(published) = head.publish() else { return Ok(None) };
        let news = (given.size, published.freshness_ms);
        if self.published.is_some_and(|held| held >= news) {
            return Ok(None);
        }
        self.published = Some(news);
        Ok(Some(published))
    }
}

impl Head {
    /// The note with the q newest cosignatures and one log line, if there are q.
    fn publish(&self) -> Option<Published> {
        let mut newest: Vec<_> = self.cosignatures.iter().collect();
        newest.sort_by_key(|(index, (cosignature, _))| (std::cmp::Reverse(cosignature.time_s), index.0));
        newest.truncate(self.validators.quorum());
        if newest.len() < self.validators.quorum() {
            return None;
        }
        newest.sort_by_key(|(index, _)| index.0);
        let oldest_s = newest.iter().map(|(_, (cosignature, _))| cosignature.time_s).min()?;
        let (first, (_, log_signature)) = newest.first()?;
        let log = log_signature.to_line(self.policy.logs().get(first.0)?);
        let lines = newest.iter().map(|(index, (cosignature, _))| {
            self.policy.witnesses().get(index.0).map(|witness| cosignature.to_line(&witness.key))
        });
        let signatures = std::iter::once(Some(log)).chain(lines).collect::<Option<Vec<_>>>()?;
        Some(Published {
            note: Note { text: self.checkpoint.to_string(), signatures }.to_string(),
            view: self.view.clone(),
            validators: self.validators.clone(),
            freshness_ms: oldest_s * 1_000,
        })
    }
}
