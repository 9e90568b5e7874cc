//! A checkpost on a network of four: the truck's challan, its code, two trucks with one challan, and the checks on record.

#![allow(clippy::unwrap_used, clippy::panic)] // Test code: what is not as expected must stop the test.

mod cli;

use std::os::unix::fs::PermissionsExt as _;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use cli::Said;
use cli::nodes::Nodes;
use dalil_contracts::mineral::check::{Checks, Finding};
use dalil_ledger::codec;
use dalil_ledger::crypto::{Hash, sha256};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

const SETUP: &str = include_str!("../../testnet/sample/mineral-setup.json");
const SHOWPIECE: &str = include_str!("../../testnet/sample/mineral-showpiece.json");
/// Steps of the samples that bring a challan onto the road.
const STEPS: [&str; 9] = [
    "block B-BANKURA-BENDA",
    "auction of B-BANKURA-BENDA",
    "letter of intent for B-BANKURA-BENDA",
    "lease L-BANKURA-01",
    "vehicle WB00S0001",
    "royalty, DMF and cess paid",
    "permit for 1,000 m3 of sand",
    "challan for 11.00 m3 to Kolkata",
    "weighed and let out",
];
const CHALLAN: &str = "9F27C4D1A6E0B358";
const PLATE: &str = "WB00S0001";
const OTHER_PLATE: &str = "WB00S0002";
const VEHICLE_KEY: [u8; 32] = [9; 32];
const POLICE: &str = "home/police-hooghly";

fn now_ms() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

fn vehicle(plate: &str) -> Hash {
    let mut mac = Hmac::<Sha256>::new_from_slice(&VEHICLE_KEY).unwrap();
    mac.update(plate.as_bytes());
    Hash(mac.finalize().into_bytes().into())
}

/// Replaces the notation of the sample files by values.
fn resolve(value: &Value, start_ms: u64) -> Value {
    match value {
        Value::Object(map) => {
            if let Some(minutes) = map.get("minutes_from_start").and_then(Value::as_i64) {
                return json!(start_ms.checked_add_signed(minutes * 60_000).unwrap());
            }
            if let Some(text) = map.get("digest_of").and_then(Value::as_str) {
                let of_vehicle = text.strip_prefix("vehicle ").map(vehicle);
                return json!(of_vehicle.unwrap_or_else(|| sha256(text.as_bytes())));
            }
            map.iter().map(|(key, value)| (key.clone(), resolve(value, start_ms))).collect()
        }
        Value::Array(items) => items.iter().map(|item| resolve(item, start_ms)).collect(),
        other => other.clone(),
    }
}

struct Road {
    nodes: Nodes,
}

impl Road {
    /// A load on the road, and a checkpost whose device is registered.
    fn open() -> Self {
        let mut nodes = Nodes::generate();
        (1..=4).for_each(|node| nodes.start(node));
        (1..=4).for_each(|node| nodes.ready(node));
        let road = Self { nodes };
        let start_ms = now_ms();
        let files: Vec<Value> = [SETUP, SHOWPIECE].map(|file| serde_json::from_str(file).unwrap()).into();
        for name in STEPS {
            let mut steps = files.iter().flat_map(|file| file["steps"].as_array().unwrap());
            let step = steps.find(|step| step["step"] == name).unwrap();
            road.act(step["posting"].as_str().unwrap(), &resolve(&step["call"], start_ms));
        }
        let key = road.run(&["key", "new", "--out", "device.seed", "--json"]);
        assert_eq!(key.code, 0, "{}", key.err);
        let shown = road.run(&["--json", "key", "show", "device.seed"]).json();
        let device = shown["public"].as_str().or(shown["key"].as_str()).unwrap_or_else(|| panic!("{shown}")).to_owned();
        road.act("home/admin", &json!({ "authority": { "register_key": { "key": device, "holder": "device" } } }));
        let office = json!({ "mineral": { "register_device": { "device": device, "office": POLICE } } });
        road.act("home/admin", &office);
        road.write("vehicle.key", hex::encode(VEHICLE_KEY).as_bytes());
        let arguments = [
            "checkpost",
            "init",
            "--home",
            "post",
            "--post",
            "CP-HOOGHLY-01",
            "--district",
            "312",
            "--at",
            "22.9,88.02",
            "--policy",
            "net/pin.json",
            "--device-key",
            "device.seed",
            "--vehicle-key",
            "vehicle.key",
        ];
        road.done(&arguments);
        road
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.nodes.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Said {
        self.nodes.run(arguments)
    }

    fn done(&self, arguments: &[&str]) -> Said {
        let said = self.run(arguments);
        assert_eq!(said.code, 0, "{arguments:?} {} {}", said.out, said.err);
        said
    }

    /// An officer's call, recorded.
    fn act(&self, posting: &str, call: &Value) {
        self.write("call.json", call.to_string().as_bytes());
        self.nodes.recorded(1, &["record", "submit", "call.json"], posting);
    }

    fn bundle(&self) -> Value {
        self.done(&["--json", "checkpost", "bundle", "--home", "post", "--url", &self.nodes.url(1)]).json()
    }

    /// A check without any node's address.
    fn check(&self, code: &str, plate: &str, more: &[&str]) -> Said {
        self.run(&[&["--json", "checkpost", "check", code, "--home", "post", "--plate", plate], more].concat())
    }

    fn make(&self, kind: &str, out: &str, more: &[&str]) -> Said {
        let url = self.nodes.url(1);
        let arguments =
            ["qr", "make", CHALLAN, "--kind", kind, "--out", out, "--policy", "net/pin.json", "--url", &url];
        self.run(&[&arguments[..], more].concat())
    }

    fn slip(&self, out: &str, plate: &str) -> Said {
        let key = "net/officers/minerals-agent-L1.seed";
        self.make("b", out, &["--key", key, "--plate", plate, "--vehicle-key", "vehicle.key"])
    }

    fn verify(&self, code: &str) -> Said {
        let url = self.nodes.url(1);
        self.run(&["--json", "verify", "--qr", code, "--policy", "net/pin.json", "--url", &url])
    }

    fn get(&self, path: &str) -> (u16, String, Vec<u8>) {
        let url = format!("{}{path}", self.nodes.url(1));
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let answer = reqwest::get(url).await.unwrap();
            let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
            (answer.status().as_u16(), kind, answer.bytes().await.unwrap().to_vec())
        })
    }

    fn checks_on_record(&self) -> Checks {
        let (_, _, body) = self.get(&format!("/v1/state?key=mineral/checks/{CHALLAN}"));
        let state: Value = serde_json::from_slice(&body).unwrap();
        let Some(value) = state["value"].as_str() else { return Checks::default() };
        codec::decode(&BASE64.decode(value).unwrap(), 1 << 20).unwrap()
    }
}

#[test]
fn two_trucks_with_one_challan_and_the_checks_on_record() {
    let road = Road::open();
    codes_are_made_and_verified(&road);
    the_node_draws_a_and_c(&road);

    assert_eq!(road.check("slip.png", PLATE, &[]).code, 4, "without a bundle nothing is judged");
    let bundle = road.bundle();
    assert_eq!((&bundle["challans"], &bundle["issuers"]), (&json!(1), &json!(1)), "{bundle}");

    a_bundle_that_was_tampered_with_judges_nothing(&road);
    // From here on no command is told of any node.
    let first = road.check("slip.png", PLATE, &["--gross-kg", "27150"]).json();
    assert!(["valid", "valid_offline"].contains(&first["verdict"].as_str().unwrap()), "{first}");
    assert_eq!((&first["reason"], &first["counter"]), (&json!("in_force"), &json!(1)));
    let copied = road.check("slip.png", OTHER_PLATE, &[]);
    let said = copied.json();
    assert_eq!((copied.code, &said["verdict"], &said["reason"]), (1, &json!("invalid"), &json!("other_vehicle")));
    assert_eq!(said["earlier"]["same_vehicle"], json!(false), "the answer tells of the first truck");
    let second = road.check("slip.png", PLATE, &[]);
    let said = second.json();
    assert_eq!((second.code, &said["reason"]), (1, &json!("shown_before")), "{said}");
    let again = road.check("slip.png", PLATE, &["--same-stop"]);
    assert!([0, 5].contains(&again.code), "{}", again.out);
    let heavy = road.check("slip.png", PLATE, &["--same-stop", "--gross-kg", "40000"]).json();
    assert_eq!(heavy["reason"], json!("overload"));
    bad_codes_are_refused(&road);

    let text = road.run(&["checkpost", "check", "slip.png", "--home", "post", "--plate", OTHER_PLATE]);
    assert!(text.out.starts_with("INVALID (issued for another plate)"), "{}", text.out);
    assert!(text.out.contains("SHOWN BEFORE"), "{}", text.out);

    // Synced, twice: the second time nothing is left to bring.
    let url = road.nodes.url(1);
    let sync =
        ["--json", "checkpost", "sync", "--home", "post", "--testnet", "net", "--posting", POLICE, "--url", &url];
    let synced = road.done(&sync).json();
    assert_eq!((&synced["recorded"], &synced["waiting"]), (&json!(8), &json!(0)), "{synced}");
    assert_eq!(road.done(&sync).json()["recorded"], json!(0));
    let checks = road.checks_on_record();
    assert_eq!(checks.count, 8);
    let alerts: Vec<_> = checks.alerts.iter().copied().collect();
    assert_eq!(alerts, [Finding::OtherVehicle, Finding::Overload]);

    // After the delivery the same paper is used up.
    road.act(
        "works/yard",
        &json!({ "mineral": { "deliver_challan": { "challan": CHALLAN, "received_kg": 17580, "code": null } } }),
    );
    road.bundle();
    let spent = road.check("slip.png", PLATE, &["--same-stop"]).json();
    assert_eq!((&spent["verdict"], &spent["reason"]), (&json!("invalid"), &json!("consumed")), "{spent}");
    assert_eq!(spent["counter"], json!(9), "the device's counter goes on");
    assert_eq!(spent["alerts"], json!(["other_vehicle", "overload"]));
    let verified = road.verify("slip.png");
    assert_eq!((verified.code, &verified.json()["status"]), (1, &json!("consumed")), "{}", verified.out);
}

/// A, B and C made from the record, read from their pictures, and checked against the pin.
fn codes_are_made_and_verified(road: &Road) {
    for (kind, picture) in [("a", "link.png"), ("c", "receipt.png"), ("c", "receipt.svg")] {
        let made = road.make(kind, picture, &[]);
        assert_eq!(made.code, 0, "{kind} {}", made.err);
    }
    assert_eq!(road.slip("slip.png", PLATE).code, 0);
    assert_ne!(road.slip("wrong.png", OTHER_PLATE).code, 0, "the record is for another vehicle");
    assert_ne!(road.make("b", "keyless.png", &[]).code, 0);
    assert_ne!(road.make("a", "link.gif", &[]).code, 0);

    let link = road.verify("link.png");
    assert_eq!((link.code, &link.json()["status"]), (0, &json!("valid")), "{} {}", link.out, link.err);
    let slip = road.verify("slip.png");
    assert_eq!((slip.code, &slip.json()["code"]["plate"]), (0, &json!(PLATE)), "{} {}", slip.out, slip.err);
    assert_eq!(road.verify("receipt.png").code, 5);
    let shown = road.run(&["qr", "read", "slip.png", "--json"]).json();
    assert_eq!((&shown["kind"], &shown["says"]["number"]), (&json!("b"), &json!(CHALLAN)));

    // A link of another file, and a slip that the agent of another lease signed.
    let text = road.done(&[
        "qr",
        "make",
        CHALLAN,
        "--kind",
        "a",
        "--out",
        "-",
        "--policy",
        "net/pin.json",
        "--url",
        &road.nodes.url(1),
    ]);
    let (head, tail) = text.out.trim().split_once("#a1.").unwrap();
    let other = format!("{head}#a1.{}{}", "0".repeat(32), &tail[32..]);
    let said = road.verify(&other);
    assert_eq!((said.code, &said.json()["reason"]), (4, &json!("other_document")), "{}", said.out);
    let key = "net/officers/minerals-agent-L2.seed";
    assert_eq!(road.make("b", "forged.png", &["--key", key, "--plate", PLATE]).code, 0);
    let said = road.verify("forged.png");
    assert_eq!((said.code, &said.json()["reason"]), (4, &json!("slip_wrong")), "{}", said.out);
}

fn the_node_draws_a_and_c(road: &Road) {
    let uri = format!("in.gov.wb.minerals-CHALLAN-{CHALLAN}");
    for kind in ["a", "c"] {
        let (status, media, text) = road.get(&format!("/v1/qr/{kind}?uri={uri}&format=text"));
        assert_eq!((status, media.as_str()), (200, "text/plain; charset=utf-8"));
        let (status, media, png) = road.get(&format!("/v1/qr/{kind}?uri={uri}&format=png"));
        assert_eq!((status, media.as_str()), (200, "image/png"));
        assert_eq!(dalil_node::qr::texts_in(&png).unwrap(), [String::from_utf8(text).unwrap()]);
        assert_eq!(road.get(&format!("/v1/qr/{kind}?uri={uri}")).1, "image/svg+xml");
        assert_eq!(road.get(&format!("/v1/qr/{kind}?uri={uri}&format=gif")).0, 400);
        assert_eq!(road.get(&format!("/v1/qr/{kind}?uri=in.gov.wb.x-T-none")).0, 404);
        assert_eq!(road.get(&format!("/v1/qr/{kind}")).0, 400);
    }
}

/// Whoever hands a bundle over can leave nothing out of an answer, and put nothing into it.
fn a_bundle_that_was_tampered_with_judges_nothing(road: &Road) {
    let path = road.nodes.path().join("post/bundle.json");
    let whole = std::fs::read_to_string(&path).unwrap();
    let bundle: Value = serde_json::from_str(&whole).unwrap();
    let spoil = |change: &dyn Fn(&mut Value)| {
        let mut spoilt = bundle.clone();
        change(&mut spoilt);
        std::fs::write(&path, spoilt.to_string()).unwrap();
        let said = road.check("slip.png", PLATE, &[]);
        assert_eq!((said.code, &said.json()["verdict"]), (4, &json!("could_not_check")), "{}", said.out);
        assert!(said.json()["counter"].is_null(), "{}", said.out);
    };
    spoil(&|bundle| bundle["pages"][0]["question"]["challans"] = json!([]));
    spoil(&|bundle| bundle["pages"][0]["question"]["challans"] = json!([CHALLAN, "ANOTHER"]));
    spoil(&|bundle| bundle["pages"][0]["receipt"]["reads"][3]["value"] = Value::Null);
    spoil(&|bundle| bundle["pages"][0]["receipt"]["checkpoint"] = json!("no note"));
    spoil(&|bundle| bundle["pages"] = json!([]));
    spoil(&|bundle| bundle["format"] = json!("dalil-checkpost-bundle/v2"));
    std::fs::write(&path, "{").unwrap();
    assert_eq!(road.check("slip.png", PLATE, &[]).code, 4);
    std::fs::write(&path, whole).unwrap();
}

fn bad_codes_are_refused(road: &Road) {
    assert_eq!(road.check("forged.png", PLATE, &[]).json()["reason"], json!("unknown_issuer"));
    for code in ["link.png", "receipt.png", "DALILB1:00", "HC1:6BF", "call.json"] {
        let said = road.check(code, PLATE, &[]);
        assert_eq!((said.code, &said.json()["verdict"]), (4, &json!("could_not_check")), "{code} {}", said.out);
        assert!(said.json()["not_recorded"].is_string(), "{code}");
    }
    assert_eq!(road.check("slip.png", "W\u{412}00S0001", &[]).code, 2, "a plate with a Cyrillic letter");
    let stale = road.check("slip.png", PLATE, &["--same-stop", "--max-age", "0ms"]).json();
    assert_eq!((&stale["verdict"], &stale["reason"]), (&json!("could_not_check"), &json!("stale_bundle")), "{stale}");
}
