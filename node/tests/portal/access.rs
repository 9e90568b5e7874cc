//! Everybody can use it: WCAG 2.1 AA as far as the checker axe-core can tell, and nothing runs out of a narrow screen.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::browser::{Browser, Setting};
use crate::common::uri;
use crate::host::Host;
use crate::ledger::{CHALLAN_URI, DIVIDED, INHERITED, node};
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

/// The present page has no fault that the checker knows, and fits a screen of 360 pixels, on which it is left.
pub(crate) fn require_accessible(browser: &Browser, name: &str) {
    browser.run(&axe(), json!([]));
    let script = "const found = await axe.run(document, { resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa',
        'wcag21a', 'wcag21aa', 'best-practice'] });
        return { passed: found.passes.length, violations: found.violations.map((it) =>
        [it.id, it.help, it.nodes.map((node) => node.html + ' ' + node.failureSummary)]) };";
    let found = browser.run_async(script, json!([]));
    assert_eq!(found["violations"], json!([]), "{name}");
    assert!(found["passed"].as_u64().unwrap() > 10, "{name}: {found}");
    browser.resize(360, 740);
    let fits = "const page = document.documentElement; return [innerWidth, page.scrollWidth <= page.clientWidth];";
    assert_eq!(browser.run(fits, json!([])), json!([360, true]), "{name}");
}

#[test]
fn every_page_is_accessible_and_whole_on_a_narrow_screen() {
    let (host, chain, node) = (Host::start(), node(), Node::start());
    let browser = Browser::start(&Setting::default());
    let check = |path: &str| host.page(&format!("/check?uri={}&lang=", uri(path)));
    let here = |path: &str| host.page(path);
    let pages = [
        ("home", node.page("/?lang=")),
        ("choices", node.page("/check?q=5&lang=")),
        ("plot-answer", node.page("/check?plot=9300-1/7&lang=")),
        ("record-answer", node.page("/check?index=2&lang=")),
        ("evidence", node.page("/evidence?plot=9300-1/7&lang=")),
        ("certificate", node.page("/check?department=district&type=DOM&number=DOM-1&lang=")),
        ("about", here("/about?lang=")),
        ("valid", check("good")),
        ("revoked", check("revoked")),
        ("expired", check("expired")),
        ("unknown", check("nowhere")),
        ("wrong-number", here("/check?q=%D0%B0&lang=")),
        ("scan", here("/scan?lang=")),
        ("checkpost", here("/checkpost?lang=")),
        ("verifier", here("/verifier.html?lang=")),
        ("explorer", chain.page("/explorer?lang=")),
        ("blocks", chain.page("/explorer/blocks?lang=")),
        ("block", chain.page("/explorer/blocks/3?lang=")),
        ("record", chain.page("/explorer/records/1?lang=")),
        ("subject", chain.page(&format!("/explorer/subject?id=plot/{INHERITED}&lang="))),
        ("validators", chain.page("/explorer/validators?lang=")),
        ("search-both", chain.page("/explorer/search?q=3&lang=")),
        ("search-nothing", chain.page("/explorer/search?q=nothing&lang=")),
        ("plot-form", chain.page("/plot?lang=")),
        ("plot", chain.page(&format!("/plot?id={INHERITED}&lang="))),
        ("plot-divided", chain.page(&format!("/plot?id={DIVIDED}&lang="))),
        ("journey", chain.page(&format!("/check?uri={CHALLAN_URI}&lang="))),
    ];
    for (name, path) in pages {
        for language in ["en", "bn", "hi"] {
            browser.resize(900, 1200);
            browser.open(&format!("{path}{language}"));
            browser.wait("every answer is there", "return document.querySelector('[aria-busy]') === null");
            browser.run("document.querySelectorAll('details').forEach((it) => { it.open = true; })", json!([]));
            browser.picture(&format!("wide-{name}-{language}"));
            require_accessible(&browser, &format!("{name} {language}"));
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
