//! Postings: who holds which role, where, from when until when.

use dalil_ledger::codec::{SchemaRead, SchemaWrite, Set, Token};
use dalil_ledger::crypto::PublicKey;
use dalil_ledger::document::{Issuer, OfficeId};
use dalil_ledger::state::{Overlay, StateView as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::calls::{require_name, require_own};
use super::department::department_record;
use super::key::{KeyHolder, key_record};
use super::office::{Office, office, office_record};
use super::place::{Jurisdiction, Place};
use super::role::Role;
use crate::context::{Context, Outcome};
use crate::refusal::{OrReject as _, Refusal, require};

/// A posting's id, such as `land/blro-2795/1`.
pub type PostingId = Token<48>;

/// The most gateways of one posting.
pub const GATEWAYS_MAX: usize = 16;

/// One officer in one role at one office for a time.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
pub struct Posting {
    /// The posting's id.
    pub id: PostingId,
    /// The office.
    pub office: OfficeId,
    /// The officer's key.
    pub officer: PublicKey,
    /// The role.
    pub role: Role,
    /// Rank within the department; a higher number outranks.
    pub rank: u8,
    /// Start, UTC milliseconds of block time.
    pub from_ms: u64,
    /// End (exclusive), UTC milliseconds of block time.
    pub until_ms: Option<u64>,
    /// Gateways that may sign on behalf of this posting (rule A7).
    pub gateways: Set<PublicKey>,
    /// Log index of the record that made it; 0 for those of genesis.
    pub record: u64,
}

impl Posting {
    /// Whether it runs at `time_ms`.
    pub fn is_live(&self, time_ms: u64) -> bool {
        self.from_ms <= time_ms && self.until_ms.is_none_or(|until| time_ms < until)
    }
}

/// State key of a posting.
pub fn posting_key(id: &PostingId) -> Vec<u8> {
    format!("auth/posting/{id}").into_bytes()
}

/// Who acts, after [`authorise`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acting {
    /// The posting.
    pub posting: Posting,
    /// Its office, as it is now.
    pub office: Office,
    /// The officer's keys before the present one.
    pub earlier_keys: Vec<PublicKey>,
    /// Where the act happens; nowhere for administration and votes.
    pub place: Option<Place>,
}

impl Acting {
    /// The outcome, so far empty, of what the officer does there.
    pub fn outcome(&self) -> Outcome {
        Outcome { place: self.place.clone(), ..Outcome::default() }
    }

    /// As the issuer of a document.
    pub fn issuer(&self) -> Issuer {
        Issuer {
            department: self.office.department.clone(),
            office: self.office.id.clone(),
            officer: self.posting.officer,
        }
    }

    /// Whether an act under the key `officer` was by the same person, who may have another key since.
    pub fn is_same_officer(&self, officer: &PublicKey) -> bool {
        self.posting.officer == *officer || self.earlier_keys.contains(officer)
    }
}

/// The posting under which the signer acts: live now, of an open office and in a role that its department has, held by
/// the signer or by the one a gateway acts for (A1, A5, A7). Says nothing of role and place; most acts need [`authorise`].
pub fn identify(state: &Overlay<'_>, context: &Context<'_>, posting: &PostingId) -> Result<Acting, Refusal> {
    let posting = posting_record(state, posting)?;
    let signer = context.signer;
    if signer != posting.officer {
        let named = posting.gateways.contains(&signer);
        require(named, "A7", || format!("key {signer} neither holds posting {} nor is its gateway", posting.id))?;
        key_record(state, &signer)?.require_gateway(&signer, context)?;
    }
    let key = key_record(state, &posting.officer)?;
    key.require_officer(&posting.officer, context)?;
    let live = posting.is_live(context.time_ms);
    require(live, "A1", || format!("posting {} is not in force at this time", posting.id))?;
    let office = office(state, context, &posting.office)?;
    require_role(state, context, &posting, &office)?;
    let earlier_keys = match key.holder {
        KeyHolder::Officer { earlier, .. } => earlier,
        KeyHolder::Gateway | KeyHolder::Device => Vec::new(),
    };
    Ok(Acting { posting, office, earlier_keys, place: None })
}

/// A1: the department has the role now; an administrator was not dismissed by vote.
fn require_role(state: &Overlay<'_>, context: &Context<'_>, posting: &Posting, office: &Office) -> Result<(), Refusal> {
    let department = department_record(state, &office.department)?;
    require(department.has(posting.role, context.time_ms), "A1", || {
        format!("department {} has no officers in role {:?} at this time", department.id, posting.role)
    })?;
    let dismissed = posting.role == Role::DepartmentAdmin && posting.record < department.administered_from_record;
    require(!dismissed, "A1", || {
        format!("a vote named another administrator of {}; posting {} is over", department.id, posting.id)
    })
}

/// As [`identify`], in one of `roles`: for acts that have no place, such as administration and votes.
pub fn authorise_role(
    state: &Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    roles: &[Role],
) -> Result<Acting, Refusal> {
    let acting = identify(state, context, posting)?;
    require(roles.contains(&acting.posting.role), "A1", || {
        format!("posting {} is {:?}; this act needs one of {roles:?}", acting.posting.id, acting.posting.role)
    })?;
    Ok(acting)
}

/// Checks that the signer may act under `posting` in one of `roles` at `place` (A1, A2, A5, A7).
pub fn authorise(
    state: &Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    roles: &[Role],
    place: &Place,
) -> Result<Acting, Refusal> {
    let acting = authorise_role(state, context, posting, roles)?;
    require(acting.office.jurisdiction.covers(place), "A2", || {
        format!("office {} has no jurisdiction at {place:?}", acting.office.id)
    })?;
    Ok(Acting { place: Some(place.clone()), ..acting })
}

/// As [`authorise`], for an act that concerns the whole state: the office's jurisdiction must be the state.
pub fn authorise_statewide(
    state: &Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    roles: &[Role],
) -> Result<Acting, Refusal> {
    let acting = authorise_role(state, context, posting, roles)?;
    require(acting.office.jurisdiction == Jurisdiction::State, "A2", || {
        format!("the act concerns the whole state; office {} has a smaller jurisdiction", acting.office.id)
    })?;
    Ok(acting)
}

/// The posting's record, refused with A1 if there is none.
pub fn posting_record(state: &Overlay<'_>, id: &PostingId) -> Result<Posting, Refusal> {
    state.get_value(&posting_key(id))?.or_reject("A1", || format!("there is no posting {id}"))
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

/// Makes a posting in the administrator's department.
pub(super) fn post(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    admin: &Acting,
    new: &NewPosting,
) -> Result<(), Refusal> {
    require_name(new.id.as_str(), &admin.office.department)?;
    require(state.get(&posting_key(&new.id))?.is_none(), "A1", || format!("posting {} was used before", new.id))?;
    let office = office_record(state, &new.office)?;
    require_own(admin, &office.department, &format!("office {}", office.id))?;
    office.require_open(new.from_ms)?;
    let department = department_record(state, &office.department)?;
    require(department.has(new.role, new.from_ms), "A1", || {
        format!("department {} has no officers in role {:?}", department.id, new.role)
    })?;
    require(new.gateways.len() <= GATEWAYS_MAX, "A7", || format!("more than {GATEWAYS_MAX} gateways"))?;
    let officer = key_record(state, &new.officer)?;
    require_own(admin, &officer.department, &format!("key {}", new.officer))?;
    officer.require_officer(&new.officer, context)?;
    for gateway in new.gateways.iter() {
        require_own_gateway(state, context, admin, gateway)?;
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
        record: context.record,
    };
    state.put_value(posting_key(&new.id), &posting);
    Ok(())
}

fn require_own_gateway(
    state: &Overlay<'_>,
    context: &Context<'_>,
    admin: &Acting,
    gateway: &PublicKey,
) -> Result<(), Refusal> {
    let record = key_record(state, gateway)?;
    require_own(admin, &record.department, &format!("key {gateway}"))?;
    record.require_gateway(gateway, context)
}

/// The posting `id`, if it is of the administrator's department (A2).
fn own_posting(state: &Overlay<'_>, admin: &Acting, id: &PostingId) -> Result<Posting, Refusal> {
    let posting = posting_record(state, id)?;
    let office = office_record(state, &posting.office)?;
    require_own(admin, &office.department, &format!("posting {id}"))?;
    Ok(posting)
}

/// Ends a posting at `until_ms`.
pub(super) fn end(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    admin: &Acting,
    id: &PostingId,
    until_ms: u64,
) -> Result<(), Refusal> {
    let mut posting = own_posting(state, admin, id)?;
    require(until_ms >= context.time_ms, "A1", || format!("posting {id} cannot end in the past"))?;
    require(posting.until_ms.is_none_or(|until| until_ms < until), "A1", || {
        format!("posting {id} ends no later than that already; a longer time needs a new posting")
    })?;
    posting.until_ms = Some(until_ms);
    state.put_value(posting_key(id), &posting);
    Ok(())
}

/// From now on the gateways of a posting are these (A7).
pub(super) fn set_gateways(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    admin: &Acting,
    id: &PostingId,
    gateways: &Set<PublicKey>,
) -> Result<(), Refusal> {
    let mut posting = own_posting(state, admin, id)?;
    require(posting.until_ms.is_none_or(|until| context.time_ms < until), "A1", || format!("posting {id} is over"))?;
    require(gateways.len() <= GATEWAYS_MAX, "A7", || format!("more than {GATEWAYS_MAX} gateways"))?;
    for gateway in gateways.iter().filter(|key| !posting.gateways.contains(key)) {
        require_own_gateway(state, context, admin, gateway)?;
    }
    posting.gateways = gateways.clone();
    state.put_value(posting_key(id), &posting);
    Ok(())
}
