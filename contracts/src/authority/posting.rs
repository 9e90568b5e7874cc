//! Postings: who holds which role, where, from when until when.

use dalil_ledger::block::DepartmentId;
use dalil_ledger::codec::{SchemaRead, SchemaWrite, Set, Token};
use dalil_ledger::crypto::PublicKey;
use dalil_ledger::document::{Issuer, OfficeId};
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::context::Context;
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
    /// Short name, such as `land`.
    pub id: DepartmentId,
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
}

impl Acting {
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

/// Checks that the signer may act under `posting` in one of `roles` at `place` (A1, A2, A5, A7).
pub fn authorise(
    state: &Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    roles: &[Role],
    place: &Place,
) -> Result<Acting, Refusal> {
    let posting: Posting =
        state.get_value(&posting_key(posting))?.or_reject("A1", || format!("there is no posting {posting}"))?;
    let signer = context.signer;
    if signer != posting.officer {
        let named = posting.gateways.contains(&signer);
        require(named, "A7", || format!("key {signer} neither holds posting {} nor is its gateway", posting.id))?;
    }
    for key in [signer, posting.officer] {
        let record: KeyRecord =
            state.get_value(&key_key(&key))?.or_reject("A1", || format!("key {key} is not registered"))?;
        require(record.revoked_at_ms.is_none_or(|at| context.time_ms < at), "A5", || format!("key {key} is revoked"))?;
    }
    let live = posting.from_ms <= context.time_ms && posting.until_ms.is_none_or(|until| context.time_ms < until);
    require(live, "A1", || format!("posting {} is not in force at this time", posting.id))?;
    require(roles.contains(&posting.role), "A1", || {
        format!("posting {} is {:?}; this act needs one of {roles:?}", posting.id, posting.role)
    })?;
    let office: Office = state
        .get_value(&office_key(&posting.office))?
        .or_reject("A1", || format!("there is no office {}", posting.office))?;
    require(office.jurisdiction.covers(place), "A2", || {
        format!("office {} has no jurisdiction at {place:?}", office.id)
    })?;
    Ok(Acting { posting, office })
}
