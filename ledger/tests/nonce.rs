//! Nonces in files of all formats: found, added, refused.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use dalil_ledger::crypto::sha256;
use dalil_ledger::nonce::{StampError, find, stamp};

#[test]
fn a_stamp_is_found_and_the_file_stays_what_it_was() {
    let nonce = sha256(b"random");
    let files: [&[u8]; 7] = [
        b"Income certificate of Fatima Khatun",
        b"two\nlines\n",
        b"",
        b"%PDF-1.7\n\xe2\xe3\xcf\xd3 binary\n%%EOF\n",
        b"<?xml version=\"1.0\"?><certificate/>",
        b"{\"name\": \"x\", \"marks\": [1, 2]}",
        b" {}\n",
    ];
    for file in files {
        assert_eq!(find(file), None);
        let stamped = stamp(file, &nonce).unwrap();
        assert_eq!(find(&stamped), Some(nonce), "{}", String::from_utf8_lossy(&stamped));
        assert_eq!(stamp(&stamped, &nonce), Err(StampError::Stamped));
        if file.trim_ascii_start().starts_with(b"{") {
            let mut value: serde_json::Value = serde_json::from_slice(&stamped).unwrap();
            value.as_object_mut().unwrap().remove("dalil-nonce").unwrap();
            assert_eq!(value, serde_json::from_slice::<serde_json::Value>(file).unwrap());
        } else {
            assert!(stamped.starts_with(file), "appended only");
        }
    }
}

#[test]
fn what_a_line_would_damage_is_not_stamped() {
    let nonce = sha256(b"random");
    let files: [&[u8]; 5] = [b"\x89PNG\r\n\x1a\n\0\0", b"PK\x03\x04\xff\xfe", b"[1, 2]", b"\"text\"", b"{broken"];
    for file in files {
        assert_eq!(stamp(file, &nonce), Err(StampError::Format), "{file:?}");
    }
}

#[test]
fn a_nonce_is_64_random_digits_after_the_marker() {
    let digits = sha256(b"random").to_string();
    for (text, found) in [
        (format!("dalil-nonce: {digits}"), true),
        (format!("\"dalil-nonce\":\"{digits}\""), true),
        (format!("dalil-nonce: short dalil-nonce: {digits}."), true),
        (format!("dalil-nonce: {}", &digits[..63]), false),
        (format!("dalil-nonce: {digits}0"), false),
        (format!("dalil-nonce: {}", digits.to_uppercase()), false),
        (format!("dalil-nonce: {}", "0".repeat(64)), false),
        (format!("dalil-nonce:     {digits}"), false),
        (format!("nonce: {digits}"), false),
    ] {
        assert_eq!(find(text.as_bytes()).is_some(), found, "{text}");
    }
}
