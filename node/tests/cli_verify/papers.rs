//! What stays with the office: nonces in files, salts of commitments.

use dalil_ledger::crypto::sha256;
use serde_json::json;

use crate::cli::dalil;

#[test]
fn a_file_without_a_nonce_has_no_digest_here() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("plain.txt"), "Income certificate of Fatima Khatun\n").unwrap();
    let said = dalil(folder.path(), &["document", "digest", "plain.txt"]);
    assert!(said.code == 1 && said.err.contains("dalil document stamp"), "{}", said.err);
    let stamped = dalil(folder.path(), &["document", "stamp", "plain.txt", "--out", "stamped.txt", "--json"]).json();
    let bytes = std::fs::read(path("stamped.txt")).unwrap();
    assert!(bytes.starts_with(b"Income certificate of Fatima Khatun\ndalil-nonce: "));
    let digest = dalil(folder.path(), &["document", "digest", "stamped.txt", "--json"]).json();
    assert_eq!((&stamped["digest"], &digest["digest"]), (&json!(sha256(&bytes)), &json!(sha256(&bytes))));
    // Each stamp is another one.
    dalil(folder.path(), &["document", "stamp", "plain.txt", "--out", "again.txt"]);
    assert_ne!(std::fs::read(path("again.txt")).unwrap(), bytes);
    let said = dalil(folder.path(), &["document", "stamp", "stamped.txt", "--out", "twice.txt"]);
    assert!(said.code == 1 && said.err.contains("nonce already"), "{}", said.err);
    std::fs::write(path("photo.png"), b"\x89PNG\r\n\x1a\n\0").unwrap();
    assert_eq!(dalil(folder.path(), &["document", "stamp", "photo.png", "--out", "x.png"]).code, 1);
}

#[test]
fn a_commitment_opens_with_its_salt_and_value_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("person"), "Fatima Khatun, 1971-03-09").unwrap();
    let commit = |more: &[&str]| dalil(folder.path(), &[&["commit", "--json"], more].concat());
    let made = commit(&["--value", "person"]).json();
    let (commitment, salt) = (made["commitment"].as_str().unwrap(), made["salt"].as_str().unwrap());
    assert_ne!(commit(&["--value", "person"]).json()["commitment"], commitment, "another salt");
    assert_eq!(commit(&["--value", "person", "--salt", salt, "--opens", commitment]).code, 0);
    std::fs::write(folder.path().join("other"), "Fatima Khatun, 1971-03-10").unwrap();
    assert_eq!(commit(&["--value", "other", "--salt", salt, "--opens", commitment]).code, 1);

    let reason = commit(&["--reason", "fraud", "--salt", salt]).json();
    assert_ne!(reason["commitment"], commitment);
    assert_eq!(commit(&["--reason", "weather"]).code, 2);
}
