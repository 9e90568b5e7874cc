//! Pages of other origins: those that the operator names read questions' answers, and nobody reads anything else.

use dalil_node::shell::home::Config;
use dalil_node::shell::http::config::{HttpConfig, RateLimits};
use dalil_node::shell::http::cors::Origin;
use reqwest::{Method, Response};
use serde_json::json;

use crate::site::{Site, uri};

const LAND: &str = "https://land.example";

async fn asked(site: &Site, method: Method, path: &str, origin: &str) -> Response {
    let request = site.client.request(method, site.url(path)).header("origin", origin);
    request
        .header("content-type", "application/json")
        .body(json!({ "questions": [] }).to_string())
        .send()
        .await
        .unwrap()
}

/// What a browser asks before it sends a request that is not simple.
async fn announced(site: &Site, method: &str, path: &str, origin: &str) -> Response {
    let request = site.client.request(Method::OPTIONS, site.url(path)).header("origin", origin);
    let request = request.header("access-control-request-method", method);
    request.header("access-control-request-headers", "content-type").send().await.unwrap()
}

fn reader(response: &Response) -> Option<&str> {
    response.headers().get("access-control-allow-origin").map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn pages_of_named_origins_read_answers_and_nothing_else() {
    let few = RateLimits { requests_per_second: 1_000, burst: 30 };
    let origins = vec![LAND.parse().unwrap(), "http://localhost:8000".parse().unwrap()];
    let site = Site::with_config(HttpConfig { limits: few, allow_origins: origins, ..HttpConfig::default() }).await;
    let question = format!("uri={}", uri(1));
    let receipt = format!("/v1/receipts/status?{question}");
    for path in [&receipt, &format!("/v1/verify?{question}"), &format!("/v1/receipts/inclusion?{question}")] {
        let response = asked(&site, Method::GET, path, LAND).await;
        assert_eq!((response.status().as_u16(), reader(&response)), (200, Some(LAND)), "{path}");
        // An answer to one page must not be kept for another.
        let vary: Vec<_> = response.headers().get_all("vary").iter().map(|it| it.to_str().unwrap()).collect();
        assert!(vary.join(",").to_lowercase().contains("origin"), "{vary:?}");
        assert!(!response.headers().contains_key("access-control-allow-credentials"));
    }
    let response = announced(&site, "POST", "/v1/verify/batch", LAND).await;
    assert_eq!(reader(&response), Some(LAND));
    assert!(response.headers()["access-control-allow-headers"].to_str().unwrap().contains("content-type"));
    assert_eq!(reader(&asked(&site, Method::POST, "/v1/verify/batch", LAND).await), Some(LAND));

    for other in ["https://land.example.evil.example", "http://land.example", "https://land.example:8443", "null", "*"]
    {
        assert_eq!(reader(&asked(&site, Method::GET, &receipt, other).await), None, "{other}");
        assert_eq!(reader(&announced(&site, "POST", "/v1/verify/batch", other).await), None, "{other}");
    }
    for (method, path) in [("POST", "/v1/verify"), ("POST", "/v1/records"), ("GET", "/v1/status"), ("GET", "/pin")] {
        assert_eq!(reader(&announced(&site, method, path, LAND).await), None, "{path}");
    }
    assert_eq!(reader(&asked(&site, Method::GET, "/pin", LAND).await), None);
    assert_eq!(reader(&asked(&site, Method::POST, "/v1/verify", LAND).await), None);
}

#[tokio::test]
async fn a_page_that_asks_too_often_can_read_so() {
    let few = RateLimits { requests_per_second: 1, burst: 1 };
    let config = HttpConfig { limits: few, allow_origins: vec![LAND.parse().unwrap()], ..HttpConfig::default() };
    let site = Site::with_config(config).await;
    let path = format!("/v1/receipts/status?uri={}", uri(1));
    let mut responses = Vec::new();
    for _ in 0..10 {
        responses.push(asked(&site, Method::GET, &path, LAND).await);
    }
    let refused = responses.iter().find(|response| response.status() == 429).unwrap();
    assert_eq!(reader(refused), Some(LAND));
    assert_eq!(refused.headers()["access-control-expose-headers"], "retry-after");
}

#[tokio::test]
async fn without_a_list_no_page_of_others_reads_anything() {
    let site = Site::open().await;
    let path = format!("/v1/receipts/status?uri={}", uri(1));
    assert_eq!(reader(&asked(&site, Method::GET, &path, LAND).await), None);
    assert_eq!(announced(&site, "GET", &path, LAND).await.status(), 405);
}

#[test]
fn origins_stand_in_the_configuration_as_browsers_write_them() {
    let config = |origins: &str| {
        let text = format!(
            "p2p_listen = \"127.0.0.1:7000\"\nhttp_listen = \"127.0.0.1:8080\"\npeers = []\n[http]\nallow_origins = {origins}"
        );
        Config::from_toml(&text)
    };
    let read = config(r#"["https://land.example", "http://127.0.0.1:8000"]"#).unwrap();
    assert_eq!(read.http.allow_origins.len(), 2);
    assert_eq!(Config::from_toml(&read.to_toml().unwrap()).unwrap(), read);
    for wrong in [
        "*",
        "null",
        "",
        "land.example",
        "https://*.example",
        "https://land.example/",
        "https://land.example/page",
        "https://Land.example",
        "https://land.example:443",
        "https://clerk@land.example",
        "ftp://land.example",
    ] {
        assert!(wrong.parse::<Origin>().is_err(), "{wrong}");
        assert!(config(&format!("[{wrong:?}]")).is_err(), "{wrong}");
    }
}
