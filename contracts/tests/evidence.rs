//! Consensus keys and what they are recorded to have said twice: rule A9.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod support;

use dalil_contracts::authority::evidence::{ANYBODY, CONTRADICTIONS_MAX, RecordedEvidence, evidence_key, recorded};
use dalil_contracts::authority::{
    AuthorityCall, ConsensusKey, Holder, consensus_key_key, register_consensus_keys, validators_key,
};
use dalil_contracts::{Call, Outcome, Refusal};
use dalil_ledger::crypto::{Hash, PublicKey, SecretKey, Signature};
use dalil_ledger::evidence::Evidence;
use dalil_ledger::state::Overlay;
use dalil_ledger::statement::{ProposalSubject, SignedStatement, Statement};
use dalil_ledger::validators::{Validator, ValidatorSet, VoteKind};
use support::{VALIDATORS, World, code, key_of, token};

fn secret(department: &str) -> SecretKey {
    key_of(&format!("validator {department} consensus"))
}

fn consensus_key(department: &str) -> PublicKey {
    secret(department).public()
}

fn block(number: u8) -> Option<Hash> {
    Some(Hash([number; 32]))
}

fn signed(key: &SecretKey, statement: Statement) -> SignedStatement {
    SignedStatement { statement, signature: statement.sign(key, &World::chain()) }
}

/// Two precommits of one round, one of them for nil.
fn precommits(key: &SecretKey, height: u64) -> Evidence {
    let precommit = |block| signed(key, Statement::vote(VoteKind::Precommit, height, 0, block));
    Evidence::new(key.public(), precommit(None), precommit(block(1)))
}

/// Recorded by a key that nobody knows.
fn put_on_record(world: &mut World, evidence: Evidence) -> Result<Outcome, Refusal> {
    let call = Call::Authority(AuthorityCall::RecordEvidence { evidence });
    world.call_signed_by(key_of("a passer-by").public(), ANYBODY, call)
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

#[test]
fn a9_a_contradiction_is_recorded_by_anybody_once_a_key_and_height() {
    let mut world = World::west_bengal();
    world.height = 9;
    let key = consensus_key("land");
    let evidence = precommits(&secret("land"), 7);
    let index = world.record;
    let outcome = put_on_record(&mut world, evidence).unwrap();
    assert_eq!(outcome.events[0].name, "authority.contradiction_recorded");
    let subjects: Vec<_> = outcome.subjects.iter().map(|subject| subject.as_str().to_owned()).collect();
    assert_eq!(subjects, [format!("consensus-key/{key}"), "department/land".to_owned()]);
    let first: RecordedEvidence = world.get(&evidence_key(&key, 7)).unwrap();
    assert_eq!(first, RecordedEvidence { department: token("land"), record: index, evidence });
    assert_eq!(record(&world, &key).unwrap().contradictions, 1);
    // Neither again nor by another contradiction of that height.
    assert_eq!(code(put_on_record(&mut world, evidence)), "A9");
    let prevote = |block| signed(&secret("land"), Statement::vote(VoteKind::Prevote, 7, 3, block));
    assert_eq!(code(put_on_record(&mut world, Evidence::new(key, prevote(block(1)), prevote(block(2))))), "A9");
    // Another height, and another key, are other facts.
    put_on_record(&mut world, precommits(&secret("land"), 9)).unwrap();
    put_on_record(&mut world, precommits(&secret("it"), 7)).unwrap();
    assert_eq!(record(&world, &key).unwrap().contradictions, 2);
    // All of them can be found without a search.
    let all: Vec<_> = recorded(&world.state).unwrap().into_iter().map(|it| (it.evidence.key, it.record)).collect();
    assert_eq!(all.iter().map(|(key, _)| *key).collect::<Vec<_>>(), [key, key, consensus_key("it")]);
    assert!(all.is_sorted_by_key(|(_, record)| *record));
}

#[test]
fn a9_proposals_and_votes_are_judged_alike() {
    let mut world = World::west_bengal();
    let key = secret("it");
    let proposal = |block, valid_round| {
        signed(&key, Statement::Proposal(ProposalSubject { height: 1, round: 2, block, valid_round }))
    };
    let of_one_block = Evidence::new(key.public(), proposal(Hash([1; 32]), None), proposal(Hash([1; 32]), Some(1)));
    put_on_record(&mut world, of_one_block).unwrap();
}

#[test]
fn a9_what_proves_nothing_is_refused() {
    let mut world = World::west_bengal();
    world.height = 9;
    let key = secret("land");
    let good = precommits(&key, 7);
    let forged = SignedStatement { signature: Signature([7; 64]), ..good.second };
    let prevote = |height, round, block| signed(&key, Statement::vote(VoteKind::Prevote, height, round, block));
    let pair = |one, other| Evidence::new(key.public(), one, other);
    let elsewhere = |block| {
        let statement = Statement::vote(VoteKind::Precommit, 7, 0, block);
        SignedStatement { statement, signature: statement.sign(&key, &Hash([3; 32])) }
    };
    let wrong = [
        ("a forged signature", Evidence { second: forged, ..good }),
        ("another key's statements", Evidence { key: consensus_key("it"), ..good }),
        ("one statement twice", Evidence { second: good.first, ..good }),
        ("turned round", Evidence { first: good.second, second: good.first, ..good }),
        ("two rounds", pair(prevote(7, 0, block(1)), prevote(7, 1, block(2)))),
        ("two heights", pair(prevote(6, 0, block(1)), prevote(7, 0, block(2)))),
        ("two kinds", pair(prevote(7, 0, block(1)), good.second)),
        ("another chain", pair(elsewhere(block(1)), elsewhere(block(2)))),
    ];
    for (what, evidence) in wrong {
        assert_eq!(code(put_on_record(&mut world, evidence)), "A9", "{what}");
    }
    put_on_record(&mut world, good).unwrap();
}

#[test]
fn a9_only_a_key_of_that_heights_set_contradicts_itself() {
    let mut world = World::west_bengal();
    let first: ValidatorSet = world.get(&validators_key()).unwrap();
    let mut members: Vec<_> = first.iter().filter(|member| member.department != token("land")).cloned().collect();
    members.push(validator("land", key_of("rotated").public()));
    change_set(&mut world, &ValidatorSet::new(members).unwrap(), 10);
    world.height = 12;
    let (old, new) = (secret("land"), key_of("rotated"));
    for (what, evidence) in [
        ("a stranger", precommits(&key_of("stranger"), 1)),
        ("genesis, which nobody decided", precommits(&old, 0)),
        ("after it left", precommits(&old, 10)),
        ("before it came", precommits(&new, 9)),
        ("a height to come", precommits(&new, 13)),
    ] {
        assert_eq!(code(put_on_record(&mut world, evidence)), "A9", "{what}");
    }
    // The key that left is held to what it did while it voted.
    put_on_record(&mut world, precommits(&old, 9)).unwrap();
    put_on_record(&mut world, precommits(&new, 12)).unwrap();
}

#[test]
fn a9_evidence_needs_no_posting_and_takes_none() {
    let mut world = World::west_bengal();
    let call = Call::Authority(AuthorityCall::RecordEvidence { evidence: precommits(&secret("land"), 1) });
    assert_eq!(code(world.call("land/admin", call)), "A9");
    // The name serves for nothing else.
    let call = Call::Authority(AuthorityCall::RegisterKey { key: key_of("x").public(), holder: Holder::Gateway });
    assert_eq!(code(world.call_signed_by(key_of("a passer-by").public(), ANYBODY, call)), "A1");
}

#[test]
fn a9_a_key_fills_a_bounded_part_of_the_chain() {
    let mut world = World::west_bengal();
    world.height = 1_000;
    for height in 1..=u64::from(CONTRADICTIONS_MAX) {
        put_on_record(&mut world, precommits(&secret("land"), height)).unwrap();
    }
    assert_eq!(code(put_on_record(&mut world, precommits(&secret("land"), 500))), "A9");
    put_on_record(&mut world, precommits(&secret("it"), 500)).unwrap();
}
