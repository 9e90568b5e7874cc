//! Applications, kept for the statutory clock alone (C5): received, query raised, query answered, and how they ended.
//!
//! The clock stands still between a query and its answer: that time is the applicant's. Once it has lapsed the certificate
//! is due as deemed, and neither a late query nor a late refusal takes that away.

use dalil_ledger::codec::{SchemaRead, SchemaWrite, Token};
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::{SubjectId, TypeCode};
use dalil_ledger::state::{Overlay, StateView as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::types::{CertificateType, certificate_type};
use crate::authority::{Place, PostingId, Role, authorise};
use crate::context::{Context, Outcome, token};
use crate::refusal::{OrReject as _, Refusal, require};

/// An application's id.
pub type ApplicationId = Token<48>;

/// A step of an application.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ApplicationStep {
    /// It is received: the clock starts.
    Receive {
        /// The type applied for.
        #[schemars(with = "String")]
        kind: TypeCode,
        /// Where.
        place: Place,
        /// Commitment to the common application form.
        #[schemars(with = "String")]
        form: Hash,
    },
    /// The office asks the applicant: the clock stops.
    RaiseQuery {
        /// Commitment to the query.
        #[schemars(with = "String")]
        query: Hash,
    },
    /// The applicant answered: the clock goes on.
    AnswerQuery {
        /// Commitment to the answer.
        #[schemars(with = "String")]
        answer: Hash,
    },
    /// The office refuses within its time: nothing is deemed issued on the application.
    Refuse {
        /// Digest of the order that gives the reasons.
        #[schemars(with = "String")]
        order: Hash,
    },
}

/// How an application ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disposal {
    /// The office issued the certificate.
    Issued,
    /// The clock lapsed, and the certificate was deemed issued.
    Deemed,
    /// The office refused.
    Refused,
}

/// An application as the state knows it.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize)]
pub struct Application {
    /// The type applied for.
    pub kind: TypeCode,
    /// Where.
    pub place: Place,
    /// Block time at which it was received, UTC milliseconds.
    pub received_at_ms: u64,
    /// Time that ended queries took, in milliseconds.
    pub query_ms: u64,
    /// Block time of the query that waits for an answer, UTC milliseconds.
    pub open_query_at_ms: Option<u64>,
    /// How it ended; none while it is open.
    pub disposal: Option<Disposal>,
}

impl Application {
    /// How much of the clock has run at `now_ms`, in milliseconds: time since receipt less the time of queries, also of one
    /// that still waits.
    pub fn run_ms(&self, now_ms: u64) -> u64 {
        let until_ms = self.open_query_at_ms.unwrap_or(now_ms);
        until_ms.saturating_sub(self.received_at_ms).saturating_sub(self.query_ms)
    }

    fn has_lapsed(&self, kind: &CertificateType, now_ms: u64) -> bool {
        kind.clock_ms.is_some_and(|clock_ms| self.run_ms(now_ms) > clock_ms)
    }
}

/// State key of an application.
pub fn application_key(id: &ApplicationId) -> Vec<u8> {
    format!("cert/application/{id}").into_bytes()
}

/// The subject under which an application's records are listed.
pub fn subject_of(id: &ApplicationId) -> Result<SubjectId, Refusal> {
    token(format!("application/{id}"))
}

fn open_application(state: &Overlay<'_>, id: &ApplicationId, code: &'static str) -> Result<Application, Refusal> {
    let application: Option<Application> = state.get_value(&application_key(id))?;
    let application = application.or_reject(code, || format!("there is no application {id}"))?;
    require(application.disposal.is_none(), code, || {
        format!("application {id} has ended: {:?}", application.disposal.unwrap_or(Disposal::Issued))
    })?;
    Ok(application)
}

/// Takes a step; intake or the issuing role at the place.
pub(super) fn apply(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    id: &ApplicationId,
    step: &ApplicationStep,
) -> Result<Outcome, Refusal> {
    let (application, acting, event) = match step {
        ApplicationStep::Receive { kind, place, .. } => {
            let kind = certificate_type(state, context, kind)?;
            let acting = authorise(state, context, posting, &[Role::Intake, kind.role], place)?;
            let unused = state.get(&application_key(id))?.is_none();
            require(unused, "D1", || format!("application {id} is already on record"))?;
            let application = Application {
                kind: kind.code,
                place: place.clone(),
                received_at_ms: context.time_ms,
                query_ms: 0,
                open_query_at_ms: None,
                disposal: None,
            };
            (application, acting, "certificate.application_received")
        }
        ApplicationStep::RaiseQuery { .. } => {
            let mut application = open_application(state, id, "D2")?;
            let kind = certificate_type(state, context, &application.kind)?;
            let acting = kind.authorise(state, context, posting, &application.place)?;
            require(application.open_query_at_ms.is_none(), "D2", || {
                format!("application {id} has a query that waits for an answer")
            })?;
            require(!application.has_lapsed(&kind, context.time_ms), "C5", || late(id))?;
            application.open_query_at_ms = Some(context.time_ms);
            (application, acting, "certificate.query_raised")
        }
        ApplicationStep::AnswerQuery { .. } => {
            let mut application = open_application(state, id, "D2")?;
            let kind = certificate_type(state, context, &application.kind)?;
            let acting = authorise(state, context, posting, &[Role::Intake, kind.role], &application.place)?;
            let asked_at_ms = application
                .open_query_at_ms
                .take()
                .or_reject("D2", || format!("application {id} has no query that waits for an answer"))?;
            let waited_ms = context.time_ms.saturating_sub(asked_at_ms);
            application.query_ms = application.query_ms.saturating_add(waited_ms);
            (application, acting, "certificate.query_answered")
        }
        ApplicationStep::Refuse { order } => {
            let mut application = open_application(state, id, "D2")?;
            let kind = certificate_type(state, context, &application.kind)?;
            let acting = kind.authorise(state, context, posting, &application.place)?;
            require(*order != Hash::ZERO, "C8", || format!("the refusal of application {id} cites no order"))?;
            require(!application.has_lapsed(&kind, context.time_ms), "C5", || late(id))?;
            application.disposal = Some(Disposal::Refused);
            (application, acting, "certificate.application_refused")
        }
    };
    state.put_value(application_key(id), &application);
    let mut outcome = acting.outcome();
    outcome.event(event, subject_of(id)?);
    Ok(outcome)
}

fn late(id: &ApplicationId) -> String {
    format!(
        "the clock of application {id} has lapsed; its certificate is due, as deemed if the office does not issue it"
    )
}

/// Ends an application with a certificate of `kind` at `place`: as issued, or as deemed if its clock has lapsed (C5).
pub(super) fn dispose(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    id: &ApplicationId,
    (kind, place): (&CertificateType, &Place),
    disposal: Disposal,
) -> Result<(), Refusal> {
    let mut application = open_application(state, id, "C5")?;
    let same = application.kind == kind.code && application.place == *place;
    require(same, "C5", || format!("application {id} is for another type or place"))?;
    if disposal == Disposal::Deemed {
        let clock_ms =
            kind.clock_ms.or_reject("C5", || format!("a certificate of type {} is never deemed issued", kind.code))?;
        require(application.has_lapsed(kind, context.time_ms), "C5", || {
            let run_ms = application.run_ms(context.time_ms);
            format!("{run_ms} ms of the clock of application {id} have run, more than {clock_ms} ms must")
        })?;
    }
    application.disposal = Some(disposal);
    state.put_value(application_key(id), &application);
    Ok(())
}
