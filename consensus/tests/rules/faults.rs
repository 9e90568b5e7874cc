//! Faults of peers and validators: refused, reported, never fatal.

use dalil_consensus::{
    Action, Event, Evidence, EvidenceError, MESSAGE_BYTES_MAX, Message, PeerFault, ProposalSubject, Status, TimerKind,
    accused_of_amnesia,
};
use dalil_ledger::crypto::{Hash, Signature};
use dalil_ledger::validators::{Certificate, ValidatorIndex, VoteSubject};

use super::bench::{Bench, Precommit, Prevote, signed_proposal, signed_vote};
use super::chain::{CHAIN, consensus_key, validator_set};

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
            Action::Evidence(evidence) => Some(**evidence),
            _ => None,
        })
        .collect();
    let [evidence] = &found[..] else { panic!("{found:?}") };
    assert_eq!(evidence.key, consensus_key(1).public());
    assert_eq!(evidence.verify(&CHAIN), Ok(()));
    let framed = Evidence { key: consensus_key(2).public(), ..*evidence };
    assert_eq!(framed.verify(&CHAIN), Err(EvidenceError::BadSignature));
    assert_eq!(evidence.verify(&Hash([9; 32])), Err(EvidenceError::BadSignature), "another chain's");
    let equal = Evidence { second: evidence.first, ..*evidence };
    assert_eq!(equal.verify(&CHAIN), Err(EvidenceError::NoContradiction));
    let turned = Evidence { first: evidence.second, second: evidence.first, ..*evidence };
    assert_eq!(turned.verify(&CHAIN), Err(EvidenceError::Disordered));
    assert_eq!(Evidence::new(evidence.key, evidence.second, evidence.first), *evidence);
}

#[test]
fn rule_13_two_proposals_of_one_round_are_evidence() {
    let mut bench = Bench::new(0);
    let (one, two) = (bench.block(1, &[1]), bench.block(1, &[2]));
    bench.propose(0, &one);
    bench.propose(0, &two);
    assert!(bench.saw(|action| matches!(action, Action::Evidence(it) if it.key == consensus_key(1).public())));
}

/// Evidence and accusations released since the last look.
fn shown(bench: &mut Bench) -> Vec<Action> {
    bench.actions.extract_if(.., |action| matches!(action, Action::Evidence(_) | Action::Accusation(_))).collect()
}

#[test]
fn rule_13_a_contradiction_within_a_height_just_left_is_evidence_once() {
    let mut bench = Bench::new(0);
    let block = bench.block(1, &[1]);
    bench.vote(1, Precommit, 0, Some(block.id()));
    bench.vote(3, Precommit, 0, None);
    bench.next_height(&block);
    // What was heard against the decided block is said again, for those who heard something else; nothing more.
    let said = |action: &Action| matches!(action, Action::Broadcast(Message::Vote(vote)) if vote.subject.height == 1);
    assert_eq!(bench.actions.iter().filter(|action| said(action)).count(), 1);
    let at = |block| VoteSubject { height: 1, round: 0, block };
    bench.message(2, signed_vote(1, Precommit, at(Some(block.id()))));
    bench.message(2, signed_vote(2, Precommit, at(Some(block.id()))));
    bench.message(2, signed_vote(1, Precommit, VoteSubject { round: 9, ..at(None) }));
    assert!(shown(&mut bench).is_empty(), "no contradiction");
    for _ in 0..2 {
        bench.message(2, signed_vote(1, Precommit, at(None)));
        bench.message(2, signed_vote(2, Precommit, at(None)));
    }
    let found = shown(&mut bench);
    let keys: Vec<_> = found
        .iter()
        .map(|action| match action {
            Action::Evidence(evidence) => {
                assert_eq!(evidence.verify(&CHAIN), Ok(()));
                evidence.key
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(keys, [consensus_key(1).public(), consensus_key(2).public()]);
    // Nothing of it counts for the present height, and dissent is repeated a few times only.
    assert_eq!((bench.engine.height(), bench.engine.round()), (2, 0));
    for _ in 0..10 {
        bench.fire(TimerKind::Rebroadcast);
    }
    assert_eq!(bench.actions.iter().filter(|action| said(action)).count(), 1 + 3);
}

#[test]
fn rule_13_a_height_without_dissent_costs_no_message() {
    let mut bench = Bench::new(0);
    let block = bench.block(1, &[1]);
    for signer in 1..4 {
        bench.vote(signer, Precommit, 0, Some(block.id()));
    }
    bench.actions.clear();
    bench.next_height(&block);
    let votes = |action: &Action| matches!(action, Action::Broadcast(Message::Vote(vote)) if vote.subject.height == 1);
    assert!(!bench.saw(votes));
}

#[test]
fn rule_13_a_forged_vote_of_a_height_just_left_is_its_relays_fault() {
    let mut bench = Bench::new(0);
    let block = bench.block(1, &[1]);
    bench.vote(1, Precommit, 0, Some(block.id()));
    bench.next_height(&block);
    let Message::Vote(mut vote) = signed_vote(1, Precommit, VoteSubject { height: 1, round: 0, block: None }) else {
        panic!("a vote")
    };
    vote.signature = Signature([1; 64]);
    bench.actions.clear();
    bench.message(3, Message::Vote(vote));
    assert!(shown_fault(&bench, PeerFault::BadSignature(1)));
    assert!(shown(&mut bench).is_empty());
}

fn shown_fault(bench: &Bench, expected: PeerFault) -> bool {
    bench.saw(|action| matches!(action, Action::Misbehaviour { fault, .. } if *fault == expected))
}

#[test]
fn two_commit_certificates_of_one_round_prove_f_plus_one_equivocators() {
    let mut bench = Bench::new(0);
    let (one, two) = (Some(Hash([1; 32])), Some(Hash([2; 32])));
    bench.certify(Precommit, 0, one, &[1, 2, 3]);
    bench.actions.clear();
    bench.certify(Precommit, 0, two, &[0, 2, 3]);
    let mut keys: Vec<_> = shown(&mut bench)
        .into_iter()
        .map(|action| match action {
            Action::Evidence(evidence) => evidence.key,
            other => panic!("{other:?}"),
        })
        .collect();
    keys.sort();
    let mut expected = [consensus_key(2).public(), consensus_key(3).public()];
    expected.sort();
    assert_eq!(keys, expected);
    assert_eq!(bench.engine.commit().map(|commit| commit.subject.block), Some(one), "the first one stays");
}

#[test]
fn a_broken_lock_rule_is_an_accusation_once() {
    let (one, two) = (Some(Hash([1; 32])), Some(Hash([2; 32])));
    let both = [consensus_key(1).public(), consensus_key(2).public()];
    let accused = |bench: &mut Bench| {
        let shown = shown(bench);
        let accusations = shown.iter().filter_map(|action| match action {
            Action::Accusation(accusation) => Some(accusation.accused.clone()),
            _ => None,
        });
        accusations.collect::<Vec<_>>()
    };
    // In either order of arrival, against a polka or another commit certificate, held or of a height just left.
    for later in [Prevote, Precommit] {
        let mut bench = Bench::new(0);
        bench.certify(Precommit, 1, one, &[0, 1, 2]);
        bench.certify(later, 2, two, &[1, 2, 3]);
        bench.certify(later, 2, two, &[1, 2, 3]);
        assert_eq!(accused(&mut bench), [both]);
        let mut bench = Bench::new(0);
        bench.certify(later, 2, two, &[1, 2, 3]);
        bench.certify(Precommit, 1, one, &[0, 1, 2]);
        assert_eq!(accused(&mut bench), [both]);
        let mut bench = Bench::new(0);
        let block = bench.block(1, &[1]);
        let certificate = bench.certificate(later, 2, two, &[1, 2, 3]);
        bench.certify(Precommit, 1, Some(block.id()), &[0, 1, 2]);
        bench.next_height(&block);
        bench.message(3, Message::Certificate(certificate));
        assert_eq!(accused(&mut bench), [both]);
    }
    // A polka of an earlier round, or for the same block, accuses nobody.
    let mut bench = Bench::new(0);
    bench.certify(Precommit, 1, one, &[0, 1, 2]);
    bench.certify(Prevote, 0, two, &[1, 2, 3]);
    bench.certify(Prevote, 3, one, &[1, 2, 3]);
    assert!(accused(&mut bench).is_empty());
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
