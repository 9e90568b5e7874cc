//! What a court is handed, on the portal: whole, of one moment, and on paper.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use dalil_ledger::crypto::sha256;
use dalil_ledger::receipt::{Question, Terms, Trust, verify_inclusion_with, verify_status};
use serde_json::{Value, json};

use crate::browser::{Browser, Setting};
use crate::host::Host;
use crate::node::Node;
use crate::site::{now_ms, uri};

/// Name and content of each file within the page.
fn files(browser: &Browser) -> Vec<(String, Vec<u8>)> {
    let script = "return [...document.querySelectorAll('ul.files a')].map((it) => [it.download, it.href]);";
    let links = browser.run(script, json!([]));
    let file = |link: &Value| {
        let content = link[1].as_str().unwrap().strip_prefix("data:application/octet-stream;base64,").unwrap();
        (link[0].as_str().unwrap().to_owned(), BASE64.decode(content).unwrap())
    };
    links.as_array().unwrap().iter().map(file).collect()
}

#[test]
fn the_page_holds_files_that_check_out_by_themselves() {
    let node = Node::start();
    let browser = Browser::start(&Setting::default());
    browser.open(&node.page(&format!("/check?uri={}&lang=en", uri(1))));
    assert_eq!(browser.status(), "valid");
    browser.follow("p.evidence a");
    browser.wait("the evidence is there", "return document.querySelector('article.court') !== null");
    let text = browser.text("main");
    for part in ["the word of the server", "Part A", "Part B", "63(4)", "sha256sum -c hashes.txt", "confers no title"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let files = files(&browser);
    let report = files.iter().find(|(name, _)| name == "hashes.txt").unwrap();
    let report = String::from_utf8(report.1.clone()).unwrap();
    assert!(text.contains(&sha256(report.as_bytes()).to_string()));
    assert_eq!(report.lines().count() + 1, files.len(), "{report}");
    for (name, bytes) in files.iter().filter(|(name, _)| name != "hashes.txt") {
        let line = format!("{}  {name}", sha256(bytes));
        assert!(report.lines().any(|it| it == line), "{line}\n{report}");
        assert!(text.contains(&line), "{line}");
    }
    // Both kinds of receipts, by the ledger's own code and a pin that did not come with the page.
    let content = |wanted: &str| &files.iter().find(|(name, _)| name.ends_with(wanted)).unwrap().1;
    let pin = node.site().pin();
    let asked = Question::Uri(uri(1).parse().unwrap());
    let answer = verify_status(content(".dalil-status"), &pin, &asked, Terms::now(now_ms())).unwrap();
    let proof = content(".tlog-proof");
    let found = verify_inclusion_with(proof, Trust::Pin(&pin), now_ms(), dalil_node::verification::batch_of).unwrap();
    assert_eq!(Some(found.index), answer.record);
    browser.picture("evidence");
}

#[test]
fn a_challan_and_a_plot_have_evidence_too_and_nothing_else_has() {
    let node = Node::start();
    for script in [true, false] {
        let browser = Browser::start(&Setting { script, ..Setting::default() });
        browser.go(&node.page("/evidence?plot=9300-1/7&lang=en"));
        let text = browser.text("main");
        for part in ["Electronic record: plot 9300-1/7", "title.dalil-register", "encumbrances.dalil-register", "danga"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
        browser.go(&node.page("/evidence?plot=9300-1/99&lang=en"));
        assert!(browser.text("main").contains("not on record"));
        browser.go(&node.page("/evidence?challan=C-none&lang=en"));
        let text = browser.text("main");
        assert!(text.contains("in.gov.wb.minerals-CHALLAN-C-none") && text.contains("not on record"), "{text}");
        for query in ["", "q=5", "index=1", &format!("digest={}", sha256(b"x")), "plot=%3Cscript%3E"] {
            browser.go(&node.page(&format!("/evidence?{query}&lang=en")));
            assert_eq!(browser.status_now(), "could_not_check", "{query}");
        }
    }
    let browser = Browser::start(&Setting::default());
    for (language, word) in [("bn", "আদালতে দেওয়ার আগে"), ("hi", "न्यायालय को दे")]
    {
        browser.go(&node.page(&format!("/evidence?plot=9300-1/7&lang={language}")));
        assert!(browser.text(".notice").contains(word), "{}", browser.text(".notice"));
        assert_eq!(browser.attribute("article.court", "lang").as_deref(), Some("en-IN"));
    }
}

/// A node that cannot gather everything hands out nothing.
#[test]
fn half_of_it_is_none_of_it() {
    let host = Host::start();
    let browser = Browser::start(&Setting { script: false, ..Setting::default() });
    browser.go(&host.page("/evidence?challan=C-1&lang=en"));
    assert_eq!(browser.status_now(), "could_not_check");
    let text = browser.text("#answer");
    assert!(text.contains("nothing is handed out") && text.contains("evidence_incomplete"), "{text}");
}

/// What nobody reads on paper is not printed, and what is folded up on the screen is.
#[test]
fn answers_and_evidence_are_printed_whole() {
    let node = Node::start();
    let browser = Browser::start(&Setting::default());
    let shown = |css: &str| {
        let script = "return [...document.querySelectorAll(arguments[0])].map((it) => it.checkVisibility({ contentVisibilityAuto: true }) && it.getClientRects().length > 0);";
        browser.run(script, json!([css]))
    };
    browser.open(&node.page(&format!("/check?uri={}&lang=en", uri(1))));
    assert_eq!(browser.status(), "valid");
    browser.paper(true);
    for css in ["header", "footer", ".again", "p.evidence"] {
        assert_eq!(shown(css), json!([false]), "{css}");
    }
    assert_eq!(shown("details table caption"), json!([true]));
    assert_eq!(shown(".verdict h2"), json!([true]));
    let answer = browser.pdf("answer");
    assert!((1..=2).contains(&answer), "{answer} pages");
    browser.paper(false);
    browser.go(&node.page(&format!("/evidence?uri={}&lang=en", uri(1))));
    let evidence = browser.pdf("evidence");
    // Each part of the certificate begins a page of its own.
    assert!((3..=8).contains(&evidence), "{evidence} pages");
}
