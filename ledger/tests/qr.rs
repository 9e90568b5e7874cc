//! Codes A, B and C: what is written is read back, and nothing else is read.
//!
//! `vectors/qr.txt` holds one code a line, by name. A deliberate change of format: run with `WRITE_VECTORS=1`, and read the
//! difference before committing it.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::*;
use dalil_ledger::checkpoint::Policy;
use dalil_ledger::codec::Token;
use dalil_ledger::crypto::{Hash, SecretKey, sha256};
use dalil_ledger::qr::cbor::{self, CborError, Deterministic, Reader, Writer};
use dalil_ledger::qr::{Code, IssuerKeyId, Link, LinkError, QrError, SLIP_BYTES_MAX, Slip, receipt};
use dalil_ledger::receipt::{CouldNotCheck, InclusionReceipt, verify_inclusion};
use dalil_ledger::state::overlay::Changes;
use proptest::prelude::*;

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/qr.txt");
const NOW_MS: u64 = T0_MS + 30 * MINUTE_MS;

/// A kind's content: a name and a number.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Load {
    name: Token<300>,
    count: u64,
}

impl Deterministic for Load {
    fn write(&self, cbor: &mut Writer) {
        cbor.array(2).text(self.name.as_str()).uint(self.count);
    }

    fn read(cbor: &mut Reader<'_>) -> Result<Self, CborError> {
        cbor.array(2)?;
        Ok(Self { name: cbor.parsed()?, count: cbor.uint()? })
    }
}

fn load(name: &str) -> Load {
    Load { name: name.parse().unwrap(), count: 17_600 }
}

fn issuer() -> SecretKey {
    SecretKey::from_seed(&[7; 32])
}

fn slip() -> Slip {
    Slip::sign("LOAD".parse().unwrap(), &load("sand"), &issuer(), &sha256(b"chain")).unwrap()
}

fn link() -> Link {
    Link::new(uri("7F3A"), &sha256(b"the file"))
}

/// A record of `call` in a log of three leaves.
fn recorded(call: &[u8]) -> (InclusionReceipt, Policy) {
    let mut chain = Chain::new();
    let record = chain.record(call);
    chain.block(T0_MS + 1000, vec![record], Changes::new());
    (chain.inclusion_receipt(1, NOW_MS), chain.policy())
}

fn bytes_of(text: &str) -> Vec<u8> {
    base45::decode(&text[8..]).unwrap()
}

fn slip_text(bytes: &[u8]) -> String {
    format!("DALILB1:{}", base45::encode(bytes))
}

#[test]
fn codes_are_read_back() {
    let url = link().to_url("https://ledger.example/scan").unwrap();
    assert_eq!(Code::parse(&url).unwrap(), Code::Link(link()));
    assert_eq!(Code::parse(&format!("{}\r\n", slip().to_text())).unwrap(), Code::Slip(slip()));
    let (receipt, policy) = recorded(b"call");
    let text = receipt::to_code(&receipt).unwrap();
    let Code::Receipt(read) = Code::parse(&text).unwrap() else { panic!("a receipt") };
    assert_eq!(*read, receipt);
    assert_eq!(read.to_bytes(), receipt.to_bytes());
    verify_inclusion(&read.to_bytes(), &policy, NOW_MS).unwrap();
}

#[test]
fn the_formats_do_not_change_by_accident() {
    let codes = [
        ("a", link().to_url("https://ledger.example/scan").unwrap()),
        ("b", slip().to_text()),
        ("c", receipt::to_code(&recorded(b"call").0).unwrap()),
    ];
    let text: String = codes.iter().map(|(name, code)| format!("{name} {code}\n")).collect();
    if std::env::var_os("WRITE_VECTORS").is_some() {
        std::fs::write(VECTORS, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(VECTORS).unwrap(), text);
}

#[test]
fn a_slip_speaks_for_one_key_and_one_chain() {
    let (slip, chain) = (slip(), sha256(b"chain"));
    slip.verify(&issuer().public(), &chain).unwrap();
    assert_eq!(slip.body.issuer, IssuerKeyId::from(&issuer().public()));
    assert_eq!(slip.content::<Load>().unwrap(), load("sand"));
    assert!(slip.verify(&SecretKey::from_seed(&[8; 32]).public(), &chain).is_err());
    assert!(slip.verify(&issuer().public(), &sha256(b"another chain")).is_err());
    let mut altered = slip.clone();
    altered.body.content = cbor::encode(&load("gold"));
    assert!(altered.verify(&issuer().public(), &chain).is_err());
    let mut renamed = slip;
    renamed.body.kind = "OTHER".parse().unwrap();
    assert!(renamed.verify(&issuer().public(), &chain).is_err());
}

#[test]
fn what_is_too_long_is_refused_and_never_cut() {
    let sign =
        |length: usize| Slip::sign("LOAD".parse().unwrap(), &load(&"x".repeat(length)), &issuer(), &sha256(b"chain"));
    assert_eq!(bytes_of(&sign(259).unwrap().to_text()).len(), SLIP_BYTES_MAX);
    assert!(matches!(sign(260), Err(QrError::TooLong { got: 351, max: 350, .. })));
    let long = slip_text(&[0; SLIP_BYTES_MAX + 1]);
    assert!(matches!(Code::parse(&long), Err(QrError::TooLong { .. })));

    let entry_bytes = |call: usize| receipt::to_code(&recorded(&vec![0; call]).0);
    entry_bytes(800).unwrap();
    assert!(matches!(entry_bytes(900), Err(QrError::TooLong { max: 1_000, .. })));
    assert!(matches!(Code::parse(&"A".repeat(5_000)), Err(QrError::TooLong { max: 4_296, .. })));

    let (mut receipt, _) = recorded(b"call");
    receipt.path = vec![Hash::ZERO; 63];
    assert!(matches!(receipt::to_code(&receipt), Err(QrError::TooLong { got, max: 2_600, .. }) if got > 2_600));
}

#[test]
fn a_foreign_code_is_named_as_such() {
    for text in ["", "HC1:6BF", "DALILB2:00", "dalilb1:00", "https://ledger.example/scan", "WIFI:S:x;;", "DALILB1"] {
        assert_eq!(Code::parse(text), Err(QrError::Foreign), "{text}");
    }
}

#[test]
fn look_alikes_and_hidden_characters_are_shown_by_their_code_points() {
    let url = link().to_url("https://ledger.example/scan").unwrap();
    // Cyrillic small ie, right-to-left override, zero-width space, a fullwidth hash sign.
    for (character, code) in [('\u{435}', 0x435), ('\u{202e}', 0x202e), ('\u{200b}', 0x200b), ('\u{ff03}', 0xff03)] {
        let spoilt = url.replacen('e', &character.to_string(), 1);
        let Err(QrError::Character { code: got, .. }) = Code::parse(&spoilt) else { panic!("{spoilt}") };
        assert_eq!(got, code);
    }
    assert!(matches!(Code::parse("DALILB1:\0"), Err(QrError::Character { place: 9, code: 0 })));
}

#[test]
fn half_a_code_is_none() {
    let (receipt, _) = recorded(b"call");
    for text in [slip().to_text(), receipt::to_code(&receipt).unwrap()] {
        for end in 0..text.len() {
            assert!(Code::parse(&text[..end]).is_err(), "{end} characters of {text}");
        }
    }
}

#[test]
fn nothing_follows_a_code() {
    let mut bytes = cbor::encode(&slip());
    bytes.push(0);
    assert_eq!(Code::parse(&slip_text(&bytes)), Err(CborError::Trailing(1).into()));
    assert_eq!(Code::parse(&format!("{} ", slip().to_text())), Err(QrError::Base45));
}

#[test]
fn every_value_has_one_spelling() {
    let bytes = cbor::encode(&slip());
    // The array's length in two bytes, and without an end of its own.
    let longer = [&[0x98, 0x04], &bytes[1..]].concat();
    assert_eq!(Code::parse(&slip_text(&longer)), Err(CborError::NotDeterministic.into()));
    let endless = [&[0x9f], &bytes[1..], &[0xff]].concat();
    assert!(matches!(Code::parse(&slip_text(&endless)), Err(QrError::Cbor(CborError::Malformed { .. }))));
    // The kind's length in two bytes.
    let longer = [&bytes[..1], &[0x78, 0x04], &bytes[2..]].concat();
    assert_eq!(Code::parse(&slip_text(&longer)), Err(CborError::NotDeterministic.into()));
    // Lower case is no base45.
    assert_eq!(Code::parse(&slip().to_text().replace('A', "a").replacen("DaLIL", "DALIL", 1)), Err(QrError::Base45));
    // A kind that no type code is.
    let spaced = [&bytes[..2], b"L AD", &bytes[6..]].concat();
    assert!(matches!(Code::parse(&slip_text(&spaced)), Err(QrError::Cbor(CborError::Malformed { at: 1, .. }))));
    // A length that no code has is refused before anything is taken for it.
    let huge = [&[0x84, 0x64], &b"LOAD"[..], &[0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]].concat();
    assert!(matches!(Code::parse(&slip_text(&huge)), Err(QrError::Cbor(CborError::Malformed { .. }))));
}

#[test]
fn a_link_has_one_spelling_and_names_one_file() {
    let (link, address) = (link(), "https://ledger.example/scan");
    assert!(link.fits(&sha256(b"the file")));
    assert!(!link.fits(&sha256(b"another file")));
    let odd = Link { uri: "in.gov.wb.x-T-a#b%c?d&e".parse().unwrap(), ..link.clone() };
    let url = odd.to_url(address).unwrap();
    assert!(url.ends_with("in.gov.wb.x-T-a%23b%25c%3Fd%26e"));
    assert_eq!(Link::parse(&url).unwrap(), odd);

    let url = link.to_url(address).unwrap();
    let mark = hex::encode(link.mark);
    let refused = |url: String, why: LinkError| assert_eq!(Code::parse(&url), Err(why.into()), "{url}");
    refused(url.replace("https:", "http:"), LinkError::Address);
    refused(url.replace("https:", "javascript:"), LinkError::Address);
    refused(url.replace(&mark, &mark.to_ascii_uppercase()), LinkError::Mark);
    refused(url.replace(&mark, &mark[1..]), LinkError::Mark);
    refused(url.replace("in.gov", "%69n.gov"), LinkError::Uri);
    refused(url.replace("in.gov", "in%2"), LinkError::Uri);
    refused(url.replace("in.gov", "in%2e"), LinkError::Uri);
    refused(format!("{address}#a1.{mark}."), LinkError::Uri);
    refused(format!("{address}#a1.{mark}.{}", "x".repeat(129)), LinkError::Uri);
    assert!(link.to_url("https://ledger.example/#x").is_err());
    assert!(link.to_url("https://l\u{435}dger.example/").is_err());
}

#[test]
fn a_receipt_that_was_altered_does_not_verify() {
    let (receipt, policy) = recorded(b"call");
    let bytes = bytes_of(&receipt::to_code(&receipt).unwrap());
    let mut refused = 0;
    for place in 0..bytes.len() {
        let mut spoilt = bytes.clone();
        spoilt[place] ^= 1;
        let text = format!("DALILC1:{}", base45::encode(&spoilt));
        let Ok(Code::Receipt(read)) = Code::parse(&text) else { continue };
        // A cosigner of another name is unknown, and its line does not count.
        let checked: Result<_, CouldNotCheck> = verify_inclusion(&read.to_bytes(), &policy, NOW_MS);
        assert!(checked.is_err(), "byte {place}");
        refused += 1;
    }
    assert!(refused > 300, "{refused} of {} were read at all", bytes.len());
}

#[test]
fn a_checkpoint_that_no_node_publishes_makes_no_code() {
    let (mut receipt, _) = recorded(b"call");
    let good = receipt.note.clone();
    receipt.note = good.replace("\u{2014} ledger.example/test/", "\u{2014} elsewhere.example/");
    assert!(matches!(receipt::to_code(&receipt), Err(QrError::Checkpoint(_))));
    receipt.note = "no note".to_owned();
    assert!(matches!(receipt::to_code(&receipt), Err(QrError::Checkpoint(_))));
}

proptest! {
    #[test]
    fn no_text_is_too_strange(text in ".{0,400}") {
        let _ = Code::parse(&text);
    }

    #[test]
    fn no_bytes_are_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..400), kind in 0..2usize) {
        let text = format!("{}{}", ["DALILB1:", "DALILC1:"][kind], base45::encode(&bytes));
        if let Ok(Code::Slip(slip)) = Code::parse(&text) {
            prop_assert_eq!(slip.to_text(), text);
        }
    }

    #[test]
    fn what_is_read_is_written_the_same(place in 0usize..90, byte in any::<u8>()) {
        let mut bytes = cbor::encode(&slip());
        bytes[place] = byte;
        let text = slip_text(&bytes);
        if let Ok(Code::Slip(read)) = Code::parse(&text) {
            prop_assert_eq!(read.to_text(), text);
        }
    }

    #[test]
    fn every_link_is_read_back(id in "[!-~]{1,100}", digest in any::<[u8; 32]>()) {
        let link = Link::new(format!("in.gov.wb.{id}").parse().unwrap(), &Hash(digest));
        let url = link.to_url("https://ledger.example/scan").unwrap();
        prop_assert_eq!(Code::parse(&url).unwrap(), Code::Link(link));
    }
}
