//! JSON-RPC 2.0: the specification's own examples, the methods, and subscriptions.

use dalil_ledger::crypto::sha256;
use serde_json::{Value, json};

use crate::site::{Site, now_ms, uri};
use crate::socket::Socket;

/// Status and body; null where there is none.
async fn post(site: &Site, body: impl Into<reqwest::Body>) -> (u16, Value) {
    let response = site.client.post(site.url("/rpc")).body(body).send().await.unwrap();
    let status = response.status().as_u16();
    (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default())
}

fn call(id: impl Into<Value>, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id.into(), "method": method, "params": params })
}

#[tokio::test]
async fn errors_have_the_codes_of_the_specification() {
    let site = Site::open().await;
    for (body, code, id) in [
        (r#"{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]"#, -32_700, Value::Null),
        ("", -32_700, Value::Null),
        ("[1, 2", -32_700, Value::Null),
        ("[]", -32_600, Value::Null),
        ("1", -32_600, Value::Null),
        (r#"{"jsonrpc": "2.0", "method": 1, "params": "bar"}"#, -32_600, Value::Null),
        (r#"{"jsonrpc": "1.0", "method": "verify", "id": 7}"#, -32_600, json!(7)),
        (r#"{"method": "verify", "id": "x"}"#, -32_600, json!("x")),
        (r#"{"jsonrpc": "2.0", "method": "verify", "id": {}}"#, -32_600, Value::Null),
        (r#"{"jsonrpc": "2.0", "method": "verify", "params": 1, "id": 1}"#, -32_600, json!(1)),
        (r#"{"jsonrpc": "2.0", "method": "foobar", "id": "1"}"#, -32_601, json!("1")),
        (r#"{"jsonrpc": "2.0", "method": "subscribe", "params": {"topic": "heads"}, "id": 1}"#, -32_601, json!(1)),
        (r#"{"jsonrpc": "2.0", "method": "verify", "params": [1], "id": 1}"#, -32_602, json!(1)),
        (r#"{"jsonrpc": "2.0", "method": "verify", "params": {"person": "x"}, "id": 1}"#, -32_602, json!(1)),
        (r#"{"jsonrpc": "2.0", "method": "verify", "id": 1}"#, -32_602, json!(1)),
        (r#"{"jsonrpc": "2.0", "method": "record.show", "params": {"which": "99999"}, "id": 1}"#, -32_000, json!(1)),
    ] {
        let (status, said) = post(&site, body).await;
        assert_eq!((status, &said["error"]["code"], &said["id"]), (200, &json!(code), &id), "{body}: {said}");
        assert_eq!(said["jsonrpc"], "2.0");
        assert!(said.get("result").is_none() && said["error"]["message"].is_string(), "{said}");
    }
}

#[tokio::test]
async fn a_batch_is_answered_call_by_call_and_notifications_not_at_all() {
    let site = Site::open().await;
    let batch = json!([
        call(1, "verify", json!({ "uri": uri(1) })),
        { "jsonrpc": "2.0", "method": "verify", "params": { "uri": uri(1) } },
        { "foo": "boo" },
        call("5", "foobar", json!({})),
        1,
        call(Value::Null, "checkpoint", json!({})),
    ]);
    let (status, said) = post(&site, batch.to_string()).await;
    let said = said.as_array().unwrap();
    assert_eq!((status, said.len()), (200, 5), "{said:?}");
    assert_eq!((&said[0]["id"], &said[0]["result"]["answer"]["status"]), (&json!(1), &json!("valid")));
    let codes: Vec<_> = said.iter().map(|it| it["error"]["code"].as_i64()).collect();
    assert_eq!(codes, [None, Some(-32_600), Some(-32_601), Some(-32_600), None]);
    assert!(said[4]["id"].is_null() && said[4]["result"]["text"].is_string(), "{}", said[4]);

    let silent = json!({ "jsonrpc": "2.0", "method": "checkpoint" });
    assert_eq!(post(&site, silent.to_string()).await, (204, Value::Null));
    assert_eq!(post(&site, json!([silent, silent]).to_string()).await, (204, Value::Null));
    let many: Vec<_> = (0..101).map(|id| call(id, "checkpoint", json!({}))).collect();
    let (_, said) = post(&site, json!(many).to_string()).await;
    assert_eq!(said["error"]["code"], -32_600, "{said}");
    assert!(said["error"]["message"].as_str().unwrap().contains("101"));
    let (_, said) = post(&site, json!(many[..100]).to_string()).await;
    assert_eq!(said.as_array().unwrap().len(), 100);
}

#[tokio::test]
async fn the_answers_are_those_of_rest() {
    let site = Site::open().await;
    let ask = async |method: &str, params: Value| {
        let (_, said) = post(&site, call(1, method, params).to_string()).await;
        said.get("result").cloned().unwrap_or_else(|| panic!("{method}: {said}"))
    };
    // What is said of the age moves on between two answers.
    let ageless = |mut said: Value| {
        said["checkpoint"]["age_ms"] = Value::Null;
        said["checkpoint"]["age"] = Value::Null;
        said["answer"]["as_of_ms"] = Value::Null;
        said["answer"]["dates"]["as_of"] = Value::Null;
        said
    };
    for (query, params) in [
        (format!("uri={}", uri(1)), json!({ "uri": uri(1) })),
        (format!("digest={}", sha256(b"certificate 1")), json!({ "digest": sha256(b"certificate 1") })),
        ("plot=9300-1/7".to_owned(), json!({ "plot": "9300-1/7" })),
    ] {
        assert_eq!(ageless(ask("verify", params).await), ageless(site.ask(&query).await));
    }
    for (method, params, path) in [
        ("record.show", json!({ "which": "1" }), "/v1/records/1".to_owned()),
        ("block.show", json!({ "height": "head" }), "/v1/blocks/head".to_owned()),
        ("receipt.status", json!({ "uri": uri(1) }), format!("/v1/receipts/status?uri={}", uri(1))),
        ("validators", json!({}), "/v1/validators".to_owned()),
        ("record.history", json!({ "subject": "mouza/9300-1" }), "/v1/history?subject=mouza/9300-1".to_owned()),
    ] {
        assert_eq!(ask(method, params).await, site.get(&path).await.1, "{method}");
    }
    let batch =
        ask("verify.batch", json!({ "questions": [{ "uri": uri(1) }, { "index": 99 }], "receipts": "none" })).await;
    assert_eq!(batch["answers"][1]["answer"]["status"], "not_on_record", "{batch}");
    let too_many = json!({ "questions": vec![json!({ "index": 1 }); 1_001] });
    let (_, said) = post(&site, call(1, "verify.batch", too_many).to_string()).await;
    assert_eq!((&said["error"]["code"], &said["error"]["data"]["status"]), (&json!(-32_000), &json!(413)), "{said}");
}

#[tokio::test]
async fn every_described_method_is_there() {
    let site = Site::open().await;
    let (_, document) = site.get("/openrpc.json").await;
    let (_, discovered) = post(&site, call(1, "rpc.discover", json!({})).to_string()).await;
    assert_eq!(discovered["result"], document);
    let methods = document["methods"].as_array().unwrap();
    assert!(methods.len() >= 12, "{}", methods.len());
    let mut socket = Socket::open(site.address, "/rpc").await;
    for method in methods {
        let name = method["name"].as_str().unwrap();
        assert!(method["summary"].is_string() && method["result"]["schema"].is_object(), "{name}");
        for parameter in method["params"].as_array().unwrap() {
            assert!(parameter["name"].is_string() && parameter["schema"].is_object(), "{name}: {parameter}");
        }
        // The core is not here.
        if name == "node.status" {
            continue;
        }
        let said = socket.call(name, json!({ "nothing": 1 })).await;
        assert_ne!(said["error"]["code"], -32_601, "{name}");
    }
}

#[tokio::test]
async fn news_come_over_a_socket() {
    let mut site = Site::open().await;
    let mut socket = Socket::open(site.address, "/rpc").await;
    let said = socket.call("verify", json!({ "uri": uri(1) })).await;
    assert_eq!(said["result"]["answer"]["status"], "valid", "{said}");
    let heads = socket.call("subscribe", json!({ "topic": "heads" })).await["result"]["subscription"].clone();
    let news = socket.next().await.unwrap();
    assert_eq!((&news["method"], &news["params"]["subscription"]), (&json!("subscription"), &heads), "{news}");
    let height = news["params"]["value"]["head"]["height"].as_u64().unwrap();
    site.issue(20);
    site.publish(now_ms());
    let news = socket.next().await.unwrap();
    assert_eq!(news["params"]["value"]["head"]["height"], height + 1);
    assert!(news["params"]["value"]["checkpoint"].as_str().unwrap().starts_with("ledger.example/wb\n"));
    assert_eq!(socket.call("unsubscribe", json!({ "subscription": heads })).await["result"], true);
    assert_eq!(socket.call("unsubscribe", json!({ "subscription": heads })).await["result"], false);

    let events = json!({ "topic": "events", "from": 0, "kinds": ["certificate.*"] });
    let events = socket.call("subscribe", events).await["result"]["subscription"].clone();
    let first = socket.next().await.unwrap();
    assert_eq!(first["params"]["subscription"], events, "{first}");
    assert_eq!((&first["params"]["value"]["id"], &first["params"]["value"]["index"]), (&json!("1-0"), &json!(1)));
    for wrong in [
        json!({ "topic": "weather" }),
        json!({ "topic": "events", "kinds": ["nothing"] }),
        json!({ "topic": "heads", "from": 1 }),
    ] {
        assert_eq!(socket.call("subscribe", wrong.clone()).await["error"]["code"], -32_602, "{wrong}");
    }
    let mut taken = 1;
    loop {
        let said = socket.call("subscribe", json!({ "topic": "heads" })).await;
        if said.get("error").is_some() {
            assert_eq!(said["error"]["data"]["code"], "subscriptions", "{said}");
            break;
        }
        taken += 1;
    }
    assert_eq!(taken, 8);
}

#[tokio::test]
async fn a_message_that_is_too_long_ends_the_connection() {
    let site = Site::open().await;
    let mut socket = Socket::open(site.address, "/rpc").await;
    socket.send(&" ".repeat((1 << 20) + 1)).await;
    assert!(socket.next().await.is_none());
    // Without an upgrade there is no socket.
    let (status, said) = site.get("/rpc").await;
    assert_eq!((status, &said["status"]), (400, &json!(400)), "{said}");
}
