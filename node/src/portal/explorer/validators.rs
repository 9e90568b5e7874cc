//! The validators: whose turn is next, who made the last blocks, and whose vote was seen when.

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use dalil_ledger::block::{Header, Height};
use dalil_ledger::store::LedgerView;
use dalil_ledger::validators::{ValidatorIndex, ValidatorSet};
use maud::{Markup, html};

use super::blocks::headers_below;
use super::{Explores, Leaf, Nothing, Reader, Visit, endorsed, facts, plain, table};
use crate::portal::text::grouped;
use crate::time::span;

/// How many blocks back turns are counted and votes are looked for.
const BLOCKS_BACK_MAX: u64 = 100;

/// What the last blocks say of a validator.
#[derive(Clone, Default)]
struct Deeds {
    made: u64,
    /// The newest block in whose certificate its vote stands: height and block time.
    voted: Option<(Height, u64)>,
}

pub(super) async fn page<E: Explores>(
    State(node): State<E>,
    Query(reader): Query<Reader>,
    headers: HeaderMap,
) -> Response {
    let visit = Visit::of(reader.lang.as_deref(), &headers);
    visit.answer(made(&node, visit))
}

fn made<E: Explores>(node: &E, visit: Visit) -> Result<Leaf, Nothing> {
    let (head, now_ms) = (endorsed(node)?, node.now_ms());
    let (view, set) = (head.view(), head.validator_set());
    // Seats are those of today's set, so only blocks that it decided count.
    let since = view.validators_from()?;
    let blocks = headers_below(view, view.head().height.saturating_add(1), BLOCKS_BACK_MAX)?;
    let blocks: Vec<_> = blocks.into_iter().filter(|header| header.height >= since).collect();
    let deeds = deeds(view, set, &blocks)?;
    let next = view.head().height.saturating_add(1);
    let (count, quorum) = (set.len().to_string(), set.quorum().to_string());
    let content = html! {
        p { (visit.fill("validators_words", &[("count", &count), ("quorum", &quorum), ("height", &grouped(since))])) }
        (seats(set, &deeds, (next, blocks.first()), now_ms, visit))
        p.hint { (visit.fill("validators_hint", &[("blocks", &blocks.len().to_string())])) }
        (keys(set, visit))
        p { a href="/v1/validators" { (visit.say("validators_json")) } }
    };
    Ok(Leaf { title: visit.say("validators_title").to_owned(), query: "/explorer/validators?".to_owned(), content })
}

/// By seat. `blocks`: the newest first.
fn deeds(view: &LedgerView, set: &ValidatorSet, blocks: &[Header]) -> Result<Vec<Deeds>, Nothing> {
    let mut deeds = vec![Deeds::default(); set.len()];
    for header in blocks {
        if let Some(made) = set.index_of(&header.proposer).and_then(|seat| deeds.get_mut(seat.0)) {
            made.made += 1;
        }
        for seat in view.commit(header.height)?.iter().flat_map(|certificate| certificate.signer_indexes()) {
            if let Some(voted) = deeds.get_mut(seat.0) {
                voted.voted.get_or_insert((header.height, header.timestamp_ms));
            }
        }
    }
    Ok(deeds)
}

/// The first height from `next` on at which it is a seat's turn in the first round.
fn turn(set: &ValidatorSet, seat: ValidatorIndex, next: Height) -> Option<Height> {
    (next..).take(set.len()).find(|height| set.proposer(*height, 0) == seat)
}

fn seats(
    set: &ValidatorSet,
    deeds: &[Deeds],
    (next, newest): (Height, Option<&Header>),
    now_ms: u64,
    visit: Visit,
) -> Markup {
    let names = ["department", "seat", "turn", "made", "signed_last", "last_vote"].map(|name| visit.say(name));
    let rows = set.iter().zip(deeds).enumerate().map(|(seat, (member, deeds))| {
        let due = turn(set, ValidatorIndex(seat), next);
        let due = match due {
            Some(height) if height == next => visit.fill("turn_now", &[("height", &grouped(height))]),
            Some(height) => visit.fill("turn_at", &[("height", &grouped(height))]),
            None => "–".to_owned(),
        };
        let signed = newest.is_some_and(|newest| deeds.voted.is_some_and(|(height, _)| height == newest.height));
        let voted = match deeds.voted {
            Some((height, at_ms)) => html! {
                (visit.say("block")) " " (visit.block(height)) ", "
                (visit.fill("ago", &[("span", &span(now_ms.saturating_sub(at_ms)))]))
            },
            None => plain(visit.say("no_vote")),
        };
        vec![
            plain(member.department.as_str()),
            plain(seat.to_string()),
            plain(due),
            plain(grouped(deeds.made)),
            plain(visit.say(if signed { "yes" } else { "no" })),
            voted,
        ]
    });
    table(visit.say("validators_caption"), &names, &rows.collect::<Vec<_>>())
}

fn keys(set: &ValidatorSet, visit: Visit) -> Markup {
    let names = ["key_consensus", "key_cosigner", "key_log", "key_network"].map(|name| visit.say(name));
    html! {
        details {
            summary { (visit.say("keys_title")) }
            @for member in set.iter() {
                @let keys = [member.consensus, member.cosigner, member.log, member.network];
                @let rows: Vec<_> = names.into_iter().zip(keys.map(|key| html! { code { (key) } })).collect();
                h2 { (member.department) }
                (facts(&rows))
            }
        }
    }
}
