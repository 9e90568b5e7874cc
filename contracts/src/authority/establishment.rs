//! The establishment at genesis: departments, their offices, officers and postings, dated parameters and certificate
//! types, as one JSON file.
//!
//! A plan names officers by name ([`EstablishmentPlan`]); whoever holds the keys turns it into an [`Establishment`],
//! whose [`initial_state`](Establishment::initial_state) goes into genesis under the same rules as later calls (A3).

use std::collections::{BTreeMap, BTreeSet};

use dalil_ledger::block::DepartmentId;
use dalil_ledger::codec::{self, Canonical, Set, Token};
use dalil_ledger::crypto::PublicKey;
use dalil_ledger::document::{OfficeId, TypeCode};
use serde::{Deserialize, Serialize};

use crate::certificate::types::{CertificateType, TypeVersion, TypeVersions, type_key};

use super::calls::is_named_after;
use super::dated::{Dated, Timeline};
use super::department::{Department, department_key, is_name};
use super::key::{KeyHolder, KeyRecord, key_key};
use super::office::{Office, OfficeRecord, office_key};
use super::parameters::{PARAMETER_VALUES_MAX, PARAMETERS, ParameterName, parameter_key};
use super::posting::{Posting, PostingId, posting_key};
use super::role::Role;
use crate::list;

/// An officer's or gateway's name in a plan; also the name of the key's file.
pub type OfficerName = Token<64>;

/// A key of the state and its value.
pub type StateEntry = (Vec<u8>, Vec<u8>);

/// A department with its keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DepartmentPlan<K> {
    /// Short name, such as `land`.
    pub id: DepartmentId,
    /// Name on screen; never on the chain.
    pub name: String,
    /// Roles that its postings may carry.
    pub roles: Set<Role>,
    /// Keys of its officers and gateways.
    pub keys: Vec<K>,
}

/// A posting with its officer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostingPlan<K> {
    /// The posting's id.
    pub id: PostingId,
    /// The office.
    pub office: OfficeId,
    /// The officer.
    pub officer: K,
    /// The role.
    pub role: Role,
    /// Rank; a higher number outranks.
    pub rank: u8,
    /// Start, UTC milliseconds.
    pub from_ms: u64,
    /// End (exclusive), UTC milliseconds.
    #[serde(default)]
    pub until_ms: Option<u64>,
    /// Gateways that may sign for it (A7).
    #[serde(default = "Vec::new")]
    pub gateways: Vec<K>,
}

/// A parameter with its dated values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParameterPlan {
    /// The name.
    pub name: ParameterName,
    /// The values by increasing time.
    pub values: Vec<Dated<i64>>,
}

/// Everything about people, places and rates that the chain starts with; officers are given as `K`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Establishment<K = PublicKey> {
    /// Departments with their keys.
    pub departments: Vec<DepartmentPlan<K>>,
    /// Offices.
    pub offices: Vec<Office>,
    /// Postings.
    pub postings: Vec<PostingPlan<K>>,
    /// Dated parameters.
    pub parameters: Vec<ParameterPlan>,
    /// Certificate types, in force from the beginning.
    pub certificate_types: Vec<CertificateType>,
}

/// An establishment whose officers are names.
pub type EstablishmentPlan = Establishment<OfficerName>;

/// Why an establishment cannot start a chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EstablishmentError {
    /// A department that no vote could found (P2).
    #[error("P2: {0}: a department's name has no slash and no plus")]
    DepartmentName(DepartmentId),
    /// A key is no canonical point or a weak one (A3).
    #[error("A3: key {0} of department {1} is not usable")]
    UnusableKey(PublicKey, DepartmentId),
    /// A key stands twice (A3).
    #[error("A3: key {0} is registered twice")]
    RepeatedKey(PublicKey),
    /// A name stands twice.
    #[error("{what} {name} stands twice")]
    Repeated {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// Something refers to what is not there.
    #[error("{what} refers to {missing}, which is not in the establishment")]
    Missing {
        /// What refers.
        what: String,
        /// What it refers to.
        missing: String,
    },
    /// An office or posting that is not named after its department.
    #[error("{0} must begin with {1}/")]
    Name(String, DepartmentId),
    /// A posting in a role that its department lacks.
    #[error("posting {0}: department {1} has no role {2:?}")]
    Role(PostingId, DepartmentId, Role),
    /// A key that is named as an officer's and as a gateway's.
    #[error("A7: key {0} is an officer's and a gateway's; a gateway holds no posting")]
    OfficerAndGateway(PublicKey),
    /// A parameter's values are none, too many or out of order.
    #[error("parameter {0} needs 1 to {PARAMETER_VALUES_MAX} values by increasing time")]
    Parameter(ParameterName),
    /// A certificate type that no vote could have brought.
    #[error("certificate type {0}: {1}")]
    CertificateType(TypeCode, String),
}

impl EstablishmentPlan {
    /// The establishment in which each name is replaced by its key.
    pub fn with_keys(&self, mut key_of: impl FnMut(&OfficerName) -> PublicKey) -> Establishment {
        let mut keys = |names: &[OfficerName]| names.iter().map(&mut key_of).collect::<Vec<_>>();
        let departments = self.departments.iter().map(|department| DepartmentPlan {
            id: department.id.clone(),
            name: department.name.clone(),
            roles: department.roles.clone(),
            keys: keys(&department.keys),
        });
        let departments = departments.collect();
        let postings = self.postings.iter().map(|posting| PostingPlan {
            id: posting.id.clone(),
            office: posting.office.clone(),
            officer: key_of(&posting.officer),
            role: posting.role,
            rank: posting.rank,
            from_ms: posting.from_ms,
            until_ms: posting.until_ms,
            gateways: posting.gateways.iter().map(&mut key_of).collect(),
        });
        let postings = postings.collect();
        Establishment {
            departments,
            offices: self.offices.clone(),
            postings,
            parameters: self.parameters.clone(),
            certificate_types: self.certificate_types.clone(),
        }
    }
}

/// The initial state as it grows; a key that is set twice is refused.
#[derive(Default)]
struct Entries(BTreeMap<Vec<u8>, Vec<u8>>);

impl Entries {
    fn put<T: Canonical>(
        &mut self,
        what: &'static str,
        name: impl ToString,
        key: Vec<u8>,
        value: &T,
    ) -> Result<(), EstablishmentError> {
        match self.0.insert(key, codec::encode(value)) {
            None => Ok(()),
            Some(_) => Err(EstablishmentError::Repeated { what, name: name.to_string() }),
        }
    }
}

fn missing(what: impl ToString, missing: impl ToString) -> EstablishmentError {
    EstablishmentError::Missing { what: what.to_string(), missing: missing.to_string() }
}

impl Establishment {
    /// State keys and values for genesis, by key; refused unless keys are usable and used once (A3), names are unique and may
    /// be names (P2), and everything referred to is there.
    pub fn initial_state(&self) -> Result<Vec<StateEntry>, EstablishmentError> {
        let mut entries = Entries::default();
        let departments: BTreeMap<_, _> = self.departments.iter().map(|one| (&one.id, one)).collect();
        let gateways: BTreeSet<_> = self.postings.iter().flat_map(|posting| &posting.gateways).copied().collect();
        let mut department_of = BTreeMap::new();
        for department in &self.departments {
            enter_department(department, &gateways, &mut department_of, &mut entries)?;
        }
        let mut offices = BTreeMap::new();
        for office in &self.offices {
            let department = departments
                .get(&office.department)
                .ok_or_else(|| missing(format!("office {}", office.id), format!("department {}", office.department)))?;
            require_name(office.id.as_str(), &department.id)?;
            entries.put("office", &office.id, office_key(&office.id), &OfficeRecord::from(office.clone()))?;
            offices.insert(&office.id, *department);
        }
        for posting in &self.postings {
            let department = *offices
                .get(&posting.office)
                .ok_or_else(|| missing(posting.label(), format!("office {}", posting.office)))?;
            require_name(posting.id.as_str(), &department.id)?;
            if !department.roles.contains(&posting.role) {
                return Err(EstablishmentError::Role(posting.id.clone(), department.id.clone(), posting.role));
            }
            if gateways.contains(&posting.officer) {
                return Err(EstablishmentError::OfficerAndGateway(posting.officer));
            }
            for key in posting.gateways.iter().chain([&posting.officer]) {
                if department_of.get(key) != Some(&&department.id) {
                    return Err(missing(posting.label(), format!("key {key} of department {}", department.id)));
                }
            }
            entries.put("posting", &posting.id, posting_key(&posting.id), &posting.to_posting())?;
        }
        for parameter in &self.parameters {
            let ordered = parameter.values.windows(2).all(|pair| pair[0].from_ms < pair[1].from_ms);
            if !ordered || !(1..=PARAMETER_VALUES_MAX).contains(&parameter.values.len()) {
                return Err(EstablishmentError::Parameter(parameter.name.clone()));
            }
            let values = Timeline { values: parameter.values.clone() };
            entries.put("parameter", &parameter.name, parameter_key(parameter.name.as_str()), &values)?;
        }
        let names = self.parameters.iter().map(|parameter| &parameter.name);
        entries.0.extend(list::entries(PARAMETERS, names));
        for kind in &self.certificate_types {
            if !departments.contains_key(&kind.department) {
                return Err(missing(
                    format!("certificate type {}", kind.code),
                    format!("department {}", kind.department),
                ));
            }
            kind.check()
                .map_err(|refusal| EstablishmentError::CertificateType(kind.code.clone(), refusal.to_string()))?;
            let versions = TypeVersions { versions: vec![TypeVersion { from_ms: 0, kind: kind.clone() }] };
            entries.put("certificate type", &kind.code, type_key(&kind.code), &versions)?;
        }
        Ok(entries.0.into_iter().collect())
    }
}

fn enter_department<'a>(
    department: &'a DepartmentPlan<PublicKey>,
    gateways: &BTreeSet<PublicKey>,
    department_of: &mut BTreeMap<PublicKey, &'a DepartmentId>,
    entries: &mut Entries,
) -> Result<(), EstablishmentError> {
    if !is_name(&department.id) {
        return Err(EstablishmentError::DepartmentName(department.id.clone()));
    }
    let roles = Timeline::since(0, department.roles.clone());
    let record = Department { id: department.id.clone(), roles, administered_from_record: 0 };
    entries.put("department", &department.id, department_key(&department.id), &record)?;
    for key in &department.keys {
        key.check().map_err(|_| EstablishmentError::UnusableKey(*key, department.id.clone()))?;
        if department_of.insert(*key, &department.id).is_some() {
            return Err(EstablishmentError::RepeatedKey(*key));
        }
        let id = department.id.clone();
        let is_gateway = gateways.contains(key);
        let record = if is_gateway { KeyRecord::new(id, KeyHolder::Gateway) } else { KeyRecord::officer(id) };
        entries.put("key", key, key_key(key), &record)?;
    }
    Ok(())
}

fn require_name(name: &str, department: &DepartmentId) -> Result<(), EstablishmentError> {
    if is_named_after(name, department) {
        Ok(())
    } else {
        Err(EstablishmentError::Name(name.to_owned(), department.clone()))
    }
}

impl PostingPlan<PublicKey> {
    fn label(&self) -> String {
        format!("posting {}", self.id)
    }

    fn to_posting(&self) -> Posting {
        Posting {
            id: self.id.clone(),
            office: self.office.clone(),
            officer: self.officer,
            role: self.role,
            rank: self.rank,
            from_ms: self.from_ms,
            until_ms: self.until_ms,
            gateways: self.gateways.iter().copied().collect::<Set<_>>(),
            record: 0,
        }
    }
}
