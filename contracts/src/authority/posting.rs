//! Postings: who holds which role, where, from when until when.

use dalil_ledger::block::DepartmentId;
use dalil_ledger::codec::{SchemaRead, SchemaWrite, Set, Token};
use dalil_ledger::crypto::PublicKey;
use dalil_ledger::document::{Issuer, OfficeId};
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::context::{Context, Outcome};
use crate::refusal::{OrReject as _, Refusal, require};

/// A posting's id, such as `land/blro-2795/1`.
pub type PostingId = Token<48>;
/// LGD code of a district.
pub type DistrictCode = u32;
/// LGD code of a community development block.
pub type BlockCode = u32;
/// A lease's id.
pub type LeaseId = Token<48>;

/// What a posting empowers to do.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    SchemaWrite,
    SchemaRead,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Administers the department's own offices and postings.
    DepartmentAdmin,
    /// Casts the department's vote on governed matters.
    DepartmentVoter,
    /// Registering officer of the registration department.
    Registrar,
    /// Key of the land department's system, for automatic mutation.
    LandSystem,
    /// Takes in cases: portal, BSK, camp.
    Intake,
    /// Settles fees.
    RevenueOfficer,
    /// Enquires in the field.
    RevenueInspector,
    /// Block Land and Land Reforms Officer.
    Blro,
    /// Sub-Divisional Land and Land Reforms Officer.
    Sdllro,
    /// District Land and Land Reforms Officer.
    Dllro,
    /// District collector.
    Collector,
    /// Land acquisition collector.
    AcquisitionCollector,
    /// Survey officer.
    Surveyor,
    /// Enters court orders.
    CourtEntry,
    /// Grants leases and permits for minerals.
    MineralOfficer,
    /// Attests payments.
    FinanceOfficer,
    /// Registers vehicles.
    TransportOfficer,
    /// A lessee's agent, bound to one lease.
    LesseeAgent,
    /// Checks loads on the road.
    Enforcement,
    /// District mining officer.
    DistrictMiningOfficer,
    /// Takes delivery at a yard or works.
    Receiver,
    /// Redeems challans in works bills.
    WorksOfficer,
    /// Block Development Officer.
    Bdo,
    /// Sub-Divisional Officer.
    Sdo,
    /// Registrar of births and deaths.
    VitalRegistrar,
    /// Issuing officer of an urban local body.
    UlbOfficer,
    /// Issuing officer for consents.
    ConsentOfficer,
    /// Issues a board's results.
    BoardOfficer,
    /// Issues social-security cards.
    WelfareOfficer,
    /// Orders class strikes.
    ClassAuthority,
}

/// Where something happens.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// LGD code of the district.
    pub district: DistrictCode,
    /// LGD code of the block; none in cities.
    pub block: Option<BlockCode>,
    /// The lease, where the act belongs to one.
    #[schemars(with = "Option<String>")]
    pub lease: Option<LeaseId>,
}

impl Place {
    /// A district as a whole.
    pub fn district(district: DistrictCode) -> Self {
        Self { district, block: None, lease: None }
    }

    /// A block of a district.
    pub fn block(district: DistrictCode, block: BlockCode) -> Self {
        Self { district, block: Some(block), lease: None }
    }
}

/// Where an office may act.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Jurisdiction {
    /// The whole state.
    State,
    /// These districts.
    Districts(#[schemars(with = "Vec<DistrictCode>")] Set<DistrictCode>),
    /// These blocks.
    Blocks(#[schemars(with = "Vec<BlockCode>")] Set<BlockCode>),
    /// One lease.
    Lease(#[schemars(with = "String")] LeaseId),
}

impl Jurisdiction {
    /// Whether the office may act at `place`.
    pub fn covers(&self, place: &Place) -> bool {
        match self {
            Self::State => true,
            Self::Districts(districts) => districts.contains(&place.district),
            Self::Blocks(blocks) => place.block.is_some_and(|block| blocks.contains(&block)),
            Self::Lease(lease) => place.lease.as_ref() == Some(lease),
        }
    }
}

/// A department as the state knows it. Its name on screen is not on the chain.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
pub struct Department {
    /// Short name, such as `land`; its offices and postings are named `land/…`.
    pub id: DepartmentId,
    /// Roles that its postings may carry: only Finance attests payments, only the courts enter orders.
    pub roles: Set<Role>,
}

/// An office of a department.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
pub struct Office {
    /// The department.
    pub department: DepartmentId,
    /// The office's id, unique in the state.
    pub id: OfficeId,
    /// Where it may act.
    pub jurisdiction: Jurisdiction,
}

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
}

/// What is known of a registered key.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
pub struct KeyRecord {
    /// The department that registered it.
    pub department: DepartmentId,
    /// Block time of its revocation, UTC milliseconds.
    pub revoked_at_ms: Option<u64>,
}

/// State key of an office.
pub fn office_key(id: &OfficeId) -> Vec<u8> {
    format!("auth/office/{id}").into_bytes()
}

/// State key of a posting.
pub fn posting_key(id: &PostingId) -> Vec<u8> {
    format!("auth/posting/{id}").into_bytes()
}

/// State key of a registered key.
pub fn key_key(key: &PublicKey) -> Vec<u8> {
    format!("auth/key/{key}").into_bytes()
}

/// State key of a department.
pub fn department_key(id: &DepartmentId) -> Vec<u8> {
    format!("auth/department/{id}").into_bytes()
}

/// Who acts, after [`authorise`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acting {
    /// The posting.
    pub posting: Posting,
    /// Its office.
    pub office: Office,
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

    /// Whether two acts are by the same person.
    pub fn is_same_officer(&self, officer: &PublicKey) -> bool {
        self.posting.officer == *officer
    }
}

/// The posting under which the signer acts: live now, held by the signer or by the one a gateway acts for (A1, A5, A7).
/// Says nothing of role and place; most acts need [`authorise`].
pub fn identify(state: &Overlay<'_>, context: &Context<'_>, posting: &PostingId) -> Result<Acting, Refusal> {
    let posting = posting_record(state, posting)?;
    let signer = context.signer;
    if signer != posting.officer {
        let named = posting.gateways.contains(&signer);
        require(named, "A7", || format!("key {signer} neither holds posting {} nor is its gateway", posting.id))?;
    }
    for key in [signer, posting.officer] {
        let record = key_record(state, &key)?;
        require(record.revoked_at_ms.is_none_or(|at| context.time_ms < at), "A5", || format!("key {key} is revoked"))?;
    }
    let live = posting.from_ms <= context.time_ms && posting.until_ms.is_none_or(|until| context.time_ms < until);
    require(live, "A1", || format!("posting {} is not in force at this time", posting.id))?;
    let office = office_record(state, &posting.office)?;
    Ok(Acting { posting, office, place: None })
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

/// The office's record, refused with A1 if there is none.
pub fn office_record(state: &Overlay<'_>, id: &OfficeId) -> Result<Office, Refusal> {
    state.get_value(&office_key(id))?.or_reject("A1", || format!("there is no office {id}"))
}

/// The key's record, refused with A1 if it is not registered.
pub fn key_record(state: &Overlay<'_>, key: &PublicKey) -> Result<KeyRecord, Refusal> {
    state.get_value(&key_key(key))?.or_reject("A1", || format!("key {key} is not registered"))
}
