//! Who signs and who cosigns, and when not.

use dalil_consensus::{
    Action, CosignRefused, Engine, Event, HaltReason, HeightKnowledge, Message, Quarantine, Restored, SignRecord,
    Standing, Status, TimerKind, Vote,
};
use dalil_ledger::crypto::Hash;
use dalil_ledger::validators::{ValidatorIndex, ValidatorSet, VoteSubject};

use super::bench::{Bench, Precommit, Prevote, signed_vote};
use super::chain::{CHAIN, DRIFT_MS, Head, START_MS, TIMEOUTS, consensus_key, validator_set};

#[test]
fn cosigning_again_needs_a_later_second() {
    let mut bench = Bench::idle(0);
    let refused = bench.engine.cosign(bench.now_ms).err();
    assert!(matches!(refused, Some(CosignRefused::TimeNotUp { .. })));
    let refused = bench.engine.cosign(bench.now_ms - 5_000).err();
    assert!(matches!(refused, Some(CosignRefused::TimeNotUp { .. })));
    let outputs = bench.engine.cosign(bench.now_ms + 15_000).expect("15 s later");
    bench.take(outputs);
    let cosigned = bench.sign_record().cosigned().expect("cosigned");
    assert_eq!(cosigned.time_s, (START_MS + 15_000) / 1_000);
    assert!(bench.saw(|action| matches!(action, Action::Cosign(it) if *it == cosigned)));
}

#[test]
fn a_lock_stops_cosigning_and_the_next_head_is_cosigned_first() {
    let mut bench = Bench::new(0);
    let block = bench.block(1, &[1]);
    bench.propose(0, &block);
    assert!(bench.engine.cosign(bench.now_ms + 15_000).is_ok(), "a prevote does not");
    bench.certify(Prevote, 0, Some(block.id()), &[1, 2, 3]);
    assert_eq!(bench.engine.cosign(bench.now_ms + 30_000).err(), Some(CosignRefused::Locked));
    bench.actions.clear();
    bench.next_height(&block);
    let size = bench.head.size;
    assert!(bench.saw(|action| matches!(action, Action::Cosign(it) if it.size == size)));
}

#[test]
fn a_nil_precommit_does_not_stop_cosigning() {
    let mut bench = Bench::new(0);
    bench.fire(TimerKind::Propose);
    bench.vote(1, Prevote, 0, None);
    bench.vote(2, Prevote, 0, None);
    assert_eq!(bench.engine.locked(), None);
    assert!(bench.engine.cosign(bench.now_ms + 15_000).is_ok());
}

#[test]
fn a_restart_releases_the_recorded_cosignature_again() {
    let bench = Bench::idle(0);
    let cosigned = bench.sign_record().cosigned().expect("cosigned");
    let again = Bench::start(0, 4, bench.sign_record(), Restored::default()).expect("restart");
    assert!(again.saw(|action| matches!(action, Action::Cosign(it) if *it == cosigned)));
    assert!(again.persisted.is_empty());
}

#[test]
fn another_root_at_a_cosigned_size_halts() {
    let bench = Bench::idle(0);
    let set = validator_set(4);
    let mut context = Head::genesis().context(&set, HeightKnowledge::Open);
    context.head_root = Hash([9; 32]);
    let config = dalil_consensus::Config { chain: CHAIN, timeouts: TIMEOUTS, drift_ms: DRIFT_MS };
    let signer = dalil_consensus::Signer { key: consensus_key(0), record: bench.sign_record() };
    let (_, outputs) = Engine::start(config, Some(signer), Restored::default(), context, START_MS).expect("starts");
    let halts = |action: &Action| matches!(action, Action::Halt { reason: HaltReason::ContradictsCosigned { .. } });
    assert!(outputs.iter().flat_map(|output| &output.then).any(halts));
}

#[test]
fn a_height_known_to_be_decided_is_only_followed() {
    let mut bench = Bench::new(0);
    let block = bench.block(1, &[1]);
    bench.actions.clear();
    bench.head = Head::of(&block);
    let context = bench.head.context(&bench.set, HeightKnowledge::Decided);
    bench.feed(Event::NewHeight(context));
    bench.feed(Event::RecordsPending(true));
    assert_eq!(bench.engine.standing(), Standing::KnownDecided);
    assert!(!bench.saw(|action| matches!(action, Action::Cosign(_))));
    assert!(bench.armed(TimerKind::Propose).is_none());
    let next = bench.block(2, &[2]);
    bench.certify(Precommit, 0, Some(next.id()), &[1, 2, 3]);
    bench.feed(Event::Block(next));
    assert!(bench.saw(|action| matches!(action, Action::Decide { .. })));
    assert_eq!(bench.signed(), []);
}

#[test]
fn a_follower_decides_without_a_key() {
    let set = validator_set(4);
    let config = dalil_consensus::Config { chain: CHAIN, timeouts: TIMEOUTS, drift_ms: DRIFT_MS };
    let context = Head::genesis().context(&set, HeightKnowledge::Open);
    let (mut engine, _) = Engine::start(config, None, Restored::default(), context, START_MS).expect("starts");
    assert_eq!(engine.standing(), Standing::Follower);
    let bench = Bench::idle(0);
    let block = bench.block(1, &[1]);
    let certificate = bench.certificate(Precommit, 0, Some(block.id()), &[0, 1, 2]);
    let message = Message::Certificate(certificate);
    engine.handle(Event::Message { from: None, message }, START_MS);
    let outputs = engine.handle(Event::Block(block.clone()), START_MS);
    assert!(outputs.iter().flat_map(|output| &output.then).any(|it| matches!(it, Action::CheckBlock { .. })));
    let (parent, id) = (Head::genesis().id, block.id());
    let verdict = dalil_consensus::Verdict::Valid;
    let outputs = engine.handle(Event::BlockChecked { height: 1, parent, id, verdict }, START_MS);
    assert!(outputs.iter().flat_map(|output| &output.then).any(|it| matches!(it, Action::Decide { .. })));
}

#[test]
fn a_moved_key_waits_for_q_reports_and_two_heights() {
    let record = SignRecord::for_moved_key(CHAIN, consensus_key(0).public());
    let mut bench = Bench::start(0, 4, record, Restored::default()).expect("starts");
    bench.feed(Event::RecordsPending(true));
    assert_eq!(bench.engine.standing(), Standing::Quarantined);
    assert!(!bench.saw(|action| matches!(action, Action::Cosign(_))));
    for (peer, height) in [(1, 1), (2, 2), (2, 2)] {
        bench.message(peer, Message::Status(Status { height, round: 0, head_size: 1 }));
    }
    assert_eq!(bench.sign_record().quarantine(), Quarantine::AwaitingReports, "two peers are no quorum");
    bench.message(3, Message::Status(Status { height: 1, round: 0, head_size: 1 }));
    assert_eq!(bench.sign_record().quarantine(), Quarantine::AwaitingReports, "this node is not where they are");
    for height in 1..=4 {
        assert_eq!(bench.engine.standing(), Standing::Quarantined, "height {height}");
        // Height 2 was being decided; 2, 3 and 4 are decided before the first signature.
        assert!(height == 1 || bench.sign_record().quarantine() == Quarantine::Until(5));
        let block = bench.block(height % 4, &[height as u64]);
        bench.next_height(&block);
    }
    assert_eq!(bench.engine.height(), 5);
    assert_eq!(bench.engine.standing(), Standing::Signs(ValidatorIndex(0)));
    assert_eq!(bench.sign_record().quarantine(), Quarantine::None);
}

#[test]
fn who_left_the_set_reports_nothing_to_a_moved_key() {
    let record = SignRecord::for_moved_key(CHAIN, consensus_key(1).public());
    let mut bench = Bench::start(1, 5, record, Restored::default()).expect("starts");
    let status = |height| Message::Status(Status { height, round: 0, head_size: 1 });
    bench.message(0, status(2));
    bench.message(2, status(2));
    bench.message(3, status(2));
    // The first member leaves: the others move up, and two of them have reported.
    let without_first = ValidatorSet::new(validator_set(5).iter().skip(1).cloned().collect()).expect("four members");
    let block = bench.block(1, &[1]);
    bench.head = Head::of(&block);
    bench.feed(Event::NewHeight(bench.head.context(&without_first, HeightKnowledge::Open)));
    assert_eq!(bench.sign_record().quarantine(), Quarantine::AwaitingReports);
    // One that reported speaks from another place now, and is counted once.
    bench.message(1, status(2));
    assert_eq!(bench.sign_record().quarantine(), Quarantine::AwaitingReports);
    bench.message(3, status(2));
    assert_eq!(bench.sign_record().quarantine(), Quarantine::Until(5));
}

#[test]
fn an_operator_may_override_the_quarantine() {
    let mut record = SignRecord::for_moved_key(CHAIN, consensus_key(0).public());
    record.lift_quarantine();
    let bench = Bench::start(0, 4, record, Restored::default()).expect("starts");
    assert_eq!(bench.engine.standing(), Standing::Signs(ValidatorIndex(0)));
}

#[test]
fn a_key_outside_the_set_follows() {
    let record = SignRecord::new(CHAIN, consensus_key(6).public());
    let bench = Bench::start(6, 4, record, Restored::default()).expect("starts");
    assert_eq!(bench.engine.standing(), Standing::Follower);
}

#[test]
fn a_single_validator_needs_nobody() {
    let record = SignRecord::new(CHAIN, consensus_key(0).public());
    let mut bench = Bench::start(0, 1, record, Restored::default()).expect("starts");
    bench.feed(Event::RecordsPending(true));
    let (block, parent) = (bench.block(0, &[1]), bench.head.id);
    bench.feed(Event::BlockBuilt { height: 1, round: 0, parent, block: Some(block) });
    assert!(bench.saw(|action| matches!(action, Action::Decide { .. })));
    assert!(!bench.saw(|action| matches!(action, Action::FetchBlock { .. })));
}

#[test]
fn a_change_of_the_set_moves_indexes_and_retires_members() {
    let larger = validator_set(5);
    let without_first = ValidatorSet::new(larger.iter().skip(1).cloned().collect()).expect("four members");
    for (me, expected) in [(1, Standing::Signs(ValidatorIndex(0))), (0, Standing::Follower)] {
        let mut bench = Bench::new(me);
        let block = bench.block(1, &[1]);
        bench.head = Head::of(&block);
        bench.actions.clear();
        bench.feed(Event::NewHeight(bench.head.context(&without_first, HeightKnowledge::Open)));
        assert_eq!(bench.engine.standing(), expected);
        assert_eq!(bench.saw(|action| matches!(action, Action::Cosign(_))), me == 1, "set(h+1) cosigns head h");
        // Keys 2, 3 and 4 stand at places 1, 2 and 3 now.
        let next = bench.block(2, &[2]);
        let subject = VoteSubject { height: 2, round: 0, block: Some(next.id()) };
        for place in 1..4_usize {
            let Message::Vote(vote) = signed_vote(place + 1, Precommit, subject) else { panic!("a vote") };
            bench.message(place, Message::Vote(Vote { signer: place as u8, ..vote }));
        }
        assert!(!bench.saw(|action| matches!(action, Action::Misbehaviour { .. })));
        bench.feed(Event::Block(next));
        assert!(bench.saw(|action| matches!(action, Action::Decide { .. })));
    }
}
