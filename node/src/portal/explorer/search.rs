//! The search: leads from a height, a log index, an id, a subject, a plot or a document's number to its page.

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Redirect, Response};
use dalil_contracts::land::keys::PlotId;
use dalil_contracts::land::registers::RegisterQuestion;
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::{SubjectId, Uri, digest_key, document_key};
use dalil_ledger::state::StateView as _;
use maud::html;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Explores, FIELD_CHARS_MAX, Leaf, Nothing, Visit, endorsed, number};
use crate::portal::ask::encoded;
use crate::portal::text::grouped;
use crate::service::Head;

/// What is looked for.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct AskOfSearch {
    /// A height, a log index, an id, a subject, a plot or a document's number.
    q: Option<String>,
    /// The language; without it, one that the browser accepts.
    #[schemars(extend("enum" = ["en", "bn", "hi"]))]
    lang: Option<String>,
}

/// What a search comes to.
enum Found {
    /// One page, by its path, which ends with `?` or `&`.
    One(String),
    /// A number that is a height and a log index.
    Two(u64),
}

pub(super) async fn page<E: Explores>(
    State(node): State<E>,
    Query(ask): Query<AskOfSearch>,
    headers: HeaderMap,
) -> Response {
    let visit = Visit::of(ask.lang.as_deref(), &headers);
    let text = ask.q.as_deref().map(str::trim).unwrap_or_default();
    match looked_up(&node, text) {
        Ok(Found::One(path)) => Redirect::to(&visit.within(&path)).into_response(),
        Ok(Found::Two(number)) => visit.answer(Ok(either(number, visit))),
        Err(nothing) => visit.answer(Err(nothing)),
    }
}

fn either(number: u64, visit: Visit) -> Leaf {
    let shown = grouped(number);
    let content = html! {
        p { (visit.say("either_words")) }
        ul {
            li { a href=(visit.within(&format!("/explorer/blocks/{number}?"))) { (visit.fill("block_title", &[("height", &shown)])) } }
            li { a href=(visit.within(&format!("/explorer/records/{number}?"))) { (visit.fill("record_title", &[("index", &shown)])) } }
        }
    };
    Leaf { title: visit.say("either_title").to_owned(), query: format!("/explorer/search?q={number}&"), content }
}

fn looked_up<E: Explores>(node: &E, text: &str) -> Result<Found, Nothing> {
    let missing = || Nothing::Missing("nothing_found", text.to_owned());
    if text.is_empty() {
        return Err(Nothing::Malformed("search_empty", String::new()));
    }
    if text.chars().count() > FIELD_CHARS_MAX {
        return Err(Nothing::Malformed("search_long", text.to_owned()));
    }
    let head = endorsed(node)?;
    if let Some(number) = number(text) {
        let (is_height, is_index) = (number <= head.view().head().height, number < head.view().log_size());
        return match (is_height, is_index) {
            (true, _) => Ok(Found::Two(number)),
            (false, true) => Ok(Found::One(format!("/explorer/records/{number}?"))),
            (false, false) => Err(missing()),
        };
    }
    let path = match text.to_ascii_lowercase().parse::<Hash>() {
        Ok(hash) => of_hash(&head, &hash)?,
        Err(_) => of_name(node, &head, text)?,
    };
    path.map(Found::One).ok_or_else(missing)
}

/// A block, a record, or a document by its file's SHA-256.
fn of_hash(head: &Head, hash: &Hash) -> Result<Option<String>, Nothing> {
    let view = head.view();
    if let Some(height) = view.height_of(hash)? {
        return Ok(Some(format!("/explorer/blocks/{height}?")));
    }
    if let Some(index) = view.index_of(hash)? {
        return Ok(Some(format!("/explorer/records/{index}?")));
    }
    let document = view.get(&digest_key(hash)).map_err(crate::service::ServiceError::from)?;
    Ok(document.map(|_| format!("/check?digest={hash}&")))
}

/// A document, a plot, or a subject with a history.
fn of_name<E: Explores>(node: &E, head: &Head, text: &str) -> Result<Option<String>, Nothing> {
    let view = head.view();
    if let Ok(uri) = text.parse::<Uri>()
        && view.get(&document_key(&uri)).map_err(crate::service::ServiceError::from)?.is_some()
    {
        return Ok(Some(format!("/check?uri={}&", encoded(text))));
    }
    if let Ok(plot) = text.parse::<PlotId>() {
        let question = RegisterQuestion::Encumbrances(plot);
        let answer = question.answer(view, node.now_ms()).map_err(crate::service::ServiceError::from)?;
        if answer.is_ok() {
            return Ok(Some(format!("/plot?id={}&", encoded(text))));
        }
    }
    let Ok(subject) = text.parse::<SubjectId>() else { return Ok(None) };
    let found = view.history(&subject, view.base().index, 1)?;
    Ok((!found.is_empty()).then(|| format!("/explorer/subject?id={}&", encoded(text))))
}
