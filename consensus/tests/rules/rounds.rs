//! Rules 8 to 14: ending rounds and heights, catching up, timeouts, idling.

use std::sync::Arc;

use dalil_consensus::{Action, Event, HaltReason, Message, Persist, Status, TimerKind, Verdict};
use dalil_ledger::validators::ValidatorIndex;

use super::bench::{Bench, Precommit, Prevote, precommit, prevote};
use super::chain::{TIMEOUTS, consensus_key};

#[test]
fn rule_08_l47_mixed_precommits_arm_the_timer_and_l65_it_starts_the_next_round() {
    let mut bench = Bench::new(0);
    let block = bench.block(1, &[1]);
    bench.vote(1, Precommit, 0, Some(block.id()));
    bench.vote(2, Precommit, 0, None);
    bench.vote(3, Precommit, 0, None);
    assert_eq!(bench.engine.round(), 0);
    bench.fire(TimerKind::Precommit);
    assert_eq!(bench.engine.round(), 1);
}

#[test]
fn rule_08_a_nil_certificate_ends_the_round_at_once_and_is_passed_on() {
    let mut bench = Bench::new(0);
    for signer in 1..4 {
        bench.vote(signer, Precommit, 0, None);
    }
    assert_eq!(bench.engine.round(), 1);
    assert!(bench.saw(|action| matches!(action, Action::Broadcast(Message::Certificate(it)) if it.kind == Precommit)));
}

#[test]
fn rule_08_a_second_nil_certificate_in_a_row_waits_for_the_timer() {
    let mut bench = Bench::new(0);
    bench.certify(Precommit, 0, None, &[1, 2, 3]);
    assert_eq!(bench.engine.round(), 1);
    bench.certify(Precommit, 1, None, &[1, 2, 3]);
    assert_eq!(bench.engine.round(), 1);
    bench.fire(TimerKind::Precommit);
    assert_eq!(bench.engine.round(), 2);
}

#[test]
fn rule_09_l49_a_commit_certificate_of_any_round_decides() {
    let mut bench = Bench::new(0);
    let block = bench.block(1, &[1]);
    bench.propose(0, &block);
    bench.certify(Precommit, 3, None, &[1, 2, 3]);
    assert_eq!(bench.engine.round(), 4);
    bench.certify(Precommit, 0, Some(block.id()), &[1, 2, 3]);
    bench.feed(Event::Block(block.clone()));
    assert!(bench.saw(|action| matches!(action, Action::Decide { block: it, certificate }
        if it.id() == block.id() && certificate.subject.round == 0)));
}

#[test]
fn rule_09_a_commit_certificate_alone_is_kept_durably_and_its_body_fetched() {
    let mut bench = Bench::new(0);
    let block = bench.block(1, &[1]);
    bench.certify(Precommit, 0, Some(block.id()), &[1, 2, 3]);
    let signers: Vec<_> = (1..4).map(ValidatorIndex).collect();
    assert!(bench.saw(|action| matches!(action, Action::FetchBlock { id, from, .. }
        if *id == block.id() && *from == signers)));
    let stored = bench.restored().record.and_then(|record| record.commit);
    assert!(stored.is_some_and(|commit| commit.subject.block == Some(block.id())));
    // A crash later it is still there, and the body decides.
    let mut again = Bench::start(0, 4, bench.sign_record(), bench.restored()).expect("restart");
    assert!(again.saw(|action| matches!(action, Action::FetchBlock { .. })));
    again.feed(Event::Block(block));
    assert!(again.saw(|action| matches!(action, Action::Decide { .. })));
}

#[test]
fn rule_09_an_invalid_block_under_a_commit_certificate_halts_for_ever() {
    for kind in [Precommit, Prevote] {
        let mut bench = Bench::new(0);
        bench.verdict = Some(Verdict::Invalid);
        let block = bench.block(1, &[1]);
        bench.certify(kind, 0, Some(block.id()), &[1, 2, 3]);
        bench.feed(Event::Block(block));
        let halted =
            |action: &Action| matches!(action, Action::Halt { reason: HaltReason::Diverged { height: 1, .. } });
        assert!(bench.saw(halted));
        bench.actions.clear();
        bench.feed(Event::RecordsPending(true));
        bench.certify(Precommit, 5, None, &[1, 2, 3]);
        assert!(bench.actions.is_empty());
    }
}

#[test]
fn rule_10_l56_f_plus_1_validators_pull_a_node_up() {
    let mut bench = Bench::new(0);
    bench.vote(1, Prevote, 9, None);
    assert_eq!(bench.engine.round(), 0);
    bench.vote(2, Precommit, 7, None);
    assert_eq!(bench.engine.round(), 7);
}

#[test]
fn rule_10_votes_of_the_last_round_cost_nothing() {
    let mut bench = Bench::new(0);
    // One faulty validator walks through rounds up to 2³² − 1: nothing moves, and its older votes are forgotten.
    for step in 0..500 {
        bench.vote(3, Prevote, u32::MAX - 500 + step, None);
    }
    bench.vote(3, Prevote, u32::MAX, None);
    assert_eq!(bench.engine.round(), 0);
    bench.actions.clear();
    bench.fire_rebroadcast();
    let votes = bench.actions.iter().filter(|action| matches!(action, Action::Broadcast(Message::Vote(_)))).count();
    assert_eq!(votes, 0, "only rounds at hand are said again");
    // If f+1 are there, this node follows; there is no round beyond, and nothing breaks.
    bench.vote(2, Precommit, u32::MAX, None);
    assert_eq!(bench.engine.round(), u32::MAX);
    bench.vote(1, Precommit, u32::MAX, None);
    bench.vote(3, Precommit, u32::MAX, None);
    bench.fire(TimerKind::Precommit);
    assert_eq!(bench.engine.round(), u32::MAX);
}

#[test]
fn rule_11_timeouts_grow_linearly_to_the_cap() {
    let expected = |round: u32| u64::from((TIMEOUTS.propose_ms + TIMEOUTS.delta_ms * round).min(TIMEOUTS.cap_ms));
    for round in [1_u32, 2, 5, 17, 1_000] {
        let mut bench = Bench::new(0);
        bench.certify(Precommit, round - 1, None, &[1, 2, 3]);
        assert_eq!(bench.armed(TimerKind::Propose).map(|(_, after_ms)| after_ms), Some(expected(round)));
    }
}

#[test]
fn rule_11_l57_no_proposal_brings_a_nil_prevote() {
    let mut bench = Bench::new(0);
    bench.fire(TimerKind::Propose);
    assert_eq!(bench.signed(), [prevote(0, None)]);
}

#[test]
fn rule_11_a_timer_of_an_earlier_round_means_nothing() {
    let mut bench = Bench::new(0);
    let (old, _) = bench.armed(TimerKind::Propose).expect("armed");
    bench.certify(Precommit, 0, None, &[1, 2, 3]);
    bench.feed(Event::Timer(old));
    assert_eq!(bench.signed(), []);
}

impl Bench {
    pub fn fire_rebroadcast(&mut self) {
        let id = dalil_consensus::TimerId { kind: TimerKind::Rebroadcast, serial: 1 };
        self.feed(Event::Timer(id));
    }
}

#[test]
fn rule_12_everything_at_hand_is_said_again() {
    let mut bench = Bench::idle(1);
    let serial = bench.armed(TimerKind::Rebroadcast).expect("always armed").0;
    bench.feed(Event::RecordsPending(true));
    let (block, parent) = (bench.block(1, &[1]), bench.head.id);
    bench.feed(Event::BlockBuilt { height: 1, round: 0, parent, block: Some(block.clone()) });
    bench.vote(0, Prevote, 0, Some(block.id()));
    bench.vote(2, Prevote, 0, Some(block.id()));
    bench.actions.clear();
    bench.feed(Event::Timer(serial));
    let count = |wanted: fn(&Message) -> bool| {
        bench.actions.iter().filter(|action| matches!(action, Action::Broadcast(it) if wanted(it))).count()
    };
    assert_eq!(count(|it| matches!(it, Message::Proposal(_))), 1);
    assert_eq!(count(|it| matches!(it, Message::Vote(vote) if vote.kind == Prevote)), 3);
    assert!(count(|it| matches!(it, Message::Vote(vote) if vote.kind == Precommit)) >= 1);
    assert_eq!(count(|it| matches!(it, Message::Certificate(_))), 1);
    assert_eq!(count(|it| matches!(it, Message::Status(status) if status.height == 1)), 1);
    assert!(bench.saw(|action| matches!(action, Action::AdvertiseRecords)));
    assert!(bench.armed(TimerKind::Rebroadcast).is_some());
}

#[test]
fn rule_12_a_lower_peer_is_answered_and_a_higher_one_followed() {
    let mut bench = Bench::new(0);
    let block = bench.block(1, &[1]);
    bench.next_height(&block);
    bench.message(3, Message::Status(Status { height: 1, round: 0, head_size: 1 }));
    assert!(bench.saw(|action| matches!(action, Action::PeerBehind { who: ValidatorIndex(3), height: 1 })));
    bench.message(2, Message::Status(Status { height: 102, round: 0, head_size: 1 }));
    assert!(bench.saw(|action| matches!(action, Action::Behind { height: 102, .. })));
}

#[test]
fn rule_14_idle_arms_nothing_until_a_record_is_held() {
    let mut bench = Bench::idle(1);
    assert!(bench.armed(TimerKind::Propose).is_none());
    assert!(!bench.saw(|action| matches!(action, Action::BuildBlock(_))));
    bench.feed(Event::RecordsPending(true));
    assert!(bench.armed(TimerKind::Propose).is_some());
    assert!(bench.saw(|action| matches!(action, Action::BuildBlock(_))));
    // The record lapses: what was armed is disarmed.
    bench.feed(Event::RecordsPending(false));
    bench.fire(TimerKind::Propose);
    assert_eq!(bench.signed(), []);
}

#[test]
fn rule_14_f_plus_1_voters_or_a_valid_proposal_wake() {
    let mut bench = Bench::idle(0);
    bench.vote(1, Prevote, 0, None);
    assert!(bench.armed(TimerKind::Propose).is_none());
    bench.vote(2, Prevote, 0, None);
    assert!(bench.armed(TimerKind::Propose).is_some());
    let mut bench = Bench::idle(0);
    let block = bench.block(1, &[1]);
    bench.propose(0, &block);
    assert_eq!(bench.signed(), [prevote(0, Some(block.id()))]);
}

#[test]
fn rule_14_an_invalid_proposal_wakes_nobody() {
    let mut bench = Bench::idle(0);
    bench.verdict = Some(Verdict::Invalid);
    let block = bench.block(1, &[1]);
    bench.propose(0, &block);
    assert!(bench.armed(TimerKind::Propose).is_none());
    assert_eq!(bench.signed(), []);
}

#[test]
fn a_polka_before_any_vote_and_before_the_body() {
    let mut bench = Bench::new(0);
    let block = bench.block(2, &[1]);
    bench.certify(Prevote, 5, Some(block.id()), &[1, 2, 3]);
    assert_eq!(bench.engine.round(), 5);
    assert!(bench.saw(|action| matches!(action, Action::FetchBlock { id, .. } if *id == block.id())));
    bench.feed(Event::Block(block.clone()));
    assert_eq!(bench.signed(), [precommit(5, Some(block.id()))]);
    assert_eq!(bench.engine.locked().map(|lock| lock.round), Some(5));
}

#[test]
fn a_nil_certificate_before_any_vote() {
    let mut bench = Bench::new(0);
    bench.certify(Precommit, 5, None, &[1, 2, 3]);
    assert_eq!(bench.engine.round(), 6);
}

#[test]
fn a_certificate_counts_where_a_different_vote_is_held() {
    let mut bench = Bench::new(0);
    let (block, other) = (bench.block(1, &[1]), bench.block(1, &[2]));
    bench.propose(0, &block);
    bench.vote(1, Prevote, 0, Some(other.id()));
    bench.certify(Prevote, 0, Some(block.id()), &[1, 2, 3]);
    assert_eq!(bench.engine.locked().map(|lock| lock.block), Some(block.id()));
    assert!(bench.saw(|action| matches!(action, Action::Evidence(it) if it.key == consensus_key(1).public())));
}

#[test]
fn messages_of_the_next_height_are_kept_for_it() {
    let mut bench = Bench::new(0);
    let block = bench.block(1, &[1]);
    // What the bench signs is of the height above its head.
    let here = bench.head.clone();
    bench.head = super::chain::Head::of(&block);
    let next = bench.block(2, &[2]);
    for signer in 1..4 {
        bench.vote(signer, Precommit, 0, Some(next.id()));
    }
    bench.head = here;
    bench.next_height(&block);
    assert!(bench.engine.commit().is_some_and(|commit| commit.subject.block == Some(next.id())));
    bench.feed(Event::Block(Arc::clone(&next)));
    assert!(bench.saw(|action| matches!(action, Action::Decide { .. })));
}

#[test]
fn work_of_another_parent_is_dropped() {
    let mut bench = Bench::new(0);
    bench.verdict = None;
    let block = bench.block(1, &[1]);
    bench.propose(0, &block);
    let parent = dalil_ledger::crypto::Hash([9; 32]);
    bench.feed(Event::BlockChecked { height: 1, parent, id: block.id(), verdict: Verdict::Valid });
    assert_eq!(bench.signed(), []);
    assert!(!bench.persisted.iter().any(|persist| matches!(persist, Persist::Database(_))));
}
