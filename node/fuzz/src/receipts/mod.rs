//! Receipts and handovers, whole, changed and put together from pieces of others.
//!
//! Oracle: nobody here can forge a signature, so whatever verifies must be what the chain says. Every answer is compared
//! with the chain's own records: the status at the head that the answer names, the entry at the index, the validator set
//! that was handed over to. A receipt that verifies as anything else is a forgery made of true parts.

#[path = "../../../../ledger/tests/common/mod.rs"]
pub(crate) mod fixture;
mod register;
mod tamper;
mod truth;

use dalil_ledger::block::Entry;
use dalil_ledger::checkpoint::Handover;
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::Status;
use dalil_ledger::receipt::{Answer, Inclusion, Terms, Trust, verify_inclusion_with, verify_status};
use dalil_ledger::validators::ValidatorSet;

pub use register::register;
pub(crate) use register::seeds as register_seeds;
pub use tamper::tampered;
pub(crate) use truth::Truth;
use truth::{ABSENCE_AGE_MAX_MS, NOW_MS, batch_of};

use crate::{Input, Taken};

/// The validators of the chain that everything here is about, and its id.
pub(crate) fn validators() -> (&'static ValidatorSet, Hash) {
    let truth = Truth::get();
    (truth.pin.validators(), truth.chain.id)
}

/// A file as a status receipt, asked every question.
pub fn status(file: &[u8]) -> Taken {
    let truth = Truth::get();
    let mut taken = Taken::No;
    for (number, question) in truth.questions.iter().enumerate() {
        if let Ok(answer) = verify_status(file, &truth.pin, question, Terms::now(NOW_MS)) {
            check_answer(truth, number, &answer);
            taken = Taken::Yes;
        }
    }
    taken
}

fn check_answer(truth: &Truth, question: usize, answer: &Answer) {
    let head = truth.heads.iter().find(|head| head.header.height == answer.height).expect("a head of this chain");
    assert_eq!((answer.chain, answer.log_size), (truth.chain.id, head.header.log_size()));
    assert!(head.times_ms.contains(&answer.freshness_ms), "cosigned at {}", answer.freshness_ms);
    assert_eq!(answer.quorum, truth.pin.validators().quorum());
    let told = &head.answers[question];
    assert_eq!((&answer.entry, &answer.status), (&told.entry, &told.verdict.status));
    assert_eq!((&answer.reason, answer.since_ms), (&told.verdict.reason, told.verdict.since_ms));
    assert_eq!((answer.as_of_ms, answer.record), (NOW_MS, told.entry.as_ref().map(|entry| entry.record)));
    let age_max_ms = told.entry.as_ref().map_or(ABSENCE_AGE_MAX_MS, |entry| entry.status_age_max_ms);
    assert!(NOW_MS - answer.freshness_ms <= age_max_ms, "a stale answer");
    assert_eq!(answer.status == Status::NotOnRecord, told.entry.is_none());
}

/// A file as an inclusion receipt, against a pin and against a bare policy.
pub fn inclusion(file: &[u8]) -> Taken {
    let truth = Truth::get();
    let mut taken = Taken::No;
    for trust in [Trust::Pin(&truth.pin), Trust::Policy(truth.pin.policy())] {
        if let Ok(found) = verify_inclusion_with(file, trust, NOW_MS, batch_of) {
            check_inclusion(truth, &found);
            taken = Taken::Yes;
        }
    }
    taken
}

fn check_inclusion(truth: &Truth, found: &Inclusion) {
    let place = usize::try_from(found.index).unwrap();
    assert_eq!(Entry::decode(&truth.chain.entries[place]), Ok(Entry::Record(found.record.clone())));
    let head = truth.heads.iter().find(|head| head.header.log_size() == found.log_size).expect("a head of this chain");
    assert!(found.index < found.log_size && head.times_ms.contains(&found.freshness_ms));
    assert_eq!(found.quorum, truth.pin.validators().quorum());
    if let Some(leaf) = &found.document {
        assert!(truth.batch.leaves.contains(leaf), "a document that is not in the batch");
        assert_eq!(batch_of(&found.record).map(|batch| batch.root), Some(truth.batch.root()));
    }
}

/// Handovers, each with its length before it, from the first pin on.
pub fn handover(bytes: &[u8]) -> Taken {
    let truth = Truth::get();
    let mut input = Input::new(bytes);
    let mut handovers = Vec::new();
    while !input.is_empty() && handovers.len() <= truth.handovers.len() + 1 {
        let Ok(handover) = Handover::decode(input.piece()) else { return Taken::No };
        assert_eq!(Handover::decode(&handover.encode()).as_ref(), Ok(&handover));
        handovers.push(handover);
    }
    let Ok(renewed) = truth.first_pin.renew(&handovers, NOW_MS, truth::PIN_LIFETIME_MS) else { return Taken::No };
    assert!(handovers.len() <= truth.handovers.len());
    for (got, real) in handovers.iter().zip(&truth.handovers) {
        // Another quorum may have signed; nothing else may differ.
        assert_eq!((&got.header, &got.next), (&real.header, &real.next));
    }
    match handovers.last() {
        None => assert_eq!(renewed, truth.first_pin),
        Some(last) => {
            assert_eq!((renewed.validators(), renewed.terms().from_height), (&last.next, last.header.height + 1));
            assert!(renewed.terms().expires_at_ms <= NOW_MS + truth::PIN_LIFETIME_MS);
        }
    }
    Taken::Yes
}
