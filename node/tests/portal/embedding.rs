//! `verify.js` on a department's own page, which another origin serves: the very pages that docs/embedding.md shows.

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use dalil_ledger::checkpoint::Pin;
use dalil_node::shell::http::config::HttpConfig;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::browser::{Browser, Setting};
use crate::site::{Site, now_ms, uri};

const GUIDE: &str = include_str!("../../../docs/embedding.md");
const VERIFY: &str = include_str!("../../portal/verify.js");

/// The page of the guide that has these words.
fn page(words: &str) -> String {
    let pages = GUIDE.split("```html\n").skip(1).filter_map(|rest| rest.split("```").next());
    let page = pages.into_iter().find(|page| page.contains(words)).unwrap();
    format!("<!doctype html><html lang=\"en\"><title>Department</title><body>{page}</body></html>")
}

/// A department's web server: its pages, its copy of the module, its pin.
fn serve(listener: TcpListener, asking: String, pin: &Pin) {
    let (file, pin) = (page("type=\"file\""), pin.to_json());
    let script = [("content-type", "text/javascript; charset=utf-8")];
    let router = Router::new()
        .route("/asking", get(move || async move { Html(asking) }))
        .route("/file", get(move || async move { Html(file) }))
        .route("/js/verify.js", get(move || async move { (script, VERIFY) }))
        .route("/js/pin.json", get(move || async move { pin }));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
}

/// An address for a department's web server, and its origin.
async fn address() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    (listener, origin)
}

fn shown(browser: &Browser) -> String {
    browser.wait("the page has an answer", "return document.querySelector('#status')?.textContent.length > 1");
    browser.text("#status")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_origin_checks_receipts_of_a_node_that_allows_it() {
    let ((named, allowed), (other, refused), (stranger, absent)) = (address().await, address().await, address().await);
    let config = HttpConfig { allow_origins: vec![allowed.parse().unwrap()], ..HttpConfig::default() };
    let (open, closed) = (Site::with_config(config).await, Site::open().await);
    let asking = |node: &Site| {
        page("ledger.example")
            .replace("https://ledger.example", &node.url(""))
            .replace("in.gov.wb.land-ROR-7F3A", &uri(1))
    };
    serve(named, asking(&open), &open.pin());
    serve(other, asking(&closed), &closed.pin());
    serve(stranger, asking(&open), &open.pin());

    let folder = tempfile::tempdir().unwrap();
    let keep = |name: &str, receipt: &Value| std::fs::write(folder.path().join(name), receipt.to_string()).unwrap();
    let path = format!("/v1/receipts/status?uri={}", uri(1));
    let (_, receipt) = open.get(&path).await;
    keep("good.dalil-status", &receipt);
    let mut spoilt = receipt.clone();
    let note = receipt["checkpoint"].as_str().unwrap();
    let place = note.len() - 20;
    let letter = if &note[place..=place] == "A" { "B" } else { "A" };
    spoilt["checkpoint"] = json!(format!("{}{letter}{}", &note[..place], &note[place + 1..]));
    keep("spoilt.dalil-status", &spoilt);
    open.publish(now_ms() - 3 * 86_400_000);
    keep("stale.dalil-status", &open.get(&path).await.1);
    open.publish(now_ms());

    let said = tokio::task::spawn_blocking(move || {
        let browser = Browser::start(&Setting::default());
        browser.go(&format!("{allowed}/asking"));
        let by_node = shown(&browser);
        // Neither a node that names nobody, nor a page that the node does not name.
        let closed = [&refused, &absent].map(|origin| {
            browser.go(&format!("{origin}/asking"));
            shown(&browser)
        });
        let by_file = ["good.dalil-status", "spoilt.dalil-status", "stale.dalil-status"].map(|name| {
            browser.go(&format!("{allowed}/file"));
            browser.fill("#receipt", folder.path().join(name).to_str().unwrap());
            shown(&browser)
        });
        browser.picture("embedded");
        (by_node, closed, by_file)
    });
    let (by_node, closed, [good, spoilt, stale]) = said.await.unwrap();
    assert_eq!(by_node, "valid");
    assert!(closed.iter().all(|said| said.starts_with("could not check: ")), "{closed:?}");
    assert_eq!(good, format!("valid: {}", uri(1)));
    assert!(spoilt.starts_with("could not check: "), "{spoilt}");
    assert!(stale.starts_with("could not check: the proof is "), "{stale}");
}
