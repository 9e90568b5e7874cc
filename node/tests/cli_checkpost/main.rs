//! A checkpost on a network of four: by the command line and by the page, a gateway's codes, and a gate without a network.

#![allow(clippy::unwrap_used, clippy::panic)] // Test code: what is not as expected must stop the test.

#[path = "../portal/browser.rs"]
#[allow(dead_code)] // The portal's tests use the rest.
mod browser;
mod checks;
#[path = "../cli/mod.rs"]
mod cli;
mod gate;
mod gateway;
mod page;

use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use cli::Said;
use cli::nodes::Nodes;
use dalil_contracts::mineral::check::Checks;
use dalil_ledger::codec;
use dalil_ledger::crypto::{Hash, sha256};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

const SETUP: &str = include_str!("../../../testnet/sample/mineral-setup.json");
const SHOWPIECE: &str = include_str!("../../../testnet/sample/mineral-showpiece.json");
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
/// How long a quorum may take to vouch for what is final.
const VOUCHED_WITHIN: Duration = Duration::from_secs(60);

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

/// The API key of the agents' own system at the first node's gateway.
const API_KEY: &str = "dalil-gateway-key-of-agents";

/// A key in a file, and its public half.
fn new_key(nodes: &Nodes, file: &str) -> String {
    let key = nodes.run(&["key", "new", "--out", file, "--json"]);
    assert_eq!(key.code, 0, "{}", key.err);
    let shown = nodes.run(&["--json", "key", "show", file]).json();
    shown["public"].as_str().or(shown["key"].as_str()).unwrap_or_else(|| panic!("{shown}")).to_owned()
}

fn add_gateway(nodes: &Nodes, port: u16) {
    new_key(nodes, "net/node-1/keys/gateway.seed");
    let digest = sha256(API_KEY.as_bytes());
    let section = format!(
        "\n[gateway]\nlisten = \"127.0.0.1:{port}\"\nkey = \"keys/gateway.seed\"\n\n[[gateway.clients]]\nname = \"agents\"\n\
         key_sha256 = \"{digest}\"\npostings = [\"minerals/agent-*\"]\nper_second = 1000\n"
    );
    let path = nodes.home(1).join("config.toml");
    let config = std::fs::read_to_string(&path).unwrap();
    std::fs::write(path, config + &section).unwrap();
}

/// One network at a time: each takes ports in a row.
static NETWORK: Mutex<()> = Mutex::new(());

struct Road {
    nodes: Nodes,
    _network: MutexGuard<'static, ()>,
    /// Where the first node's gateway listens.
    gateway: String,
}

impl Road {
    /// A load on the road, and a checkpost whose device is registered.
    fn open() -> Self {
        let network = NETWORK.lock().unwrap_or_else(PoisonError::into_inner);
        let mut nodes = Nodes::generate();
        // The last of the network's ports; its nodes take the ones before.
        let port = nodes.first_port + 9;
        let gateway = format!("http://127.0.0.1:{port}");
        add_gateway(&nodes, port);
        (1..=4).for_each(|node| nodes.start(node));
        (1..=4).for_each(|node| nodes.ready(node));
        let road = Self { nodes, _network: network, gateway };
        let start_ms = now_ms();
        let files: Vec<Value> = [SETUP, SHOWPIECE].map(|file| serde_json::from_str(file).unwrap()).into();
        for name in STEPS {
            let mut steps = files.iter().flat_map(|file| file["steps"].as_array().unwrap());
            let step = steps.find(|step| step["step"] == name).unwrap();
            road.act(step["posting"].as_str().unwrap(), &resolve(&step["call"], start_ms));
        }
        let device = road.new_key("device.seed");
        road.register_device("home/admin", &device, POLICE);
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

    /// Makes a key and gives its public half.
    fn new_key(&self, file: &str) -> String {
        new_key(&self.nodes, file)
    }

    fn register_device(&self, admin: &str, device: &str, office: &str) {
        self.act(admin, &json!({ "authority": { "register_key": { "key": device, "holder": "device" } } }));
        self.act(admin, &json!({ "mineral": { "register_device": { "device": device, "office": office } } }));
    }

    fn path(&self, name: &str) -> String {
        self.nodes.path().join(name).to_str().unwrap().to_owned()
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

    fn chain(&self) -> Hash {
        let pin: Value =
            serde_json::from_slice(&std::fs::read(self.nodes.path().join("net/pin.json")).unwrap()).unwrap();
        pin["chain"].as_str().unwrap().parse().unwrap()
    }

    /// The checks of the challan once a quorum has vouched for `count` of them: they are final a moment before.
    fn checks_on_record(&self, count: u32) -> Checks {
        let deadline = Instant::now() + VOUCHED_WITHIN;
        loop {
            let (_, _, body) = self.get(&format!("/v1/state?key=mineral/checks/{CHALLAN}"));
            let state: Value = serde_json::from_slice(&body).unwrap();
            let value = state["value"].as_str().map(|value| BASE64.decode(value).unwrap());
            let checks: Checks = value.map(|value| codec::decode(&value, 1 << 20).unwrap()).unwrap_or_default();
            if checks.count == count {
                return checks;
            }
            assert!(Instant::now() < deadline, "{} checks are on record, not {count}", checks.count);
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
