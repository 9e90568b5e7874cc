//! A subject's history: the records about a plot, a khatian, a challan, an office and whatever else records are about.

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use dalil_ledger::document::SubjectId;
use maud::html;
use schemars::JsonSchema;
use serde::Deserialize;

use super::blocks::{entry_names, entry_row};
use super::{Explores, Leaf, Nothing, Visit, endorsed, number_or, plain, table};
use crate::portal::ask::encoded;
use crate::portal::text::{grouped, ist};

/// How many records a page of a history holds.
const HISTORY_PAGE: usize = 50;

/// Whose history is shown.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct AskOfSubject {
    /// The subject, as `/v1/history` takes it: `khatian/2795-51/101`.
    id: Option<String>,
    /// The first log index.
    from: Option<String>,
    /// The language; without it, one that the browser accepts.
    #[schemars(extend("enum" = ["en", "bn", "hi"]))]
    lang: Option<String>,
}

pub(super) async fn page<E: Explores>(
    State(node): State<E>,
    Query(ask): Query<AskOfSubject>,
    headers: HeaderMap,
) -> Response {
    let visit = Visit::of(ask.lang.as_deref(), &headers);
    visit.answer(made(&node, &ask, visit))
}

fn made<E: Explores>(node: &E, ask: &AskOfSubject, visit: Visit) -> Result<Leaf, Nothing> {
    let head = endorsed(node)?;
    let view = head.view();
    let text = ask.id.as_deref().map(str::trim).unwrap_or_default();
    let subject: SubjectId = text.parse().map_err(|_| Nothing::Malformed("subject_wrong", text.to_owned()))?;
    let base = view.base().index;
    let from = number_or(ask.from.as_deref(), base)?.max(base);
    let mut indexes = view.history(&subject, from, HISTORY_PAGE + 1)?;
    if indexes.is_empty() && from <= base {
        return Err(Nothing::Missing("no_subject", text.to_owned()));
    }
    let next = (indexes.len() > HISTORY_PAGE).then(|| indexes.pop()).flatten();
    let mut rows = Vec::with_capacity(indexes.len());
    for index in &indexes {
        if let Some(bytes) = view.entry_bytes(*index)? {
            let mut row = entry_row(*index, &bytes, visit);
            row.insert(1, plain(ist(head.time_of(*index)?, visit.words)));
            rows.push(row);
        }
    }
    let mut names = entry_names(visit).to_vec();
    names.insert(1, visit.say("block_time"));
    let link = |from: u64| visit.within(&format!("/explorer/subject?id={}&from={from}&", encoded(text)));
    let plot = text.strip_prefix("plot/");
    let number = text.strip_prefix("challan/");
    let content = html! {
        p { code { (text) } }
        @if let Some(plot) = plot {
            p { a href=(visit.within(&format!("/plot?id={}&", encoded(plot)))) { (visit.words.descent.get("title_link")) } }
        }
        @if let Some(number) = number {
            p { (visit.document(&format!("{}{number}", dalil_contracts::mineral::challan::CHALLAN_URI_PREFIX))) }
        }
        @if rows.is_empty() { p { (visit.say("history_over")) } }
        @else { (table(visit.say("history_caption"), &names, &rows)) }
        @if from > base || next.is_some() {
            nav.paging aria-label=(visit.say("pages")) {
                @if from > base { a rel="prev" href=(link(base)) { (visit.say("from_start")) } }
                @if let Some(next) = next { a rel="next" href=(link(next)) { (visit.say("following")) } }
            }
        }
        @if base > 0 { p.hint { (visit.fill("not_held", &[("first", &grouped(base))])) } }
        p.hint { (visit.say("history_hint")) }
    };
    let query = format!("/explorer/subject?id={}&from={from}&", encoded(text));
    Ok(Leaf { title: visit.say("subject_title").to_owned(), query, content })
}
