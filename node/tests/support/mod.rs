//! A chain with the sample establishment and four validators, and officers who sign calls. Keys follow from names, so
//! every run has the same chain.

#![allow(dead_code, clippy::unwrap_used, missing_docs, unreachable_pub)]

use std::sync::OnceLock;

use curve25519_dalek::{EdwardsPoint, Scalar};
use dalil_contracts::authority::{EstablishmentPlan, Place, genesis_validators};
use dalil_contracts::certificate::{Batch, CertificateCall, NewCertificate, Origin};
use dalil_contracts::{Call, Invocation};
use dalil_ledger::block::Attachment;
use dalil_ledger::codec::{self, Set, Token};
use dalil_ledger::crypto::{Domain, Hash, SecretKey, Signature, sha256};
use dalil_ledger::genesis::{Genesis, InitialEntry, Parameters};
use dalil_ledger::transaction::{SignedTransaction, TransactionBody};
use dalil_ledger::validators::ValidatorSet;
use dalil_node::shell::home::NodeKeys;
use sha2::{Digest as _, Sha512};

/// Block time of genesis: 2026-11-02T06:30:00Z.
pub const START_MS: u64 = 1_793_601_000_000;
/// How many validators the chain has unless a test says otherwise: quorum 3.
pub const VALIDATORS: usize = 4;
/// Departments in canonical order; the validators of a chain are those of the first few.
pub const DEPARTMENTS: [&str; 7] = ["finance", "it", "land", "minerals", "registration", "transport", "works"];
/// A posting that issues certificates of domicile in [`BANKURA`], and its officer.
pub const SDO: (&str, &str) = ("district/sdo-bankura", "district-sdo-bankura");
/// LGD code of the district.
pub const BANKURA: u32 = 305;
/// How long a record may wait unless a test says otherwise.
pub const EXPIRES_AFTER_MS: u64 = 30 * 60_000;

pub const ESTABLISHMENT: &str = include_str!("../../../testnet/sample/establishment.json");

pub fn token<const MAX: usize>(text: &str) -> Token<MAX> {
    text.parse().unwrap()
}

/// A key that follows from a name.
pub fn key_of(name: &str) -> SecretKey {
    SecretKey::from_seed(&sha256(format!("test key of {name}").as_bytes()).0)
}

/// The keys of the validator of a department.
pub fn node_keys(department: &str) -> NodeKeys {
    NodeKeys {
        network: key_of(&format!("network {department}")),
        validator: Some(key_of(&format!("validator {department}"))),
    }
}

/// Genesis of the test chain.
pub fn genesis() -> &'static Genesis {
    genesis_of(VALIDATORS)
}

/// Genesis of a chain of the first `n` departments.
pub fn genesis_of(n: usize) -> &'static Genesis {
    static GENESES: [OnceLock<Genesis>; DEPARTMENTS.len()] = [const { OnceLock::new() }; DEPARTMENTS.len()];
    GENESES[n - 1].get_or_init(|| {
        let plan: EstablishmentPlan = serde_json::from_str(ESTABLISHMENT).unwrap();
        let establishment = plan.with_keys(|name| key_of(name.as_str()).public());
        let members = DEPARTMENTS[..n].iter().map(|it| node_keys(it).validator(token(it)).unwrap());
        let validators = ValidatorSet::new(members.collect()).unwrap();
        let mut state = establishment.initial_state().unwrap();
        state.extend(genesis_validators(&validators));
        Genesis {
            origin: token("ledger.example/wb"),
            nonce: [7; 32],
            time_ms: START_MS,
            parameters: Parameters::default(),
            validators,
            initial_state: state.into_iter().map(|(key, value)| InitialEntry { key, value }).collect(),
        }
    })
}

/// A certificate of domicile with a number.
pub fn domicile(number: u64, now_ms: u64) -> Invocation {
    let certificate = NewCertificate {
        uri: token(&format!("in.gov.wb.district-DOM-{number:016x}")),
        number: token(&format!("DOM-{number}")),
        digest: sha256(format!("certificate {number}").as_bytes()),
        subject: token(&format!("holder/{number:032x}")),
        valid_from_ms: now_ms,
        valid_until_ms: None,
        claims_root: None,
        classes: Set::default(),
    };
    let kind = token("DOM");
    let call = CertificateCall::Issue { kind, place: Place::district(BANKURA), origin: Origin::Decided, certificate };
    Invocation { posting: token(SDO.0), call: Call::Certificate(call) }
}

/// A batch of examination results and its leaf list.
pub fn results(first: u64, count: u32, now_ms: u64) -> (Invocation, Attachment) {
    let leaf = |number: u64| NewCertificate {
        uri: token(&format!("in.gov.wb.education-MDK-{number:016x}")),
        number: token(&format!("MDK-{number}")),
        digest: sha256(format!("result {number}").as_bytes()),
        subject: token(&format!("candidate/{number}")),
        valid_from_ms: now_ms,
        valid_until_ms: None,
        claims_root: None,
        classes: Set::default(),
    };
    let leaves = (first..first + u64::from(count)).map(|number| codec::encode(&leaf(number))).collect();
    let list = Attachment { leaves };
    let batch =
        Batch { kind: token("MDK"), place: Place::district(315), origin: Origin::Decided, root: list.root(), count };
    let call = Call::Certificate(CertificateCall::IssueBatch(batch));
    (Invocation { posting: token("education/board"), call }, list)
}

/// The body of a record: `salt` makes equal calls different.
pub fn body(chain: Hash, officer: &str, call: Vec<u8>, salt: u64, expires_at_ms: u64) -> TransactionBody {
    let mut wide = [0; 16];
    wide[..8].copy_from_slice(&salt.to_le_bytes());
    TransactionBody { chain, signer: key_of(officer).public(), expires_at_ms, salt: wide, call }
}

/// A call signed by an officer for the test chain.
pub fn signed(officer: &str, invocation: &Invocation, salt: u64, now_ms: u64) -> SignedTransaction {
    signed_for(genesis().chain_id(), officer, invocation, salt, now_ms)
}

/// A call signed by an officer for any chain.
pub fn signed_for(chain: Hash, officer: &str, invocation: &Invocation, salt: u64, now_ms: u64) -> SignedTransaction {
    body(chain, officer, invocation.encode(), salt, now_ms + EXPIRES_AFTER_MS).sign(&key_of(officer))
}

/// A domicile certificate, signed by its officer.
pub fn domicile_record(number: u64, now_ms: u64) -> SignedTransaction {
    signed(SDO.1, &domicile(number, now_ms), number, now_ms)
}

/// Another signature under the same body that verifies all the same: the signer drew another nonce.
pub fn signed_otherwise(record: &SignedTransaction, key: &SecretKey, nonce: u64) -> SignedTransaction {
    let mut other = record.clone();
    other.signature =
        other_signature(key, Domain::Transaction, &record.body.chain, &codec::encode(&record.body), nonce);
    assert!(other.verify_signature().is_ok());
    other
}

/// RFC 8032 with a nonce of the signer's choice in place of the one that follows from the key.
fn other_signature(key: &SecretKey, domain: Domain, chain: &Hash, message: &[u8], nonce: u64) -> Signature {
    let input = [domain.label().as_bytes(), &[0], &chain.0, message].concat();
    let mut half: [u8; 32] = Sha512::digest(key.seed())[..32].try_into().unwrap();
    half[0] &= 248;
    half[31] = half[31] & 127 | 64;
    let secret = Scalar::from_bytes_mod_order(half);
    let drawn = Scalar::from(nonce + 1);
    let point = EdwardsPoint::mul_base(&drawn).compress();
    let challenge: [u8; 64] = Sha512::digest([&point.0[..], &key.public().0, &input].concat()).into();
    let answer = drawn + Scalar::from_bytes_mod_order_wide(&challenge) * secret;
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&point.0);
    signature[32..].copy_from_slice(answer.as_bytes());
    Signature(signature)
}
