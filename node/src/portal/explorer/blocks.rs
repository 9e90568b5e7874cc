//! Blocks: the list, and one of them.

use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use dalil_contracts::Invocation;
use dalil_ledger::block::{Entry, Header, Height};
use dalil_ledger::store::LedgerView;
use maud::{Markup, html};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Explores, Leaf, Nothing, Visit, endorsed, facts, number, number_or, plain, table};
use crate::portal::text::{grouped, ist, shortened};
use crate::service::Head;

/// How many blocks a page of the list holds.
const BLOCKS_PAGE: u64 = 25;
/// How many records a page of a block holds.
const RECORDS_PAGE: u64 = 100;
/// How many log entries are read at a time to add up their lengths.
const ENTRIES_READ: u64 = 256;

/// Which blocks are listed.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct AskOfBlocks {
    /// Blocks below this height, the newest first; without it, from the head on.
    below: Option<String>,
    /// The language; without it, one that the browser accepts.
    #[schemars(extend("enum" = ["en", "bn", "hi"]))]
    lang: Option<String>,
}

/// Which records of a block are listed.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct AskOfBlock {
    /// The first record within the block, from 0.
    from: Option<String>,
    /// The language; without it, one that the browser accepts.
    #[schemars(extend("enum" = ["en", "bn", "hi"]))]
    lang: Option<String>,
}

/// Up to `limit` headers below a height, the newest first, as far as this node holds them.
pub(super) fn headers_below(view: &LedgerView, below: Height, limit: u64) -> Result<Vec<Header>, Nothing> {
    let end = below.min(view.head().height.saturating_add(1));
    let first = end.saturating_sub(limit).max(view.base().height);
    let mut headers = Vec::new();
    for height in (first..end).rev() {
        headers.extend(view.header(height)?);
    }
    Ok(headers)
}

/// How many bytes the log entries of a block take, its header included.
pub(super) fn bytes_of(view: &LedgerView, header: &Header) -> Result<u64, Nothing> {
    let (mut next, end, mut bytes) = (header.first_entry, header.log_size(), 0);
    while next < end {
        let count = (end - next).min(ENTRIES_READ);
        let entries = view.entries_bytes(next, usize::try_from(count).unwrap_or(usize::MAX))?;
        if entries.is_empty() {
            break;
        }
        bytes += entries.iter().map(|entry| entry.len() as u64).sum::<u64>();
        next += entries.len() as u64;
    }
    Ok(bytes)
}

/// Blocks as a table.
pub(super) fn rows_of(headers: &[&Header], visit: Visit) -> Markup {
    let names = ["block", "block_time", "proposer", "records", "block_id"].map(|name| visit.say(name));
    let rows: Vec<_> = headers
        .iter()
        .map(|header| {
            vec![
                visit.block(header.height),
                plain(ist(header.timestamp_ms, visit.words)),
                plain(header.proposer.as_str()),
                plain(grouped(header.record_count.into())),
                html! { code { (shortened(&header.id())) } },
            ]
        })
        .collect();
    table(visit.say("blocks_caption"), &names, &rows)
}

pub(super) async fn list<E: Explores>(
    State(node): State<E>,
    Query(ask): Query<AskOfBlocks>,
    headers: HeaderMap,
) -> Response {
    let visit = Visit::of(ask.lang.as_deref(), &headers);
    visit.answer(listed(&node, &ask, visit))
}

fn listed<E: Explores>(node: &E, ask: &AskOfBlocks, visit: Visit) -> Result<Leaf, Nothing> {
    let head = endorsed(node)?;
    let view = head.view();
    let above = view.head().height.saturating_add(1);
    let below = number_or(ask.below.as_deref(), above)?.min(above);
    let blocks = headers_below(view, below, BLOCKS_PAGE)?;
    let older = blocks.last().map(|header| header.height).filter(|last| *last > view.base().height);
    let newer = (below < above).then(|| below.saturating_add(BLOCKS_PAGE).min(above));
    let link = |below: Height| visit.within(&format!("/explorer/blocks?below={below}&"));
    let content = html! {
        @if blocks.is_empty() { p { (visit.say("no_blocks")) } }
        @else { (rows_of(&blocks.iter().collect::<Vec<_>>(), visit)) }
        (paging(newer.map(link), older.map(link), visit))
        @if view.base().height > 0 { p.hint { (visit.fill("blocks_from", &[("height", &grouped(view.base().height))])) } }
    };
    let query = format!("/explorer/blocks?below={below}&");
    Ok(Leaf { title: visit.say("blocks_title").to_owned(), query, content })
}

/// Links to the pages before and after.
pub(super) fn paging(newer: Option<String>, older: Option<String>, visit: Visit) -> Markup {
    html! {
        @if newer.is_some() || older.is_some() {
            nav.paging aria-label=(visit.say("pages")) {
                @if let Some(href) = newer { a rel="prev" href=(href) { (visit.say("newer")) } }
                @if let Some(href) = older { a rel="next" href=(href) { (visit.say("older")) } }
            }
        }
    }
}

pub(super) async fn one<E: Explores>(
    State(node): State<E>,
    Path(asked): Path<String>,
    Query(ask): Query<AskOfBlock>,
    headers: HeaderMap,
) -> Response {
    let visit = Visit::of(ask.lang.as_deref(), &headers);
    visit.answer(block(&node, &asked, &ask, visit))
}

fn block<E: Explores>(node: &E, asked: &str, ask: &AskOfBlock, visit: Visit) -> Result<Leaf, Nothing> {
    let head = endorsed(node)?;
    let view = head.view();
    let height = match asked {
        "head" => view.head().height,
        text => number(text).ok_or_else(|| Nothing::Malformed("height_wrong", text.to_owned()))?,
    };
    let header = view.header(height)?.ok_or_else(|| Nothing::Missing("no_block", asked.to_owned()))?;
    let count = u64::from(header.record_count);
    let from = number_or(ask.from.as_deref(), 0)?.min(count);
    let content = html! {
        (facts(&head_facts(&head, &header, visit)?))
        (decided(&head, &header, visit)?)
        section {
            h2 { (visit.say("records")) }
            @if height < view.first_block() && count > 0 { p { (visit.say("records_not_held")) } }
            @else if count == 0 { p { (visit.say("no_records")) } }
            @else { (records(view, &header, from, visit)?) }
        }
        (neighbours(view, height, visit))
    };
    let title = visit.fill("block_title", &[("height", &grouped(height))]);
    Ok(Leaf { title, query: format!("/explorer/blocks/{height}?from={from}&"), content })
}

fn head_facts(head: &Head, header: &Header, visit: Visit) -> Result<Vec<(&'static str, Markup)>, Nothing> {
    let view = head.view();
    let mut rows = vec![
        (visit.say("block_id"), html! { code { (header.id()) } }),
        (visit.say("block_time"), plain(ist(header.timestamp_ms, visit.words))),
        (visit.say("proposer"), plain(header.proposer.as_str())),
        (visit.say("records"), plain(grouped(header.record_count.into()))),
        (visit.say("own_entry"), visit.record(header.entry_index())),
    ];
    if header.height >= view.first_block() {
        let bytes = grouped(bytes_of(view, header)?);
        rows.push((visit.say("bytes"), plain(visit.fill("bytes_words", &[("bytes", &bytes)]))));
    }
    let hashes = [
        ("parent", header.parent),
        ("state_root", header.state_root),
        ("records_root", header.records_root),
        ("attachments_root", header.attachments_root),
        ("validators_hash", header.validators_hash),
        ("next_validators_hash", header.next_validators_hash),
    ];
    rows.extend(hashes.map(|(name, hash)| (visit.say(name), html! { code { (hash) } })));
    Ok(rows)
}

/// The certificate that decided a block.
fn decided(head: &Head, header: &Header, visit: Visit) -> Result<Markup, Nothing> {
    let view = head.view();
    let certificate = view.commit(header.height)?;
    // The set of an older height than its own is no longer here; its members are known by their seats alone.
    let known = header.height >= view.validators_from()?;
    Ok(html! {
        section {
            h2 { (visit.say("decided_title")) }
            @match certificate {
                None if header.height == 0 => p { (visit.say("genesis_block")) },
                None => p { (visit.say("no_certificate")) },
                Some(certificate) => {
                    p { (visit.fill("decided_words", &[
                        ("count", &certificate.signatures.len().to_string()),
                        ("round", &certificate.subject.round.to_string()),
                    ])) }
                    ul.signers {
                        @for signer in certificate.signer_indexes() {
                            @let member = head.validator_set().get(signer).filter(|_| known);
                            li {
                                @match member {
                                    Some(member) => (member.department),
                                    None => (visit.fill("seat_words", &[("seat", &signer.0.to_string())])),
                                }
                            }
                        }
                    }
                    p.hint { (visit.say("certificate_hint")) }
                }
            }
        }
    })
}

fn records(view: &LedgerView, header: &Header, from: u64, visit: Visit) -> Result<Markup, Nothing> {
    let count = u64::from(header.record_count);
    let listed = (count - from.min(count)).min(RECORDS_PAGE);
    let first = header.first_entry.saturating_add(from);
    let entries = view.entries_bytes(first, usize::try_from(listed).unwrap_or(0))?;
    let rows: Vec<_> = (first..).zip(&entries).map(|(index, bytes)| entry_row(index, bytes, visit)).collect();
    let link = |from: u64| visit.within(&format!("/explorer/blocks/{}?from={from}&", header.height));
    let before = (from > 0).then(|| link(from.saturating_sub(RECORDS_PAGE)));
    let after = (from + listed < count).then(|| link(from + listed));
    Ok(html! {
        (table(visit.say("records_caption"), &entry_names(visit), &rows))
        @if before.is_some() || after.is_some() {
            nav.paging aria-label=(visit.say("pages")) {
                @if let Some(href) = before { a rel="prev" href=(href) { (visit.say("previous")) } }
                @if let Some(href) = after { a rel="next" href=(href) { (visit.say("following")) } }
            }
        }
    })
}

/// Names of the columns of [`entry_row`].
pub(super) fn entry_names(visit: Visit) -> [&'static str; 4] {
    ["record", "call", "posting", "record_id"].map(|name| visit.say(name))
}

/// A log entry as a row of a list.
pub(super) fn entry_row(index: u64, bytes: &[u8], visit: Visit) -> Vec<Markup> {
    let said = match Entry::decode(bytes) {
        Ok(Entry::Record(record)) => match Invocation::decode(&record.body.call) {
            Ok(said) => [html! { code { (said.call.name()) } }, plain(said.posting.as_str()), short(&record.id())],
            Err(_) => [plain(visit.say("unknown_call")), plain("–"), short(&record.id())],
        },
        Ok(Entry::Header(header)) => {
            [plain(visit.fill("header_of", &[("height", &grouped(header.height))])), plain("–"), short(&header.id())]
        }
        Err(_) => [plain(visit.say("unknown_call")), plain("–"), plain("–")],
    };
    std::iter::once(visit.record(index)).chain(said).collect()
}

fn short(hash: &dalil_ledger::crypto::Hash) -> Markup {
    html! { code { (shortened(hash)) } }
}

/// Links to the blocks before and after.
fn neighbours(view: &LedgerView, height: Height, visit: Visit) -> Markup {
    let link = |height: Height| visit.within(&format!("/explorer/blocks/{height}?"));
    let before = height.checked_sub(1).filter(|before| *before >= view.base().height);
    let after = height.checked_add(1).filter(|after| *after <= view.head().height);
    html! {
        nav.paging aria-label=(visit.say("neighbours")) {
            @if let Some(before) = before { a rel="prev" href=(link(before)) { (visit.say("block_before")) } }
            @if let Some(after) = after { a rel="next" href=(link(after)) { (visit.say("block_after")) } }
        }
    }
}
