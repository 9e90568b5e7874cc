//! The first page: the newest head, how the network fares, and the last blocks.

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use dalil_ledger::block::Header;
use dalil_ledger::store::LedgerView;
use maud::{Markup, html};

use super::blocks::{headers_below, rows_of};
use super::chart::{Chart, Figure};
use super::{Explores, Health, Leaf, Nothing, Reader, Visit, endorsed, facts, plain};
use crate::portal::answer::ICONS;
use crate::portal::text::{grouped, ist};
use crate::service::Head;

/// How many blocks the plots show.
const PLOTTED_MAX: u64 = 30;
/// How many blocks the page lists.
const LISTED_MAX: usize = 10;
/// How many bytes of log entries are read to find how large blocks are; older blocks are then left out of that plot.
const SIZES_READ_BYTES_MAX: u64 = 8 << 20;
/// Validators vouch for the newest state every 15 s: after this long without it, something is wrong.
const VOUCHED_WITHIN_MS: u64 = 60_000;

pub(super) async fn page<E: Explores>(
    State(node): State<E>,
    Query(reader): Query<Reader>,
    headers: HeaderMap,
) -> Response {
    let visit = Visit::of(reader.lang.as_deref(), &headers);
    let health = node.health().await;
    visit.answer(made(&node, health.as_ref(), visit))
}

fn made<E: Explores>(node: &E, health: Option<&Health>, visit: Visit) -> Result<Leaf, Nothing> {
    let (head, now_ms) = (endorsed(node)?, node.now_ms());
    let view = head.view();
    // One block before the first plotted: what a rate is measured from.
    let below = view.head().height.saturating_add(1);
    let last = headers_below(view, below, PLOTTED_MAX + 1)?;
    let listed: Vec<_> = last.iter().take(LISTED_MAX).collect();
    let content = html! {
        (fares(&head, health, now_ms, visit))
        (newest(&head, health, now_ms, visit))
        section {
            h2 { (visit.say("last_blocks")) }
            (rows_of(&listed, visit))
            p { a href=(visit.within("/explorer/blocks?")) { (visit.say("all_blocks")) } }
        }
        section {
            h2 { (visit.say("plots_title")) }
            @for chart in charts(node, view, &last, visit)? { (chart.draw(visit)) }
        }
    };
    Ok(Leaf { title: visit.say("title").to_owned(), query: "/explorer?".to_owned(), content })
}

fn newest(head: &Head, health: Option<&Health>, now_ms: u64, visit: Visit) -> Markup {
    let found = head.shown(now_ms);
    let header = head.view().head();
    let (count, all) = (found.quorum.unwrap_or(0).to_string(), found.validators.to_string());
    let quorum = visit.words.answer.fill("quorum_words", &[("count", &count), ("all", &all)]);
    let mut rows = vec![
        (visit.say("block"), visit.block(found.height)),
        (visit.say("block_time"), plain(ist(header.timestamp_ms, visit.words))),
        (visit.say("entries"), plain(grouped(found.log_size))),
        (visit.say("checkpoint_age"), plain(format!("{} ({})", found.age, ist(found.freshness_ms, visit.words)))),
        (visit.words.answer.get("quorum"), plain(quorum)),
    ];
    if let Some(health) = health {
        rows.push((visit.say("waiting"), plain(grouped(health.standing.pending as u64))));
    }
    rows.push((visit.say("block_id"), html! { code { (found.block) } }));
    rows.push((visit.say("chain"), html! { code { (header.chain) } }));
    html! { section { h2 { (visit.say("newest_title")) } (facts(&rows)) } }
}

/// How one side of the network fares: the tone of its picture, which its word says too.
struct Finding {
    tone: &'static str,
    words: String,
}

fn finding(good: bool, words: String) -> Finding {
    Finding { tone: if good { "good" } else { "bad" }, words }
}

fn findings(head: &Head, health: Option<&Health>, now_ms: u64, visit: Visit) -> Vec<Finding> {
    let found = head.shown(now_ms);
    let vouched = found.age_ms <= VOUCHED_WITHIN_MS;
    let key = if vouched { "vouched" } else { "not_vouched" };
    let mut findings = vec![finding(vouched, visit.fill(key, &[("age", &found.age)]))];
    let Some(Health { standing, peers }) = health else {
        findings.push(Finding { tone: "unknown", words: visit.say("health_unknown").to_owned() });
        return findings;
    };
    let behind = standing.target > standing.height.saturating_add(1);
    findings.push(match &standing.halted {
        Some(why) => finding(false, visit.fill("halted", &[("why", &crate::legible::visible(why))])),
        None if behind => {
            let (height, target) = (grouped(standing.height), grouped(standing.target));
            finding(false, visit.fill("behind", &[("height", &height), ("target", &target)]))
        }
        None => finding(true, visit.say("follows").to_owned()),
    });
    let quorum = head.validator_set().quorum();
    let connected = peers.saturating_add(1) >= quorum;
    let values = [("peers", peers.to_string()), ("quorum", quorum.to_string())];
    let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
    findings.push(finding(connected, visit.fill(if connected { "connected" } else { "cut_off" }, &values)));
    let proven = standing.contradictions.saturating_add(standing.accusations);
    let honest = proven == 0;
    let words = if honest {
        visit.say("no_contradiction").to_owned()
    } else {
        visit.fill("contradictions", &[("count", &proven.to_string())])
    };
    findings.push(finding(honest, words));
    findings
}

fn fares(head: &Head, health: Option<&Health>, now_ms: u64, visit: Visit) -> Markup {
    let findings = findings(head, health, now_ms, visit);
    let tone = |tone: &str| findings.iter().any(|finding| finding.tone == tone);
    let whole = if tone("bad") {
        "health_bad"
    } else if tone("unknown") {
        "health_partly"
    } else {
        "health_good"
    };
    html! {
        section.health data-health=(whole) {
            h2 { (visit.say("health_title")) ": " (visit.say(whole)) }
            ul.findings {
                @for Finding { tone, words } in &findings {
                    @let outline = ICONS.iter().find(|(name, _)| name == tone).map_or("", |(_, outline)| outline);
                    li {
                        span class=(format!("sign {tone}")) {
                            svg.icon viewBox="0 0 24 24" aria-hidden="true" { path d=(outline) {} }
                            (visit.say(match *tone { "good" => "sign_good", "bad" => "sign_bad", _ => "sign_unknown" }))
                        }
                        " " (words)
                    }
                }
            }
            p.hint { (visit.say("health_whose")) }
        }
    }
}

/// A figure in thousandths: `12.345`.
fn thousandths(value: u64) -> String {
    format!("{}.{:03}", grouped(value / 1000), value % 1000)
}

/// `blocks`: the newest first, one more than is plotted.
fn charts<'a, E: Explores>(
    node: &E,
    view: &LedgerView,
    blocks: &[Header],
    visit: Visit,
) -> Result<[Chart<'a>; 3], Nothing> {
    let plotted: Vec<_> = blocks.iter().take(PLOTTED_MAX as usize).rev().collect();
    let range = (plotted.first().map_or(0, |header| header.height), plotted.last().map_or(0, |header| header.height));
    let rates = blocks.windows(2).rev().filter_map(|pair| {
        let [block, before] = pair else { return None };
        let passed_ms = block.timestamp_ms.saturating_sub(before.timestamp_ms).max(1);
        let value = u64::from(block.record_count).saturating_mul(1_000_000) / passed_ms;
        Some(Figure { height: block.height, value })
    });
    let finality = node.finality(range.0).into_iter().filter(|(height, _)| *height <= range.1);
    let chart = |id, title, about, unit, show, figures| Chart {
        id,
        title: visit.say(title),
        about: visit.say(about),
        unit: visit.say(unit),
        show,
        range,
        figures,
    };
    Ok([
        chart("rate", "rate_title", "rate_about", "rate_unit", thousandths as fn(u64) -> String, rates.collect()),
        chart(
            "finality",
            "finality_title",
            "finality_about",
            "finality_unit",
            grouped,
            finality.map(|(height, value)| Figure { height, value }).collect(),
        ),
        chart("size", "size_title", "size_about", "size_unit", grouped, sizes(view, &plotted)?),
    ])
}

/// How many bytes the log entries of each block take, as far as they may be read; `blocks` from the oldest on.
fn sizes(view: &LedgerView, blocks: &[&Header]) -> Result<Vec<Figure>, Nothing> {
    let (mut figures, mut read) = (Vec::new(), 0);
    for header in blocks.iter().rev() {
        if read >= SIZES_READ_BYTES_MAX || header.height < view.first_block() {
            break;
        }
        let value = super::blocks::bytes_of(view, header)?;
        read += value;
        figures.push(Figure { height: header.height, value });
    }
    figures.reverse();
    Ok(figures)
}
