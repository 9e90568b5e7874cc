//! Certificate types are data: who issues them, where, for how long, with which classes. A vote adds or changes one.

use dalil_ledger::block::DepartmentId;
use dalil_ledger::claims::{CLAIMS_MAX, ClaimName};
use dalil_ledger::codec::{self, SchemaRead, SchemaWrite, Set};
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::{Class, ClassCode, TypeCode, Uri};
use dalil_ledger::genesis::Genesis;
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authority::{Acting, Place, PostingId, Role, identify};
use crate::calendar::{financial_year_end_ms, months_after};
use crate::context::Context;
use crate::refusal::{OrReject as _, Refusal, reject, require};
use crate::units::DAY_MS;

/// The most versions of one type.
pub const TYPE_VERSIONS_MAX: usize = 64;
/// The most classes of one type.
pub const TYPE_CLASSES_MAX: usize = 256;
/// Fewest characters of a URI's id: 64 random bits in base64.
pub const URI_ID_CHARACTERS_MIN: usize = 11;

/// How exactly a certificate says where it belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlaceRule {
    /// A district is enough.
    District,
    /// District and block.
    Block,
}

/// How long a certificate of a class may hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassTerm {
    /// The class.
    #[schemars(with = "String")]
    pub class: ClassCode,
    /// It ends at most this many months after it begins.
    pub months: u32,
}

/// How long a certificate may hold. Months are the calendar's in India.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ValidityRule {
    /// It has no end.
    Unlimited,
    /// It ends at most this many days after it begins.
    AtMostDays(u32),
    /// It ends at most this many months after it begins.
    AtMostMonths(u32),
    /// It ends with the financial year in which it begins, or earlier.
    FinancialYear,
    /// Months by class, one term for each class of the type; a certificate of several classes has the shortest.
    MonthsByClass(#[schemars(with = "Vec<ClassTerm>")] Set<ClassTerm>),
}

impl ValidityRule {
    /// The latest end of what begins at `from_ms`, UTC milliseconds; none if it has no end.
    fn latest_end_ms(&self, from_ms: u64, classes: &Set<ClassCode>) -> Option<u64> {
        let after = |months| months_after(from_ms, months).unwrap_or(from_ms);
        match self {
            Self::Unlimited => None,
            Self::AtMostDays(days) => Some(from_ms.saturating_add(u64::from(*days) * DAY_MS)),
            Self::AtMostMonths(months) => Some(after(*months)),
            Self::FinancialYear => Some(financial_year_end_ms(from_ms).unwrap_or(from_ms)),
            Self::MonthsByClass(terms) => {
                let of_it = terms.iter().filter(|term| classes.contains(&term.class));
                Some(after(of_it.map(|term| term.months).min().unwrap_or(0)))
            }
        }
    }
}

/// A type of certificate.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateType {
    /// Code, such as `SC`: a part of every URI.
    #[schemars(with = "String")]
    pub code: TypeCode,
    /// The department that issues it: a part of every URI.
    #[schemars(with = "String")]
    pub department: DepartmentId,
    /// The role that issues it.
    pub role: Role,
    /// How exactly its place is given; the issuing office's jurisdiction must cover it.
    pub place: PlaceRule,
    /// How long it may hold.
    pub validity: ValidityRule,
    /// Classes that an order may strike. A certificate of a type with classes names at least one: without, no strike would
    /// reach it.
    #[schemars(with = "Vec<String>")]
    pub classes: Set<ClassCode>,
    /// The department whose class authority strikes them, beside the courts.
    #[schemars(with = "Option<String>")]
    pub struck_by: Option<DepartmentId>,
    /// The claims schema: names of the claims that a certificate may make; none if it makes none.
    #[schemars(with = "Vec<String>")]
    pub claims: Set<ClaimName>,
    /// The oldest checkpoint that proves a present status, in milliseconds.
    pub status_age_max_ms: u64,
    /// Statutory time to decide an application, in milliseconds, less the time that queries wait for the applicant;
    /// none if a certificate is never deemed issued.
    pub clock_ms: Option<u64>,
}

/// A type from a time on.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
pub struct TypeVersion {
    /// UTC milliseconds of block time.
    pub from_ms: u64,
    /// The type.
    pub kind: CertificateType,
}

/// All versions of a type, by increasing time.
#[derive(Debug, Clone, PartialEq, Eq, Default, SchemaWrite, SchemaRead, Serialize, Deserialize)]
pub struct TypeVersions {
    /// The versions.
    pub versions: Vec<TypeVersion>,
}

/// How the state keys of types begin.
const TYPE_KEYS: &str = "cert/type/";

/// State key of a type.
pub fn type_key(code: &TypeCode) -> Vec<u8> {
    format!("{TYPE_KEYS}{code}").into_bytes()
}

/// The types with which a chain begins, by department and code.
pub fn types_at_genesis(genesis: &Genesis) -> Vec<CertificateType> {
    let entries = genesis.initial_state.iter().filter(|entry| entry.key.starts_with(TYPE_KEYS.as_bytes()));
    let versions = entries.filter_map(|entry| codec::decode::<TypeVersions>(&entry.value, entry.value.len()).ok());
    let mut types: Vec<_> = versions.filter_map(|dated| Some(dated.versions.into_iter().next_back()?.kind)).collect();
    types.sort_by(|one, other| (&one.department, &one.code).cmp(&(&other.department, &other.code)));
    types
}

/// The type in force at the block's time, refused with C2 if there is none.
pub fn certificate_type(
    state: &Overlay<'_>,
    context: &Context<'_>,
    code: &TypeCode,
) -> Result<CertificateType, Refusal> {
    let dated: Option<TypeVersions> = state.get_value(&type_key(code))?;
    dated
        .and_then(|dated| dated.versions.into_iter().rev().find(|version| version.from_ms <= context.time_ms))
        .map(|version| version.kind)
        .or_reject("C2", || format!("there is no certificate type {code} at this time"))
}

/// Adds a version that was voted; it holds from `from_ms`.
pub(crate) fn schedule(state: &mut Overlay<'_>, kind: &CertificateType, from_ms: u64) -> Result<(), Refusal> {
    kind.check()?;
    let key = type_key(&kind.code);
    let mut dated: TypeVersions = state.get_value(&key)?.unwrap_or_default();
    require(dated.versions.len() < TYPE_VERSIONS_MAX, "A8", || format!("type {} has too many versions", kind.code))?;
    // A type that changed hands would change the URIs of its certificates and the number space of its issuers.
    let same_department = dated.versions.iter().all(|version| version.kind.department == kind.department);
    require(same_department, "A8", || format!("type {} belongs to another department", kind.code))?;
    let place = dated.versions.partition_point(|version| version.from_ms < from_ms);
    require(dated.versions.get(place).is_none_or(|next| next.from_ms != from_ms), "A8", || {
        format!("another version of type {} was voted for the same time", kind.code)
    })?;
    dated.versions.insert(place, TypeVersion { from_ms, kind: kind.clone() });
    state.put_value(key, &dated);
    Ok(())
}

impl CertificateType {
    /// Checks that the type keeps within its limits and does not contradict itself (A8).
    pub fn check(&self) -> Result<(), Refusal> {
        require(self.classes.len() <= TYPE_CLASSES_MAX, "A8", || format!("more than {TYPE_CLASSES_MAX} classes"))?;
        require(self.claims.len() <= CLAIMS_MAX, "A8", || format!("more than {CLAIMS_MAX} claims"))?;
        if let ValidityRule::MonthsByClass(terms) = &self.validity {
            let each_once = terms.iter().map(|term| &term.class).eq(self.classes.iter());
            require(each_once && !terms.is_empty(), "A8", || {
                format!("the validity of type {} needs one term for each of its classes", self.code)
            })?;
        }
        Ok(())
    }

    /// `in.gov.wb.<dept>-<TYPE>-`, with which every URI of the type begins.
    pub fn uri_prefix(&self) -> String {
        format!("in.gov.wb.{}-{}-", self.department, self.code)
    }

    /// Checks that `uri` is of this type and that its id can hold 64 random bits (D1).
    pub fn check_uri(&self, uri: &Uri) -> Result<(), Refusal> {
        let prefix = self.uri_prefix();
        let id = uri.as_str().strip_prefix(&prefix);
        let fits = id.is_some_and(|id| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            id.len() >= URI_ID_CHARACTERS_MIN && id.bytes().all(plain)
        });
        require(fits, "D1", || {
            format!("{uri} must be {prefix} and an id of at least {URI_ID_CHARACTERS_MIN} letters, digits, - or _")
        })
    }

    /// The officer who acts, if empowered for this type at `place` now (C2; A1, A5, A7 for the posting itself).
    pub fn authorise(
        &self,
        state: &Overlay<'_>,
        context: &Context<'_>,
        posting: &PostingId,
        place: &Place,
    ) -> Result<Acting, Refusal> {
        let acting = identify(state, context, posting)?;
        require(self.empowers(&acting), "C2", || {
            format!(
                "type {} is issued by {:?} of department {}; posting {} is {:?} of {}",
                self.code, self.role, self.department, posting, acting.posting.role, acting.office.department
            )
        })?;
        require(self.place != PlaceRule::Block || place.block.is_some(), "C2", || {
            format!("a certificate of type {} names its block", self.code)
        })?;
        require(acting.office.jurisdiction.covers(place), "C2", || {
            format!("office {} has no jurisdiction at {place:?}", acting.office.id)
        })?;
        Ok(Acting { place: Some(place.clone()), ..acting })
    }

    /// Whether the posting is of the role and department that issue this type.
    pub fn empowers(&self, acting: &Acting) -> bool {
        acting.posting.role == self.role && acting.office.department == self.department
    }

    /// Checks that the validity is no longer than the rule allows (C2).
    pub fn check_validity(&self, from_ms: u64, until_ms: Option<u64>, classes: &Set<ClassCode>) -> Result<(), Refusal> {
        match (self.validity.latest_end_ms(from_ms, classes), until_ms) {
            (None, None) => Ok(()),
            (None, Some(_)) => reject("C2", format!("a certificate of type {} has no end of validity", self.code)),
            (Some(latest), until) => require(until.is_some_and(|until| until <= latest), "C2", || {
                format!("a certificate of type {} that begins at {from_ms} ends at {latest} or earlier", self.code)
            }),
        }
    }

    /// Checks that a certificate makes claims only if its type has any (C2). What they say is not on the chain.
    pub fn check_claims(&self, uri: &Uri, root: Option<&Hash>) -> Result<(), Refusal> {
        let fits = root.is_none_or(|root| !self.claims.is_empty() && *root != Hash::ZERO);
        require(fits, "C2", || format!("{uri} has a root of claims, and type {} makes none", self.code))
    }

    /// The registry's classes for `classes`, refused with C2 if the type lacks one, or has some and none is named.
    pub fn classes_of(&self, classes: &Set<ClassCode>) -> Result<Set<Class>, Refusal> {
        require(self.classes.is_empty() || !classes.is_empty(), "C2", || {
            format!("a certificate of type {} names its class", self.code)
        })?;
        let unknown = classes.iter().find(|class| !self.classes.contains(class));
        match unknown {
            Some(class) => reject("C2", format!("type {} has no class {class}", self.code)),
            None => Ok(classes.iter().map(|class| Class { kind: self.code.clone(), class: class.clone() }).collect()),
        }
    }
}
