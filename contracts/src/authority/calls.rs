//! Calls by which a department administers its own offices, keys and postings, and votes with the others.

use dalil_ledger::block::DepartmentId;
use dalil_ledger::codec::{SchemaRead, SchemaWrite, Set};
use dalil_ledger::crypto::{PublicKey, Signature};
use dalil_ledger::document::OfficeId;
use dalil_ledger::evidence::Evidence;
use dalil_ledger::state::{Overlay, StateView as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ballot::{self, BallotId, Choice, Matter};
use super::evidence::{self, EvidenceShape};
use super::membership::{self, HeadName, MemberSignatures};
use super::posting::{
    Acting, Department, Jurisdiction, KeyRecord, Office, Posting, PostingId, Role, authorise_role, department_key,
    key_key, key_record, office_key, office_record, posting_key, posting_record,
};
use crate::context::{Context, Outcome, token};
use crate::refusal::{OrReject as _, Refusal, require};

/// The most gateways of one posting.
pub const GATEWAYS_MAX: usize = 16;

/// What an administrator or a voter may do.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AuthorityCall {
    /// Opens an office of the administrator's department.
    OpenOffice {
        /// The office's id, which begins with the department's.
        #[schemars(with = "String")]
        office: OfficeId,
        /// Where it may act.
        jurisdiction: Jurisdiction,
    },
    /// Registers the key of an officer or gateway of the administrator's department (A3).
    RegisterKey {
        /// The key.
        #[schemars(with = "String")]
        key: PublicKey,
    },
    /// Posts an officer.
    PostOfficer(NewPosting),
    /// Ends a posting.
    EndPosting {
        /// The posting.
        #[schemars(with = "String")]
        posting: PostingId,
        /// End (exclusive), UTC milliseconds; not in the past.
        until_ms: u64,
    },
    /// Revokes a key: it signs nothing after this record (A5).
    RevokeKey {
        /// The key.
        #[schemars(with = "String")]
        key: PublicKey,
    },
    /// Casts the department's vote (A8).
    Vote {
        /// The ballot; its first vote opens it.
        #[schemars(with = "String")]
        ballot: BallotId,
        /// What is decided, the same in every vote of the ballot.
        matter: Matter,
        /// Time from which it holds, UTC milliseconds; after the block's time.
        effective_from_ms: u64,
        /// For or against.
        choice: Choice,
    },
    /// The incoming member of a carried change proves that it holds its keys and follows the chain (A3).
    Ready {
        /// The ballot that carried the change.
        #[schemars(with = "String")]
        ballot: BallotId,
        /// A recent block.
        head: HeadName,
        /// Of each key over a [`membership::ReadyStatement`].
        signatures: MemberSignatures,
    },
    /// A member that came into force shows that it follows the chain it decides (A4).
    Joined {
        /// A recent block, of the member's first height or a later one.
        head: HeadName,
        /// Of the consensus key over a [`membership::JoinedStatement`].
        #[schemars(with = "String")]
        signature: Signature,
    },
    /// Puts on record that a consensus key contradicted itself (A9). Made under the posting `anybody`.
    RecordEvidence {
        /// The proof.
        #[schemars(with = "EvidenceShape")]
        evidence: Evidence,
    },
}

/// A posting to be made.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPosting {
    /// The posting's id, which begins with the department's; never used before.
    #[schemars(with = "String")]
    pub id: PostingId,
    /// The office.
    #[schemars(with = "String")]
    pub office: OfficeId,
    /// The officer's registered key.
    #[schemars(with = "String")]
    pub officer: PublicKey,
    /// The role, one of the department's.
    pub role: Role,
    /// Rank; a higher number outranks.
    pub rank: u8,
    /// Start, UTC milliseconds; not in the past.
    pub from_ms: u64,
    /// End (exclusive), UTC milliseconds.
    pub until_ms: Option<u64>,
    /// Registered keys of gateways that may sign for it (A7).
    #[schemars(with = "Vec<String>")]
    pub gateways: Set<PublicKey>,
}

/// Applies a call.
pub fn apply(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &AuthorityCall,
) -> Result<Outcome, Refusal> {
    let mut outcome = Outcome::default();
    match call {
        AuthorityCall::Vote { ballot, matter, effective_from_ms, choice } => {
            return ballot::vote(state, context, posting, ballot, (matter, *effective_from_ms), *choice);
        }
        AuthorityCall::Ready { ballot, head, signatures } => {
            return membership::ready(state, context, posting, ballot, *head, signatures);
        }
        AuthorityCall::Joined { head, signature } => {
            return membership::joined(state, context, posting, *head, signature);
        }
        AuthorityCall::RecordEvidence { evidence } => return evidence::record(state, context, posting, evidence),
        AuthorityCall::OpenOffice { office, jurisdiction } => {
            let admin = administrator(state, context, posting)?;
            open_office(state, &admin, office, jurisdiction)?;
            outcome.event("authority.office_opened", token(format!("office/{office}"))?);
        }
        AuthorityCall::RegisterKey { key } => {
            let admin = administrator(state, context, posting)?;
            register_key(state, &admin, key)?;
            outcome.event("authority.key_registered", token(format!("key/{key}"))?);
        }
        AuthorityCall::PostOfficer(new) => {
            let admin = administrator(state, context, posting)?;
            post_officer(state, context, &admin, new)?;
            outcome.event("authority.officer_posted", token(format!("posting/{}", new.id))?);
            outcome.about(token(format!("key/{}", new.officer))?);
        }
        AuthorityCall::EndPosting { posting: ended, until_ms } => {
            let admin = administrator(state, context, posting)?;
            end_posting(state, context, &admin, ended, *until_ms)?;
            outcome.event("authority.posting_ended", token(format!("posting/{ended}"))?);
        }
        AuthorityCall::RevokeKey { key } => {
            let admin = administrator(state, context, posting)?;
            revoke_key(state, context, &admin, key)?;
            outcome.event("authority.key_revoked", token(format!("key/{key}"))?);
        }
    }
    Ok(outcome)
}

/// An officer who administers the department.
fn administrator(state: &Overlay<'_>, context: &Context<'_>, posting: &PostingId) -> Result<Acting, Refusal> {
    authorise_role(state, context, posting, &[Role::DepartmentAdmin])
}

/// A department administers only its own (A2).
fn require_own(admin: &Acting, department: &DepartmentId, what: &str) -> Result<(), Refusal> {
    require(admin.office.department == *department, "A2", || {
        format!("{what} belongs to department {department}, the administrator to {}", admin.office.department)
    })
}

/// Names of offices and postings begin with their department's, so that no department takes another's (A2).
pub(super) fn is_named_after(name: &str, department: &DepartmentId) -> bool {
    name.strip_prefix(department.as_str()).and_then(|rest| rest.strip_prefix('/')).is_some_and(|own| !own.is_empty())
}

fn require_name(name: &str, admin: &Acting) -> Result<(), Refusal> {
    let department = &admin.office.department;
    require(is_named_after(name, department), "A2", || format!("{name} must begin with {department}/"))
}

fn open_office(
    state: &mut Overlay<'_>,
    admin: &Acting,
    id: &OfficeId,
    jurisdiction: &Jurisdiction,
) -> Result<(), Refusal> {
    require_name(id.as_str(), admin)?;
    require(state.get(&office_key(id))?.is_none(), "A2", || format!("office {id} exists already"))?;
    let office =
        Office { department: admin.office.department.clone(), id: id.clone(), jurisdiction: jurisdiction.clone() };
    state.put_value(office_key(id), &office);
    Ok(())
}

fn register_key(state: &mut Overlay<'_>, admin: &Acting, key: &PublicKey) -> Result<(), Refusal> {
    key.check().ok().or_reject("A3", || format!("{key} is no canonical Ed25519 key or a weak one"))?;
    require(state.get(&key_key(key))?.is_none(), "A3", || format!("key {key} was registered before"))?;
    require(!membership::serves_validator(state, key)?, "A3", || format!("key {key} serves a validator"))?;
    let record = KeyRecord { department: admin.office.department.clone(), revoked_at_ms: None };
    state.put_value(key_key(key), &record);
    Ok(())
}

fn post_officer(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    admin: &Acting,
    new: &NewPosting,
) -> Result<(), Refusal> {
    require_name(new.id.as_str(), admin)?;
    require(state.get(&posting_key(&new.id))?.is_none(), "A1", || format!("posting {} was used before", new.id))?;
    let office = office_record(state, &new.office)?;
    require_own(admin, &office.department, &format!("office {}", office.id))?;
    let department: Department = state
        .get_value(&department_key(&office.department))?
        .or_reject("A1", || format!("there is no department {}", office.department))?;
    require(department.roles.contains(&new.role), "A1", || {
        format!("department {} has no officers in role {:?}", department.id, new.role)
    })?;
    require(new.gateways.len() <= GATEWAYS_MAX, "A7", || format!("more than {GATEWAYS_MAX} gateways"))?;
    for key in new.gateways.iter().chain([&new.officer]) {
        let record = key_record(state, key)?;
        require_own(admin, &record.department, &format!("key {key}"))?;
        require(record.revoked_at_ms.is_none(), "A5", || format!("key {key} is revoked"))?;
    }
    require(new.from_ms >= context.time_ms, "A1", || "a posting cannot begin in the past".to_owned())?;
    require(new.until_ms.is_none_or(|until| until > new.from_ms), "A1", || {
        "the posting ends before it begins".to_owned()
    })?;
    let posting = Posting {
        id: new.id.clone(),
        office: new.office.clone(),
        officer: new.officer,
        role: new.role,
        rank: new.rank,
        from_ms: new.from_ms,
        until_ms: new.until_ms,
        gateways: new.gateways.clone(),
    };
    state.put_value(posting_key(&new.id), &posting);
    Ok(())
}

fn end_posting(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    admin: &Acting,
    id: &PostingId,
    until_ms: u64,
) -> Result<(), Refusal> {
    let mut posting = posting_record(state, id)?;
    let office = office_record(state, &posting.office)?;
    require_own(admin, &office.department, &format!("posting {id}"))?;
    require(until_ms >= context.time_ms, "A1", || format!("posting {id} cannot end in the past"))?;
    require(posting.until_ms.is_none_or(|until| until_ms < until), "A1", || {
        format!("posting {id} ends no later than that already; a longer time needs a new posting")
    })?;
    posting.until_ms = Some(until_ms);
    state.put_value(posting_key(id), &posting);
    Ok(())
}

fn revoke_key(state: &mut Overlay<'_>, context: &Context<'_>, admin: &Acting, key: &PublicKey) -> Result<(), Refusal> {
    let mut record = key_record(state, key)?;
    require_own(admin, &record.department, &format!("key {key}"))?;
    require(record.revoked_at_ms.is_none(), "A5", || format!("key {key} is revoked already"))?;
    record.revoked_at_ms = Some(context.time_ms);
    state.put_value(key_key(key), &record);
    Ok(())
}
