//! Rules 1 to 7: proposing, voting, locking.

use dalil_consensus::{Action, EmptyBlocks, Event, Message, Statement, TimerKind, Verdict};

use super::bench::{Bench, Precommit, Prevote, precommit, prevote};
use super::chain::{DRIFT_MS, TIMEOUTS};

#[test]
fn rule_01_l18_the_proposer_asks_for_a_block_at_its_clock() {
    let bench = Bench::new(1);
    let now_ms = bench.now_ms;
    assert!(bench.saw(|action| matches!(action, Action::BuildBlock(it)
        if it.timestamp_ms == now_ms && it.round == 0 && it.empty == EmptyBlocks::Refused)));
}

#[test]
fn rule_01_l18_a_clock_behind_the_parent_gives_one_millisecond_more() {
    let mut bench = Bench::new(2);
    let block = bench.block(1, &[1]);
    bench.head = super::chain::Head::of(&block);
    bench.head.time_ms = bench.now_ms + 86_400_000;
    let context = bench.head.context(&bench.set, dalil_consensus::HeightKnowledge::Open);
    bench.feed(Event::NewHeight(context));
    bench.feed(Event::RecordsPending(true));
    let expected_ms = bench.head.time_ms + 1;
    assert!(bench.saw(|action| matches!(action, Action::BuildBlock(it) if it.timestamp_ms == expected_ms)));
}

#[test]
fn rule_01_l19_a_built_block_is_proposed_and_then_prevoted() {
    let mut bench = Bench::new(1);
    let block = bench.block(1, &[1]);
    let parent = bench.head.id;
    bench.signed();
    bench.feed(Event::BlockBuilt { height: 1, round: 0, parent, block: Some(block.clone()) });
    let signed = bench.signed();
    assert!(matches!(signed[0], Statement::Proposal(it) if it.block == block.id() && it.valid_round.is_none()));
    assert_eq!(signed[1], prevote(0, Some(block.id())));
}

#[test]
fn rule_01_a_block_built_too_late_is_not_proposed() {
    let mut bench = Bench::new(1);
    let block = bench.block(1, &[1]);
    let parent = bench.head.id;
    bench.fire(TimerKind::Propose);
    assert_eq!(bench.signed(), [prevote(0, None)]);
    bench.feed(Event::BlockBuilt { height: 1, round: 0, parent, block: Some(block) });
    assert_eq!(bench.signed(), []);
}

#[test]
fn rule_01_l16_valid_is_proposed_again_with_its_polka() {
    let mut bench = Bench::new(2);
    let block = bench.block(1, &[1]);
    bench.propose(0, &block);
    bench.certify(Prevote, 0, Some(block.id()), &[0, 1, 3]);
    bench.signed();
    // Round 0 ends without a decision; the proposer of round 1 is this node.
    bench.vote(0, Precommit, 0, None);
    bench.vote(1, Precommit, 0, None);
    bench.fire(TimerKind::Precommit);
    let proposed = bench.actions.iter().find_map(|action| match action {
        Action::Broadcast(Message::Proposal(proposal)) => Some(proposal.clone()),
        _ => None,
    });
    let proposed = proposed.expect("a re-proposal");
    assert_eq!((proposed.subject.block, proposed.subject.valid_round), (block.id(), Some(0)));
    assert!(proposed.polka.is_some_and(|polka| polka.subject.round == 0));
}

#[test]
fn rule_02_l23_a_valid_timely_block_gets_the_prevote() {
    let mut bench = Bench::new(0);
    let block = bench.block(1, &[1]);
    bench.propose(0, &block);
    assert_eq!(bench.signed(), [prevote(0, Some(block.id()))]);
}

#[test]
fn rule_02_an_invalid_block_gets_nil() {
    let mut bench = Bench::new(0);
    bench.verdict = Some(Verdict::Invalid);
    let block = bench.block(1, &[1]);
    bench.propose(0, &block);
    assert_eq!(bench.signed(), [prevote(0, None)]);
}

#[test]
fn rule_02_timely_has_two_bounds() {
    let back_ms = u64::from(TIMEOUTS.propose_ms + DRIFT_MS);
    for (late_ms, timely) in [(back_ms, true), (back_ms + 1, false)] {
        let mut bench = Bench::new(0);
        let block = bench.block(1, &[1]);
        bench.now_ms += late_ms;
        bench.propose(0, &block);
        assert_eq!(bench.signed(), [prevote(0, timely.then(|| block.id()))], "{late_ms} ms late");
    }
    for (early_ms, timely) in [(u64::from(DRIFT_MS), true), (u64::from(DRIFT_MS) + 1, false)] {
        let mut bench = Bench::new(0);
        bench.now_ms += early_ms;
        let block = bench.block(1, &[1]);
        bench.now_ms -= early_ms;
        bench.propose(0, &block);
        assert_eq!(bench.signed(), [prevote(0, timely.then(|| block.id()))], "{early_ms} ms early");
    }
}

#[test]
fn rule_02_timely_is_judged_at_receipt_not_when_the_body_is_checked() {
    let mut bench = Bench::new(0);
    bench.verdict = None;
    let block = bench.block(1, &[1]);
    bench.propose(0, &block);
    bench.now_ms += 60_000;
    let (height, parent, id) = (1, bench.head.id, block.id());
    bench.feed(Event::BlockChecked { height, parent, id, verdict: Verdict::Valid });
    assert_eq!(bench.signed(), [prevote(0, Some(id))]);
}

#[test]
fn rule_02_a_header_of_another_proposer_is_not_timely() {
    let mut bench = Bench::new(0);
    let block = bench.block(2, &[1]);
    bench.propose(0, &block);
    assert_eq!(bench.signed(), [prevote(0, None)]);
}

#[test]
fn rule_02_an_empty_block_is_not_timely_in_round_0_but_later() {
    let mut bench = Bench::new(0);
    let block = bench.block(1, &[]);
    bench.propose(0, &block);
    assert_eq!(bench.signed(), [prevote(0, None)]);
    bench.certify(Precommit, 0, None, &[1, 2, 3]);
    assert_eq!(bench.engine.round(), 1);
    let block = bench.block(2, &[]);
    bench.propose(1, &block);
    assert_eq!(bench.signed(), [prevote(1, Some(block.id()))]);
}

/// Locks the bench on a block in `round` and goes on to the next round.
fn lock_in_round_0(bench: &mut Bench) -> std::sync::Arc<dalil_ledger::block::Block> {
    let block = bench.block(1, &[1]);
    bench.propose(0, &block);
    bench.certify(Prevote, 0, Some(block.id()), &[1, 2, 3]);
    assert_eq!(bench.engine.locked().map(|lock| lock.block), Some(block.id()));
    bench.vote(1, Precommit, 0, None);
    bench.vote(2, Precommit, 0, None);
    bench.fire(TimerKind::Precommit);
    assert_eq!(bench.engine.round(), 1);
    bench.signed();
    block
}

#[test]
fn rule_02_a_fresh_proposal_against_the_lock_gets_nil() {
    let mut bench = Bench::new(0);
    lock_in_round_0(&mut bench);
    let other = bench.block(2, &[2]);
    bench.propose(1, &other);
    assert_eq!(bench.signed(), [prevote(1, None)]);
}

#[test]
fn rule_03_l29_a_newer_polka_releases_the_lock_and_an_older_does_not() {
    let mut bench = Bench::new(0);
    lock_in_round_0(&mut bench);
    bench.certify(Precommit, 1, None, &[1, 2, 3]);
    assert_eq!(bench.engine.round(), 2);
    let other = bench.block(2, &[2]);
    let polka = bench.certificate(Prevote, 1, Some(other.id()), &[1, 2, 3]);
    bench.propose_with(2, &other, Some(polka));
    assert_eq!(bench.signed().last(), Some(&prevote(2, Some(other.id()))));
}

/// Found by the model: a polka of the claimed round was held, for the locked block, and the forged one was not looked at.
#[test]
fn rule_03_a_forged_polka_releases_no_lock_where_another_is_held() {
    for rounds_later in 1..4 {
        let mut bench = Bench::new(0);
        lock_in_round_0(&mut bench);
        for round in 1..rounds_later {
            bench.certify(Precommit, round, None, &[1, 2, 3]);
            if bench.engine.round() == round {
                bench.fire(TimerKind::Precommit);
            }
        }
        assert_eq!(bench.engine.round(), rounds_later);
        let proposer = bench.set.proposer(1, rounds_later).0;
        if proposer == 0 {
            continue;
        }
        let other = bench.block(proposer, &[2]);
        let mut forged = bench.certificate(Prevote, 0, Some(other.id()), &[1, 2, 3]);
        forged.signatures[1] = forged.signatures[0];
        bench.signed();
        bench.propose_with(rounds_later, &other, Some(forged));
        assert_eq!(bench.signed(), [], "round {rounds_later}");
    }
}

#[test]
fn rule_05_a_later_polka_moves_the_lock() {
    let mut bench = Bench::new(0);
    lock_in_round_0(&mut bench);
    let other = bench.block(2, &[2]);
    bench.propose(1, &other);
    bench.certify(Prevote, 1, Some(other.id()), &[1, 2, 3]);
    assert_eq!(bench.engine.locked().map(|lock| (lock.block, lock.round)), Some((other.id(), 1)));
    assert_eq!(bench.signed(), [prevote(1, None), precommit(1, Some(other.id()))]);
}

#[test]
fn rule_03_a_re_proposal_below_the_lock_gets_nil() {
    let mut bench = Bench::new(0);
    bench.certify(Precommit, 1, None, &[1, 2, 3]);
    let locked = bench.block(3, &[1]);
    bench.propose(2, &locked);
    bench.certify(Prevote, 2, Some(locked.id()), &[1, 2, 3]);
    assert_eq!(bench.engine.locked().map(|lock| lock.round), Some(2));
    bench.certify(Precommit, 2, None, &[1, 2, 3]);
    bench.signed();
    // Round 3 is this node's turn; go on to round 4.
    bench.certify(Precommit, 3, None, &[1, 2, 3]);
    bench.vote(1, Prevote, 4, None);
    bench.vote(2, Prevote, 4, None);
    assert_eq!(bench.engine.round(), 4);
    bench.signed();
    let other = bench.block(1, &[2]);
    let polka = bench.certificate(Prevote, 1, Some(other.id()), &[1, 2, 3]);
    bench.propose_with(4, &other, Some(polka));
    assert_eq!(bench.signed().first(), Some(&prevote(4, None)));
}

#[test]
fn rule_03_a_re_proposal_needs_no_timeliness() {
    let mut bench = Bench::new(0);
    let block = bench.block(1, &[1]);
    bench.now_ms += 86_400_000;
    bench.certify(Precommit, 0, None, &[1, 2, 3]);
    let polka = bench.certificate(Prevote, 0, Some(block.id()), &[1, 2, 3]);
    bench.signed();
    bench.propose_with(1, &block, Some(polka));
    assert_eq!(bench.signed(), [prevote(1, Some(block.id()))]);
}

#[test]
fn rule_04_l34_mixed_prevotes_arm_the_timer_once_and_l61_it_brings_nil() {
    let mut bench = Bench::new(0);
    let block = bench.block(1, &[1]);
    bench.propose(0, &block);
    bench.vote(1, Prevote, 0, Some(block.id()));
    assert!(bench.armed(TimerKind::Prevote).is_none());
    bench.vote(2, Prevote, 0, None);
    let armed = bench.armed(TimerKind::Prevote).expect("three prevotes of two kinds");
    bench.vote(3, Prevote, 0, None);
    assert_eq!(bench.armed(TimerKind::Prevote), Some(armed));
    bench.fire(TimerKind::Prevote);
    assert_eq!(bench.signed().last(), Some(&precommit(0, None)));
}

#[test]
fn rule_05_l37_a_polka_locks_and_precommits() {
    let mut bench = Bench::new(0);
    let block = bench.block(1, &[1]);
    bench.propose(0, &block);
    bench.vote(1, Prevote, 0, Some(block.id()));
    assert_eq!(bench.engine.locked(), None);
    bench.vote(2, Prevote, 0, Some(block.id()));
    assert_eq!(bench.engine.locked().map(|lock| (lock.block, lock.round)), Some((block.id(), 0)));
    assert_eq!(bench.engine.valid().map(|valid| valid.round), Some(0));
    assert!(bench.saw(|action| matches!(action, Action::Broadcast(Message::Certificate(it)) if it.kind == Prevote)));
    assert_eq!(bench.signed(), [prevote(0, Some(block.id())), precommit(0, Some(block.id()))]);
}

#[test]
fn rule_05_l42_after_the_precommit_only_valid_changes() {
    let mut bench = Bench::new(0);
    let block = bench.block(1, &[1]);
    bench.propose(0, &block);
    bench.vote(1, Prevote, 0, None);
    bench.vote(2, Prevote, 0, None);
    bench.fire(TimerKind::Prevote);
    assert_eq!(bench.signed().last(), Some(&precommit(0, None)));
    bench.certify(Prevote, 0, Some(block.id()), &[0, 1, 3]);
    assert_eq!(bench.engine.locked(), None);
    assert_eq!(bench.engine.valid().map(|valid| valid.block), Some(block.id()));
    assert_eq!(bench.signed(), []);
}

#[test]
fn rule_05_waits_for_the_verdict() {
    let mut bench = Bench::new(0);
    bench.verdict = None;
    let block = bench.block(1, &[1]);
    bench.propose(0, &block);
    bench.certify(Prevote, 0, Some(block.id()), &[1, 2, 3]);
    assert_eq!(bench.signed(), []);
    let (height, parent, id) = (1, bench.head.id, block.id());
    bench.feed(Event::BlockChecked { height, parent, id, verdict: Verdict::Valid });
    assert_eq!(bench.signed(), [prevote(0, Some(id)), precommit(0, Some(id))]);
}

#[test]
fn rule_06_an_older_polka_sets_valid_and_never_the_lock() {
    let mut bench = Bench::new(0);
    bench.certify(Precommit, 1, None, &[1, 2, 3]);
    assert_eq!(bench.engine.round(), 2);
    let block = bench.block(1, &[1]);
    bench.certify(Prevote, 0, Some(block.id()), &[1, 2, 3]);
    bench.feed(Event::Block(block.clone()));
    assert_eq!(bench.engine.locked(), None);
    assert_eq!(bench.engine.valid().map(|valid| (valid.block, valid.round)), Some((block.id(), 0)));
}

#[test]
fn rule_07_l45_nil_prevotes_bring_a_nil_precommit_after_the_own_prevote() {
    let mut bench = Bench::new(0);
    for signer in 1..4 {
        bench.vote(signer, Prevote, 0, None);
    }
    // The others may need this node's prevote to come to a quorum of any kind.
    assert_eq!(bench.signed(), []);
}

#[test]
fn rule_07_l45_the_own_nil_prevote_may_complete_the_quorum() {
    let mut bench = Bench::new(0);
    bench.vote(1, Prevote, 0, None);
    bench.vote(2, Prevote, 0, None);
    bench.fire(TimerKind::Propose);
    assert_eq!(bench.signed(), [prevote(0, None), precommit(0, None)]);
}
