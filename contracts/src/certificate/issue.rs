//! Issuing: one certificate, a batch of them, or the content of an older register. All end in the same place.

use dalil_ledger::codec::{SchemaRead, SchemaWrite, Set};
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::{ClassCode, Provenance, SubjectId, TypeCode, Uri};
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::application::{self, ApplicationId, Disposal};
use super::list::{self, List};
use super::record::{CertificateNumber, keep};
use super::types::{CertificateType, certificate_type};
use crate::authority::{Acting, Place, PostingId};
use crate::context::{Context, Outcome};
use crate::refusal::{Refusal, reject, require};
use crate::registry::{self, NewDocument};
use crate::units::DAY_MS;

/// A certificate to be issued. Its canonical bytes are a leaf of a [`Batch`].
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCertificate {
    /// `in.gov.wb.<dept>-<TYPE>-<id>`, the id with at least 64 random bits.
    #[schemars(with = "String")]
    pub uri: Uri,
    /// The printed number, unique by department and type (C1).
    #[schemars(with = "String")]
    pub number: CertificateNumber,
    /// SHA-256 of the file, which holds a 256-bit nonce.
    #[schemars(with = "String")]
    pub digest: Hash,
    /// Whom it is about: a commitment.
    #[schemars(with = "String")]
    pub subject: SubjectId,
    /// Start of validity, UTC milliseconds.
    pub valid_from_ms: u64,
    /// End of validity (exclusive), UTC milliseconds.
    pub valid_until_ms: Option<u64>,
    /// Root of the salted claims.
    #[schemars(with = "Option<String>")]
    pub claims_root: Option<Hash>,
    /// Classes that it rests on.
    #[schemars(with = "Vec<String>")]
    pub classes: Set<ClassCode>,
}

/// A leaf of a batch's list.
pub type BatchLeaf = NewCertificate;

/// How a certificate comes about.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Origin {
    /// The officer decided it.
    Decided,
    /// It stood in an older register: "imported, not decided here".
    Imported {
        /// The register's state as on this day, UTC milliseconds.
        as_on_ms: u64,
        /// Digest of the register's extract.
        #[schemars(with = "String")]
        source: Hash,
    },
    /// The officer decided it on an application, which ends with it: nothing is deemed issued on it later.
    Applied {
        /// The application.
        #[schemars(with = "String")]
        application: ApplicationId,
    },
    /// The statutory clock of an application lapsed (C5).
    Deemed {
        /// The application.
        #[schemars(with = "String")]
        application: ApplicationId,
    },
}

/// A batch: the record names the root of a list of leaves, the list is an attachment of the block.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// The type of all.
    #[schemars(with = "String")]
    pub kind: TypeCode,
    /// Where all belong.
    pub place: Place,
    /// How all came about.
    pub origin: Origin,
    /// RFC 9162 root over the leaves; each is the canonical bytes of a [`BatchLeaf`].
    #[schemars(with = "String")]
    pub root: Hash,
    /// Number of leaves, 1 to [`list::LEAVES_MAX`].
    pub count: u32,
}

impl Batch {
    /// The list that comes with the record.
    pub fn list(&self) -> List {
        List { root: self.root, count: self.count }
    }
}

/// The circumstances that all certificates of one record share.
struct Issuing<'a> {
    kind: CertificateType,
    place: &'a Place,
    origin: &'a Origin,
    acting: Acting,
}

impl<'a> Issuing<'a> {
    fn begin(
        state: &mut Overlay<'_>,
        context: &Context<'_>,
        posting: &PostingId,
        (kind, place, origin): (&TypeCode, &'a Place, &'a Origin),
    ) -> Result<Self, Refusal> {
        let kind = certificate_type(state, context, kind)?;
        let acting = kind.authorise(state, context, posting, place)?;
        match origin {
            Origin::Decided => {}
            Origin::Imported { as_on_ms, source } => {
                require(*as_on_ms <= context.time_ms, "C2", || {
                    "an older register cannot be as on a day to come".to_owned()
                })?;
                require(*source != Hash::ZERO, "C2", || "the import names no extract of the register".to_owned())?;
            }
            Origin::Applied { application } => {
                application::dispose(state, context, application, (&kind, place), Disposal::Issued)?;
            }
            Origin::Deemed { application } => {
                application::dispose(state, context, application, (&kind, place), Disposal::Deemed)?;
            }
        }
        Ok(Self { kind, place, origin, acting })
    }

    fn provenance(&self) -> Provenance {
        match self.origin {
            Origin::Decided | Origin::Applied { .. } => Provenance::Decided,
            Origin::Imported { .. } => Provenance::Imported,
            Origin::Deemed { .. } => Provenance::Deemed,
        }
    }

    /// What happened so far, before a certificate is entered.
    fn outcome(&self) -> Result<Outcome, Refusal> {
        let mut outcome = self.acting.outcome();
        if let Origin::Applied { application } | Origin::Deemed { application } = self.origin {
            outcome.about(application::subject_of(application)?);
        }
        Ok(outcome)
    }

    fn enter(
        &self,
        state: &mut Overlay<'_>,
        context: &Context<'_>,
        new: &NewCertificate,
        outcome: &mut Outcome,
    ) -> Result<(), Refusal> {
        match self.origin {
            // What an older register held is taken as it stood, whatever today's rules say of its validity.
            Origin::Imported { as_on_ms, .. } => require(new.valid_from_ms <= *as_on_ms, "C2", || {
                format!("{} begins after the day as on which the register was taken", new.uri)
            })?,
            Origin::Decided | Origin::Applied { .. } | Origin::Deemed { .. } => {
                // A strike goes by the start of validity, so an earlier start could step out of or into its days.
                require(new.valid_from_ms.saturating_add(DAY_MS) > context.time_ms, "C2", || {
                    format!("the validity of {} begins before the day of issue", new.uri)
                })?;
                self.kind.check_validity(new.valid_from_ms, new.valid_until_ms, &new.classes)?;
            }
        }
        let document = document(&self.kind, self.provenance(), new)?;
        keep(state, &self.acting, (&self.kind, self.place), (&new.uri, &new.number), None)?;
        registry::issue(state, context, self.acting.issuer(), document)?;
        outcome.event("certificate.issued", registry::subject_of(&new.uri)?);
        outcome.about(new.subject.clone());
        Ok(())
    }
}

/// The registry's view of a certificate.
pub(super) fn document(
    kind: &CertificateType,
    provenance: Provenance,
    new: &NewCertificate,
) -> Result<NewDocument, Refusal> {
    kind.check_uri(&new.uri)?;
    kind.check_claims(&new.uri, new.claims_root.as_ref())?;
    Ok(NewDocument {
        uri: new.uri.clone(),
        digest: new.digest,
        kind: kind.code.clone(),
        subject: new.subject.clone(),
        valid_from_ms: new.valid_from_ms,
        valid_until_ms: new.valid_until_ms,
        claims_root: new.claims_root,
        classes: kind.classes_of(&new.classes)?,
        depends: Set::default(),
        provenance,
        status_age_max_ms: kind.status_age_max_ms,
    })
}

/// Issues one certificate.
pub(super) fn single(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    terms: (&TypeCode, &Place, &Origin),
    new: &NewCertificate,
) -> Result<Outcome, Refusal> {
    let issuing = Issuing::begin(state, context, posting, terms)?;
    let mut outcome = issuing.outcome()?;
    issuing.enter(state, context, new, &mut outcome)?;
    Ok(outcome)
}

/// Issues a batch: each certificate exactly as if it were issued singly (P3).
pub(super) fn batch(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    batch: &Batch,
) -> Result<Outcome, Refusal> {
    if matches!(batch.origin, Origin::Applied { .. } | Origin::Deemed { .. }) {
        return reject("C5", "an application leads to one certificate, never to a batch");
    }
    let leaves = list::leaves::<BatchLeaf>(context, &batch.list())?;
    let issuing = Issuing::begin(state, context, posting, (&batch.kind, &batch.place, &batch.origin))?;
    let mut outcome = issuing.outcome()?;
    for leaf in leaves {
        issuing.enter(state, context, &leaf?, &mut outcome)?;
    }
    Ok(outcome)
}
