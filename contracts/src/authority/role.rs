//! Roles: what a posting empowers to do.

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
