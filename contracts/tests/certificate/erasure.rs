//! What is left of a person once the salts are destroyed: nothing that leads from the chain back to a value.
//!
//! The searcher holds every byte of state and records and knows the format, the names of claims and the handful of values
//! that are possible. It tries them all.

use std::collections::{BTreeMap, BTreeSet};

use dalil_contracts::authority::Place;
use dalil_contracts::certificate::{CertificateCall, NewCertificate, Origin, Reason};
use dalil_contracts::{Call, Invocation};
use dalil_ledger::claims::{Claim, ClaimName, HolderFile, Presentation, Salt, commit};
use dalil_ledger::crypto::{Hash, hash_parts, sha256};
use dalil_ledger::log::leaf_hash;

use crate::fixture::{BANKURA, call, certificate, uri};
use crate::support::{World, digest, token};

const INCOMES: std::ops::Range<u32> = 0..2_000;

/// Every stretch of 32 bytes that stands in the state or in a record.
fn everything(world: &World, records: &[Vec<u8>]) -> BTreeSet<[u8; 32]> {
    let texts = world.state.iter().flat_map(|(key, value)| [key.clone(), value.clone()]).chain(records.iter().cloned());
    let mut seen = BTreeSet::new();
    for text in texts {
        seen.extend(text.windows(32).map(|window| <[u8; 32]>::try_from(window).unwrap()));
        // Hashes also stand as hexadecimal text, as in subjects.
        seen.extend(text.windows(64).filter_map(|window| {
            let mut bytes = [0; 32];
            let text = std::str::from_utf8(window).ok()?;
            text.parse::<Hash>().ok().map(|hash| bytes.copy_from_slice(&hash.0)).map(|()| bytes)
        }));
    }
    seen
}

/// What somebody without the salt can make of a value: bare hashes, and salts that anybody would think of.
fn guesses(name: &ClaimName, value: &str, known: &[Hash]) -> Vec<Hash> {
    let mut made = vec![
        sha256(value.as_bytes()),
        leaf_hash(value.as_bytes()),
        hash_parts(&[name.as_str().as_bytes(), value.as_bytes()]),
    ];
    for salt in known.iter().map(|hash| Salt::from_random(hash.0)) {
        made.push(commit(&salt, value.as_bytes()));
        made.push(Claim { name: name.clone(), value: value.parse().unwrap(), salt }.leaf());
    }
    made
}

#[test]
fn with_the_salt_gone_nothing_on_the_chain_leads_back_to_the_value() {
    let mut world = World::west_bengal();
    let income: ClaimName = token("annual_income_rupees");
    let (value, person) = ("1234", "Fatima Khatun, born 1971-03-09");
    let claims =
        BTreeMap::from([(income.clone(), value.parse().unwrap()), (token("name"), "Fatima Khatun".parse().unwrap())]);
    let mut drawn = 0_u64;
    let mut random = || {
        drawn += 1;
        Ok::<_, ()>(sha256(format!("unguessable {drawn}").as_bytes()).0)
    };
    let person_salt = Salt::from_random(random().unwrap());
    let reason_salt = Salt::from_random(random().unwrap());
    let held = HolderFile::make(token(&uri("INC", "INC-1")), claims, random).unwrap();

    let new = NewCertificate {
        subject: token(&commit(&person_salt, person.as_bytes()).to_string()),
        claims_root: Some(held.root()),
        valid_until_ms: Some(world.time_ms + 1),
        ..certificate("INC", "INC-1", &[])
    };
    let place = Place::block(BANKURA, 2795);
    let issue = CertificateCall::Issue { kind: token("INC"), place, origin: Origin::Decided, certificate: new };
    let suspend =
        CertificateCall::Suspend { uri: token(&uri("INC", "INC-1")), reason: Reason::Ineligible.commit(&reason_salt) };
    let mut records = Vec::new();
    for made in [issue, suspend] {
        records
            .push(Invocation { posting: token("panchayat/bdo-2795"), call: Call::Certificate(made.clone()) }.encode());
        call(&mut world, "panchayat/bdo-2795", made).unwrap();
    }

    let chain = everything(&world, &records);
    // Salts that are not secret: zeros, and whatever the chain itself says of the document.
    let entry = world.document(&uri("INC", "INC-1"));
    let known = [Hash::ZERO, entry.digest, held.root(), World::chain(), digest("INC-1")];
    for guess in INCOMES {
        assert!(guesses(&income, &guess.to_string(), &known).iter().all(|hash| !chain.contains(&hash.0)), "{guess}");
    }
    for guess in [person, "Fatima Khatun"] {
        assert!(guesses(&token("name"), guess, &known).iter().all(|hash| !chain.contains(&hash.0)), "{guess}");
    }
    for guess in Reason::ALL {
        assert!(
            guesses(&token("reason"), guess.code(), &known).iter().all(|hash| !chain.contains(&hash.0)),
            "{guess:?}"
        );
    }

    // Whoever has the salt finds each at once, and nothing else.
    let with_salt = |text: &str| chain.contains(&commit(&person_salt, text.as_bytes()).0);
    assert!(with_salt(person) && !with_salt("Fatima Khatun, born 1971-03-10"));
    let found: Vec<_> = Reason::ALL.into_iter().filter(|it| chain.contains(&it.commit(&reason_salt).0)).collect();
    assert_eq!(found, [Reason::Ineligible]);
    let shown = Presentation::disclose(&held, &[income], None).unwrap();
    let text = String::from_utf8(shown.to_bytes()).unwrap();
    let found: Vec<_> = INCOMES
        .filter(|guess| {
            let tried = text.replace("\"value\": \"1234\"", &format!("\"value\": \"{guess}\""));
            Presentation::parse(tried.as_bytes()).unwrap().verify(&entry).is_ok()
        })
        .collect();
    assert_eq!(found, [1234]);
}
