//! Applications, kept for the statutory clock alone (C5): received, query raised, query answered.
//!
//! The clock stands still between a query and its answer: that time is the applicant's.

use dalil_ledger::codec::{SchemaRead, SchemaWrite, Token};
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::TypeCode;
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
    /// Whether a certificate was deemed issued on it.
    pub used: bool,
}

/// State key of an application.
pub fn application_key(id: &ApplicationId) -> Vec<u8> {
    format!("cert/application/{id}").into_bytes()
}

fn application(state: &Overlay<'_>, id: &ApplicationId) -> Result<Application, Refusal> {
    state.get_value(&application_key(id))?.or_reject("C5", || format!("there is no application {id}"))
}

/// Takes a step; intake or the issuing role at the place.
pub(super) fn apply(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    id: &ApplicationId,
    step: &ApplicationStep,
) -> Result<Outcome, Refusal> {
    let (application, event) = match step {
        ApplicationStep::Receive { kind, place, .. } => {
            let kind = certificate_type(state, context, kind)?;
            authorise(state, context, posting, &[Role::Intake, kind.role], place)?;
            let unused = state.get(&application_key(id))?.is_none();
            require(unused, "D1", || format!("application {id} is already on record"))?;
            let application = Application {
                kind: kind.code,
                place: place.clone(),
                received_at_ms: context.time_ms,
                query_ms: 0,
                open_query_at_ms: None,
                used: false,
            };
            (application, "certificate.application_received")
        }
        ApplicationStep::RaiseQuery { .. } => {
            let mut application = application(state, id)?;
            let kind = certificate_type(state, context, &application.kind)?;
            kind.authorise(state, context, posting, &application.place)?;
            require(application.open_query_at_ms.is_none(), "D2", || {
                format!("application {id} has a query that waits for an answer")
            })?;
            application.open_query_at_ms = Some(context.time_ms);
            (application, "certificate.query_raised")
        }
        ApplicationStep::AnswerQuery { .. } => {
            let mut application = application(state, id)?;
            let kind = certificate_type(state, context, &application.kind)?;
            authorise(state, context, posting, &[Role::Intake, kind.role], &application.place)?;
            let asked_at_ms = application
                .open_query_at_ms
                .take()
                .or_reject("D2", || format!("application {id} has no query that waits for an answer"))?;
            let waited_ms = context.time_ms.saturating_sub(asked_at_ms);
            application.query_ms = application.query_ms.saturating_add(waited_ms);
            (application, "certificate.query_answered")
        }
    };
    state.put_value(application_key(id), &application);
    let mut outcome = Outcome::default();
    outcome.event(event, token(format!("application/{id}"))?);
    Ok(outcome)
}

/// Uses the application up for a deemed certificate, if its clock has lapsed (C5).
pub(super) fn deem(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    id: &ApplicationId,
    kind: &CertificateType,
    place: &Place,
) -> Result<(), Refusal> {
    let mut application = application(state, id)?;
    let same = application.kind == kind.code && application.place == *place;
    require(same, "C5", || format!("application {id} is for another type or place"))?;
    require(!application.used, "C5", || format!("a certificate was deemed issued on application {id} already"))?;
    require(application.open_query_at_ms.is_none(), "C5", || {
        format!("the clock of application {id} stands still until its query is answered")
    })?;
    let clock_ms =
        kind.clock_ms.or_reject("C5", || format!("a certificate of type {} is never deemed issued", kind.code))?;
    let elapsed_ms = context.time_ms.saturating_sub(application.received_at_ms);
    let counted_ms = elapsed_ms.saturating_sub(application.query_ms);
    require(counted_ms > clock_ms, "C5", || {
        format!("{counted_ms} ms of the clock of application {id} have run, more than {clock_ms} ms must")
    })?;
    application.used = true;
    state.put_value(application_key(id), &application);
    Ok(())
}
