//! `GET /v1/events`.

use std::time::{Duration, Instant};

use dalil_node::shell::events::PAGE_EVENTS_MAX;
use dalil_node::shell::http::StreamLimits;
use tokio::io::AsyncReadExt as _;

use crate::site::{Listener, Site, quick};
use crate::support::{BANKURA, SDO};

fn ids(events: &[dalil_node::shell::events::ShownEvent]) -> Vec<(u64, u32)> {
    events.iter().map(|event| (event.index, event.ordinal)).collect()
}

/// Nothing comes for a while but beats.
async fn silent(listener: &mut Listener) {
    assert!(tokio::time::timeout(Duration::from_millis(700), listener.event()).await.is_err());
}

#[tokio::test]
async fn history_comes_first_and_then_what_is_published_in_order_without_gap_or_repeat() {
    let mut site = Site::new(quick()).await;
    let first = site.record(3);
    let second = site.record(2);
    site.publish();
    let mut listener = site.listen("from=0", None).await;
    let events = listener.events(5).await;
    let expected = [first, first + 1, first + 2, second, second + 1].map(|index| (index, 0));
    assert_eq!(ids(&events), expected);

    let event = &events[3];
    let view = site.ledger.view().unwrap();
    let record = view.block(2).unwrap().unwrap().records[0].clone();
    assert_eq!((event.height, event.time_ms), (2, view.header(2).unwrap().unwrap().timestamp_ms));
    assert_eq!((event.kind.as_str(), event.call.as_deref()), ("certificate.issued", Some("certificate.issue")));
    assert_eq!((event.transaction, event.posting.as_ref().unwrap().as_str()), (Some(record.id()), SDO.0));
    assert_eq!(event.subject, "in.gov.wb.district-DOM-0000000000000003");

    // Decided but not cosigned: nobody hears of it yet.
    let third = site.record(1);
    silent(&mut listener).await;
    site.publish();
    assert_eq!(ids(&listener.events(1).await), [(third, 0)]);
}

#[tokio::test]
async fn a_client_goes_on_where_it_was_across_reconnects_and_a_restart() {
    let mut site = Site::new(quick()).await;
    site.record(6);
    site.publish();
    let mut seen = Vec::new();
    let mut last_id = None;
    for round in 0..6 {
        let mut listener = site.listen("from=0", last_id.as_deref()).await;
        seen.extend(ids(&listener.events(2).await));
        last_id = listener.last_id.clone();
        match round {
            1 => {
                site.restart().await;
                assert!(listener.event().await.is_none_or(|event| event.index > 4), "it ended, or it had more");
                site.publish();
            }
            2 => {
                site.record(6);
                site.publish();
            }
            _ => {}
        }
    }
    let expected: Vec<_> = (1..=6).chain(8..=13).map(|index| (index, 0)).collect();
    assert_eq!(seen, expected);

    // Whoever says nothing hears what comes next; a log index is a position too, and one ahead of this node waits.
    let mut from_now = site.listen("", None).await;
    let mut whole_index = site.listen("", Some("12")).await;
    let mut ahead = site.listen("", Some(&site.log_size().to_string())).await;
    assert_eq!(ids(&whole_index.events(1).await), [(13, 0)]);
    let next = site.record(2);
    site.publish();
    assert_eq!(ids(&from_now.events(2).await), [(next, 0), (next + 1, 0)]);
    assert_eq!(ids(&ahead.events(1).await), [(next + 1, 0)]);
}

#[tokio::test]
async fn a_batch_is_many_events_at_one_log_index_and_may_be_resumed_in_its_midst() {
    let mut site = Site::new(quick()).await;
    let count = 2 * PAGE_EVENTS_MAX as u32 + 10;
    let index = site.record_batch(count);
    let after = site.record(1);
    site.publish();
    let mut listener = site.listen("from=0", None).await;
    let mut seen = ids(&listener.events(700).await);
    let mut listener = site.listen("from=0", Some(&format!("{index}-699"))).await;
    seen.extend(ids(&listener.events(count as usize - 700 + 1).await));
    let expected: Vec<_> = (0..count).map(|ordinal| (index, ordinal)).chain([(after, 0)]).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn filters_by_kind_place_and_subject() {
    let mut site = Site::new(quick()).await;
    let domicile = site.record(2);
    let results = site.record_batch(2);
    site.publish();
    let everything = [(domicile, 0), (domicile + 1, 0), (results, 0), (results, 1)];
    for (query, expected) in [
        ("kind=certificate.*", &everything[..]),
        ("kind=land.deed_registered,certificate.issued", &everything[..]),
        ("kind=*", &everything[..]),
        (&format!("district={BANKURA}"), &everything[..2]),
        ("district=999,315", &everything[2..]),
        ("subject=in.gov.wb.district-DOM-0000000000000001", &everything[1..2]),
        ("subject=in.gov.wb.education-*", &everything[2..]),
        ("subject=in.gov.wb.education-*&district=305", &[]),
        ("block=2795", &[]),
        ("kind=land.*", &[]),
    ] {
        let mut listener = site.listen(&format!("from=0&{query}"), None).await;
        assert_eq!(ids(&listener.events(expected.len()).await), expected, "{query}");
        if expected.is_empty() {
            silent(&mut listener).await;
            assert_eq!(listener.last_id, Some((site.log_size() - 1).to_string()), "the position went on all the same");
        }
    }
    for (query, code) in [
        ("kind=land.deed_registred", "filter"),
        ("kind=land", "filter"),
        ("kind=", "filter"),
        ("district=Bankura", "filter"),
        ("subject=a*b", "filter"),
        ("from=-1", "request"),
        ("topic=land", "request"),
    ] {
        let (status, problem) = site.get(&format!("/v1/events?{query}")).await;
        assert_eq!((status, problem["code"].as_str()), (400, Some(code)), "{query}: {problem}");
    }
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_cut_off_and_others_are_served() {
    let mut site = Site::new(StreamLimits { streams_max: 2, ..quick() }).await;
    // More than sockets and buffers between hold.
    for _ in 0..5 {
        site.record_batch(4_000);
    }
    site.publish();
    let mut stares = site.stare("from=0").await;
    let mut listener = site.listen("from=0&subject=nothing", None).await;
    assert_eq!(site.get("/v1/events").await.0, 503, "both places are taken");
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut freed = loop {
        let response = site.try_listen("from=0").await;
        if let Some(listener) = response {
            break listener;
        }
        assert!(Instant::now() < deadline, "its place is free again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(freed.events(20_000).await.len(), 20_000, "whoever takes what comes is given all of it");
    // What the other one finds when it looks at last: less than all, and the end.
    let mut got = Vec::new();
    tokio::time::timeout(Duration::from_secs(20), stares.read_to_end(&mut got)).await.unwrap().ok();
    assert!(String::from_utf8_lossy(&got).matches("\ndata: ").count() < 20_000);
    listener.block().await.unwrap();
}

#[tokio::test]
async fn streams_are_bounded_and_refused_in_words() {
    let site = Site::new(quick()).await;
    site.publish();
    let mut held = Vec::new();
    for _ in 0..quick().streams_max {
        held.push(site.listen("", None).await);
    }
    let (status, problem) = site.get("/v1/events").await;
    assert_eq!((status, problem["code"].as_str()), (503, Some("too_many_streams")), "{problem}");
    held.pop();
    let deadline = Instant::now() + Duration::from_secs(10);
    while site.try_listen("").await.is_none() {
        assert!(Instant::now() < deadline, "a client that went left its place");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn the_schema_names_every_kind_and_field() {
    let mut site = Site::new(quick()).await;
    site.record(1);
    site.publish();
    let (_, schema) = site.get("/v1/schema/event").await;
    let kinds = schema["properties"]["kind"]["enum"].as_array().unwrap().len();
    assert_eq!(kinds, dalil_contracts::events::KINDS.len());
    let event = site.listen("from=0", None).await.events(1).await.remove(0);
    let event = serde_json::to_value(event).unwrap();
    let shape = schema["properties"].as_object().unwrap();
    assert_eq!(event.as_object().unwrap().keys().collect::<Vec<_>>(), shape.keys().collect::<Vec<_>>());
}
