//! The code B of a challan from the gateway: for the postings that list it, and for nobody else.

use std::time::{Duration, Instant};

use dalil_ledger::qr::Code;
use serde_json::{Value, json};

use crate::{API_KEY, CHALLAN, PLATE, Road};

/// How long a quorum may take to cosign a block on a busy machine.
const COSIGNED_WITHIN: Duration = Duration::from_secs(60);
const AGENT: &str = "minerals/agent-L1";

impl Road {
    /// Asks the gateway for a slip: status, media type and body.
    fn asked(&self, key: &str, body: &Value) -> (u16, String, Vec<u8>) {
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let client = reqwest::Client::new();
            let sent =
                client.post(format!("{}/gateway/v1/slips", self.gateway)).bearer_auth(key).body(body.to_string());
            let sent = sent.header("content-type", "application/json");
            let answer = sent.send().await.unwrap();
            let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
            (answer.status().as_u16(), kind, answer.bytes().await.unwrap().to_vec())
        })
    }

    fn refused(&self, body: &Value) -> (u16, String) {
        let (status, _, body) = self.asked(API_KEY, body);
        let problem: Value = serde_json::from_slice(&body).unwrap();
        (status, problem["code"].as_str().unwrap().to_owned())
    }
}

#[test]
fn the_gateway_signs_for_the_posting_that_lists_it() {
    let road = Road::open();
    let wanted = |format: &str| json!({ "posting": AGENT, "number": CHALLAN, "plate": PLATE, "format": format });
    assert_eq!(road.refused(&wanted("text")), (422, "A7".to_owned()), "the posting does not list the gateway");
    let shown = road.run(&["--json", "key", "show", "net/node-1/keys/gateway.seed"]).json();
    let key = shown["public"].as_str().or(shown["key"].as_str()).unwrap().to_owned();
    road.act("minerals/admin", &json!({ "authority": { "register_key": { "key": key, "holder": "gateway" } } }));
    road.act("minerals/admin", &json!({ "authority": { "set_gateways": { "posting": AGENT, "gateways": [key] } } }));

    // The gateway reads a head that a quorum has cosigned; that follows the block by a moment.
    let started = Instant::now();
    while road.asked(API_KEY, &wanted("text")).0 == 422 && started.elapsed() < COSIGNED_WITHIN {
        std::thread::sleep(Duration::from_millis(100));
    }
    let (status, kind, text) = road.asked(API_KEY, &wanted("text"));
    assert_eq!((status, kind.as_str()), (200, "text/plain; charset=utf-8"), "{}", String::from_utf8_lossy(&text));
    let text = String::from_utf8(text).unwrap();
    let Code::Slip(slip) = Code::parse(&text).unwrap() else { panic!("{text}") };
    assert!(slip.verify(&key.parse().unwrap(), &road.chain()).is_ok());
    let (status, kind, png) = road.asked(API_KEY, &wanted("png"));
    assert_eq!((status, kind.as_str()), (200, "image/png"));
    assert_eq!(dalil_node::qr::texts_in(&png).unwrap(), std::slice::from_ref(&text));
    assert_eq!(road.asked(API_KEY, &wanted("svg")).1, "image/svg+xml");

    let without = |name: &str, value: Value| {
        let mut wanted = wanted("text");
        wanted[name] = value;
        wanted
    };
    assert_eq!(road.refused(&without("format", json!("gif"))), (400, "format".to_owned()));
    assert_eq!(road.refused(&without("plate", json!("W\u{412}00S0001"))), (400, "plate".to_owned()));
    assert_eq!(road.refused(&without("number", json!("NOWHERE"))), (422, "D2".to_owned()));
    assert_eq!(road.refused(&without("posting", json!("minerals/agent-L2"))).0, 422, "another lease's agent");
    assert_eq!(road.refused(&without("posting", json!("minerals/officer"))), (403, "posting".to_owned()));
    assert_eq!(road.asked("another key", &wanted("text")).0, 401);

    // A checkpost knows the gateway where its bundle names the posting.
    road.bundle();
    assert_eq!(road.check(&text, PLATE, &[]).json()["reason"], json!("unknown_issuer"));
    road.done(&["checkpost", "bundle", "--home", "post", "--url", &road.nodes.url(1), "--posting", AGENT]);
    let judged = road.check(&text, PLATE, &["--same-stop"]).json();
    assert_eq!(judged["reason"], json!("in_force"), "{judged}");
}
