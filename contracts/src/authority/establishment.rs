//! The establishment at genesis: departments, their offices, officers and postings, dated parameters and certificate
//! types, as one JSON file.
//!
//! A plan names officers by name ([`EstablishmentPlan`]); whoever holds the keys turns it into an [`Establishment`],
//! whose [`initial_state`](Establishment::initial_state) goes into genesis under the same rules as later calls (A3).

use std::collections::{BTreeMap, BTreeSet};

use dalil_ledger::block::DepartmentId;
use dalil_ledger::codec::{self, Canonical, Set, Token};
use dalil_ledger::crypto::PublicKey;
use dalil_ledger::document::OfficeId;
use serde::{Deserialize, Serialize};

use super::parameters::{DatedValue, DatedValues, PARAMETER_VALUES_MAX, ParameterName, parameter_key};
use super::posting::{
    Department, KeyRecord, Office, Posting, PostingId, Role, department_key, key_key, office_key, posting_key,
};

/// An officer's or gateway's name in a plan; also the name of the key's file.
pub type OfficerName = Token<64>;

/// A department with its keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DepartmentPlan<K> {
    /// Short name, such as `land`.
    pub id: DepartmentId,
    /// Name on screen; never on the chain.
    pub name: String,
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
    pub values: Vec<DatedValue>,
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
}

/// An establishment whose officers are names.
pub type EstablishmentPlan = Establishment<OfficerName>;

/// Why an establishment cannot start a chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EstablishmentError {
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
    /// A parameter's values are none, too many or out of order.
    #[error("parameter {0} needs 1 to {PARAMETER_VALUES_MAX} values by increasing time")]
    Parameter(ParameterName),
}

impl EstablishmentPlan {
    /// The establishment in which each name is replaced by its key.
    pub fn with_keys(&self, mut key_of: impl FnMut(&OfficerName) -> PublicKey) -> Establishment {
        let mut keys = |names: &[OfficerName]| names.iter().map(&mut key_of).collect::<Vec<_>>();
        let departments = self.departments.iter().map(|department| DepartmentPlan {
            id: department.id.clone(),
            name: department.name.clone(),
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
        Establishment { departments, offices: self.offices.clone(), postings, parameters: self.parameters.clone() }
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
    /// State keys and values for genesis, by key; refused unless keys are usable and used once (A3), names are unique
    /// and everything referred to is there.
    pub fn initial_state(&self) -> Result<Vec<(Vec<u8>, Vec<u8>)>, EstablishmentError> {
        let mut entries = Entries::default();
        let mut department_of = BTreeMap::new();
        for department in &self.departments {
            let record = Department { id: department.id.clone() };
            entries.put("department", &department.id, department_key(&department.id), &record)?;
            for key in &department.keys {
                key.check().map_err(|_| EstablishmentError::UnusableKey(*key, department.id.clone()))?;
                if department_of.insert(*key, &department.id).is_some() {
                    return Err(EstablishmentError::RepeatedKey(*key));
                }
                let record = KeyRecord { department: department.id.clone(), revoked_at_ms: None };
                entries.put("key", key, key_key(key), &record)?;
            }
        }
        let departments: BTreeSet<_> = self.departments.iter().map(|department| &department.id).collect();
        let mut office_department = BTreeMap::new();
        for office in &self.offices {
            if !departments.contains(&office.department) {
                return Err(missing(format!("office {}", office.id), format!("department {}", office.department)));
            }
            entries.put("office", &office.id, office_key(&office.id), office)?;
            office_department.insert(&office.id, &office.department);
        }
        for posting in &self.postings {
            let what = || format!("posting {}", posting.id);
            let department = office_department
                .get(&posting.office)
                .ok_or_else(|| missing(what(), format!("office {}", posting.office)))?;
            for key in posting.gateways.iter().chain([&posting.officer]) {
                if department_of.get(key) != Some(department) {
                    return Err(missing(what(), format!("key {key} of department {department}")));
                }
            }
            entries.put("posting", &posting.id, posting_key(&posting.id), &posting.to_posting())?;
        }
        for parameter in &self.parameters {
            let ordered = parameter.values.windows(2).all(|pair| pair[0].from_ms < pair[1].from_ms);
            if !ordered || !(1..=PARAMETER_VALUES_MAX).contains(&parameter.values.len()) {
                return Err(EstablishmentError::Parameter(parameter.name.clone()));
            }
            let values = DatedValues { values: parameter.values.clone() };
            entries.put("parameter", &parameter.name, parameter_key(parameter.name.as_str()), &values)?;
        }
        Ok(entries.0.into_iter().collect())
    }
}

impl PostingPlan<PublicKey> {
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
        }
    }
}
