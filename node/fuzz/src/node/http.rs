//! The HTTP interface without a socket: a request line, and a body behind an empty line.
//!
//! Oracle: every answer has a status that the interface knows; no request makes this node say that it cannot read its own
//! data; an error is a problem document that repeats its status; a receipt that is served verifies under the served pin, and
//! a proof of the state under the root beside it; a record handed on to the core is one that decodes; and on a page of the
//! portal whatever somebody typed is text, in which nothing hides.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, Response, Uri, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use dalil_ledger::checkpoint::{Pin, Policy};
use dalil_ledger::crypto::Hash;
use dalil_ledger::receipt::{CouldNotCheck, Trust, verify_inclusion_with};
use dalil_ledger::state::StateProof;
use dalil_node::core::cosign::Published;
use dalil_node::shell::clock::now_ms;
use dalil_node::shell::handle::NodeHandle;
use dalil_node::shell::http::{App, Problem, router};
use dalil_node::shell::workers::Workers;
use dalil_node::verification;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};
use tower::ServiceExt as _;

use super::chain::{append, build, fresh_database, note, open};
use super::fixture::{START_MS, domicile_record, genesis, results, signed};
use crate::Taken;

/// The longest answer: a tile of entries.
const ANSWER_BYTES_MAX: usize = 16 << 20;

struct Site {
    runtime: Runtime,
    router: Router,
    pin: Pin,
    /// Kept open, so that the newest versions stay readable.
    _senders: (watch::Sender<Option<Arc<Published>>>, watch::Sender<dalil_ledger::store::LedgerView>),
}

/// A node with two blocks, a batch among them, whose head is cosigned.
fn site() -> &'static Site {
    static SITE: OnceLock<Site> = OnceLock::new();
    SITE.get_or_init(|| {
        let (kv, workers) = (fresh_database(), Workers::new(genesis().parameters));
        let ledger = open(&kv);
        let time_ms = START_MS + 1_000;
        let (batch, leaves) = results(0, 3, time_ms);
        let records =
            vec![(domicile_record(3, time_ms), None), (signed("education-board", &batch, 0, time_ms), Some(leaves))];
        append(&ledger, &build(&ledger.view().unwrap(), &workers, 1, time_ms, records));
        let second = vec![(domicile_record(4, time_ms), None)];
        append(&ledger, &build(&ledger.view().unwrap(), &workers, 2, time_ms + 1_000, second));
        let view = ledger.view().unwrap();
        let origin = genesis().origin.as_str().parse().unwrap();
        let policy = Policy::of_set(&origin, &genesis().validators).unwrap();
        let time_s = now_ms() / 1_000;
        let note = note(&view, &policy, time_s);
        let validators = genesis().validators.clone();
        let published = Published { note, view: view.clone(), validators, freshness_ms: time_s * 1_000 };
        let (published_sender, published) = watch::channel(Some(Arc::new(published)));
        let (view_sender, view) = watch::channel(view);
        // Nobody takes submissions and questions: the core has a target of its own.
        let (submit, _) = mpsc::channel(1);
        let (status, _) = mpsc::channel(1);
        let app = App::new(NodeHandle { submit, status, published, view }, &ledger).unwrap();
        Site {
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
            router: router(app),
            pin: verification::pin_of(&origin, genesis(), (&genesis().validators, 1), now_ms()).unwrap(),
            _senders: (published_sender, view_sender),
        }
    })
}

/// `GET /path?query` or `POST /path?query`, and the body behind an empty line.
pub fn http(bytes: &[u8]) -> Taken {
    let (line, body) = match bytes.windows(2).position(|pair| pair == b"\n\n") {
        Some(at) => (&bytes[..at], &bytes[at + 2..]),
        None => (bytes, &[][..]),
    };
    let Some((method, target)) = std::str::from_utf8(line).ok().and_then(|line| line.split_once(' ')) else {
        return Taken::No;
    };
    let (Ok(method), Ok(uri)) = (method.parse::<Method>(), target.parse::<Uri>()) else { return Taken::No };
    let Ok(request) = Request::builder().method(&method).uri(&uri).body(Body::from(body.to_vec())) else {
        return Taken::No;
    };
    let site = site();
    let response = ask(site, request);
    if is_page(&uri) { page(site, &uri, &response) } else { check(site, &uri, &response) }
}

fn ask(site: &Site, request: Request<Body>) -> Response<axum::body::Bytes> {
    site.runtime.block_on(async {
        let response = site.router.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
        let (head, body) = response.into_parts();
        // A stream goes on for ever.
        let stream = head.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
        let body = if stream { Body::empty() } else { body };
        Response::from_parts(head, axum::body::to_bytes(body, ANSWER_BYTES_MAX).await.expect("a bounded answer"))
    })
}

/// Whether a person reads the answer in a browser.
fn is_page(uri: &Uri) -> bool {
    let file = uri.path().strip_prefix("/portal/").is_some_and(|name| !name.is_empty() && !name.contains('/'));
    let shown = ["/explorer/blocks/", "/explorer/records/"].iter().filter_map(|folder| uri.path().strip_prefix(folder));
    let explorer =
        ["/explorer", "/explorer/blocks", "/explorer/subject", "/explorer/validators", "/explorer/search", "/plot"];
    matches!(uri.path(), "/" | "/about" | "/check" | "/evidence" | "/verifier.html")
        || file
        || explorer.contains(&uri.path())
        || shown.into_iter().any(|name| !name.is_empty() && !name.contains('/'))
}

/// Characters that are not seen, or turn the direction of writing.
const HIDDEN: [char; 6] = ['\u{0}', '\u{1b}', '\u{200b}', '\u{202e}', '\u{2066}', '\u{feff}'];
/// So much of what was typed shows that it stands in a page as it was typed, in characters.
const MARKUP_CHARS: usize = 8;

fn page(site: &Site, uri: &Uri, response: &Response<axum::body::Bytes>) -> Taken {
    let (status, headers) = (response.status(), response.headers());
    assert!([200, 303, 400, 404, 405, 503].contains(&status.as_u16()), "{uri}: {status}");
    assert!(headers.contains_key(header::CONTENT_SECURITY_POLICY), "{uri}");
    assert_eq!(headers.get(header::X_CONTENT_TYPE_OPTIONS).map(|value| value.as_bytes()), Some(&b"nosniff"[..]));
    if ["/check", "/evidence", "/explorer/subject", "/explorer/search", "/plot"].contains(&uri.path()) {
        let body = std::str::from_utf8(response.body()).expect("a page is text");
        // What typed text could find in a page of each kind, without having brought it.
        static HARMLESS: OnceLock<String> = OnceLock::new();
        let harmless = HARMLESS.get_or_init(|| {
            let paths = [
                "/check?q=5",
                "/check?plot=9300-1/7",
                "/check?uri=harmless",
                "/evidence?uri=in.gov.harmless",
                "/explorer/subject?id=harmless",
                "/explorer/search?q=harmless",
                "/plot?id=harmless",
            ];
            let page = |path| ask(site, Request::get(path).body(Body::empty()).unwrap()).into_body();
            paths.map(page).iter().map(|body| String::from_utf8_lossy(body).into_owned()).collect()
        });
        assert!(!body.contains(HIDDEN), "{uri}");
        for (_, typed) in
            axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri).into_iter().flat_map(|it| it.0)
        {
            let markup: String = typed.chars().skip_while(|letter| *letter != '<').take(MARKUP_CHARS).collect();
            let shown = markup.len() >= MARKUP_CHARS && body.contains(&markup);
            assert!(!shown || harmless.contains(&markup), "{uri}: {markup} stands in the page as it was typed");
        }
    }
    if status.is_success() { Taken::Yes } else { Taken::No }
}

fn check(site: &Site, uri: &Uri, response: &Response<axum::body::Bytes>) -> Taken {
    let (status, body) = (response.status(), response.body());
    assert_ne!(status.as_u16(), 500, "{uri}: {}", String::from_utf8_lossy(body));
    if status.is_client_error() || status.is_server_error() {
        let kind = response.headers().get(header::CONTENT_TYPE).map(|kind| kind.as_bytes().to_vec());
        // A question for the headers alone gets no body.
        if !body.is_empty() {
            assert_eq!(kind.as_deref(), Some(&b"application/problem+json"[..]), "{uri}");
            let problem: Problem = serde_json::from_slice(body).expect("a problem document");
            assert_eq!(problem.status, status.as_u16());
            assert!(!problem.code.is_empty() && !problem.detail.is_empty());
            // Only a record that decodes gets as far as the core, which is not here.
            return if problem.code == "stopping" { Taken::Yes } else { Taken::No };
        }
        return Taken::No;
    }
    match uri.path() {
        _ if body.is_empty() => {}
        "/v1/receipts/inclusion" => {
            let trust = Trust::Pin(&site.pin);
            let verified = verify_inclusion_with(body, trust, now_ms(), verification::batch_of);
            // A header's proof serves readers of C2SP proofs; it is the receipt of no record.
            assert!(matches!(verified, Ok(_) | Err(CouldNotCheck::NotARecord)), "{verified:?}");
        }
        "/pin" => drop(Pin::from_json(body).expect("a served pin is good")),
        "/policy" => {
            let policy = std::str::from_utf8(body).unwrap().parse::<Policy>();
            assert_eq!(policy.as_ref(), Ok(site.pin.policy()));
        }
        "/v1/state" => {
            let shown: serde_json::Value = serde_json::from_slice(body).unwrap();
            let key = shown["key"].as_str().unwrap();
            let value = shown["value"].as_str().map(|text| BASE64.decode(text).unwrap());
            let proof: StateProof = serde_json::from_value(shown["proof"].clone()).unwrap();
            let root: Hash = shown["state_root"].as_str().unwrap().parse().unwrap();
            assert_eq!(proof.verify(&root, key.as_bytes(), value.as_deref()), Ok(()));
        }
        _ => {}
    }
    Taken::Yes
}
