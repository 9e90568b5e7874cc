//! Claims: holder's files, presentations, and what hostile ones are refused for.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};

use dalil_ledger::claims::{
    CLAIMS_MAX, Claim, ClaimName, ClaimValue, DisclosureError, HOLDER_FILE_BYTES_MAX, HolderFile, HolderFileError,
    MakeError, PRESENTATION_BYTES_MAX, Presentation, PresentationError, Salt, ValueError, commit,
};
use dalil_ledger::codec::Set;
use dalil_ledger::crypto::{Hash, PublicKey, sha256};
use dalil_ledger::document::{DocumentEntry, Issuer, Provenance};
use serde_json::{Value, json};

const URI: &str = "in.gov.wb.panchayat-INC-a1b2c3d4e5f60718";

fn name(text: &str) -> ClaimName {
    text.parse().unwrap()
}

/// 32 bytes nobody guesses, other ones for each seed.
fn random(seed: &str) -> impl FnMut() -> Result<[u8; 32], &'static str> + use<> {
    let (seed, mut count) = (seed.to_owned(), 0);
    move || {
        count += 1;
        Ok(sha256(format!("{seed} {count}").as_bytes()).0)
    }
}

fn held(seed: &str) -> HolderFile {
    let claims = [("annual_income_rupees", "54000"), ("district", "বাঁকুড়া"), ("name", "Fatima Khatun")];
    let claims = claims.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
    HolderFile::make(URI.parse().unwrap(), BTreeMap::from(claims), random(seed)).unwrap()
}

fn entry(claims_root: Option<Hash>) -> DocumentEntry {
    DocumentEntry {
        uri: URI.parse().unwrap(),
        digest: sha256(b"file"),
        kind: "INC".parse().unwrap(),
        issuer: Issuer {
            department: "panchayat".parse().unwrap(),
            office: "panchayat/bdo".parse().unwrap(),
            officer: PublicKey([0; 32]),
        },
        subject: "holder".parse().unwrap(),
        valid_from_ms: 0,
        valid_until_ms: None,
        claims_root,
        classes: Set::default(),
        depends: Set::default(),
        provenance: Provenance::Decided,
        issued_at_ms: 0,
        record: 1,
        status_age_max_ms: 1,
        extensions: Vec::new(),
        events: Vec::new(),
        superseded_by: None,
        supersedes: None,
    }
}

/// The presentation after a change of its JSON.
fn changed(shown: &Presentation, change: impl FnOnce(&mut Value)) -> Result<Presentation, PresentationError> {
    let mut value: Value = serde_json::from_slice(&shown.to_bytes()).unwrap();
    change(&mut value);
    Presentation::parse(value.to_string().as_bytes())
}

#[test]
fn chosen_claims_are_shown_and_belong_to_the_recorded_document() {
    let held = held("a");
    let entry = entry(Some(held.root()));
    let names = [name("name"), name("district"), name("name")];
    let shown = Presentation::disclose(&held, &names, Some("a receipt".to_owned())).unwrap();
    let read = Presentation::parse(&shown.to_bytes()).unwrap();
    assert_eq!(read, shown);
    read.verify(&entry).unwrap();
    let said: Vec<_> = read.claims().map(|claim| (claim.name.as_str(), claim.value.as_str())).collect();
    assert_eq!(said, [("district", "বাঁকুড়া"), ("name", "Fatima Khatun")]);
    assert_eq!(read.receipt.as_deref(), Some("a receipt"));

    // What was not chosen is nowhere in the file, neither value nor salt.
    let text = String::from_utf8(shown.to_bytes()).unwrap();
    let hidden = held.claims()[&name("annual_income_rupees")].clone();
    assert!(!text.contains("54000") && !text.contains(&hidden.salt.to_string()) && !text.contains("annual"));
    assert_eq!(Presentation::disclose(&held, &[], None), Err(DisclosureError::Nothing));
    assert_eq!(Presentation::disclose(&held, &[name("caste")], None), Err(DisclosureError::Unknown(name("caste"))));
}

#[test]
fn a_presentation_tells_neither_number_nor_order_of_what_is_hidden() {
    let mut places = BTreeSet::new();
    for seed in 0..200 {
        let few = BTreeMap::from([(name("name"), "A".parse().unwrap())]);
        let many = (0..CLAIMS_MAX).map(|at| (name(&format!("n{at:02}")), "A".parse().unwrap())).collect();
        for (claims, chosen) in [(few, "name"), (many, "n00")] {
            let made = HolderFile::make(URI.parse().unwrap(), claims, random(&seed.to_string())).unwrap();
            let shown = Presentation::disclose(&made, &[name(chosen)], None).unwrap();
            let file: Value = serde_json::from_slice(&shown.to_bytes()).unwrap();
            assert_eq!(file["claims"][0]["path"].as_array().unwrap().len(), 5, "every tree has 32 leaves");
            places.insert(file["claims"][0]["place"].as_u64().unwrap());
            shown.verify(&entry(Some(made.root()))).unwrap();
        }
    }
    assert_eq!(places.len(), CLAIMS_MAX, "a claim stands anywhere");
}

#[test]
fn whatever_was_changed_does_not_belong_to_the_document() {
    let held = held("a");
    let entry_of = |held: &HolderFile| entry(Some(held.root()));
    let shown = Presentation::disclose(&held, &[name("district"), name("name")], None).unwrap();
    let refused = |change: &dyn Fn(&mut Value)| {
        let error = changed(&shown, change).unwrap().verify(&entry_of(&held)).unwrap_err();
        assert!(matches!(error, PresentationError::NotOfDocument { .. }), "{error}");
    };
    refused(&|file| file["claims"][1]["claim"]["value"] = json!("Fatima Begum"));
    refused(&|file| file["claims"][1]["claim"]["name"] = json!("relation"));
    refused(&|file| file["claims"][1]["claim"]["salt"] = json!("00".repeat(32)));
    refused(&|file| {
        let salts = [0, 1].map(|at: usize| file["claims"][at]["claim"]["salt"].clone());
        file["claims"][0]["claim"]["salt"] = salts[1].clone();
        file["claims"][1]["claim"]["salt"] = salts[0].clone();
    });
    refused(&|file| file["claims"][0]["place"] = json!((file["claims"][0]["place"].as_u64().unwrap() + 1) % 32));
    refused(&|file| file["claims"][0]["place"] = json!(32));
    refused(&|file| file["claims"][0]["path"][2] = json!("ab".repeat(32)));
    refused(&|file| file["claims"][0]["path"].as_array_mut().unwrap().truncate(4));
    refused(&|file| file["claims"][0]["path"].as_array_mut().unwrap().push(json!("ab".repeat(32))));
    refused(&|file| {
        let path = file["claims"][1]["path"].clone();
        file["claims"][0]["path"] = path;
    });

    // The same claims under other salts, another document's root, another URI, no root.
    let other = held_root_of("b");
    let error = shown.verify(&entry(Some(other))).unwrap_err();
    assert!(matches!(error, PresentationError::NotOfDocument { .. }));
    let elsewhere = changed(&shown, |file| file["uri"] = json!("in.gov.wb.panchayat-INC-ffffffffffffffff")).unwrap();
    assert!(matches!(elsewhere.verify(&entry_of(&held)), Err(PresentationError::OtherDocument { .. })));
    assert!(matches!(shown.verify(&entry(None)), Err(PresentationError::NoClaims(_))));
}

fn held_root_of(seed: &str) -> Hash {
    held(seed).root()
}

#[test]
fn a_hostile_presentation_is_refused_before_anything_is_shown() {
    let shown = Presentation::disclose(&held("a"), &[name("district"), name("name")], None).unwrap();
    let refused = |change: &dyn Fn(&mut Value)| changed(&shown, change).unwrap_err();
    let twice = refused(&|file| {
        let first = file["claims"][0].clone();
        file["claims"].as_array_mut().unwrap().push(first);
    });
    assert!(matches!(twice, PresentationError::Order(_)));
    let same = refused(&|file| {
        let first = file["claims"][0].clone();
        file["claims"][1] = first;
    });
    assert!(matches!(same, PresentationError::Order(_)));
    assert!(matches!(refused(&|file| file["claims"] = json!([])), PresentationError::Count(0)));
    assert!(matches!(refused(&|file| file["format"] = json!("dalil-presentation/v2")), PresentationError::Format(_)));
    for (field, value) in [
        ("value", json!("\u{202e}natuhK amitaF")),
        ("value", json!("Fatima\u{200b}Khatun")),
        ("value", json!("a\nb")),
        ("value", json!("")),
        ("value", json!(54_000)),
        ("name", json!("nаme")),
        ("name", json!("two words")),
        ("salt", json!("00")),
        ("salt", json!("AB".repeat(32))),
        ("more", json!(1)),
    ] {
        let error = refused(&|file| file["claims"][0]["claim"][field] = value.clone());
        assert!(matches!(error, PresentationError::Json(_)), "{field} {value}");
    }
    let text = String::from_utf8(shown.to_bytes()).unwrap();
    let repeated = text.replacen("\"name\": \"district\",", "\"name\": \"district\", \"name\": \"name\",", 1);
    assert_ne!(repeated, text);
    assert!(matches!(Presentation::parse(repeated.as_bytes()), Err(PresentationError::Json(_))));
    assert!(matches!(Presentation::parse(&[text.as_bytes(), b"{}"].concat()), Err(PresentationError::Json(_))));
    let long = vec![b' '; PRESENTATION_BYTES_MAX + 1];
    assert_eq!(Presentation::parse(&long), Err(PresentationError::TooLong(long.len())));
}

#[test]
fn a_holders_file_is_read_back_and_refused_when_damaged() {
    let held = held("a");
    assert_eq!(HolderFile::parse(&held.to_bytes()).unwrap(), held);
    assert_eq!(held.claims().len(), 3);
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut value: Value = serde_json::from_slice(&held.to_bytes()).unwrap();
        change(&mut value);
        HolderFile::parse(value.to_string().as_bytes()).unwrap_err()
    };
    let leaves = |file: &mut Value| file["leaves"].as_array_mut().unwrap().clone();
    assert!(matches!(changed(&|file| file["format"] = json!("x")), HolderFileError::Format(_)));
    let fewer = changed(&|file| file["leaves"] = json!(leaves(file)[1..]));
    assert_eq!(fewer, HolderFileError::Leaves(31));
    let twice = changed(&|file| {
        let mut all = leaves(file);
        let claim = all.iter().find(|leaf| leaf.get("claim").is_some()).unwrap().clone();
        let blank = all.iter().position(|leaf| leaf.get("blank").is_some()).unwrap();
        all[blank] = claim;
        file["leaves"] = json!(all);
    });
    assert!(matches!(twice, HolderFileError::Repeated(_)));
    assert!(matches!(changed(&|file| file["more"] = json!(1)), HolderFileError::Json(_)));
    let long = vec![b' '; HOLDER_FILE_BYTES_MAX + 1];
    assert_eq!(HolderFile::parse(&long), Err(HolderFileError::TooLong(long.len())));
}

#[test]
fn a_document_makes_1_to_32_claims_and_needs_randomness() {
    let make = |count: usize| {
        let claims = (0..count).map(|at| (name(&format!("n{at:02}")), "A".parse().unwrap())).collect();
        HolderFile::make(URI.parse().unwrap(), claims, random("a"))
    };
    assert_eq!(make(0), Err(MakeError::Count(0)));
    assert_eq!(make(33), Err(MakeError::Count(33)));
    assert_eq!(make(32).unwrap().claims().len(), 32);
    let one = BTreeMap::from([(name("name"), "A".parse().unwrap())]);
    let without = HolderFile::make(URI.parse().unwrap(), one, || Err::<[u8; 32], _>("none"));
    assert_eq!(without, Err(MakeError::Random("none")));
}

#[test]
fn values_look_as_they_read() {
    let read = |text: &str| text.parse::<ClaimValue>();
    for good in
        ["54000", "Fatima Khatun", "বাঁকুড়া", "র\u{200d}্যাব", "ক্\u{200c} ষ", "فاطمہ خاتون", "क्\u{200d}ष", "O'Brien & Sons"]
    {
        assert_eq!(read(good).map(|value| value.as_str().to_owned()), Ok(good.to_owned()));
    }
    for (bad, character) in [
        ("a\u{202e}b", '\u{202e}'),
        ("a\u{2066}b", '\u{2066}'),
        ("a\u{200f}b", '\u{200f}'),
        ("a\u{200b}b", '\u{200b}'),
        ("a\u{feff}", '\u{feff}'),
        ("a\u{a0}b", '\u{a0}'),
        ("a\tb", '\t'),
        ("a\u{0}b", '\u{0}'),
        ("a\u{1b}[2Jb", '\u{1b}'),
        ("Khan\u{200d}", '\u{200d}'),
        ("5\u{200c}4000", '\u{200c}'),
        ("a\u{e0041}", '\u{e0041}'),
    ] {
        assert_eq!(read(bad), Err(ValueError::Character(character)), "{bad:?}");
    }
    assert_eq!(read(""), Err(ValueError::Length(0)));
    assert_eq!(read(&"a".repeat(1_025)), Err(ValueError::Length(1_025)));
    assert_eq!((read(" a"), read("a ")), (Err(ValueError::Untrimmed), Err(ValueError::Untrimmed)));
}

/// Computed by another implementation of SHA-256 from the bytes as docs/formats.md writes them down.
#[test]
fn leaf_and_commitment_are_as_the_format_says() {
    let salt = Salt::from_random([0x11; 32]);
    let claim = Claim { name: name("district"), value: "বাঁকুড়া".parse().unwrap(), salt };
    assert_eq!(claim.leaf().to_string(), LEAF);
    assert_eq!(commit(&salt, "বাঁকুড়া".as_bytes()).to_string(), COMMITMENT);
    assert_eq!(format!("{salt:?}"), "Salt(…)", "salts stay out of logs");
}

const LEAF: &str = "64c80518463fb921c6d8241565b364c3aa0d18ad5ec075a00f587c8e3e0bf299";
const COMMITMENT: &str = "847d1feacad57784a1b43cbf628a5bd089c6a0b2746821cc241e916ae42bb7df";
