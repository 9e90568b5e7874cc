//! A gate without a network: a challan issued from a range, its code drawn by the gate's device, and what a checkpost makes of it.

use serde_json::{Value, json};

use crate::{PLATE, Road, now_ms, vehicle};

const RANGE: &str = "7C3B9E20D41A86F5";
const OFFICE: &str = "minerals/lease-L-BANKURA-01";

impl Road {
    /// The showpiece's challan under a number of the range.
    fn issued(&self, number: &str, kilograms: u64) -> Value {
        let showpiece: Value = serde_json::from_str(crate::SHOWPIECE).unwrap();
        let steps = showpiece["steps"].as_array().unwrap();
        let step = steps.iter().find(|step| step["step"] == "challan for 11.00 m3 to Kolkata").unwrap();
        let mut challan = crate::resolve(&step["call"], now_ms())["mineral"]["issue_challan"].clone();
        challan["number"] = json!(number);
        challan["quantity"] = json!({ "kilograms": kilograms });
        challan["vehicle"] = json!(vehicle(PLATE));
        let at_ms = now_ms();
        challan["valid_from_ms"] = json!(at_ms);
        challan["valid_until_ms"] = json!(at_ms + 6 * 3_600_000);
        json!({
            "challan": challan,
            "weighed": { "slip": "0".repeat(64), "gross_kg": 27_000, "tare_kg": 10_000 },
            "observed_at_ms": at_ms,
            "place": { "lat_udeg": 23_070_000, "lon_udeg": 87_320_000 },
        })
    }

    fn draw(&self, key: &str, more: &[&str]) -> crate::cli::Said {
        let arguments = [
            "qr",
            "offline",
            "issued.json",
            "--bundle",
            "gate.json",
            "--policy",
            "net/pin.json",
            "--key",
            key,
            "--plate",
            PLATE,
            "--vehicle-key",
            "vehicle.key",
        ];
        self.run(&[&arguments[..], more].concat())
    }
}

#[test]
fn a_gates_code_is_pending_and_refused_when_the_range_is_used_up() {
    let road = Road::open();
    let gate = road.new_key("gate.seed");
    road.register_device("minerals/admin", &gate, OFFICE);
    let showpiece: Value = serde_json::from_str(crate::SHOWPIECE).unwrap();
    let steps = showpiece["steps"].as_array().unwrap();
    let challan = steps.iter().find(|step| step["step"] == "challan for 11.00 m3 to Kolkata").unwrap();
    let from_ms = now_ms() + 20_000;
    let allocation = json!({ "mineral": { "allocate_range": {
        "range": RANGE,
        "source": challan["call"]["mineral"]["issue_challan"]["source"],
        "mineral": "SAND",
        "device": gate,
        "count": 2,
        "quantity": { "kilograms": 30_000 },
        "from_ms": from_ms,
        "until_ms": from_ms + 3_600_000,
    } } });
    road.act("minerals/agent-L1", &allocation);
    let url = road.nodes.url(1);
    road.done(&[
        "checkpost",
        "bundle",
        "--policy",
        "net/pin.json",
        "--device",
        &gate,
        "--out",
        "gate.json",
        "--url",
        &url,
    ]);
    road.bundle();

    // From here on without a network, and within the window of the range.
    while now_ms() < from_ms {
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    let write =
        |number: &str, kilograms| road.write("issued.json", road.issued(number, kilograms).to_string().as_bytes());
    write(&format!("{RANGE}-0001"), 17_000);
    let drawn = road.draw("gate.seed", &["--out", "gate.png"]);
    assert_eq!(drawn.code, 0, "{}", drawn.err);
    let judged = road.check("gate.png", PLATE, &[]);
    let said = judged.json();
    assert_eq!(
        (judged.code, &said["verdict"], &said["reason"]),
        (5, &json!("valid_offline"), &json!("pending")),
        "{said}"
    );
    assert_eq!(said["challan"]["site"], json!("L-BANKURA-01"));

    // Another device's key, a number that the range has not, more than is left of it, a number of no range, another plate.
    assert!(road.draw("device.seed", &["--out", "no.png"]).err.contains("for another device"));
    write(&format!("{RANGE}-0003"), 17_000);
    assert!(road.draw("gate.seed", &["--out", "no.png"]).err.contains("range_used_up"));
    write(&format!("{RANGE}-0002"), 30_001);
    assert!(road.draw("gate.seed", &["--out", "no.png"]).err.contains("range_used_up"));
    write("C-NOWHERE", 17_000);
    assert!(road.draw("gate.seed", &["--out", "no.png"]).err.contains("of no range"));
    assert!(!road.nodes.path().join("no.png").exists());
}
