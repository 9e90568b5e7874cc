//! What departments decide together: one vote a department that runs a validator, carried by a quorum (n − f).
//!
//! The first vote under a ballot's id opens it with its matter; every later vote repeats the matter, so that each officer
//! signs what is decided. An id is used up for ever.

use dalil_ledger::block::{DepartmentId, Height};
use dalil_ledger::codec::{SchemaRead, SchemaWrite, Token};
use dalil_ledger::document::SubjectId;
use dalil_ledger::state::Overlay;
use dalil_ledger::validators::ValidatorSet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::department::{self, DepartmentChange};
use super::membership::{self, ValidatorChange};
use super::parameters::{self, ParameterName};
use super::posting::{PostingId, authorise_role};
use super::role::Role;
use super::upgrade::{self, Upgrade};
use super::validators_key;
use crate::certificate::types::{self, CertificateType};
use crate::context::{Context, Outcome, token};
use crate::list;
use crate::refusal::{OrReject as _, Refusal, require};

/// A ballot's id.
pub type BallotId = Token<48>;

/// The list of all ballots, in the order in which they were opened.
pub const BALLOTS: &str = "auth/ballots";

/// What is decided.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Matter {
    /// A parameter gets a value.
    Parameter {
        /// The parameter.
        #[schemars(with = "String")]
        name: ParameterName,
        /// The value, in the unit that the name implies.
        value: i64,
    },
    /// A certificate type is added or changed.
    CertificateType(CertificateType),
    /// The validator set changes. It is bound to a height, so the vote's time only says until when it may be carried.
    Validators {
        /// What changes.
        change: ValidatorChange,
        /// The earliest height that the changed set decides.
        from_height: Height,
    },
    /// A department is founded, gets other roles, is retired, or gets another administrator.
    Department(DepartmentChange),
    /// Blocks follow another version of the protocol. It is bound to a height, as a change of validators is.
    Upgrade {
        /// The version, which nodes that follow it know.
        version: u32,
        /// The first height whose block it judges.
        from_height: Height,
    },
}

/// How a department votes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// For it.
    Approve,
    /// Against it.
    Reject,
}

/// One department's vote.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
pub struct Vote {
    /// The department.
    pub department: DepartmentId,
    /// Its choice.
    pub choice: Choice,
}

/// A ballot as the state knows it.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
pub struct Ballot {
    /// What is decided.
    pub matter: Matter,
    /// Time from which it holds, UTC milliseconds of block time.
    pub effective_from_ms: u64,
    /// Votes in the order of their records.
    pub votes: Vec<Vote>,
    /// Block time of the vote that carried it, UTC milliseconds.
    pub carried_at_ms: Option<u64>,
}

/// State key of a ballot.
pub fn ballot_key(id: &BallotId) -> Vec<u8> {
    format!("auth/ballot/{id}").into_bytes()
}

/// A ballot as the subject of a record.
///
/// # Panics
/// Never: a ballot's id is shorter than a subject.
pub(super) fn ballot_subject(id: &BallotId) -> SubjectId {
    format!("ballot/{id}").parse().expect("a ballot's id fits a subject")
}

/// Counts a department's vote and carries the matter out once a quorum approves (A8).
pub(super) fn vote(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    id: &BallotId,
    (matter, effective_from_ms): (&Matter, u64),
    choice: Choice,
) -> Result<Outcome, Refusal> {
    let acting = authorise_role(state, context, posting, &[Role::DepartmentVoter])?;
    let department = acting.office.department.clone();
    let validators: ValidatorSet = state
        .get_value(&validators_key())?
        .or_reject("A8", || "the chain has no validator set, so nobody may vote".to_owned())?;
    require(validators.index_of(&department).is_some(), "A8", || {
        format!("department {department} runs no validator and has no vote")
    })?;
    require(effective_from_ms > context.time_ms, "A8", || {
        format!("it would take effect at {effective_from_ms}, which is not after the block's time {}", context.time_ms)
    })?;
    let known: Option<Ballot> = state.get_value(&ballot_key(id))?;
    let is_new = known.is_none();
    let open = || Ballot { matter: matter.clone(), effective_from_ms, votes: Vec::new(), carried_at_ms: None };
    let mut ballot = known.unwrap_or_else(open);
    require(ballot.carried_at_ms.is_none(), "A8", || format!("ballot {id} was carried and is closed"))?;
    require(ballot.matter == *matter && ballot.effective_from_ms == effective_from_ms, "A8", || {
        format!("ballot {id} is about another matter or another time")
    })?;
    require(ballot.votes.iter().all(|vote| vote.department != department), "A8", || {
        format!("department {department} voted on ballot {id} already; a vote cannot be changed")
    })?;
    check(state, context, &validators, matter)?;
    if is_new {
        list::push(state, BALLOTS, id)?;
    }
    ballot.votes.push(Vote { department, choice });
    let mut outcome = acting.outcome();
    outcome.event("authority.vote_cast", ballot_subject(id));
    // Departments that left the validator set since their vote no longer count.
    let approvals = ballot.votes.iter().filter(|vote| vote.choice == Choice::Approve);
    let approvals = approvals.filter(|vote| validators.index_of(&vote.department).is_some()).count();
    if approvals >= validators.quorum() {
        ballot.carried_at_ms = Some(context.time_ms);
        carry(state, context, id, (matter, effective_from_ms), &mut outcome)?;
    }
    state.put_value(ballot_key(id), &ballot);
    Ok(outcome)
}

/// What can be said of a matter before it is carried; asked at each vote, so that nobody approves what cannot be.
fn check(
    state: &Overlay<'_>,
    context: &Context<'_>,
    validators: &ValidatorSet,
    matter: &Matter,
) -> Result<(), Refusal> {
    match matter {
        Matter::Parameter { .. } => Ok(()),
        Matter::CertificateType(kind) => kind.check(),
        Matter::Validators { change, .. } => membership::check(state, context, validators, change),
        Matter::Department(change) => department::check(state, context, validators, change),
        Matter::Upgrade { version, from_height } => {
            upgrade::check(state, context, &Upgrade { from_height: *from_height, version: *version })
        }
    }
}

fn carry(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    id: &BallotId,
    (matter, effective_from_ms): (&Matter, u64),
    outcome: &mut Outcome,
) -> Result<(), Refusal> {
    match matter {
        Matter::Parameter { name, value } => {
            parameters::schedule(state, name, effective_from_ms, *value)?;
            outcome.event("authority.parameter_set", token(format!("parameter/{name}"))?);
        }
        Matter::CertificateType(kind) => {
            types::schedule(state, kind, effective_from_ms)?;
            outcome.event("authority.certificate_type_set", token(format!("certificate-type/{}", kind.code))?);
        }
        Matter::Validators { change, from_height } => {
            membership::carry(state, context, id, change, *from_height)?;
            outcome.event("authority.validator_change_carried", ballot_subject(id));
            for department in change.departments() {
                outcome.about(token(format!("validator/{department}"))?);
            }
        }
        Matter::Department(change) => department::carry(state, context, change, effective_from_ms, outcome)?,
        Matter::Upgrade { version, from_height } => {
            upgrade::carry(state, context, &Upgrade { from_height: *from_height, version: *version }, outcome)?;
        }
    }
    Ok(())
}
