//! The page for a court: the same as `dalil evidence` makes, gathered by this node, with the files within the page.

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use dalil_contracts::mineral::challan::challan_uri;
use maud::html;

use super::ask::{Ask, Meaning, NoQuestion, address};
use super::pages::{self, Asked, Place};
use super::routes::{language, shown};
use super::text::ist;
use super::words::Language;
use super::{Answers, answer};
use crate::court::page::{self, Files};
use crate::court::{Evidence, Subject};
use crate::service::{self, CouldNotAnswer};

/// What evidence is gathered about: a document, a challan or a plot.
fn subject_of(ask: &service::Ask) -> Option<Subject> {
    let uri = ask.uri.clone().or_else(|| ask.challan.as_ref().map(challan_uri));
    uri.map(Subject::Document).or_else(|| ask.plot.clone().map(Subject::Plot))
}

/// Where the evidence about what an answer is about is found.
pub(super) fn address_of(ask: &service::Ask, found: Option<&service::Verified>) -> Option<String> {
    let about = match (found.and_then(service::Verified::document), subject_of(ask)) {
        (Some(entry), _) => service::Ask::uri(entry.uri.clone()),
        (None, Some(Subject::Document(uri))) => service::Ask::uri(uri),
        (None, Some(Subject::Plot(plot))) => service::Ask { plot: Some(plot), ..service::Ask::default() },
        (None, None) => return None,
    };
    Some(address("/evidence", &about, None))
}

pub(super) async fn evidence<A: Answers>(
    State(answers): State<A>,
    Query(asked): Query<Ask>,
    headers: HeaderMap,
) -> Response {
    let language = language(asked.lang.as_deref(), &headers);
    let subject = match asked.meaning() {
        Ok(Meaning::One(ask)) => subject_of(&ask).map(|subject| (*ask, subject)),
        Ok(Meaning::Several(_)) => None,
        Err(NoQuestion(code, text)) => return refused(language, StatusCode::BAD_REQUEST, code, &text),
    };
    let Some((ask, subject)) = subject else {
        return refused(language, StatusCode::BAD_REQUEST, "evidence_subject", "");
    };
    let gathered = tokio::task::spawn_blocking(move || answers.evidence(&subject)).await;
    match gathered {
        Ok(Ok(evidence)) => shown(StatusCode::OK, whole(language, &ask, &evidence)),
        Ok(Err(CouldNotAnswer { reason, detail, .. })) => {
            refused(language, StatusCode::SERVICE_UNAVAILABLE, &reason, &detail)
        }
        Err(error) => refused(language, StatusCode::SERVICE_UNAVAILABLE, "internal", &error.to_string()),
    }
}

fn refused(language: Language, status: StatusCode, code: &str, detail: &str) -> Response {
    let markup = answer::trouble(code, detail, language.words());
    shown(status, pages::answer(language, &Asked::default(), "/?", &markup))
}

fn whole(language: Language, ask: &service::Ask, evidence: &Evidence) -> maud::Markup {
    let words = language.words();
    let table = &words.court;
    let content = html! {
        section.notice {
            p { strong { (table.get("node_word")) } }
            p { (table.fill("made", &[("time", &ist(evidence.checked_at_ms, words))])) }
            p { (table.get("check")) }
            p.hint { (table.get("english")) }
            (pages::print_button(words))
        }
        article.court lang="en-IN" { (page::body(evidence, Files::Within)) }
    };
    pages::page(language, Place::Answer, table.get("title"), &address("/evidence", ask, None), &content)
}
