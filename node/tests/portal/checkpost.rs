//! The checkpost page: it judges as the ledger does, opens without its server, keeps what it saw, and calls the second truck out.
//!
//! The bundle here is of a small chain in memory; `tests/cli_checkpost.rs` has the page on a network of four.

use std::path::PathBuf;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use dalil_contracts::mineral::checkpost::{BookQuestion, ChallanSlip};
use dalil_contracts::mineral::device::{Device, DeviceId};
use dalil_contracts::mineral::keys::device_key;
use dalil_ledger::checkpoint::{Pin, PinTerms};
use dalil_ledger::crypto::{Hash, SecretKey, sha256};
use dalil_ledger::qr::Code;
use dalil_ledger::receipt::RegisterReceipt;
use dalil_ledger::state::commitment;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::access::require_accessible;
use crate::browser::{Browser, ENTER, Setting, TAB};
use crate::common::{Chain, DAY_MS, MINUTE_MS, origin, put};
use crate::host::Host;

/// What the ledger's own judge says, case by case.
static VECTORS: LazyLock<String> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../contracts/tests/vectors/checkpost.jsonl");
    std::fs::read_to_string(path).unwrap()
});
const REPLAY: &str = include_str!("checkpost_vectors.js");
/// The key that the enforcement departments share.
const VEHICLE_KEY: [u8; 32] = [9; 32];
const PLATE: &str = "WB00A0001";
const OTHER_PLATE: &str = "WB00A0002";

#[test]
fn the_page_judges_as_the_ledger_does() {
    let host = Host::start();
    let browser = Browser::start(&Setting::default());
    browser.open(&host.page("/about"));
    let said = browser.run_async(REPLAY, json!([*VECTORS]));
    assert_eq!(said["wrong"], json!([]));
    for (kind, least) in [("judge", 80), ("book", 8), ("statement", 3), ("code", 50), ("plate", 8)] {
        assert!(said["counts"][kind].as_u64().unwrap() >= least, "{said}");
    }
}

/// A challan on the road as the vectors know it, on a chain whose head can be cosigned at any time.
struct Road {
    chain: Chain,
    question: BookQuestion,
    said: ChallanSlip,
    folder: tempfile::TempDir,
}

impl Road {
    fn open(device: DeviceId) -> Self {
        let line = |name: &str| -> Value {
            let lines = VECTORS.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
            lines.into_iter().find(|line| line["name"] == name).unwrap()
        };
        let book = line("a load on the road");
        let Code::Slip(slip) = Code::parse(line("in force")["slip"].as_str().unwrap()).unwrap() else { panic!() };
        let said = ChallanSlip::read(&slip).unwrap();
        let mut question: BookQuestion = serde_json::from_value(book["question"].clone()).unwrap();
        question.device = Some(device);
        let mut chain = Chain::new();
        let mut changes = dalil_ledger::state::Changes::new();
        let vehicle = vehicle(PLATE);
        for (key, value) in book["reads"].as_object().unwrap() {
            let Some(value) = value.as_str() else { continue };
            let mut value = BASE64.decode(value).unwrap();
            let mut key = key.clone();
            // The vectors' vehicle ids are of no key; here they are those of the shared one.
            let old = sha256(format!("vehicle {PLATE}").as_bytes());
            key = key.replace(&old.to_string(), &vehicle.to_string());
            let places: Vec<_> =
                (0..value.len().saturating_sub(31)).filter(|at| value[*at..*at + 32] == old.0).collect();
            for at in places {
                value[at..at + 32].copy_from_slice(&vehicle.0);
            }
            changes.insert(key.into_bytes(), Some(value));
        }
        let registered = Device {
            department: "home".parse().unwrap(),
            office: "home/police-hooghly".parse().unwrap(),
            counter: 41,
            observed_at_ms: question.asked_at_ms - MINUTE_MS,
            mark: 7,
        };
        put(&mut changes, device_key(&device), &registered);
        let record = chain.record(b"a road");
        chain.block(question.asked_at_ms - MINUTE_MS, vec![record], changes);
        Self { chain, question, said, folder: tempfile::tempdir().unwrap() }
    }

    fn now_ms(&self) -> u64 {
        self.question.asked_at_ms
    }

    fn pin(&self) -> Pin {
        let terms = PinTerms {
            chain: self.chain.id,
            from_height: 0,
            expires_at_ms: self.now_ms() + 30 * DAY_MS,
            cosignature_skew_ms: 10_000,
            absence_age_max_ms: 10 * MINUTE_MS,
        };
        Pin::new(&origin(), self.chain.set.clone(), terms).unwrap()
    }

    fn bundle(&self, cosigned_at_ms: u64) -> Value {
        let prove = |key: &[u8]| Ok((self.chain.state.get(key).cloned(), commitment::prove(&self.chain.pages, key)?));
        let ask = |state: &dyn dalil_ledger::state::StateView| self.question.answer(state);
        let (answer, reads) = RegisterReceipt::gather(&self.chain.state, ask, prove).unwrap();
        assert_eq!(answer.unwrap().challans.len(), 1);
        let receipt = RegisterReceipt { head: self.chain.head(cosigned_at_ms), reads }.to_bytes();
        let receipt: Value = serde_json::from_slice(&receipt).unwrap();
        json!({ "format": "dalil-checkpost-bundle/v1", "pages": [{ "question": self.question, "receipt": receipt }] })
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path: PathBuf = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn slip(&self, key: &SecretKey) -> String {
        self.said.sign(key, &self.chain.id).unwrap().to_text()
    }
}

fn vehicle(plate: &str) -> Hash {
    let mut mac = Hmac::<Sha256>::new_from_slice(&VEHICLE_KEY).unwrap();
    mac.update(plate.as_bytes());
    Hash(mac.finalize().into_bytes().into())
}

fn agent() -> SecretKey {
    SecretKey::from_seed(&sha256(b"fixture key of minerals-agent-L1").0)
}

/// An officer's browser on the page, its clock at `now_ms` of the road.
struct Officer<'a> {
    browser: &'a Browser,
    host: &'a Host,
}

impl Officer<'_> {
    fn open(&self, language: &str) {
        self.browser.go(&self.host.page(&format!("/checkpost?lang={language}")));
        self.browser.wait("the page works", "return 'checkpost' in document.documentElement.dataset");
    }

    fn device(&self) -> DeviceId {
        self.browser.text("code.device").parse().unwrap()
    }

    /// Gives a file and waits until the page has taken or refused it; whether it took it.
    fn give(&self, name: &str, path: &str) -> bool {
        self.browser.run("document.querySelector('#answer').replaceChildren()", json!([]));
        self.browser.fill(&format!("form.setup input[name={name}]"), path);
        self.browser.wait(
            "the file is judged",
            "const it = document.querySelector('#answer'); return it.children.length > 0 && !it.hasAttribute('aria-busy')",
        );
        self.browser.run("return document.querySelector('#answer [data-status]') === null", json!([])) == json!(true)
    }

    fn give_key(&self, path: &str) {
        self.browser.fill("form.setup input[name=key]", path);
        self.browser.wait(
            "the key is loaded",
            "return document.querySelector('form.setup input[name=key]').value === '' && !document.querySelector('div.state').textContent.includes('each time')",
        );
    }

    fn place(&self) {
        let fields = [("post", "CP-HOOGHLY-01"), ("district", "312"), ("latitude", "22.9"), ("longitude", "88.02")];
        for (name, text) in fields {
            self.browser.fill(&format!("form.setup input[name={name}]"), text);
        }
        self.browser.click("form.setup button[type=submit]");
        self.browser.wait(
            "the place is kept",
            "return document.querySelector('div.state').textContent.includes('CP-HOOGHLY-01')",
        );
    }

    /// Types a truck and gives verdict and reason.
    fn check(&self, code: &str, plate: &str, gross: &str) -> (String, String) {
        self.browser.run(
            "document.querySelector('#answer').replaceChildren(); document.querySelector('form.truck').reset()",
            json!([]),
        );
        self.browser.run("document.querySelector('form.truck [name=code]').value = arguments[0]", json!([code]));
        self.browser.fill("form.truck [name=plate]", plate);
        if !gross.is_empty() {
            self.browser.fill("form.truck [name=gross]", gross);
        }
        self.browser.click("form.truck button[type=submit]");
        self.answer()
    }

    fn answer(&self) -> (String, String) {
        let verdict = self.browser.status();
        let reason = self.browser.attribute("#answer article", "data-reason").unwrap_or_default();
        (verdict, reason)
    }

    fn kept(&self) -> u64 {
        let script = "
            const request = indexedDB.open('dalil-checkpost', 1);
            await new Promise((resolve) => { request.onsuccess = resolve; });
            const all = request.result.transaction('checks').objectStore('checks').count();
            await new Promise((resolve) => { all.onsuccess = resolve; });
            return all.result;";
        self.browser.run_async(script, json!([])).as_u64().unwrap()
    }
}

fn said(verdict: &str, reason: &str) -> (String, String) {
    (verdict.to_owned(), reason.to_owned())
}

#[test]
fn trucks_are_judged_kept_and_called_out() {
    let host = Host::start();
    let browser = Browser::start(&Setting::default());
    let officer = Officer { browser: &browser, host: &host };
    let asked_at_ms = Road::open(agent().public()).now_ms();
    browser
        .before_each_page(&format!("Date.now = () => {} + Number(sessionStorage.getItem('later') ?? 0);", asked_at_ms));
    officer.open("en");
    let road = Road::open(officer.device());
    let good = road.slip(&agent());
    let bundle = road.bundle(road.now_ms());

    // Nothing is judged before all is there, and nothing is kept of it.
    assert_eq!(officer.check(&good, PLATE, "").0, "could_not_check");
    assert!(browser.text("#answer").contains("pin_missing"));
    assert_eq!(browser.text("#answer .warning"), "This check was NOT recorded.");
    assert!(
        !officer.give("bundle", &road.file("bundle.json", bundle.to_string())),
        "without a pin no bundle is believed"
    );
    assert!(officer.give("pin", &road.file("pin.json", road.pin().to_json())));
    forged_bundles_are_refused(&officer, &road, &bundle);
    assert!(officer.give("bundle", &road.file("bundle.json", bundle.to_string())));
    assert_eq!(officer.check(&good, PLATE, "").0, "could_not_check");
    assert!(browser.text("#answer").contains("place_missing"));
    officer.place();
    assert_eq!(officer.check(&good, PLATE, "").0, "could_not_check");
    assert!(browser.text("#answer").contains("vehicle_key_missing"));
    officer.give_key(&road.file("vehicle.key", hex::encode(VEHICLE_KEY)));
    // A bundle that was fetched for another device has no counter for this one.
    let foreign = Road::open(agent().public());
    assert!(officer.give("bundle", &road.file("foreign.json", foreign.bundle(road.now_ms()).to_string())));
    assert_eq!(officer.check(&good, PLATE, ""), said("valid", "in_force"));
    assert!(browser.text("#answer").contains("not registered"), "{}", browser.text("#answer"));
    assert_eq!(officer.kept(), 0);
    assert!(officer.give("bundle", &road.file("bundle.json", bundle.to_string())));

    assert_eq!(officer.check(&good, "wb 00-a.0001", ""), said("valid", "in_force"));
    assert!(browser.text("#answer").contains("check 42 of this device"), "{}", browser.text("#answer"));
    browser.picture("checkpost-valid");
    // Two trucks with one challan.
    assert_eq!(officer.check(&good, OTHER_PLATE, ""), said("invalid", "other_vehicle"));
    assert!(browser.text(".warning").contains("this plate") || browser.text(".warning").contains("ANOTHER PLATE"));
    assert_eq!(officer.check(&good, PLATE, ""), said("invalid", "shown_before"));
    browser.picture("checkpost-second-truck");
    browser.run("document.querySelector('form.truck [name=same]').checked = true", json!([]));
    browser.run("document.querySelector('form.truck [name=code]').value = arguments[0]", json!([good]));
    browser.fill("form.truck [name=plate]", PLATE);
    browser.fill("form.truck [name=gross]", "40000");
    browser.run("document.querySelector('#answer').replaceChildren()", json!([]));
    browser.click("form.truck button[type=submit]");
    assert_eq!(officer.answer(), said("invalid", "overload"));
    assert_eq!(officer.kept(), 4);

    // Signed by another key; half a code; another script's letter; a link. What names no challan is not kept.
    assert_eq!(
        officer.check(&road.slip(&SecretKey::from_seed(&[66; 32])), PLATE, ""),
        said("invalid", "unknown_issuer")
    );
    assert_eq!(officer.kept(), 5);
    for (code, plate, code_of) in [
        (&good[..good.len() / 2], PLATE, "code_foreign"),
        ("https://elsewhere.example/#a1.00", PLATE, "code_foreign"),
        (good.as_str(), "W\u{412}00A0001", "plate_wrong"),
    ] {
        assert_eq!(officer.check(code, plate, "").0, "could_not_check");
        assert!(browser.text("#answer").contains(code_of), "{}", browser.text("#answer"));
    }
    browser.run("document.querySelector('form.truck').reset()", json!([]));
    browser.fill("form.truck [name=plate]", PLATE);
    browser.run("document.querySelector('#answer').replaceChildren()", json!([]));
    browser.click("form.truck [name=none]");
    assert_eq!(officer.answer(), said("invalid", "nothing_shown"));
    assert_eq!(officer.kept(), 6);

    a_reload_keeps_the_journal(&officer, &road, &good);
    an_old_bundle_says_how_old_it_is_and_then_nothing(&officer, &road, &good);
    the_page_is_for_everybody(&officer, &road, &good);
}

fn forged_bundles_are_refused(officer: &Officer<'_>, road: &Road, bundle: &Value) {
    let refused = |name: &str, change: &dyn Fn(&mut Value)| {
        let mut spoilt = bundle.clone();
        change(&mut spoilt);
        assert!(!officer.give("bundle", &road.file("forged.json", spoilt.to_string())), "{name}");
    };
    refused("a challan left out", &|bundle| bundle["pages"][0]["question"]["challans"] = json!([]));
    refused("a challan put in", &|bundle| bundle["pages"][0]["question"]["challans"] = json!(["C-1", "C-2"]));
    refused("a value taken out", &|bundle| bundle["pages"][0]["receipt"]["reads"][3]["value"] = Value::Null);
    refused("a value changed", &|bundle| {
        let reads = bundle["pages"][0]["receipt"]["reads"].as_array_mut().unwrap();
        let read = reads.iter_mut().find(|read| read["key"] == "mineral/challan/C-1").unwrap();
        let mut value = BASE64.decode(read["value"].as_str().unwrap()).unwrap();
        value[100] ^= 1;
        read["value"] = json!(BASE64.encode(value));
    });
    refused("no checkpoint", &|bundle| bundle["pages"][0]["receipt"]["checkpoint"] = json!("no note"));
    refused("no pages", &|bundle| bundle["pages"] = json!([]));
    refused("another form", &|bundle| bundle["format"] = json!("dalil-checkpost-bundle/v2"));
    let mut twice = bundle.to_string();
    twice.insert_str(1, "\"format\":\"dalil-checkpost-bundle/v1\",");
    assert!(!officer.give("bundle", &road.file("twice.json", twice)), "a key that stands twice");
    assert!(!officer.give("bundle", &road.file("half.json", "{\"format\":")));
}

fn a_reload_keeps_the_journal(officer: &Officer<'_>, road: &Road, good: &str) {
    officer.open("en");
    assert_eq!(officer.device(), road.question.device.unwrap(), "the device stays");
    assert!(officer.browser.text("section.journal").contains("6 checks, of which 6 are not on record"));
    assert_eq!(officer.check(good, PLATE, "").0, "could_not_check", "the key for plates is in memory alone");
    officer.browser.run("document.querySelector('details.setup').open = true", json!([]));
    officer.give_key(road.folder.path().join("vehicle.key").to_str().unwrap());
    assert_eq!(officer.check(good, PLATE, ""), said("invalid", "shown_before"));
    assert!(officer.browser.text("#answer").contains("check 48 of this device"), "{}", officer.browser.text("#answer"));
}

fn an_old_bundle_says_how_old_it_is_and_then_nothing(officer: &Officer<'_>, road: &Road, good: &str) {
    let later = |ms: u64| officer.browser.run("sessionStorage.setItem('later', arguments[0])", json!([ms]));
    later(60 * MINUTE_MS);
    assert_eq!(officer.check(good, PLATE, ""), said("invalid", "shown_before"));
    // Seen first here, an hour after the bundle.
    let other = ChallanSlip { number: "C-NEW".parse().unwrap(), ..road.said.clone() };
    let other =
        ChallanSlip { valid_from_ms: road.now_ms(), valid_until_ms: road.now_ms() + 24 * 60 * MINUTE_MS, ..other };
    let other = other.sign(&agent(), &road.chain.id).unwrap().to_text();
    assert_eq!(officer.check(&other, PLATE, ""), said("valid_offline", "issued_since"));
    assert!(
        officer.browser.text("#answer h2").starts_with("VALID-OFFLINE (as of "),
        "{}",
        officer.browser.text("#answer h2")
    );
    officer.browser.picture("checkpost-valid-offline");
    later(12 * 60 * MINUTE_MS + 1);
    assert_eq!(officer.check(&other, PLATE, ""), said("could_not_check", "stale_bundle"));
    later(60 * MINUTE_MS);
    assert_eq!(officer.check(&other, PLATE, "").0, "invalid");
    assert!(
        officer.browser.text("#answer").contains("NOT recorded"),
        "the clock ran back: {}",
        officer.browser.text("#answer")
    );
    later(12 * 60 * MINUTE_MS + 2);
}

/// In three languages, by keyboard alone, on a telephone's screen.
fn the_page_is_for_everybody(officer: &Officer<'_>, road: &Road, good: &str) {
    let key = road.folder.path().join("vehicle.key");
    for language in ["en", "bn", "hi"] {
        officer.open(language);
        officer.browser.run("document.querySelector('details.setup').open = true", json!([]));
        officer.browser.fill("form.setup input[name=key]", key.to_str().unwrap());
        officer
            .browser
            .wait("the key is taken", "return document.querySelector('form.setup input[name=key]').value === ''");
        officer.browser.resize(900, 1200);
        officer.check(good, OTHER_PLATE, "");
        require_accessible(officer.browser, &format!("checkpost {language}"));
        officer.browser.picture(&format!("checkpost-answer-{language}"));
    }
    officer.open("en");
    officer.browser.run("document.querySelector('form.truck [name=code]').focus()", json!([]));
    officer.browser.press("x");
    officer.browser.press(&TAB.to_string());
    officer.browser.press("wb00a0001");
    officer.browser.press(&ENTER.to_string());
    assert_eq!(officer.answer().0, "could_not_check");
    let focused = officer.browser.run("return document.activeElement.id", json!([]));
    assert_eq!(focused, json!("answer"), "the focus is on the answer");
}

/// The program itself is kept whole, and nothing but it.
#[test]
fn the_worker_keeps_the_programs_own_files_and_no_others() {
    let host = Host::start();
    let browser = Browser::start(&Setting::default());
    let officer = Officer { browser: &browser, host: &host };
    officer.open("hi");
    assert!(browser.is_shown("p.offline[data-kept]"));
    let script = "
        const names = await caches.keys();
        const cache = await caches.open(names[0]);
        const kept = (await cache.keys()).map((request) => new URL(request.url).pathname + new URL(request.url).search).sort();
        const registrations = await navigator.serviceWorker.getRegistrations();
        return { names, kept, scopes: registrations.map((it) => new URL(it.scope).pathname) };";
    let said = browser.run_async(script, json!([]));
    assert_eq!(said["names"].as_array().unwrap().len(), 1, "{said}");
    assert_eq!(said["scopes"], json!(["/checkpost"]));
    let kept: Vec<_> = said["kept"].as_array().unwrap().iter().map(|path| path.as_str().unwrap()).collect();
    assert_eq!(kept.len(), 16, "{kept:?}");
    assert!(kept.iter().all(|path| path.starts_with("/checkpost?lang=") || path.starts_with("/portal/")), "{kept:?}");
    let policy =
        browser.run_async("return (await fetch('/checkpost')).headers.get('content-security-policy')", json!([]));
    let policy = policy.as_str().unwrap();
    assert!(policy.contains("worker-src 'self'") && policy.contains("form-action 'none'"), "{policy}");
    assert!(!policy.contains("unsafe") && policy.starts_with("default-src 'none'"), "{policy}");
}

/// Photo and camera where a browser reads codes; here one that pretends to. What was read waits for the plate.
#[test]
fn a_photo_or_a_camera_fills_in_the_code() {
    let host = Host::start();
    let browser = Browser::start(&Setting::default());
    let officer = Officer { browser: &browser, host: &host };
    officer.open("en");
    assert!(!browser.is_shown("form.truck section.camera") && !browser.is_shown("form.truck [name=photo]"));
    browser.before_each_page(
        "globalThis.BarcodeDetector = class {
            static async getSupportedFormats() { return ['qr_code']; }
            async detect(seen) { return seen instanceof ImageBitmap ? [{ rawValue: 'of the photo' }] : [{ rawValue: 'of the camera' }]; }
        };
        const media = Object.getPrototypeOf(navigator.mediaDevices);
        media.getUserMedia = async () => document.createElement('canvas').captureStream();
        HTMLVideoElement.prototype.play = async () => {};",
    );
    officer.open("en");
    let code = |what: &str| {
        let script = format!("return document.querySelector('form.truck [name=code]').value === {}", json!(what));
        browser.wait(what, &script);
    };
    let folder = tempfile::tempdir().unwrap();
    let photo = folder.path().join("photo.png");
    std::fs::write(
        &photo,
        dalil_node::qr::Picture::of("x").unwrap().to_bytes(dalil_node::qr::PictureKind::Png).unwrap(),
    )
    .unwrap();
    browser.fill("form.truck [name=photo]", photo.to_str().unwrap());
    code("of the photo");
    browser.click("form.truck [name=start]");
    code("of the camera");
    assert_eq!(browser.run("return document.activeElement.name", json!([])), json!("plate"));
}
