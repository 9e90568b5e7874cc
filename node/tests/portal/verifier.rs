//! The verifier in one file, opened from the disk.

use std::process::Command;

use dalil_ledger::crypto::sha256;
use dalil_node::portal::assets;
use serde_json::json;

use crate::browser::{Browser, Setting};
use crate::host::{Host, Lie};

#[test]
fn the_verifier_in_one_file_needs_no_network() {
    let host = Host::start();
    let folder = tempfile::tempdir().unwrap();
    host.write_files(folder.path());
    host.lies(Lie::StaleCheckpoint);
    let stale = host.receipt(&dalil_ledger::receipt::Question::Digest(sha256(b"file of good")));
    std::fs::write(folder.path().join("stale.dalil-status"), stale).unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let said = Command::new(env!("CARGO_BIN_EXE_dalil"))
        .args(["portal", "verifier", "--out", &path("verifier.html")])
        .output()
        .unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    let html = std::fs::read(path("verifier.html")).unwrap();
    assert_eq!(sha256(&html), assets::verifier().sha256);
    assert!(said.contains(&sha256(&html).to_string()), "{said}");
    let text = String::from_utf8(html).unwrap();
    assert!(!text.contains(" src=") && !text.contains("<link") && !text.contains("\nimport "), "it loads nothing");

    let browser = Browser::start(&Setting::default());
    browser.open(&format!("file://{}", path("verifier.html")));
    let secure = browser.run("return isSecureContext", json!([]));
    assert_eq!(secure, json!(true));
    let blocked = browser.run_async(
        "try { await fetch(given[0]); return 'fetched'; } catch { return 'blocked'; }",
        json!([host.page("/pin")]),
    );
    assert_eq!(blocked, json!("blocked"));

    let check = |receipt: &str| {
        browser.fill("main:not([hidden]) form.receipt input[name=receipt]", &path(receipt));
        browser.run("document.querySelectorAll('.result').forEach((it) => it.replaceChildren())", json!([]));
        browser.click("main:not([hidden]) form.receipt button");
        browser.status()
    };
    // Without a pin nothing is checked.
    assert_eq!(check("good.dalil-status"), "could_not_check");
    assert!(browser.text("main:not([hidden]) .result").contains("Load a pin first"));
    browser.fill("main:not([hidden]) form.pin input", &path("pin.json"));
    assert_eq!(check("good.dalil-status"), "valid");
    assert!(browser.text("main:not([hidden]) .result").contains("Checked on this device by this page."));
    browser.picture("verifier");
    assert_eq!(check("revoked.dalil-status"), "revoked");
    assert_eq!(check("stale.dalil-status"), "could_not_check");
    assert_eq!(check("good.pdf"), "could_not_check");

    browser.click("nav button[lang=bn]");
    assert_eq!(browser.attribute("html", "lang").as_deref(), Some("bn"));
    browser.fill("main:not([hidden]) form.pin input", &path("pin.json"));
    assert_eq!(check("good.dalil-status"), "valid");
    assert_eq!(browser.text("main:not([hidden]) .verdict h2"), "বৈধ");
}
