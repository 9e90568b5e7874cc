//! The portal and the explorer in a real browser: what a citizen sees, and that a node which lies is not believed.
//!
//! Needs chromium, its driver and axe-core, which `testnet/setup/browser.sh` installs; without them the tests fail. Pictures
//! of the pages are kept in `tmp/portal` under the target folder.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub)] // Test code: what is not as expected must stop the test.

mod access;
mod browser;
mod checkpost;
#[path = "../../../ledger/tests/common/mod.rs"]
mod common;
mod docs;
mod embedding;
mod evidence;
mod explorer;
mod fonts;
mod host;
mod ledger;
mod lies;
mod node;
mod numbers;
mod pages;
mod scan;
#[allow(dead_code, unreachable_pub, missing_docs)] // The tests of the interface use all of it.
#[path = "../http/site.rs"]
mod site;
#[path = "../support/mod.rs"]
mod support;
mod verifier;
mod words;

use serde_json::{Value, json};

use browser::{Browser, Setting};
use host::Host;

/// Every vector that the ledger's own tests check gives the same answer in the browser, or none where there is none.
#[test]
fn the_browser_answers_as_the_ledger_does() {
    let host = Host::start();
    let browser = Browser::start(&Setting::default());
    browser.open(&host.page("/about"));
    let script = r#"
        const { Pin, verifyStatus } = await import("/portal/verify.js");
        const lines = (await (await fetch("/vectors")).text()).trim().split("\n");
        const wrong = [];
        let answered = 0;
        for (const line of lines) {
            const vector = JSON.parse(line);
            const bytes = Uint8Array.from(atob(vector.receipt), (it) => it.charCodeAt(0));
            const terms = { asOfMs: vector.as_of_ms, knownAtMs: vector.known_at_ms, ageMaxMs: vector.age_max_ms };
            for (const name of Object.keys(terms)) if (terms[name] === null) delete terms[name];
            let got, why;
            try {
                const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
                const found = await verifyStatus(text, await Pin.parse(vector.pin), vector.asked, vector.now_ms, terms);
                const history = found.history.map((it) => [it.what, it.reason, it.recordedAtMs, it.effectiveFromMs, it.record]);
                got = [found.status, found.reason, found.sinceMs, found.asOfMs, found.freshnessMs,
                    found.document?.record ?? null, history];
                answered += 1;
            } catch (error) {
                if (error.code === undefined) throw error;
                [got, why] = ["could_not_check", error.message];
            }
            const it = vector.expected;
            const history = (it.history ?? []).map((event) => [event.what.standing ?? event.what, event.reason,
                event.recorded_at_ms, event.effective_from_ms, event.record]);
            const expected = "could_not_check" in it ? "could_not_check"
                : [it.status, it.reason, it.since_ms, it.as_of_ms, it.freshness_ms, it.record, history];
            if (JSON.stringify(got) !== JSON.stringify(expected)) wrong.push({ got, why, expected });
        }
        return { wrong, checked: lines.length, answered };
    "#;
    let said = browser.run_async(script, json!([]));
    assert_eq!(said["wrong"], json!([]));
    assert!(said["checked"].as_u64().unwrap() >= 70, "{said}");
    assert!(said["answered"].as_u64().unwrap() >= 20, "{said}");
}

/// What a receipt says about itself cannot be made out of several readings of one file.
#[test]
fn the_browser_refuses_json_that_is_read_in_two_ways() {
    let host = Host::start();
    let browser = Browser::start(&Setting::default());
    browser.open(&host.page("/about"));
    let script = r#"
        const { askedBy } = await import("/portal/verify.js");
        const codes = [];
        for (const text of given[0]) {
            try { askedBy(text); codes.push("read"); } catch (error) { codes.push(error.code ?? String(error)); }
        }
        return codes;
    "#;
    let deep = "[".repeat(100_000);
    let texts = ["", "{", "[]", r#"{"format": 1, "format": 1}"#, "\"\\ud800", "1e9", "{}x", &deep];
    let codes = browser.run_async(script, json!([texts]));
    assert_eq!(codes, Value::from(vec!["malformed"; texts.len()]));
}

/// Every answer of the portal forbids what it does not need, and the browser keeps to it.
#[test]
fn nothing_inline_and_nothing_from_elsewhere_runs() {
    let host = Host::start();
    let browser = Browser::start(&Setting::default());
    browser.open(&host.page("/"));
    let script = r#"
        const names = ["content-security-policy", "x-content-type-options", "referrer-policy"];
        const headers = {};
        for (const path of given[0]) {
            const answer = await fetch(path);
            headers[path] = names.map((name) => answer.headers.get(name));
        }
        const inline = document.createElement("script");
        inline.textContent = "document.title = 'ran'";
        document.body.append(inline);
        const elsewhere = await fetch("http://localhost:9/").then(() => "fetched", () => "refused");
        return { headers, title: document.title, elsewhere, cookies: document.cookie };
    "#;
    let paths = [
        "/",
        "/about",
        "/scan",
        "/check?q=x",
        "/check",
        "/evidence",
        "/portal/portal.js",
        "/portal/fonts.css",
        "/portal/nothing",
    ];
    let said = browser.run_async(script, json!([paths]));
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; font-src 'self'; \
                  form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    for path in paths {
        assert_eq!(said["headers"][path], json!([policy, "nosniff", "no-referrer"]), "{path}");
    }
    assert_ne!(said["title"], json!("ran"));
    assert_eq!((&said["elsewhere"], &said["cookies"]), (&json!("refused"), &json!("")));
}
