//! `dalil pin` at nodes that do not give what they should.

#![allow(clippy::unwrap_used, clippy::panic)] // Test code: what is not as expected must stop the test.

mod cli;

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use cli::{Said, dalil, serve};
use dalil_ledger::block::{Entry, HEADER_VERSION, Header};
use dalil_ledger::checkpoint::{Handover, Pin, PinTerms};
use dalil_ledger::crypto::{Hash, SecretKey, sha256};
use dalil_ledger::validators::{Certificate, Validator, ValidatorIndex, ValidatorSet, VoteKind, VoteSubject};
use serde_json::{Value, json};

const DAY_MS: u64 = 24 * 3_600_000;

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

fn chain() -> Hash {
    sha256(b"chain")
}

fn key(department: &str, purpose: &str) -> SecretKey {
    SecretKey::from_seed(&sha256(format!("{department} {purpose}").as_bytes()).0)
}

fn set(departments: &[&str]) -> ValidatorSet {
    let member = |department: &&str| Validator {
        department: department.parse().unwrap(),
        consensus: key(department, "consensus").public(),
        cosigner: key(department, "cosigner").public(),
        log: key(department, "log").public(),
        network: key(department, "network").public(),
    };
    ValidatorSet::new(departments.iter().map(member).collect()).unwrap()
}

fn header(height: u64, from: &ValidatorSet, to: &ValidatorSet) -> Header {
    Header {
        version: HEADER_VERSION,
        chain: chain(),
        height,
        parent: Hash::ZERO,
        timestamp_ms: now_ms(),
        proposer: from.iter().next().unwrap().department.clone(),
        first_entry: height,
        record_count: 0,
        records_root: Hash::ZERO,
        ids_hash: Hash::ZERO,
        attachments_root: Hash::ZERO,
        state_root: Hash::ZERO,
        validators_hash: from.hash(),
        next_validators_hash: to.hash(),
    }
}

/// `header` as `signers` committed it.
fn committed(header: Header, signers: &ValidatorSet, next: &ValidatorSet) -> Handover {
    let subject = VoteSubject { height: header.height, round: 0, block: Some(header.id()) };
    let sign = |member: &Validator| {
        let key = key(member.department.as_str(), "consensus");
        key.sign(VoteKind::Precommit.domain(), &chain(), &subject.sign_bytes())
    };
    let signatures: Vec<_> = signers.iter().map(sign).collect();
    let votes = signatures.iter().enumerate().map(|(place, signature)| (ValidatorIndex(place), signature));
    let certificate = Certificate::assemble(signers, VoteKind::Precommit, subject, votes).unwrap();
    Handover { header, certificate, next: next.clone() }
}

/// A pin of the first set in a folder, and what `dalil pin renew` says at a node that gives these handovers and this head.
fn renewed(pin: &Pin, handovers: &[Handover], head: &Header) -> (Said, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pin.json"), pin.to_json()).unwrap();
    let answer = json!({
        "handovers": handovers.iter().map(|handover| BASE64.encode(handover.encode())).collect::<Vec<_>>(),
        "more_from": Value::Null,
        "head": { "header": BASE64.encode(Entry::Header(head.clone()).encode()), "path": [], "checkpoint": "" },
    });
    let url = serve(move |request| {
        assert!(request.starts_with("GET /v1/handovers?from=1 "), "{request}");
        (200, answer.to_string().into_bytes())
    });
    let said = dalil(folder.path(), &["pin", "renew", "pin.json", "--url", &url, "--json"]);
    let kept = std::fs::read_to_string(folder.path().join("pin.json")).unwrap();
    assert_eq!(kept, pin.to_json(), "a refused renewal changes nothing");
    (said, kept)
}

fn pin_of(set: &ValidatorSet, chain: Hash, expires_at_ms: u64) -> Pin {
    let (from_height, cosignature_skew_ms, absence_age_max_ms) = (1, 10_000, 600_000);
    let terms = PinTerms { chain, from_height, expires_at_ms, cosignature_skew_ms, absence_age_max_ms };
    Pin::new(&"ledger.example/wb".parse().unwrap(), set.clone(), terms).unwrap()
}

#[test]
fn a_pin_is_not_renewed_by_forged_or_missing_handovers_and_the_reason_is_in_words() {
    let first = set(&["finance", "it", "land", "minerals"]);
    let second = set(&["finance", "it", "land", "works"]);
    let third = set(&["finance", "it", "transport", "works"]);
    let one = committed(header(10, &first, &second), &first, &second);
    let two = committed(header(20, &second, &third), &second, &third);
    let head = header(30, &third, &third);
    let live = pin_of(&first, chain(), now_ms() + DAY_MS);
    let stranger = set(&["finance", "it", "land", "attacker"]);
    let takers = set(&["a", "b", "c", "d"]);
    let by_new_set = committed(header(10, &first, &takers), &takers, &takers);
    let other_chain = pin_of(&first, sha256(b"another chain"), now_ms() + DAY_MS);
    let expired = pin_of(&first, chain(), now_ms() - 1);
    let swapped = Handover { next: stranger, ..one.clone() };
    for (what, pin, handovers, head, words) in [
        ("a gap", &live, vec![two.clone()], &head, "one is missing in between"),
        ("a swapped key", &live, vec![swapped], &head, "a key of the next set was swapped"),
        ("the new set only", &live, vec![by_new_set], &head, "did not sign it with a quorum"),
        ("replayed", &live, vec![one.clone(), one.clone()], &head, "handover 2"),
        ("the newest kept back", &live, vec![one.clone()], &head, "keeps back a handover"),
        ("all kept back", &live, vec![], &head, "keeps back a handover"),
        ("a head that nobody cosigned", &live, vec![one.clone(), two.clone()], &head, "the node's head"),
        ("another chain", &other_chain, vec![one.clone()], &head, "of another chain"),
        ("expired", &expired, vec![one.clone(), two.clone()], &head, "the pin expired"),
    ] {
        let (said, _) = renewed(pin, &handovers, head);
        let error = said.json()["error"].as_str().unwrap().to_owned();
        assert!(said.code == 1 && error.contains(words), "{what}: {} {error}", said.code);
    }
}

#[test]
fn a_pin_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let pin = pin_of(&set(&["finance", "it", "land", "minerals"]), chain(), now_ms() + DAY_MS);
    std::fs::write(folder.path().join("pin.json"), pin.to_json()).unwrap();
    let said = dalil(folder.path(), &["pin", "show", "pin.json", "--json"]).json();
    assert_eq!((&said["quorum"], &said["from_height"]), (&json!(3), &json!(1)));
    assert!(dalil(folder.path(), &["pin", "show", "pin.json"]).out.contains("finance, it, land, minerals"));
    std::fs::write(folder.path().join("pin.json"), "{}").unwrap();
    assert_eq!(dalil(folder.path(), &["pin", "show", "pin.json"]).code, 1);
}
