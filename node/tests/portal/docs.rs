//! The description of the interface for people.

use serde_json::json;

use crate::browser::{Browser, Setting};
use crate::node::Node;

#[test]
fn swagger_ui_shows_every_operation_and_asks_no_other_host() {
    let node = Node::start();
    let browser = Browser::start(&Setting::default());
    browser.before_each_page(
        "window.refused = []; addEventListener('securitypolicyviolation', (it) => refused.push([it.violatedDirective, it.blockedURI]));",
    );
    browser.go(&node.page("/docs?url=https://elsewhere.example/openapi.json"));
    let described = browser.run_async(
        "const document = await (await fetch('/openapi.json')).json();
        return Object.values(document.paths).reduce((sum, item) => sum + Object.keys(item).length, 0);",
        json!([]),
    );
    assert!(described.as_u64().unwrap() > 40, "{described}");
    browser.wait(
        "every operation is listed",
        &format!("return document.querySelectorAll('.opblock').length === {described}"),
    );
    browser.picture("docs");
    // One of them is tried out.
    let place = "#operations-node-get_health_live";
    browser.click(&format!("{place} .opblock-summary-control"));
    browser.click(&format!("{place} .try-out__btn"));
    browser.click(&format!("{place} .execute"));
    browser.wait(
        "the node's answer is shown",
        &format!(
            "return document.querySelector('{place} .live-responses-table')?.textContent.includes('live') === true"
        ),
    );
    browser.picture("docs-tried");
    let hosts = browser.run(
        "return [...new Set(performance.getEntriesByType('resource').map((it) => new URL(it.name).origin))];",
        json!([]),
    );
    assert_eq!(hosts, json!([node.page("").trim_end_matches('/')]));
    let refused = browser.run("return refused", json!([]));
    assert_eq!(refused, json!([]), "the policy of the page refuses something of it");
    let policy = browser.run_async("return (await fetch('/docs')).headers.get('content-security-policy')", json!([]));
    assert!(!policy.as_str().unwrap().contains("unsafe"), "{policy}");
}
