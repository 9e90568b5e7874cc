//! Departments: founded, given other roles and retired by vote ([`super::ballot`]); everything else they do themselves.
//!
//! A department without roles is retired: none of its postings acts any more. What its officers decided stands.
//!
//! A vote may name an administrator: the first one of a new department, or a new one where the key was lost or fell into
//! wrong hands. From the record that carries the vote on, nobody whom an earlier administrator posted as administrator
//! acts as one, and the new one begins at the time that was voted. So nobody who is dismissed can undo the dismissal
//! in the time between.

use dalil_ledger::block::DepartmentId;
use dalil_ledger::checkpoint::KeyName;
use dalil_ledger::codec::{SchemaRead, SchemaWrite, Set};
use dalil_ledger::crypto::PublicKey;
use dalil_ledger::document::OfficeId;
use dalil_ledger::state::{Overlay, StateView as _};
use dalil_ledger::validators::ValidatorSet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::calls::require_name;
use super::dated::Timeline;
use super::key::{Holder, key_record, register};
use super::membership::Membership;
use super::office::{office_key, open};
use super::place::Jurisdiction;
use super::posting::{Posting, PostingId, posting_key};
use super::role::Role;
use crate::context::{Context, Outcome, token};
use crate::refusal::{OrReject as _, Refusal, require};

/// The most dated sets of roles that a department keeps: the one in force and those to come.
pub const DEPARTMENT_ROLES_MAX: usize = 8;
/// Rank of an administrator whom a vote names.
pub const VOTED_ADMINISTRATOR_RANK: u8 = u8::MAX;
/// What a department with a validator cannot do without: somebody who posts its voters, and somebody who votes.
const GOVERNING: [Role; 2] = [Role::DepartmentAdmin, Role::DepartmentVoter];

/// A department as the state knows it. Its name on screen is not on the chain.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
pub struct Department {
    /// Short name, such as `land`; its offices and postings are named `land/…`.
    pub id: DepartmentId,
    /// Roles that its postings may carry: only Finance attests payments, only the courts enter orders.
    pub roles: Timeline<Set<Role>>,
    /// Log index of the record that last named its administrator by vote; postings of administrators before it are over.
    pub administered_from_record: u64,
}

impl Department {
    /// Whether its postings may carry `role` at `time_ms`.
    pub fn has(&self, role: Role, time_ms: u64) -> bool {
        self.roles.at(time_ms).is_some_and(|roles| roles.contains(&role))
    }

    /// Whether it can administer itself and vote, from `time_ms` on as far as is decided.
    pub fn governs_itself(&self, time_ms: u64) -> bool {
        let mut roles = self.roles.from(time_ms).peekable();
        roles.peek().is_some() && roles.all(|roles| GOVERNING.iter().all(|role| roles.contains(role)))
    }
}

/// Whether a department may be called so: its name comes before a slash in those of its offices, and is part of the name under
/// which its validator cosigns.
pub(super) fn is_name(id: &DepartmentId) -> bool {
    !id.as_str().contains('/') && id.as_str().parse::<KeyName>().is_ok()
}

/// State key of a department.
pub fn department_key(id: &DepartmentId) -> Vec<u8> {
    format!("auth/department/{id}").into_bytes()
}

/// The department's record, refused with A1 if there is none.
pub fn department_record(state: &Overlay<'_>, id: &DepartmentId) -> Result<Department, Refusal> {
    state.get_value(&department_key(id))?.or_reject("A1", || format!("there is no department {id}"))
}

/// An administrator whom a vote names.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedAdministrator {
    /// The officer's key: a new one, or one of the department's own.
    #[schemars(with = "String")]
    pub key: PublicKey,
    /// The posting, which begins with the department's id; never used before.
    #[schemars(with = "String")]
    pub posting: PostingId,
    /// The office, which begins with the department's id; opened for the whole state if it is not there.
    #[schemars(with = "String")]
    pub office: OfficeId,
}

/// What a vote decides about a department.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DepartmentChange {
    /// The department; founded if it is not there.
    #[schemars(with = "String")]
    pub department: DepartmentId,
    /// Its roles from the time of the vote on; without any it is retired.
    #[schemars(with = "Vec<Role>")]
    pub roles: Set<Role>,
    /// Who administers it; needed for a new one.
    pub administrator: Option<NamedAdministrator>,
}

/// Whether the vote fits what is there; asked at each vote, so that nobody approves what cannot be carried.
pub(super) fn check(
    state: &Overlay<'_>,
    context: &Context<'_>,
    validators: &ValidatorSet,
    change: &DepartmentChange,
) -> Result<(), Refusal> {
    let id = &change.department;
    let known = state.get(&department_key(id))?.is_some();
    require(is_name(id), "P2", || format!("{id}: a department's name has no slash and no plus"))?;
    require(known || change.administrator.is_some(), "A8", || {
        format!("there is no department {id}; to found it the vote must name its administrator")
    })?;
    let retired = change.roles.is_empty();
    require(retired || change.roles.contains(&Role::DepartmentAdmin), "A8", || {
        format!("without the role department_admin nobody could post officers of {id}")
    })?;
    require(!retired || (known && change.administrator.is_none()), "A8", || {
        format!("{id} would have no roles: that retires a department, and nobody administers it")
    })?;
    let incoming = Membership::read(state)?;
    let validates = validators.index_of(id).is_some() || incoming.incoming().any(|member| member.department == *id);
    let governs = GOVERNING.iter().all(|role| change.roles.contains(role));
    require(!validates || governs, "A4", || {
        format!("{id} runs a validator and needs the roles department_admin and department_voter; remove it first")
    })?;
    match &change.administrator {
        Some(named) => check_administrator(state, context, id, named),
        None => Ok(()),
    }
}

fn check_administrator(
    state: &Overlay<'_>,
    context: &Context<'_>,
    department: &DepartmentId,
    named: &NamedAdministrator,
) -> Result<(), Refusal> {
    require_name(named.posting.as_str(), department)?;
    require_name(named.office.as_str(), department)?;
    require(state.get(&posting_key(&named.posting))?.is_none(), "A1", || {
        format!("posting {} was used before", named.posting)
    })?;
    if state.get(&super::key::key_key(&named.key))?.is_none() {
        return super::key::require_fresh(state, &named.key);
    }
    let record = key_record(state, &named.key)?;
    require(record.department == *department, "A3", || {
        format!("key {} is of department {}", named.key, record.department)
    })?;
    record.require_officer(&named.key, context)
}

/// Carries the vote out: roles and administrator from `from_ms` on.
pub(super) fn carry(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    change: &DepartmentChange,
    from_ms: u64,
    outcome: &mut Outcome,
) -> Result<(), Refusal> {
    let id = &change.department;
    let known: Option<Department> = state.get_value(&department_key(id))?;
    let event = match (&known, change.roles.is_empty()) {
        (None, _) => "authority.department_founded",
        (Some(_), true) => "authority.department_retired",
        (Some(_), false) => "authority.department_changed",
    };
    let mut department = known.unwrap_or_else(|| Department {
        id: id.clone(),
        roles: Timeline::default(),
        administered_from_record: context.record,
    });
    department.roles.forget_before(context.time_ms);
    let scheduled = department.roles.schedule(from_ms, change.roles.clone(), DEPARTMENT_ROLES_MAX);
    scheduled.ok().or_reject("A8", || {
        format!("department {id} has other roles from that time on, or {DEPARTMENT_ROLES_MAX} changes waiting")
    })?;
    outcome.event(event, token(format!("department/{id}"))?);
    if let Some(named) = &change.administrator {
        department.administered_from_record = context.record;
        install(state, context, id, named, from_ms)?;
        outcome.event("authority.administrator_named", token(format!("posting/{}", named.posting))?);
        outcome.about(token(format!("key/{}", named.key))?);
    }
    state.put_value(department_key(id), &department);
    Ok(())
}

fn install(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    department: &DepartmentId,
    named: &NamedAdministrator,
    from_ms: u64,
) -> Result<(), Refusal> {
    if state.get(&super::key::key_key(&named.key))?.is_none() {
        register(state, context, department, &named.key, &Holder::Officer { replaces: None })?;
    }
    if state.get(&office_key(&named.office))?.is_none() {
        open(state, department, &named.office, &Jurisdiction::State)?;
    }
    let posting = Posting {
        id: named.posting.clone(),
        office: named.office.clone(),
        officer: named.key,
        role: Role::DepartmentAdmin,
        rank: VOTED_ADMINISTRATOR_RANK,
        from_ms,
        until_ms: None,
        gateways: Set::default(),
        record: context.record,
    };
    state.put_value(posting_key(&named.posting), &posting);
    Ok(())
}
