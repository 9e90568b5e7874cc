//! What outside witnesses cosigned: on the published note, at an address of its own, and in a list.

use dalil_ledger::checkpoint::{Checkpoint, Cosignature, Note};
use serde_json::json;

use crate::site::{Site, now_ms, witness};

async fn note(site: &Site, path: &str) -> Note {
    let response = site.client.get(site.url(path)).send().await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
    Note::parse(&response.bytes().await.unwrap()).unwrap()
}

/// Whether the last line is the witness's, and verifies.
fn is_witnessed(note: &Note) -> bool {
    let (key, _) = witness();
    let Some(line) = note.signatures.last().filter(|line| line.name == key.name && line.id == key.id()) else {
        return false;
    };
    let (time, signature) = line.bytes.split_first_chunk().unwrap();
    let signature = dalil_ledger::crypto::Signature(signature.try_into().unwrap());
    let cosignature = Cosignature { time_s: u64::from_be_bytes(*time), signature };
    cosignature.verify(&note.text.parse().unwrap(), &key.key).is_ok()
}

fn size(note: &Note) -> u64 {
    note.text.parse::<Checkpoint>().unwrap().size
}

#[tokio::test]
async fn the_witness_stands_last_and_receipts_are_without_it() {
    let site = Site::open().await;
    let published = note(&site, "/checkpoint").await;
    assert!(is_witnessed(&published));
    assert_eq!(published.signatures.len(), 5, "a log, three validators, a witness");
    let policy = site.pin();
    let endorsed = policy.policy().verify(published.to_string().as_bytes(), now_ms(), 10_000).unwrap();
    assert_eq!(endorsed.cosigners.len(), 3);
    assert_eq!(note(&site, "/witnesses/checkpoint").await, published);
    // A receipt carries exactly a quorum.
    let receipt = site.client.get(site.url("/v1/receipts/inclusion?index=1")).send().await.unwrap();
    let receipt = receipt.text().await.unwrap();
    assert!(receipt.contains(&published.text) && !receipt.contains("witness.example"));
    let (_, status) = site.get("/v1/verify?index=1").await;
    assert!(!status.to_string().contains("witness.example"));
}

#[tokio::test]
async fn an_older_head_that_it_cosigned_is_served_beside_the_newest() {
    let mut site = Site::open().await;
    let before = note(&site, "/witnesses/checkpoint").await;
    site.issue(9);
    site.publish(now_ms());
    let newest = note(&site, "/checkpoint").await;
    assert!(!is_witnessed(&newest) && size(&newest) > size(&before));
    let kept = note(&site, "/witnesses/checkpoint").await;
    assert!(is_witnessed(&kept));
    assert_eq!(kept, before);
    site.pin().policy().verify(kept.to_string().as_bytes(), now_ms(), 10_000).unwrap();
    let listed = |size: u64, log_size: u64, at_ms: u64| {
        let (key, _) = witness();
        let cosigned = json!({ "size": size, "at_ms": at_ms / 1_000 * 1_000 });
        let one = json!({ "name": key.name.as_str(), "vkey": key.to_string(), "cosigned": cosigned, "failing": null });
        json!({ "log_size": log_size, "witnesses": [one] })
    };
    let (status, said) = site.get("/v1/witnesses").await;
    let at_ms = said["witnesses"][0]["cosigned"]["at_ms"].as_u64().unwrap();
    assert_eq!((status, &said), (200, &listed(size(&before), size(&newest), at_ms)));

    site.witnessed(now_ms());
    assert!(is_witnessed(&note(&site, "/checkpoint").await));
    assert_eq!(size(&note(&site, "/witnesses/checkpoint").await), size(&newest));
    assert_eq!(site.witnesses.failed(0, "it is away".to_owned()), 1);
    let (_, said) = site.get("/v1/witnesses").await;
    assert_eq!(said["witnesses"][0]["failing"]["error"], "it is away");
    assert!(is_witnessed(&note(&site, "/checkpoint").await), "what it cosigned stands");
}

#[tokio::test]
async fn a_number_that_no_head_has_is_not_found_and_no_number_is_refused() {
    let site = Site::open().await;
    assert!(is_witnessed(&note(&site, "/witnesses/checkpoint?least=1").await));
    for (query, status) in
        [("least=2", 404), ("least=18446744073709551615", 404), ("least=0", 400), ("least=x", 400), ("most=1", 400)]
    {
        let (answered, problem) = site.get(&format!("/witnesses/checkpoint?{query}")).await;
        assert_eq!((answered, &problem["status"]), (status, &json!(status)), "{query}");
    }
}
