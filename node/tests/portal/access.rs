//! Everybody can use it: WCAG 2.1 AA as far as the checker axe-core can tell, and nothing runs out of a narrow screen.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::browser::{Browser, Setting};
use crate::common::uri;
use crate::host::Host;
use crate::node::Node;

/// axe-core as `testnet/setup/browser.sh` installs it.
fn axe() -> String {
    let cache = std::env::var_os("DALIL_CACHE").map(PathBuf::from).unwrap_or_else(|| {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        cache.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache")).join("dalil")
    });
    let path = cache.join("tools/axe/axe_playwright_python/axe.min.js");
    std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; testnet/setup/browser.sh installs it", path.display()))
}

#[test]
fn every_page_is_accessible_and_whole_on_a_narrow_screen() {
    let (host, node) = (Host::start(), Node::start());
    let axe = axe();
    let browser = Browser::start(&Setting::default());
    let check = |path: &str| format!("/check?uri={}&lang=", uri(path));
    let node_pages = [
        ("home", "/?lang="),
        ("choices", "/check?q=5&lang="),
        ("plot", "/check?plot=9300-1/7&lang="),
        ("record", "/check?index=2&lang="),
        ("evidence", "/evidence?plot=9300-1/7&lang="),
        ("certificate", "/check?department=district&type=DOM&number=DOM-1&lang="),
    ];
    let node_pages = node_pages.map(|(name, path)| (name, node.page(path)));
    let host_pages = [
        ("about", "/about?lang=".to_owned()),
        ("valid", check("good")),
        ("revoked", check("revoked")),
        ("expired", check("expired")),
        ("unknown", check("nowhere")),
        ("wrong-number", "/check?q=%D0%B0&lang=".to_owned()),
        ("scan", "/scan?lang=".to_owned()),
        ("verifier", "/verifier.html?lang=".to_owned()),
    ];
    let host_pages = host_pages.map(|(name, path)| (name, host.page(&path)));
    for (name, page) in node_pages.into_iter().chain(host_pages) {
        for language in ["en", "bn", "hi"] {
            browser.resize(900, 1200);
            browser.open(&format!("{page}{language}"));
            browser.wait("every answer is there", "return document.querySelector('[aria-busy]') === null");
            browser.run("document.querySelectorAll('details').forEach((it) => { it.open = true; })", json!([]));
            browser.run(&axe, json!([]));
            let script =
                "const found = await axe.run(document, { resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa',
                'wcag21a', 'wcag21aa', 'best-practice'] });
                return { passed: found.passes.length, violations: found.violations.map((it) =>
                [it.id, it.help, it.nodes.map((node) => node.html + ' ' + node.failureSummary)]) };";
            let found = browser.run_async(script, json!([]));
            assert_eq!(found["violations"], json!([]), "{name} {language}");
            assert!(found["passed"].as_u64().unwrap() > 10, "{name} {language}: {found}");

            browser.resize(360, 740);
            let fits =
                "const page = document.documentElement; return [innerWidth, page.scrollWidth <= page.clientWidth];";
            assert_eq!(browser.run(fits, json!([])), json!([360, true]), "{name} {language}");
            browser.picture(&format!("narrow-{name}-{language}"));
        }
    }
}

/// "Could not check" does not look like any answer, and least of all like "valid".
#[test]
fn could_not_check_looks_like_no_answer() {
    let host = Host::start();
    let browser = Browser::start(&Setting::default());
    let look = |path: &str| -> Vec<Value> {
        browser.open(&host.page(path));
        browser.status();
        let script = "const box = document.querySelector('.verdict'); const style = getComputedStyle(box);
            return [style.color, style.backgroundColor, style.borderTopStyle, box.querySelector('path').getAttribute('d')];";
        browser.run(script, json!([])).as_array().unwrap().clone()
    };
    let unchecked = look("/check?q=%D0%B0");
    assert_eq!(unchecked[2], json!("dashed"));
    for id in ["good", "revoked", "nowhere"] {
        let other = look(&format!("/check?uri={}", uri(id)));
        for (place, (one, other)) in unchecked.iter().zip(&other).enumerate() {
            assert_ne!(one, other, "{id}, {place}");
        }
    }
}
