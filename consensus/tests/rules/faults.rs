//! Faults of peers and validators: refused, reported, never fatal.

use dalil_consensus::{
    Action, Event, Evidence, EvidenceError, MESSAGE_BYTES_MAX, Message, PeerFault, ProposalSubject, Status,
    accused_of_amnesia,
};
use dalil_ledger::crypto::{Hash, Signature};
use dalil_ledger::validators::{Certificate, ValidatorIndex, VoteSubject};

use super::bench::{Bench, Precommit, Prevote, signed_proposal, signed_vote};
use super::chain::{CHAIN, validator_set};

fn fault(bench: &mut Bench) -> Option<(Option<ValidatorIndex>, PeerFault)> {
    std::mem::take(&mut bench.actions).into_iter().find_map(|action| match action {
        Action::Misbehaviour { from, fault } => Some((from, fault)),
        _ => None,
    })
}

#[test]
fn a_forged_vote_is_blamed_on_the_peer_that_relays_it() {
    let mut bench = Bench::new(0);
    let subject = VoteSubject { height: 1, round: 0, block: None };
    let Message::Vote(mut vote) = signed_vote(1, Prevote, subject) else { panic!("a vote") };
    vote.signer = 2;
    bench.message(3, Message::Vote(vote));
    assert_eq!(fault(&mut bench), Some((Some(ValidatorIndex(3)), PeerFault::BadSignature(2))));
    vote.signer = 200;
    bench.message(3, Message::Vote(vote));
    assert_eq!(fault(&mut bench), Some((Some(ValidatorIndex(3)), PeerFault::UnknownSigner(200))));
}

#[test]
fn a_prevote_is_no_precommit() {
    let mut bench = Bench::new(0);
    let subject = VoteSubject { height: 1, round: 0, block: None };
    let Message::Vote(mut vote) = signed_vote(1, Prevote, subject) else { panic!("a vote") };
    vote.kind = Precommit;
    bench.message(1, Message::Vote(vote));
    assert!(matches!(fault(&mut bench), Some((_, PeerFault::BadSignature(1)))));
}

#[test]
fn a_proposal_out_of_turn_is_a_fault() {
    let mut bench = Bench::new(0);
    let block = bench.block(2, &[1]).id();
    let subject = ProposalSubject { height: 1, round: 0, block, valid_round: None };
    bench.message(2, signed_proposal(2, subject, None));
    assert!(matches!(fault(&mut bench), Some((_, PeerFault::WrongProposer { expected: 1, got: 2 }))));
}

#[test]
fn a_re_proposal_needs_exactly_its_polka() {
    let block = Bench::new(0).block(2, &[1]).id();
    let subject = |valid_round| ProposalSubject { height: 1, round: 1, block, valid_round };
    let bench = Bench::new(0);
    let good = bench.certificate(Prevote, 0, Some(block), &[1, 2, 3]);
    let of_other_block = bench.certificate(Prevote, 0, Some(Hash([3; 32])), &[1, 2, 3]);
    let of_own_round = bench.certificate(Prevote, 1, Some(block), &[1, 2, 3]);
    let commit = bench.certificate(Precommit, 0, Some(block), &[1, 2, 3]);
    let mut forged = good.clone();
    forged.signatures[1] = Signature([1; 64]);
    let cases = [
        (Some(0), None, PeerFault::WrongPolka),
        (None, Some(good.clone()), PeerFault::WrongPolka),
        (Some(0), Some(of_other_block), PeerFault::WrongPolka),
        (Some(1), Some(of_own_round), PeerFault::WrongPolka),
        (Some(0), Some(commit), PeerFault::WrongPolka),
        (Some(0), Some(forged), PeerFault::BadCertificate),
    ];
    for (valid_round, polka, expected) in cases {
        let mut bench = Bench::new(0);
        bench.message(2, signed_proposal(2, subject(valid_round), polka));
        assert_eq!(fault(&mut bench).map(|(_, fault)| fault), Some(expected));
    }
    let mut bench = Bench::new(0);
    bench.message(2, signed_proposal(2, subject(Some(0)), Some(good)));
    assert_eq!(fault(&mut bench), None);
}

#[test]
fn a_certificate_short_of_a_quorum_proves_nothing() {
    let mut bench = Bench::new(0);
    let good = bench.certificate(Precommit, 0, Some(Hash([3; 32])), &[1, 2, 3]);
    let mut short = good.clone();
    short.signers &= !0b10;
    short.signatures.remove(0);
    let mut doubled = good.clone();
    doubled.signatures[1] = doubled.signatures[0];
    let nil_prevotes = bench.certificate(Prevote, 0, None, &[1, 2, 3]);
    for certificate in [short, doubled, nil_prevotes, Certificate { signers: u64::MAX, ..good }] {
        bench.message(1, Message::Certificate(certificate));
        assert!(matches!(fault(&mut bench), Some((_, PeerFault::BadCertificate))));
    }
    assert!(bench.engine.commit().is_none());
}

#[test]
fn rule_13_two_votes_at_one_place_are_evidence_once() {
    let mut bench = Bench::new(0);
    bench.vote(1, Prevote, 0, None);
    bench.vote(1, Prevote, 0, Some(Hash([1; 32])));
    bench.vote(1, Prevote, 0, Some(Hash([2; 32])));
    let found: Vec<_> = bench
        .actions
        .iter()
        .filter_map(|action| match action {
            Action::Evidence(evidence) => Some(evidence.as_ref().clone()),
            _ => None,
        })
        .collect();
    let [evidence] = &found[..] else { panic!("{found:?}") };
    assert_eq!(evidence.verify(&bench.set, &CHAIN), Ok(()));
    let framed = Evidence { signer: 2, ..evidence.clone() };
    assert_eq!(framed.verify(&bench.set, &CHAIN), Err(EvidenceError::BadSignature));
    let equal = Evidence { second: evidence.first, second_signature: evidence.first_signature, ..evidence.clone() };
    assert_eq!(equal.verify(&bench.set, &CHAIN), Err(EvidenceError::NoContradiction));
}

#[test]
fn rule_13_two_proposals_of_one_round_are_evidence() {
    let mut bench = Bench::new(0);
    let (one, two) = (bench.block(1, &[1]), bench.block(1, &[2]));
    bench.propose(0, &one);
    bench.propose(0, &two);
    assert!(bench.saw(|action| matches!(action, Action::Evidence(it) if it.signer == 1)));
}

#[test]
fn future_messages_and_statuses_are_bounded() {
    let mut bench = Bench::new(0);
    let block = bench.block(1, &[1]);
    bench.head = super::chain::Head::of(&block);
    for round in 0..10_000 {
        bench.vote(3, Prevote, round, None);
    }
    bench.message(9, Message::Status(Status { height: u64::MAX, round: u32::MAX, head_size: u64::MAX }));
    assert!(!bench.saw(|action| matches!(action, Action::Behind { .. })), "no validator said so");
    assert!(format!("{:?}", bench.engine).len() < 100_000);
}

#[test]
fn an_unwanted_body_is_dropped() {
    let mut bench = Bench::new(0);
    let block = bench.block(1, &[1]);
    bench.feed(Event::Block(block.clone()));
    assert!(bench.engine.block(&block.id()).is_none());
}

#[test]
fn messages_have_one_spelling_and_a_limit() {
    let bench = Bench::new(0);
    let set = validator_set(32);
    let subject = VoteSubject { height: u64::MAX, round: u32::MAX, block: Some(Hash([1; 32])) };
    let signatures = vec![Signature([1; 64]); 32];
    let polka = Certificate { kind: Prevote, subject, signers: u64::from(u32::MAX), signatures };
    let proposal = ProposalSubject { height: 1, round: 1, block: Hash([1; 32]), valid_round: Some(0) };
    let largest = signed_proposal(0, proposal, Some(polka));
    assert!(largest.encode().len() <= MESSAGE_BYTES_MAX, "a set of {} fits", set.len());
    let status = Message::Status(Status { height: 1, round: 0, head_size: 1 });
    let vote = signed_vote(1, Prevote, VoteSubject { height: 1, round: 0, block: None });
    let certificate = Message::Certificate(bench.certificate(Prevote, 0, Some(Hash([1; 32])), &[0, 1, 2]));
    for message in [largest, status, vote, certificate] {
        let mut bytes = message.encode();
        assert_eq!(Message::decode(&bytes), Ok(message));
        bytes.push(0);
        assert!(Message::decode(&bytes).is_err());
        assert!(Message::decode(&bytes[..bytes.len() - 2]).is_err());
    }
    assert!(Message::decode(&[0; MESSAGE_BYTES_MAX + 1]).is_err());
}

#[test]
fn amnesia_accuses_those_who_signed_both() {
    let bench = Bench::new(0);
    let (one, two) = (Some(Hash([1; 32])), Some(Hash([2; 32])));
    let commit = bench.certificate(Precommit, 1, one, &[0, 1, 2]);
    let polka = bench.certificate(Prevote, 2, two, &[1, 2, 3]);
    assert_eq!(accused_of_amnesia(&commit, &polka), [ValidatorIndex(1), ValidatorIndex(2)]);
    let same_block = bench.certificate(Prevote, 2, one, &[1, 2, 3]);
    let earlier = bench.certificate(Prevote, 0, two, &[1, 2, 3]);
    assert!(accused_of_amnesia(&commit, &same_block).is_empty());
    assert!(accused_of_amnesia(&commit, &earlier).is_empty());
}
