//! The description says what the node does, and the node does nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::generator::{Generator, Request};
use crate::network::Network;
use crate::schema::misfit;
use crate::site::{CHALLAN, Site, uri};
use crate::support::domicile;

/// How many requests are made for each operation.
const REQUESTS: usize = 200;
/// How long one may take; those that wait for finality wait less.
const PATIENCE: Duration = Duration::from_secs(30);

/// `(path, method, operation)` of a description.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter();
        methods.map(move |(method, operation)| (path.clone(), method.clone(), operation.clone()))
    });
    all.collect()
}

/// Every reference within a value.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|field| references(field, found));
        }
        _ => {}
    }
}

#[tokio::test]
async fn the_description_hangs_together() {
    let site = Site::open().await;
    for (path, version) in [("/openapi.json", "3.1.0"), ("/openapi-3.0.json", "3.0.3")] {
        let (status, document) = site.get(path).await;
        assert_eq!((status, &document["openapi"]), (200, &Value::from(version)));
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        assert!(found.len() > 5, "{found:?}");
        for reference in found {
            assert!(document.pointer(reference.strip_prefix('#').unwrap()).is_some(), "{version}: {reference}");
        }
        let mut ids = BTreeSet::new();
        for (path, method, operation) in operations(&document) {
            let name = format!("{version}: {method} {path}");
            assert!(ids.insert(operation["operationId"].to_string()), "{name}: its name is another's");
            assert!(operation["summary"].as_str().is_some_and(|it| !it.is_empty()), "{name}");
            for parameter in operation["parameters"].as_array().unwrap() {
                assert!(parameter["schema"].is_object(), "{name}: {parameter}");
            }
            let within: Vec<_> = path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()).collect();
            let described = operation["parameters"].as_array().unwrap().iter().filter(|it| it["in"] == "path");
            let described: Vec<_> = described.map(|it| it["name"].as_str().unwrap()).collect();
            assert_eq!(within, described, "{name}");
            for status in ["408", "429", "500", "503"] {
                assert!(operation["responses"][status].is_object(), "{name}: {status}");
            }
        }
    }
}

/// OpenAPI 3.0 knows neither lists of types nor constants.
#[tokio::test]
async fn the_older_rendering_uses_nothing_newer() {
    fn check(value: &Value, path: &str) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| check(item, path)),
            Value::Object(fields) => {
                for (name, field) in fields {
                    assert!(name != "const" && name != "$defs" && name != "prefixItems", "{path}/{name}");
                    assert!(name != "type" || field.is_string() || field.is_object(), "{path}/{name}: {field}");
                    check(field, &format!("{path}/{name}"));
                }
            }
            _ => {}
        }
    }
    let site = Site::open().await;
    check(&site.get("/openapi-3.0.json").await.1, "");
}

/// Paths that a source file routes.
fn routed(source: &str) -> impl Iterator<Item = String> + '_ {
    let found = source.split(".route(\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    found.map(|path| path.replace("{*", "{"))
}

#[tokio::test]
async fn every_route_is_described_and_every_described_route_is_there() {
    let site = Site::open().await;
    let (_, document) = site.get("/openapi.json").await;
    let described: BTreeSet<_> = operations(&document).into_iter().map(|(path, _, _)| path).collect();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    // The other listeners have clients of their own.
    let elsewhere = ["gateway.rs", "digilocker.rs"];
    let folders = ["portal", "portal/explorer", "shell/http"].map(|folder| source.join(folder));
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()));
    for file in files {
        if file.is_dir() || elsewhere.iter().any(|name| file.ends_with(name)) {
            continue;
        }
        for path in routed(&std::fs::read_to_string(&file).unwrap()) {
            assert!(described.contains(&path), "{path} of {} is not described", file.display());
        }
    }
    let sheet = site.client.get(site.url("/portal/fonts.css")).send().await.unwrap().text().await.unwrap();
    let font = sheet.split("/portal/fonts/").nth(1).and_then(|rest| rest.split('"').next()).map(str::to_owned);
    let font = font.expect("testnet/setup/browser.sh installs the fonts");
    for (path, method, _) in operations(&document) {
        let concrete = path
            .replace("{which}", "1")
            .replace("{height}", "0")
            .replace("{path}", "0/000.p/8")
            .replace("{name}", "portal.js")
            .replace("{file}", "docs.js")
            .replace("{font}", &font);
        let method = method.to_ascii_uppercase().parse().unwrap();
        let response = site.client.request(method, site.url(&concrete)).send().await.unwrap();
        let status = response.status().as_u16();
        assert!(status != 404 && status != 405, "{path} is described and not there: {status}");
    }
}

async fn send(network: &Network, request: &Request) -> reqwest::Response {
    let mut url = reqwest::Url::parse(&network.url(0, "/")).unwrap();
    url.set_path(&request.path);
    if !request.query.is_empty() {
        url.query_pairs_mut().extend_pairs(&request.query);
    }
    let method = request.method.to_ascii_uppercase().parse().unwrap();
    let mut sent = network.client.request(method, url).timeout(PATIENCE);
    for (name, text) in &request.headers {
        // A header cannot hold everything that a query can.
        if let Ok(value) = reqwest::header::HeaderValue::from_str(text) {
            sent = sent.header(name, value);
        }
    }
    if let Some((kind, body)) = &request.body {
        sent = sent.header("content-type", kind).body(body.clone());
    }
    sent.send().await.unwrap()
}

/// What of an answer the description does not say.
async fn undescribed(document: &Value, operation: &Value, response: reqwest::Response) -> Option<String> {
    let status = response.status().as_u16();
    if status >= 500 {
        return Some(format!("{status}: {}", response.text().await.unwrap()));
    }
    let described = &operation["responses"][status.to_string()];
    if !described.is_object() {
        return Some(format!("{status} is not described: {}", response.text().await.unwrap()));
    }
    let kind = response.headers().get("content-type").map(|it| it.to_str().unwrap().to_owned());
    let kind = kind.map(|it| it.split(';').next().unwrap().to_owned());
    let Some(kind) = kind else {
        return described["content"].is_object().then(|| format!("{status} without a content type"));
    };
    let media = &described["content"][&kind];
    if !media.is_object() {
        return Some(format!("{status} is not described as {kind}"));
    }
    if !kind.ends_with("json") {
        return None;
    }
    let value: Value = response.json().await.unwrap();
    misfit(document, &media["schema"], &value).map(|why| format!("{status}: {why}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_made_from_the_description_find_nothing_undescribed() {
    let network = Network::generate();
    network.up().await;
    let index = network.acknowledged(0, 1).await;
    let id = network.submission(1).0;
    network.ok(0, &format!("/v1/receipts/inclusion?index={index}")).await;
    let certificate = serde_json::to_value(domicile(1, 0)).unwrap();
    let certificate = &certificate["call"]["certificate"]["issue"]["certificate"];
    let known = vec![
        ("uri", uri(1)),
        ("digest", certificate["digest"].as_str().unwrap().to_owned()),
        ("number", "DOM-1".to_owned()),
        ("department", "district".to_owned()),
        ("type", "DOM".to_owned()),
        ("index", index.to_string()),
        ("which", index.to_string()),
        ("which", id.to_string()),
        ("height", "head".to_owned()),
        ("height", "1".to_owned()),
        ("path", "0/000.p/2".to_owned()),
        ("path", "entries/000.p/1".to_owned()),
        ("subject", format!("holder/{:032x}", 1)),
        ("from", "0".to_owned()),
        ("as_of", "2026-11-21".to_owned()),
        ("key", format!("doc/uri/{}", uri(1))),
        ("office", "land/blro-2795".to_owned()),
        ("wait_ms", "1".to_owned()),
        ("name", "portal.js".to_owned()),
        ("name", "portal.css".to_owned()),
        ("q", uri(1)),
        ("challan", CHALLAN.to_owned()),
        ("plot", "9300-1/7".to_owned()),
    ];
    let document: Value = serde_json::from_slice(&network.ok(0, "/openapi.json").await).unwrap();
    let mut generator = Generator::new(known);
    let mut seen: BTreeMap<String, BTreeSet<u16>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (path, method, operation) in operations(&document) {
        for _ in 0..REQUESTS {
            let request = generator.request(&path, &method, &operation);
            let response = send(&network, &request).await;
            seen.entry(format!("{method} {path}")).or_default().insert(response.status().as_u16());
            if let Some(why) = undescribed(&document, &operation, response).await {
                wrong.push(format!("{request:?}\n    {why}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
    // The requests reach what lies behind the first look at them.
    for path in ["get /v1/verify", "get /v1/records/{which}", "get /tile/{path}", "get /v1/state", "get /check"] {
        assert!(seen[path].contains(&200), "{path}: {:?}", seen[path]);
    }
    for path in ["get /v1/verify", "post /v1/verify/batch", "post /v1/records"] {
        assert!(seen[path].contains(&400), "{path}: {:?}", seen[path]);
    }
}
