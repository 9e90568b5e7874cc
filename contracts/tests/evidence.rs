//! Consensus keys and what they are recorded to have said twice: rule A9.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod support;

use dalil_contracts::authority::{ConsensusKey, consensus_key_key, register_consensus_keys, validators_key};
use dalil_ledger::crypto::PublicKey;
use dalil_ledger::state::Overlay;
use dalil_ledger::validators::{Validator, ValidatorSet};
use support::{VALIDATORS, World, key_of, token};

fn consensus_key(department: &str) -> PublicKey {
    key_of(&format!("validator {department} consensus")).public()
}

fn record(world: &World, key: &PublicKey) -> Option<ConsensusKey> {
    world.get(&consensus_key_key(key))
}

/// Makes `next` the set from `height` on.
fn change_set(world: &mut World, next: &ValidatorSet, height: u64) {
    let mut overlay = Overlay::new(&world.state);
    register_consensus_keys(&mut overlay, next, height).unwrap();
    overlay.put_value(validators_key(), next);
    for (key, value) in overlay.into_changes() {
        world.state.insert(key, value.unwrap());
    }
}

fn validator(department: &str, consensus: PublicKey) -> Validator {
    let key = |purpose: &str| key_of(&format!("new validator {department} {purpose}")).public();
    Validator {
        department: token(department),
        consensus,
        cosigner: key("cosigner"),
        log: key("log"),
        network: key("network"),
    }
}

#[test]
fn every_consensus_key_stays_known_with_its_heights() {
    let mut world = World::west_bengal();
    for department in VALIDATORS {
        let known = record(&world, &consensus_key(department)).unwrap();
        assert_eq!(known.department, token(department));
        assert!(!known.voted_at(0) && known.voted_at(1) && known.voted_at(u64::MAX));
    }
    let first: ValidatorSet = world.get(&validators_key()).unwrap();
    let fresh = key_of("rotated").public();
    let mut members: Vec<_> = first.iter().filter(|member| member.department != token("land")).cloned().collect();
    members.push(validator("land", fresh));
    change_set(&mut world, &ValidatorSet::new(members).unwrap(), 10);
    let (old, new) = (record(&world, &consensus_key("land")).unwrap(), record(&world, &fresh).unwrap());
    assert!(old.voted_at(9) && !old.voted_at(10));
    assert!(!new.voted_at(9) && new.voted_at(10));
    assert!(record(&world, &consensus_key("it")).unwrap().voted_at(10));
    // The old key comes back: it may have signed in between, and answers for it.
    change_set(&mut world, &first, 20);
    let back = record(&world, &consensus_key("land")).unwrap();
    assert!(back.voted_at(1) && back.voted_at(15) && back.voted_at(20));
    assert!(!record(&world, &fresh).unwrap().voted_at(20));
}
