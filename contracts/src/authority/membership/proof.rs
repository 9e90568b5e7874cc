//! `ready` and `joined`: what the keys of an incoming member say themselves, inside an officer's record.

use dalil_ledger::block::DepartmentId;
use dalil_ledger::codec::{self, SchemaRead, SchemaWrite};
use dalil_ledger::crypto::{Domain, Hash, PublicKey, SecretKey, Signature};
use dalil_ledger::state::Overlay;
use dalil_ledger::validators::{Validator, ValidatorSet};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{HeadName, Membership, keys_of};
use crate::authority::ballot::BallotId;
use crate::authority::posting::{Acting, PostingId, authorise_role};
use crate::authority::role::Role;
use crate::authority::validators_key;
use crate::context::{Context, Outcome, token};
use crate::refusal::{OrReject as _, Refusal, require};

/// What each of the four keys of an incoming member signs: that whoever holds it stands ready to take the seat.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead)]
pub struct ReadyStatement {
    /// The ballot that carried the change.
    pub ballot: BallotId,
    /// The member with all its keys.
    pub member: Validator,
    /// A recent block: the member follows the chain.
    pub head: HeadName,
}

/// Signatures over a [`ReadyStatement`], one by each key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberSignatures {
    /// By the consensus key.
    #[schemars(with = "String")]
    pub consensus: Signature,
    /// By the cosigner key.
    #[schemars(with = "String")]
    pub cosigner: Signature,
    /// By the log key.
    #[schemars(with = "String")]
    pub log: Signature,
    /// By the network key.
    #[schemars(with = "String")]
    pub network: Signature,
}

impl ReadyStatement {
    /// The bytes under the signatures, apart from domain and chain id.
    pub fn sign_bytes(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Signs with `[consensus, cosigner, log, network]`.
    pub fn sign(&self, chain: &Hash, keys: [&SecretKey; 4]) -> MemberSignatures {
        let bytes = self.sign_bytes();
        let [consensus, cosigner, log, network] = keys.map(|key| key.sign(Domain::ValidatorReady, chain, &bytes));
        MemberSignatures { consensus, cosigner, log, network }
    }

    fn is_signed(&self, chain: &Hash, signatures: &MemberSignatures) -> bool {
        let bytes = self.sign_bytes();
        let given = [signatures.consensus, signatures.cosigner, signatures.log, signatures.network];
        let mut pairs = keys_of(&self.member).into_iter().zip(given);
        pairs.all(|(key, signature)| key.verify(Domain::ValidatorReady, chain, &bytes, &signature).is_ok())
    }
}

/// What the consensus key of a new member signs once it decides with the others.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead)]
pub struct JoinedStatement {
    /// The department.
    pub department: DepartmentId,
    /// Its consensus key.
    pub consensus: PublicKey,
    /// A recent block, of the member's first height or a later one.
    pub head: HeadName,
}

impl JoinedStatement {
    /// The bytes under the signature, apart from domain and chain id.
    pub fn sign_bytes(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Signs with the consensus key.
    pub fn sign(&self, chain: &Hash, consensus: &SecretKey) -> Signature {
        consensus.sign(Domain::ValidatorJoined, chain, &self.sign_bytes())
    }
}

/// An officer who may speak for the department's validator.
fn speaker(state: &Overlay<'_>, context: &Context<'_>, posting: &PostingId) -> Result<Acting, Refusal> {
    authorise_role(state, context, posting, &[Role::DepartmentAdmin, Role::DepartmentVoter])
}

fn require_recent(membership: &Membership, head: &HeadName) -> Result<(), Refusal> {
    require(membership.heads.contains(head), "A4", || {
        format!("block {} at height {} is not one of the newest on this chain", head.id, head.height)
    })
}

/// The incoming member of a pending change proves that it holds its keys and follows the chain.
pub(crate) fn ready(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    ballot: &BallotId,
    head: HeadName,
    signatures: &MemberSignatures,
) -> Result<Outcome, Refusal> {
    let acting = speaker(state, context, posting)?;
    let mut membership = Membership::read(state)?;
    require_recent(&membership, &head)?;
    let mut pending = membership.pending.iter_mut();
    let pending = pending
        .find(|pending| pending.ballot == *ballot)
        .or_reject("A4", || format!("ballot {ballot} has no change that waits"))?;
    let member = pending.change.incoming().or_reject("A4", || format!("the change of {ballot} brings no member"))?;
    require_own(&acting, &member.department)?;
    let statement = ReadyStatement { ballot: ballot.clone(), member: member.clone(), head };
    require(statement.is_signed(&context.chain, signatures), "A3", || {
        "not all four keys of the incoming member signed this ballot and this block".to_owned()
    })?;
    let subject = token(format!("validator/{}", member.department))?;
    pending.ready_height = Some(context.height);
    membership.write(state);
    let mut outcome = acting.outcome();
    outcome.event("authority.validator_ready", subject);
    Ok(outcome)
}

/// A member that came into force shows that its consensus key follows the chain it decides.
pub(crate) fn joined(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    head: HeadName,
    signature: &Signature,
) -> Result<Outcome, Refusal> {
    let acting = speaker(state, context, posting)?;
    let department = acting.office.department.clone();
    let mut membership = Membership::read(state)?;
    require_recent(&membership, &head)?;
    let place = membership.absent.iter().position(|absent| absent.department == department);
    let place = place.or_reject("A4", || format!("no validator of {department} is yet to join"))?;
    let from_height = membership.absent[place].from_height;
    require(head.height >= from_height, "A4", || {
        format!("the validator of {department} decides from height {from_height} on, the block is of {}", head.height)
    })?;
    let set: Option<ValidatorSet> = state.get_value(&validators_key())?;
    let member = set.as_ref().and_then(|set| set.get(set.index_of(&department)?));
    let member = member.or_reject("A4", || format!("{department} runs no validator"))?;
    let statement = JoinedStatement { department: department.clone(), consensus: member.consensus, head };
    let checked = member.consensus.verify(Domain::ValidatorJoined, &context.chain, &statement.sign_bytes(), signature);
    require(checked.is_ok(), "A3", || format!("the consensus key of {department} did not sign this block"))?;
    membership.absent.remove(place);
    membership.write(state);
    let mut outcome = acting.outcome();
    outcome.event("authority.validator_joined", token(format!("validator/{department}"))?);
    Ok(outcome)
}

fn require_own(acting: &Acting, department: &DepartmentId) -> Result<(), Refusal> {
    require(acting.office.department == *department, "A2", || {
        format!("the member is of department {department}, the officer of {}", acting.office.department)
    })
}
