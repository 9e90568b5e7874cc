//! "Which challan is live for this plate?": a question that a node answers to enforcement officers alone.
//!
//! An officer derives the vehicle's id from the plate with the key that the enforcement departments share, signs vehicle,
//! posting and time, and asks any node. This is no record: nothing is written, and nobody but the node learns of it. The
//! answer can be proven: the slot [`super::keys::vehicle_use_key`] and the challans that it names show by their proofs
//! which one is live, and the slot's absence that the vehicle never had one.

use dalil_ledger::codec::{self, SchemaRead, SchemaWrite};
use dalil_ledger::crypto::{Domain, Hash, SecretKey, Signature};
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authority::posting::posting_record;
use crate::authority::{PostingId, Role, authorise_role};
use crate::context::Context;
use crate::mineral::challan::Challan;
use crate::mineral::types::VehicleId;
use crate::mineral::vehicle::live_challan;
use crate::refusal::{OrReject as _, Refusal, require};
use crate::units::MINUTE_MS;

/// How far the time of an enquiry may lie from the node's, in milliseconds.
pub const ENQUIRY_SKEW_MAX_MS: u64 = 2 * MINUTE_MS;

/// What an officer asks.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Enquiry {
    /// The vehicle.
    #[schemars(with = "String")]
    pub vehicle: VehicleId,
    /// The posting under which the officer asks.
    #[schemars(with = "String")]
    pub posting: PostingId,
    /// When, UTC milliseconds.
    pub asked_at_ms: u64,
}

/// An enquiry with the officer's signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignedEnquiry {
    /// What is asked.
    pub enquiry: Enquiry,
    /// Of the officer who holds the posting.
    #[schemars(with = "String")]
    pub signature: Signature,
}

impl Enquiry {
    /// Signs with the officer's key.
    pub fn sign(self, key: &SecretKey, chain: &Hash) -> SignedEnquiry {
        let signature = key.sign(Domain::Enquiry, chain, &codec::encode(&self));
        SignedEnquiry { enquiry: self, signature }
    }
}

impl SignedEnquiry {
    /// The live challan at the node's time `now_ms`, if there is one. Refused with A1 unless an enforcement officer in a
    /// live posting signed it, and with O1 if it is old or its signature wrong.
    pub fn answer(&self, state: &Overlay<'_>, chain: Hash, now_ms: u64) -> Result<Option<Challan>, Refusal> {
        let Self { enquiry, signature } = self;
        let fresh = enquiry.asked_at_ms.abs_diff(now_ms) <= ENQUIRY_SKEW_MAX_MS;
        require(fresh, "O1", || "the enquiry is not of these minutes; check the clock and ask anew".to_owned())?;
        let signer = posting_record(state, &enquiry.posting)?.officer;
        let signed = signer.verify(Domain::Enquiry, &chain, &codec::encode(enquiry), signature);
        signed.ok().or_reject("O1", || format!("the holder of posting {} did not sign this", enquiry.posting))?;
        let context = Context { chain, height: 0, time_ms: now_ms, record: 0, signer, attachments: &[] };
        authorise_role(state, &context, &enquiry.posting, &[Role::Enforcement])?;
        Ok(live_challan(state, &enquiry.vehicle, now_ms)?)
    }
}
