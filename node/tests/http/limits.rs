//! Limits on clients: how often, how much, how long; each refusal is a problem document.

use dalil_ledger::crypto::sha256;
use dalil_node::shell::home::Config;
use dalil_node::shell::http::config::{HttpConfig, KeyedClient, RateLimits};
use serde_json::Value;

use crate::site::Site;

const FEW: RateLimits = RateLimits { requests_per_second: 1, burst: 5 };

fn config() -> HttpConfig {
    let client = KeyedClient {
        name: "napix".to_owned(),
        key_sha256: sha256(b"the key"),
        limits: RateLimits { requests_per_second: 1, burst: 3 },
    };
    HttpConfig { limits: FEW, clients: vec![client], ..HttpConfig::default() }
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_there_is_room() {
    let site = Site::with_config(config()).await;
    let mut refused = None;
    for _ in 0..20 {
        let response = site.client.get(site.url("/health/live")).send().await.unwrap();
        if response.status() == 429 {
            refused = Some(response);
            break;
        }
    }
    let refused = refused.unwrap();
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(refused.headers()["content-type"], "application/problem+json");
    let said: Value = refused.json().await.unwrap();
    assert_eq!((&said["status"], &said["code"]), (&Value::from(429), &Value::from("rate")));

    // A program with a key has room of its own, and no more than that.
    let keyed = || site.client.get(site.url("/health/live")).bearer_auth("the key").send();
    let mut statuses = Vec::new();
    for _ in 0..20 {
        statuses.push(keyed().await.unwrap().status().as_u16());
    }
    assert_eq!((statuses[0], statuses.contains(&429)), (200, true), "{statuses:?}");
    let stranger = site.client.get(site.url("/health/live")).bearer_auth("another key").send().await.unwrap();
    assert_eq!(stranger.status(), 401);
    assert_eq!(stranger.json::<Value>().await.unwrap()["code"], "api_key");
}

#[tokio::test]
async fn every_refusal_is_a_problem_document() {
    let site = Site::open().await;
    let problem = async |response: reqwest::Response, expected: u16| {
        assert_eq!(response.status(), expected);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        let said: Value = response.json().await.unwrap();
        assert_eq!(said["status"], expected);
        assert!(said["code"].is_string() && said["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{said}");
    };
    for (path, expected) in [
        ("/nowhere", 404),
        ("/portal/nothing.js", 404),
        ("/tile/0/999", 404),
        ("/v1/records/x", 400),
        ("/v1/blocks/99999", 404),
        ("/v1/history", 400),
        ("/v1/events?kind=nothing", 400),
    ] {
        problem(site.client.get(site.url(path)).send().await.unwrap(), expected).await;
    }
    for path in ["/checkpoint", "/v1/verify/batch", "/check", "/portal/portal.js"] {
        let response = site.client.delete(site.url(path)).send().await.unwrap();
        assert!(response.headers().contains_key("allow"), "{path}");
        problem(response, 405).await;
    }
}

#[test]
fn limits_stand_in_the_configuration() {
    let text = r#"
        p2p_listen = "127.0.0.1:7000"
        http_listen = "127.0.0.1:8080"
        peers = []

        [http]
        trusted_proxies = ["10.0.0.1", "2001:db8::1"]

        [http.limits]
        requests_per_second = 50

        [[http.client]]
        name = "napix"
        key_sha256 = "0000000000000000000000000000000000000000000000000000000000000001"
        limits = { requests_per_second = 5000, burst = 10000 }
    "#;
    let config = Config::from_toml(text).unwrap();
    assert_eq!(config.http.limits.requests_per_second, 50);
    assert_eq!(config.http.limits.burst, RateLimits::default().burst);
    assert_eq!(config.http.clients[0].limits.burst, 10_000);
    assert_eq!(Config::from_toml(&config.to_toml().unwrap()).unwrap(), config);
    assert!(Config::from_toml(&text.replace("requests_per_second = 50", "per_second = 50")).is_err());
    assert!(Config::from_toml(&text.replace("10.0.0.1", "here")).is_err());
}
