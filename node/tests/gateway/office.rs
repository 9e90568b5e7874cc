//! A department's office: a network whose first node has a gateway, and the department's own system as its client.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use dalil_contracts::Invocation;
use dalil_ledger::crypto::sha256;
use dalil_node::gateway::config::{ClientConfig, GatewayConfig, PostingPattern};
use dalil_node::shell::home::Home;
use serde_json::Value;

use crate::network::Network;
use crate::support::token;

/// The department's system.
pub const CLIENT: &str = "edistrict";
/// Another one, which may ask once a second.
pub const SLOW_CLIENT: &str = "camp";
/// How long a retry may take in all.
const PATIENCE: Duration = Duration::from_secs(40);

pub struct Office {
    pub network: Network,
    pub port: u16,
}

/// The API key of a client, which stands in no file.
pub fn api_key(client: &str) -> String {
    format!("dalil-gateway-key-of-{client}")
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

impl Office {
    /// A network whose nodes do not run yet.
    pub fn closed(lapse_after_s: u32) -> Self {
        let (network, port) = (Network::generate(), free_port());
        let client = |name: &str, per_second| ClientConfig {
            name: token(name),
            key_sha256: sha256(api_key(name).as_bytes()),
            postings: vec![PostingPattern(token("district/*"))],
            per_second,
        };
        let home = Home::at(network.home(0));
        let mut config = home.config().unwrap();
        config.gateway = Some(GatewayConfig {
            listen: ([127, 0, 0, 1], port).into(),
            allow_remote: false,
            key: network.folder.path().join("officers/district-gateway.seed"),
            remember_days: 7,
            lapse_after_s,
            clients: vec![client(CLIENT, 1_000), client(SLOW_CLIENT, 1)],
        });
        home.write_config(&config).unwrap();
        Self { network, port }
    }

    pub async fn open() -> Self {
        let office = Self::closed(600);
        office.network.up().await;
        office
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// A request as the department's system sends it.
    pub fn request(&self, key: &str, body: impl Into<reqwest::Body>) -> reqwest::RequestBuilder {
        let request = self.network.client.post(self.url("/gateway/v1/records?wait_ms=15000"));
        request.bearer_auth(api_key(CLIENT)).header("Idempotency-Key", key).body(body)
    }

    pub async fn send(&self, key: &str, call: &Invocation) -> (u16, Value) {
        answer(self.request(key, serde_json::to_string(call).unwrap())).await.unwrap()
    }

    /// Sends a request again and again, as a client does that wants an answer.
    pub async fn recorded(&self, key: &str, call: &Invocation) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let said = answer(self.request(key, serde_json::to_string(call).unwrap())).await;
            match &said {
                Some((200, said)) => return said.clone(),
                Some((202 | 503, _)) | None => {}
                Some(other) => panic!("{key}: {other:?}\n{}", self.network.log(0)),
            }
            assert!(Instant::now() < deadline, "{key}: {said:?}\n{}", self.network.log(0));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The log indexes of the records about a subject.
    pub async fn history(&self, node: usize, subject: &str) -> Vec<u64> {
        let (_, page) = self.network.json(node, &format!("/v1/history?subject={subject}")).await.unwrap();
        page["records"].as_array().unwrap().iter().map(|record| record["index"].as_u64().unwrap()).collect()
    }
}

/// Status and JSON; none if the node could not be reached or went away.
pub async fn answer(request: reqwest::RequestBuilder) -> Option<(u16, Value)> {
    let response = request.send().await.ok()?;
    let status = response.status().as_u16();
    Some((status, serde_json::from_slice(&response.bytes().await.ok()?).unwrap_or_default()))
}
