//! One record: what was called, by whom, what it is about, and the receipts that prove that it stands in the log.

use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use dalil_contracts::Invocation;
use dalil_ledger::block::{Entry, Header};
use dalil_ledger::crypto::Hash;
use dalil_ledger::log::LogIndex;
use dalil_ledger::transaction::SignedTransaction;
use maud::{Markup, html};
use serde_json::Value;

use super::{Explores, Leaf, Nothing, Reader, Visit, endorsed, facts, number, plain, table};
use crate::core::happened::Happened;
use crate::legible::visible;
use crate::portal::text::{grouped, ist};
use crate::service::Head;

/// How many fields of a call are shown; a batch of older records may have thousands.
const FIELDS_MAX: usize = 200;
/// How many documents and subjects of a record are listed.
const ABOUT_MAX: usize = 100;

pub(super) async fn page<E: Explores>(
    State(node): State<E>,
    Path(which): Path<String>,
    Query(reader): Query<Reader>,
    headers: HeaderMap,
) -> Response {
    let visit = Visit::of(reader.lang.as_deref(), &headers);
    visit.answer(made(&node, &which, visit))
}

fn made<E: Explores>(node: &E, which: &str, visit: Visit) -> Result<Leaf, Nothing> {
    let head = endorsed(node)?;
    let missing = || Nothing::Missing("no_record", which.to_owned());
    let index = match number(which) {
        Some(index) => index,
        None => {
            let id: Hash = which.parse().map_err(|_| Nothing::Malformed("record_wrong", which.to_owned()))?;
            head.view().index_of(&id)?.ok_or_else(missing)?
        }
    };
    let (_, header) = head.block_of(index)?.ok_or_else(missing)?;
    let entry = head.view().entry(index)?.ok_or_else(missing)?;
    let content = match &entry {
        Entry::Record(record) => recorded(&head, index, record, &header, visit)?,
        Entry::Header(header) => html! {
            p { (visit.fill("is_header", &[("height", &grouped(header.height))])) }
            p { (visit.block(header.height)) }
        },
    };
    let title = visit.fill("record_title", &[("index", &grouped(index))]);
    Ok(Leaf { title, query: format!("/explorer/records/{index}?"), content })
}

fn recorded(
    head: &Head,
    index: LogIndex,
    record: &SignedTransaction,
    header: &Header,
    visit: Visit,
) -> Result<Markup, Nothing> {
    let said = Invocation::decode(&record.body.call).ok();
    let happened = head.happened(index)?;
    let call = said.as_ref().map_or_else(|| visit.say("unknown_call").to_owned(), |said| said.call.name());
    let mut rows = vec![(visit.say("call"), html! { code { (call) } })];
    if let Some(said) = &said {
        rows.push((visit.say("posting"), visit.subject(&format!("posting/{}", said.posting))));
    }
    rows.push((visit.say("signer"), html! { code { (record.body.signer) } }));
    rows.push((visit.say("block"), visit.block(header.height)));
    rows.push((visit.say("block_time"), plain(ist(header.timestamp_ms, visit.words))));
    if let Some(place) = happened.as_ref().and_then(|happened| happened.place.as_ref()) {
        rows.push((visit.words.timeline.get("where"), plain(crate::portal::timeline::place_words(place, visit.words))));
    }
    rows.push((visit.say("record_id"), html! { code { (record.id()) } }));
    Ok(html! {
        (facts(&rows))
        (about(said.as_ref(), happened.as_ref(), visit))
        @if let Some(said) = &said { (fields(said, visit)) }
        section {
            h2 { (visit.say("receipts_title")) }
            p { (visit.say("receipts_words")) }
            ul {
                li { a href=(format!("/v1/receipts/inclusion?index={index}")) download=(format!("record-{index}.tlog-proof")) {
                    (visit.say("receipt_inclusion"))
                } }
                li { a href=(format!("/v1/receipts/cose?index={index}")) download=(format!("record-{index}.cose")) {
                    (visit.say("receipt_cose"))
                } }
                li { a href=(format!("/v1/records/{index}")) download=(format!("record-{index}.json")) {
                    (visit.say("record_json"))
                } }
            }
        }
    })
}

/// Documents and subjects, with links.
fn about(said: Option<&Invocation>, happened: Option<&Happened>, visit: Visit) -> Markup {
    let documents = said.map(Invocation::documents).unwrap_or_default();
    let batch = said.and_then(Invocation::attachment_root);
    let events: Vec<_> = happened.iter().flat_map(|happened| happened.events()).take(ABOUT_MAX).collect();
    let rows: Vec<_> =
        events.iter().map(|(kind, subject)| vec![html! { code { (kind) } }, visit.subject(subject.as_str())]).collect();
    html! {
        section {
            h2 { (visit.say("about_title")) }
            @if !documents.is_empty() {
                p { (visit.say("documents")) }
                ul { @for uri in documents.iter().take(ABOUT_MAX) { li { (visit.document(uri.as_str())) } } }
            }
            @if let Some(root) = batch {
                p { (visit.say("batch")) " " a href=(format!("/v1/attachments/{root}")) download=(format!("batch-{root}")) { code { (root) } } }
            }
            @if rows.is_empty() { p { (visit.say("no_events")) } }
            @else { (table(visit.say("events_caption"), &[visit.say("event"), visit.say("subject")], &rows)) }
        }
    }
}

/// The fields of a call, each by its path.
fn fields(said: &Invocation, visit: Visit) -> Markup {
    let mut found = Vec::new();
    let call = serde_json::to_value(&said.call).unwrap_or_default();
    // The room and the kind stand above already.
    let inner = only(&call).and_then(only).unwrap_or(&call);
    let whole = walk(inner, "", &mut found);
    let rows: Vec<_> =
        found.into_iter().map(|(path, value)| vec![html! { code { (visible(&path)) } }, plain(value)]).collect();
    html! {
        @if !rows.is_empty() {
            section {
                h2 { (visit.say("fields_title")) }
                (table(visit.say("fields_caption"), &[visit.say("field"), visit.say("value")], &rows))
                @if !whole { p { (visit.fill("fields_cut", &[("count", &FIELDS_MAX.to_string())])) } }
            }
        }
    }
}

/// What a value with one field holds.
fn only(value: &Value) -> Option<&Value> {
    let fields = value.as_object()?;
    fields.values().next().filter(|_| fields.len() == 1)
}

/// Adds the leaves of a value; whether all of them found room. A call decodes to a few levels only.
fn walk(value: &Value, path: &str, found: &mut Vec<(String, String)>) -> bool {
    if found.len() >= FIELDS_MAX {
        return false;
    }
    let under = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            fields.iter().all(|(name, field)| walk(field, &under(name), found))
        }
        Value::Array(items) if !items.is_empty() => {
            items.iter().enumerate().all(|(place, item)| walk(item, &under(&place.to_string()), found))
        }
        Value::String(text) => {
            found.push((path.to_owned(), visible(text)));
            true
        }
        Value::Null => true,
        other => {
            found.push((path.to_owned(), visible(&other.to_string())));
            true
        }
    }
}
