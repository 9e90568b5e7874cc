//! What a citizen does: a number, a file, a receipt, another language, no JavaScript, no mouse.

use serde_json::json;

use crate::browser::{Browser, ENTER, Setting, TAB};
use crate::common::uri;
use crate::host::Host;

const STATUSES: [(&str, &str, &str); 5] = [
    ("good", "valid", "Valid"),
    ("revoked", "revoked", "Revoked"),
    ("expired", "expired", "Expired"),
    ("old", "superseded", "Superseded"),
    ("nowhere", "not_on_record", "Not on record"),
];

#[test]
fn a_number_is_answered_and_checked_on_the_device() {
    let host = Host::start();
    let browser = Browser::start(&Setting::default());
    for (id, status, word) in STATUSES {
        browser.open(&host.page("/?lang=en"));
        browser.fill("input[name=q]", uri(id).as_str());
        browser.click("form.number button");
        assert_eq!(browser.status(), status);
        assert_eq!(browser.text(".verdict h2"), word);
        let text = browser.text("#answer");
        let from = host.url.strip_prefix("http://").unwrap();
        assert!(text.contains(&format!("Checked on this device by code from {from}.")), "{text}");
        assert!(text.contains("Against a host that lies, this proves little"), "{text}");
        assert!(text.contains("3 of 4 validators"), "{text}");
        browser.picture(&format!("answer-{status}"));
    }
    let text = browser.text("#answer");
    assert!(text.contains("not the same as forged"), "{text}");
}

/// Both ways of making an answer page name the same facts in the same words.
#[test]
fn the_device_says_what_the_node_says() {
    let host = Host::start();
    let browser = Browser::start(&Setting::default());
    let script = r##"
        const facts = (root) => [...root.querySelectorAll(".facts > div, .answer table tr, .verdict, .answer > .hint, summary, caption")]
            .map((it) => [...it.querySelectorAll("h2, p, dt, dd, th, td")].map((part) => part.textContent).join(" | ") || it.textContent);
        const page = await (await fetch(location.href)).text();
        const server = facts(new DOMParser().parseFromString(page, "text/html").querySelector("#answer"));
        return { server, device: facts(document.querySelector("#answer")) };
    "##;
    for (language, statuses) in [("en", &STATUSES[..]), ("bn", &STATUSES[1..2]), ("hi", &STATUSES[3..4])] {
        for (id, status, _) in statuses {
            browser.open(&host.page(&format!("/check?uri={}&lang={language}", uri(id))));
            assert_eq!(browser.status(), *status);
            let said = browser.run_async(script, json!([]));
            let lines = |who: &str| -> Vec<String> {
                said[who].as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect()
            };
            let (server, device) = (lines("server"), lines("device"));
            assert_eq!(server.len(), device.len(), "{server:#?} {device:#?}");
            let differing: Vec<_> = server.iter().zip(&device).filter(|(one, other)| one != other).collect();
            // A second may pass in between: the moment of checking, and the age of the proof.
            assert!(differing.len() <= 2 && differing.iter().all(|(line, _)| line.contains("IST")), "{differing:#?}");
        }
    }
}

#[test]
fn a_file_is_hashed_here_and_never_sent() {
    let host = Host::start();
    let folder = tempfile::tempdir().unwrap();
    host.write_files(folder.path());
    let browser = Browser::start(&Setting::default());
    browser.open(&host.page("/"));
    browser.fill("form.file input", folder.path().join("revoked.pdf").to_str().unwrap());
    browser.wait("the answer page is there", "return location.pathname === '/check'");
    assert_eq!(browser.status(), "revoked");
    assert!(browser.url().contains("digest="), "{}", browser.url());
    // Dropped in place of chosen.
    browser.open(&host.page("/"));
    let drop = r#"
        const files = new DataTransfer();
        files.items.add(new File(["file of good"], "good\u202efdp.exe"));
        const label = document.querySelector("form.file label");
        label.dispatchEvent(new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true }));
        return label.querySelector(".name").textContent;
    "#;
    assert_eq!(browser.run(drop, json!([])), json!("good⟨U+202E⟩fdp.exe"));
    browser.wait("the answer page is there", "return location.pathname === '/check'");
    assert_eq!(browser.status(), "valid");
}

#[test]
fn a_receipt_is_checked_against_the_users_pin() {
    let host = Host::start();
    let folder = tempfile::tempdir().unwrap();
    host.write_files(folder.path());
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let browser = Browser::start(&Setting::default());
    browser.open(&host.page("/"));
    assert_eq!(browser.text("form.pin output"), "You have loaded no pin.");
    browser.fill("form.pin input", &path("pin.json"));
    let fingerprint = dalil_ledger::crypto::sha256(host.pin().to_json().as_bytes()).to_string();
    browser.wait(
        "the pin is kept",
        "return localStorage.getItem('dalil.pin') !== null && !document.querySelector('[name=forget]').hidden",
    );
    assert_eq!(browser.text("form.pin output"), format!("Your pin, SHA-256: {fingerprint}"));
    browser.picture("home-with-pin");

    browser.fill("form.receipt input[name=receipt]", &path("good.dalil-status"));
    browser.fill("form.receipt input[name=document]", &path("good.pdf"));
    browser.click("form.receipt button");
    assert_eq!(browser.status(), "valid");
    assert!(browser.text("#answer").contains("Checked against the pin that you loaded."));
    // Another document than the receipt's.
    browser.fill("form.receipt input[name=document]", &path("revoked.pdf"));
    browser.run("document.querySelector('#answer').replaceChildren()", json!([]));
    browser.click("form.receipt button");
    assert_eq!(browser.status(), "could_not_check");
    assert!(browser.text("#answer").contains("about another document"));
    // Pasted.
    browser.open(&host.page("/"));
    let text = std::fs::read_to_string(path("revoked.dalil-status")).unwrap();
    browser.run("document.querySelector('textarea').value = arguments[0]", json!([text]));
    browser.click("form.receipt button");
    assert_eq!(browser.status(), "revoked");
    // Half of it.
    browser.run("document.querySelector('textarea').value = arguments[0]", json!([text[..text.len() / 2]]));
    browser.run("document.querySelector('#answer').replaceChildren()", json!([]));
    browser.click("form.receipt button");
    assert_eq!(browser.status(), "could_not_check");
    browser.click("[name=forget]");
    browser.wait("the pin is forgotten", "return localStorage.getItem('dalil.pin') === null && document.querySelector('form.pin output').textContent === 'You have loaded no pin.'");
}

#[test]
fn three_languages_by_choice_and_by_the_browsers_wish() {
    let host = Host::start();
    let browser = Browser::start(&Setting { languages: "bn-IN,hi,en", ..Setting::default() });
    browser.open(&host.page("/"));
    assert_eq!(browser.attribute("html", "lang").as_deref(), Some("bn"));
    let words = [("en", "Revoked"), ("bn", "প্রত্যাহৃত"), ("hi", "वापस लिया गया")];
    for (language, word) in words {
        browser.open(&host.page("/?lang=hi"));
        browser.click(&format!("nav a[hreflang={language}]"));
        browser.wait(
            "the language has changed",
            &format!(
                "return document.documentElement.lang === '{language}' && 'ready' in document.documentElement.dataset"
            ),
        );
        browser.fill("input[name=q]", uri("revoked").as_str());
        browser.click("form.number button");
        assert_eq!(browser.status(), "revoked");
        assert_eq!(browser.text(".verdict h2"), word);
        browser.picture(&format!("revoked-{language}"));
        // On an answer the language changes and the question stays.
        browser.click("nav a[hreflang=en]");
        browser.wait("the language has changed", "return document.documentElement.lang === 'en'");
        assert_eq!((browser.status().as_str(), browser.text(".verdict h2").as_str()), ("revoked", "Revoked"));
    }
}

#[test]
fn as_of_asks_about_another_day() {
    let host = Host::start();
    let browser = Browser::start(&Setting::default());
    let before_ms = crate::host::now_ms() - 80 * 60_000;
    browser.open(&host.page(&format!("/check?uri={}&as_of={before_ms}", uri("revoked"))));
    assert_eq!(browser.status(), "suspended");
    browser.open(&host.page(&format!("/check?uri={}&as_of=2020-01-01", uri("revoked"))));
    assert_eq!(browser.status(), "not_yet_valid");
    browser.open(&host.page(&format!("/check?uri={}&as_of=2100-01-01", uri("revoked"))));
    assert_eq!(browser.status(), "could_not_check");
}

#[test]
fn without_javascript_the_node_gives_its_word_and_says_so() {
    let host = Host::start();
    let browser = Browser::start(&Setting { script: false, ..Setting::default() });
    browser.go(&host.page("/"));
    assert!(browser.text("noscript").contains("sha256sum"));
    assert!(!browser.is_shown("form.file") && !browser.is_shown("form.pin"));
    browser.picture("home-without-javascript");
    for (id, status, word) in STATUSES {
        browser.go(&host.page("/"));
        browser.fill("input[name=q]", uri(id).as_str());
        browser.click("form.number button");
        assert_eq!(browser.attribute("[data-status]", "data-status").as_deref(), Some(status));
        assert_eq!(browser.text(".verdict h2"), word);
        let text = browser.text("#answer");
        assert!(text.contains("the word of the server") && !text.contains("Checked on this device"), "{text}");
    }
    browser.picture("answer-without-javascript");
}

#[test]
fn the_keyboard_is_enough() {
    let host = Host::start();
    let browser = Browser::start(&Setting::default());
    browser.open(&host.page("/"));
    let focused = || {
        browser.run("const it = document.activeElement; return [it.className, it.name ?? '', getComputedStyle(it).outlineStyle]", json!([]))
    };
    browser.press(&TAB.to_string());
    assert_eq!(focused(), json!(["skip", "", "solid"]));
    assert!(browser.is_shown(".skip"));
    browser.picture("skip-link");
    browser.press(&ENTER.to_string());
    // From the main content on, the number's field comes first.
    browser.press(&TAB.to_string());
    assert_eq!(focused(), json!(["", "q", "solid"]));
    browser.press(uri("good").as_str());
    browser.press(&ENTER.to_string());
    browser.wait("the answer page is there", "return location.pathname === '/check'");
    assert_eq!(browser.status(), "valid");
    // Whoever hears the page is taken to the answer, and its details open by the keyboard.
    browser.wait("the answer has the focus", "return document.activeElement.id === 'answer'");
    browser.press(&TAB.to_string());
    browser.press(&ENTER.to_string());
    browser.wait("the details are open", "return document.querySelector('details').open");
}

#[test]
fn hostile_words_are_shown_and_do_nothing() {
    let host = Host::start();
    let browser = Browser::start(&Setting::default());
    let hostile = [
        ("<script> document.title='x' </script>", "<script> document.title='x' </script>"),
        ("in.gov.wb.l\u{430}nd-ROR-7F3A", "in.gov.wb.l⟨U+0430⟩nd-ROR-7F3A"),
        ("in.gov.wb\u{202e}A3F7", "in.gov.wb⟨U+202E⟩A3F7"),
        ("https://ledger.example/v#id", "https://ledger.example/v#id"),
    ];
    for script in [true, false] {
        let browser = if script { &browser } else { &Browser::start(&Setting { script, ..Setting::default() }) };
        for (sent, shown) in hostile {
            browser.go(&host.page("/?lang=en"));
            browser.fill("input[name=q]", sent);
            browser.click("form.number button");
            assert_eq!(browser.attribute("[data-status]", "data-status").as_deref(), Some("could_not_check"));
            let text = browser.text("#answer");
            assert!(text.contains(shown), "{text}");
            assert!(browser.url().starts_with(&*host.url), "no link is followed");
        }
        // A token of the ledger's own characters that is markup all the same.
        browser.go(&host.page("/check?uri=%3Cimg/src=x/onerror=alert(1)%3E"));
        let status = if script { Some(browser.status()) } else { browser.attribute("[data-status]", "data-status") };
        assert_eq!(status.as_deref(), Some("not_on_record"));
        assert!(browser.text("#answer").contains("<img/src=x/onerror=alert(1)>"));
    }
}
