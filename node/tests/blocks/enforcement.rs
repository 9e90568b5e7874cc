//! "Which challan is live for this plate?", asked over HTTP.

use std::net::SocketAddr;
use std::sync::Arc;

use dalil_contracts::mineral::enquiry::{ENQUIRY_SKEW_MAX_MS, Enquiry, SignedEnquiry};
use dalil_ledger::crypto::{Hash, SecretKey, sha256};
use dalil_ledger::store::LedgerView;
use dalil_node::core::cosign::Published;
use dalil_node::shell::clock::now_ms;
use dalil_node::shell::handle::NodeHandle;
use dalil_node::shell::http::{App, Server, serve};
use serde_json::Value;
use tokio::sync::{mpsc, watch};

use crate::chain::{Chain, MINERALS, SHOWPIECE};
use crate::support::{key_of, token};

const POLICE: &str = "home/police-hooghly";
/// The truck of the showpiece, and its challan.
const PLATE: &str = "WB00S0001";
const CHALLAN: &str = "9F27C4D1A6E0B358";

/// A node's HTTP interface over a chain.
struct Site {
    chain: Chain,
    address: SocketAddr,
    published: watch::Sender<Option<Arc<Published>>>,
    _view: watch::Sender<LedgerView>,
    _server: Server,
}

impl Site {
    /// The sample's lease, permit and vehicles, some minutes ago.
    async fn open() -> Self {
        let mut chain = Chain::since(now_ms() - 60_000);
        chain.play(MINERALS, usize::MAX);
        chain.play(SHOWPIECE, 2);
        let (view, seen) = watch::channel(chain.ledger.view().unwrap());
        let (published, head) = watch::channel(None);
        let (submit, _) = mpsc::channel(1);
        let (status, _) = mpsc::channel(1);
        let handle = NodeHandle { submit, status, published: head, view: seen };
        let app = App::new(handle, &chain.ledger).unwrap();
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let server = serve(address, app).await.unwrap();
        let site = Self { chain, address, published, _view: view, _server: server };
        site.publish();
        site
    }

    /// What a quorum would cosign now.
    fn publish(&self) {
        let (view, validators) = (self.chain.ledger.view().unwrap(), self.chain.genesis.validators.clone());
        let published = Published { note: String::new(), view, validators, freshness_ms: now_ms() };
        self.published.send_replace(Some(Arc::new(published)));
    }

    /// Records a step of the showpiece.
    fn record(&mut self, step: &str) {
        let record = self.chain.step(SHOWPIECE, step);
        self.chain.append(vec![record]);
        self.publish();
    }

    fn enquiry(&self, posting: &str, plate: &str, key: &SecretKey) -> SignedEnquiry {
        let (vehicle, posting) = (vehicle(plate), token(posting));
        Enquiry { vehicle, posting, asked_at_ms: now_ms() }.sign(key, &self.chain.genesis.chain_id())
    }

    async fn ask(&self, signed: &SignedEnquiry) -> (u16, Value) {
        let url = format!("http://{}/v1/enforcement/live-challan", self.address);
        let response = reqwest::Client::new().post(url).json(signed).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// What an officer on the road is told about a plate.
    async fn told(&self, plate: &str) -> Value {
        let (status, said) = self.ask(&self.enquiry(POLICE, plate, &self.chain.officer(POLICE))).await;
        assert_eq!(status, 200, "{said}");
        said
    }
}

/// The id that the enforcement departments derive from a plate.
fn vehicle(plate: &str) -> Hash {
    sha256(format!("vehicle {plate}").as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enforcement_officer_is_told_the_live_challan_of_a_plate() {
    let mut site = Site::open().await;
    assert_eq!(site.told(PLATE).await["live"], Value::Null, "none was issued");
    site.record("challan for 11.00 m3 to Kolkata");
    let said = site.told(PLATE).await;
    assert_eq!(said["live"]["issued"]["number"], CHALLAN, "{said}");
    assert_eq!(said["height"], site.chain.ledger.view().unwrap().head().height);
    // The keys that prove it are those under which the state has the vehicle's use and the challan.
    let keys: Vec<_> = said["keys"].as_array().unwrap().iter().map(|key| key.as_str().unwrap()).collect();
    assert_eq!(keys.len(), 2);
    for key in keys {
        let url = format!("http://{}/v1/state?key={key}", site.address);
        let shown: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
        assert!(shown["value"].is_string(), "{key}: {shown}");
    }
    assert_eq!(site.told("WB00S0002").await["live"], Value::Null, "another truck");
    site.record("weighed and let out");
    site.record("delivered at the works yard");
    assert_eq!(site.told(PLATE).await["live"], Value::Null, "it was delivered");
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_clerks_and_old_questions_are_told_nothing() {
    let mut site = Site::open().await;
    site.record("challan for 11.00 m3 to Kolkata");
    let police = site.chain.officer(POLICE);
    let chain = site.chain.genesis.chain_id();
    let honest = site.enquiry(POLICE, PLATE, &police);
    let at = |asked_at_ms| Enquiry { asked_at_ms, ..honest.enquiry.clone() }.sign(&police, &chain);
    let mut other_plate = honest.clone();
    other_plate.enquiry.vehicle = vehicle("WB00S0002");
    let cases = [
        ("a stranger's key", site.enquiry(POLICE, PLATE, &key_of("a stranger")), "O1"),
        ("another plate under the officer's signature", other_plate, "O1"),
        ("signed for another chain", honest.enquiry.clone().sign(&police, &Hash([1; 32])), "O1"),
        ("an old question, played again", at(now_ms() - ENQUIRY_SKEW_MAX_MS - 1), "O1"),
        ("a question from the future", at(now_ms() + 2 * ENQUIRY_SKEW_MAX_MS), "O1"),
        ("no such posting", site.enquiry("home/nobody", PLATE, &police), "A1"),
        ("a transporter's registrar", site.enquiry("transport/rto", PLATE, &site.chain.officer("transport/rto")), "A1"),
        ("the lessee", site.enquiry("minerals/agent-L1", PLATE, &site.chain.officer("minerals/agent-L1")), "A1"),
    ];
    for (what, signed, code) in cases {
        let (status, problem) = site.ask(&signed).await;
        assert_eq!((status, problem["code"].as_str()), (403, Some(code)), "{what}: {problem}");
        assert!(!problem.to_string().contains(CHALLAN), "{what}: {problem}");
    }
    let (status, _) = site.ask(&honest).await;
    assert_eq!(status, 200);
}
