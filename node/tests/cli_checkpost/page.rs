//! The checkpost page of a real node, while all nodes are down, and its checks on record afterwards.

use std::time::{Duration, Instant};

use dalil_contracts::mineral::check::Finding;
use serde_json::{Value, json};

use crate::browser::{Browser, Setting};
use crate::{OTHER_PLATE, PLATE, POLICE, Road};

/// How long a file may take to be saved on a busy machine.
const SAVED_WITHIN: Duration = Duration::from_secs(60);

struct Page<'a> {
    browser: &'a Browser,
    url: String,
}

impl Page<'_> {
    fn open(&self, language: &str) {
        self.browser.go(&format!("{}/checkpost?lang={language}", self.url));
        self.browser.wait("the page works", "return 'checkpost' in document.documentElement.dataset");
    }

    /// Waits until what the page knows holds a text.
    fn knows(&self, text: &str) {
        let script = format!("return document.querySelector('div.state').textContent.includes({})", json!(text));
        self.browser.wait(text, &script);
    }

    fn give(&self, name: &str, path: &str) {
        self.browser.run("document.querySelector('details.setup').open = true", json!([]));
        self.browser.fill(&format!("form.setup input[name={name}]"), path);
    }

    fn check(&self, code: &str, plate: &str) -> (String, String) {
        self.browser.run("document.querySelector('#answer').replaceChildren()", json!([]));
        self.browser.run("document.querySelector('form.truck [name=code]').value = arguments[0]", json!([code]));
        self.browser.fill("form.truck [name=plate]", plate);
        self.browser.click("form.truck button[type=submit]");
        let verdict = self.browser.status();
        (verdict, self.browser.attribute("#answer article", "data-reason").unwrap_or_default())
    }
}

#[test]
fn a_page_that_was_kept_checks_trucks_without_any_node() {
    let mut road = Road::open();
    assert_eq!(road.slip("slip.png", PLATE).code, 0);
    let slip = road.slip("-", PLATE).out.trim_end_matches('\n').to_owned();
    let forged = {
        let key = ["--key", "net/officers/minerals-agent-L2.seed", "--plate", PLATE];
        road.make("b", "-", &key).out.trim_end_matches('\n').to_owned()
    };
    let browser = Browser::start(&Setting::default());
    let page = Page { browser: &browser, url: road.nodes.url(1) };
    page.open("en");
    browser.wait("the page is kept", "return document.querySelector('p.offline[data-kept]') !== null");
    let device = browser.text("code.device");

    // A device that the ledger does not know gets no bundle from the command line.
    let url = road.nodes.url(1);
    let fetch =
        ["checkpost", "bundle", "--policy", "net/pin.json", "--device", &device, "--out", "page.json", "--url", &url];
    assert_ne!(road.run(&fetch).code, 0);
    road.register_device("home/admin", &device, POLICE);
    // A record is final a moment before a quorum has vouched for it.
    road.nodes.until("a bundle", &fetch, |said| said.code == 0);

    page.give("pin", &road.path("net/pin.json"));
    page.knows("until");
    page.give("bundle", &road.path("page.json"));
    page.knows("1 challans");
    // The same from the page's own server.
    browser.click("form.setup [name=fetch]");
    browser.wait("the answer is there", "return document.querySelector('#answer').textContent.includes('Taken')");
    page.knows("1 challans, 1 issuers");
    for (name, text) in
        [("post", "CP-HOOGHLY-02"), ("district", "312"), ("latitude", "22.900000"), ("longitude", "88.02")]
    {
        browser.fill(&format!("form.setup input[name={name}]"), text);
    }
    browser.click("form.setup button[type=submit]");
    page.knows("CP-HOOGHLY-02");

    (1..=4).for_each(|node| road.nodes.kill(node));
    page.open("bn");
    assert_eq!(browser.attribute("html", "lang").as_deref(), Some("bn"), "every language is kept");
    page.open("en");
    page.give("key", &road.path("vehicle.key"));
    page.knows("loaded");
    let first = page.check(&slip, PLATE);
    assert!(["valid", "valid_offline"].contains(&first.0.as_str()) && first.1 == "in_force", "{first:?}");
    browser.picture("checkpost-offline");
    assert_eq!(page.check(&slip, OTHER_PLATE), ("invalid".to_owned(), "other_vehicle".to_owned()));
    assert!(browser.text(".warning").contains("ANOTHER PLATE"), "{}", browser.text(".warning"));
    page.open("en");
    page.give("key", &road.path("vehicle.key"));
    page.knows("loaded");
    assert_eq!(page.check(&slip, PLATE), ("invalid".to_owned(), "shown_before".to_owned()), "after a reload too");
    assert_eq!(page.check(&forged, PLATE), ("invalid".to_owned(), "unknown_issuer".to_owned()));
    assert!(browser.text("section.journal").contains("4 checks, of which 4"), "{}", browser.text("section.journal"));

    browser.saves_to(road.nodes.path());
    browser.click("section.journal [name=export]");
    let saved = road.nodes.path().join("journal.json");
    let started = Instant::now();
    while !saved.exists() {
        assert!(started.elapsed() < SAVED_WITHIN, "no file was saved");
        std::thread::sleep(Duration::from_millis(50));
    }
    synced(&mut road, &page);
}

/// The page's checks, brought by an officer.
fn synced(road: &mut Road, page: &Page<'_>) {
    (1..=4).for_each(|node| road.nodes.start(node));
    (1..=4).for_each(|node| road.nodes.ready(node));
    let url = road.nodes.url(1);
    let sync = |journal: &str| {
        road.run(&[
            "--json",
            "checkpost",
            "sync",
            "--journal",
            journal,
            "--testnet",
            "net",
            "--posting",
            POLICE,
            "--url",
            &url,
        ])
    };
    let whole: Value = serde_json::from_slice(&std::fs::read(road.nodes.path().join("journal.json")).unwrap()).unwrap();
    assert_eq!(whole["checks"].as_array().unwrap().len(), 4);
    let spoil = |change: &dyn Fn(&mut Value)| {
        let mut spoilt = whole.clone();
        change(&mut spoilt);
        road.write("spoilt.json", spoilt.to_string().as_bytes());
        sync("spoilt.json")
    };
    assert_ne!(spoil(&|file| file["format"] = json!("another")).code, 0);
    assert_ne!(spoil(&|file| file["checks"][0]["seal"] = Value::Null).code, 0);
    assert_ne!(spoil(&|file| file["checks"].as_array_mut().unwrap().reverse()).code, 0);
    assert_ne!(spoil(&|file| file["chain"] = json!("0".repeat(64))).code, 0);
    // What was changed after it was sealed, the ledger refuses.
    let moved = spoil(&|file| {
        file["checks"] = json!([file["checks"][0]]);
        file["checks"][0]["place"]["post"] = json!("CP-ELSEWHERE");
    });
    assert_eq!(moved.json()["refused"][0]["code"], json!("O1"), "{}", moved.out);

    let said = sync("journal.json");
    assert_eq!((said.code, &said.json()["recorded"]), (0, &json!(4)), "{} {}", said.out, said.err);
    assert_eq!(road.checks_on_record(4).alerts.as_slice(), [Finding::OtherVehicle]);
    let again = sync("journal.json").json();
    assert_eq!((&again["recorded"], &again["waiting"]), (&json!(0), &json!(0)), "{again}");

    page.browser.run("document.querySelector('details.setup').open = true", json!([]));
    page.browser.click("form.setup [name=fetch]");
    page.browser.wait(
        "the newer bundle tells that the checks are on record",
        "return document.querySelector('section.journal').textContent.includes('of which 0')",
    );
    page.browser.picture("checkpost-synced");
}
