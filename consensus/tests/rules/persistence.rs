//! Persist, then send; the sign record; restart.

use dalil_consensus::{
    Action, Event, Message, Persist, Quarantine, Restored, SignRecord, SignRecordError, StartError, Statement,
};
use dalil_ledger::crypto::Hash;

use super::bench::{Bench, Disk, Precommit, Prevote, precommit, prevote};
use super::chain::{CHAIN, consensus_key};

#[test]
fn a_vote_leaves_after_database_and_sign_record_in_this_order() {
    let mut bench = Bench::new(0);
    let block = bench.block(1, &[1]);
    bench.propose(0, &block);
    bench.disk = Disk::Stuck;
    bench.certify(Prevote, 0, Some(block.id()), &[1, 2, 3]);
    let writes: Vec<_> = bench.waiting.iter().filter(|output| output.persist.is_some()).collect();
    let Some(Persist::Database(batch)) = &writes[0].persist else { panic!("first the database") };
    let Some(Persist::SignRecord(record)) = &writes[1].persist else { panic!("then the sign record") };
    assert!(writes[0].then.is_empty());
    assert!(matches!(writes[1].then[0], Action::Broadcast(Message::Vote(vote)) if vote.kind == Precommit));
    let announced = batch.record.signature.expect("the coming signature is announced");
    assert_eq!(announced.statement, precommit(0, Some(block.id())));
    assert_eq!(announced.counter, record.counter());
    assert_eq!(batch.record.locked.map(|lock| lock.block), Some(block.id()));
    assert_eq!(batch.record.valid.as_ref().map(|valid| valid.polka.subject.block), Some(Some(block.id())));
    assert_eq!(batch.blocks.iter().map(|body| body.id()).collect::<Vec<_>>(), [block.id()], "with its whole body");
}

#[test]
fn own_votes_count_once_durable_and_one_signature_is_made_at_a_time() {
    let mut bench = Bench::new(0);
    let block = bench.block(1, &[1]);
    bench.disk = Disk::Stuck;
    bench.propose(0, &block);
    let (height, parent, id) = (1, bench.head.id, block.id());
    bench.feed(Event::BlockChecked { height, parent, id, verdict: dalil_consensus::Verdict::Valid });
    let writes = |bench: &Bench| bench.waiting.iter().filter(|output| output.persist.is_some()).count();
    assert_eq!(writes(&bench), 2);
    bench.vote(1, Prevote, 0, Some(id));
    bench.vote(2, Prevote, 0, Some(id));
    bench.vote(3, Prevote, 0, Some(id));
    assert_eq!(writes(&bench), 2, "the precommit waits for the prevote");
    bench.flush();
    assert_eq!(bench.signed(), [prevote(0, Some(id)), precommit(0, Some(id))]);
}

#[test]
fn cosigning_comes_first_on_entry() {
    let bench = Bench::idle(0);
    assert!(matches!(bench.persisted[0], Persist::SignRecord(_)));
    assert!(bench.saw(|action| matches!(action, Action::Cosign(it) if it.size == bench.head.size)));
}

/// A bench that locked and precommitted in round 0.
fn precommitted() -> (Bench, Hash) {
    let mut bench = Bench::new(0);
    let block = bench.block(1, &[1]);
    bench.propose(0, &block);
    bench.certify(Prevote, 0, Some(block.id()), &[1, 2, 3]);
    assert_eq!(bench.signed().last(), Some(&precommit(0, Some(block.id()))));
    (bench, block.id())
}

#[test]
fn a_restart_feeds_back_what_was_signed_and_signs_nothing_else() {
    let (bench, id) = precommitted();
    let mut again = Bench::start(0, 4, bench.sign_record(), bench.restored()).expect("restart");
    assert_eq!(again.engine.locked().map(|lock| lock.block), Some(id));
    assert_eq!(again.signed()[..2], [prevote(0, Some(id)), precommit(0, Some(id))]);
    again.vote(1, Precommit, 0, Some(id));
    again.vote(2, Precommit, 0, Some(id));
    assert!(again.saw(|action| matches!(action, Action::Decide { .. })), "the own precommit counts");
    assert!(again.persisted.is_empty(), "nothing new was signed");
}

#[test]
fn a_crash_between_the_two_writes_enters_what_was_announced() {
    let (bench, id) = precommitted();
    let records = bench.persisted.iter().filter_map(|persist| match persist {
        Persist::SignRecord(record) => Some(record.as_ref().clone()),
        Persist::Database(_) => None,
    });
    let records: Vec<SignRecord> = records.collect();
    let one_behind = records[records.len() - 2].clone();
    let mut again = Bench::start(0, 4, one_behind, bench.restored()).expect("an ordinary crash");
    assert!(matches!(again.persisted[0], Persist::SignRecord(_)), "entered durably first");
    assert!(again.signed().contains(&precommit(0, Some(id))));
    assert_eq!(again.sign_record(), bench.sign_record());
    let stale = records[0].clone();
    let refused = Bench::start(0, 4, stale, bench.restored()).err();
    assert_eq!(refused, Some(StartError::Stale { record: 0, database: 2 }));
}

/// A damaged sign record beside a whole database, the key declared moved, and the quarantine lifted at once.
fn lifted(database: &Bench) -> Bench {
    let mut record = SignRecord::for_moved_key(CHAIN, consensus_key(0).public());
    record.lift_quarantine();
    Bench::start(0, 4, record, database.restored()).expect("starts")
}

#[test]
fn a_lifted_key_contradicts_nothing_that_its_database_announced() {
    let mut bench = Bench::new(0);
    let block = bench.block(1, &[1]);
    bench.propose(0, &block);
    assert_eq!(bench.signed(), [prevote(0, Some(block.id()))]);
    let mut again = lifted(&bench);
    assert!(matches!(again.persisted[0], Persist::SignRecord(_)), "entered durably first");
    again.feed(Event::RecordsPending(true));
    again.certify(Prevote, 0, None, &[1, 2, 3]);
    let signed = again.signed();
    assert!(!signed.contains(&prevote(0, None)) && signed.contains(&prevote(0, Some(block.id()))), "{signed:?}");
}

#[test]
fn a_lifted_key_with_a_lock_precommits_although_its_cosignature_is_forgotten() {
    let (mut bench, id) = precommitted();
    let block = bench.restored().blocks[0].clone();
    let polka = bench.certificate(Prevote, 0, Some(id), &[1, 2, 3]);
    let mut again = lifted(&bench);
    let entered = again.sign_record();
    again.certify(Precommit, 0, None, &[1, 2, 3]);
    again.propose_with(1, &block, Some(polka));
    again.certify(Prevote, 1, Some(id), &[1, 2, 3]);
    assert!(again.signed().contains(&precommit(1, Some(id))));
    // From its first signature on an old copy of the record is an old copy, as with any other key.
    bench.persisted.append(&mut again.persisted);
    let refused = Bench::start(0, 4, entered, bench.restored()).err();
    assert_eq!(refused, Some(StartError::Stale { record: 2, database: 4 }));
}

#[test]
fn a_precommit_without_its_lock_silences_the_height() {
    let (bench, _) = precommitted();
    let again = Bench::start(0, 4, bench.sign_record(), Restored::default()).expect("the database was lost");
    assert_eq!(again.engine.standing(), dalil_consensus::Standing::LostLock { round: 0 });
    let mut again = again;
    again.feed(Event::RecordsPending(true));
    again.actions.clear();
    again.certify(Precommit, 3, None, &[1, 2, 3]);
    assert_eq!(again.signed(), []);
    assert!(again.engine.cosign(again.now_ms + 60_000).is_err());
}

#[test]
fn the_record_must_fit_chain_and_key() {
    let other_key = SignRecord::new(CHAIN, consensus_key(1).public());
    assert!(matches!(Bench::start(0, 4, other_key, Restored::default()).err(), Some(StartError::WrongKey { .. })));
    let other_chain = SignRecord::new(Hash::ZERO, consensus_key(0).public());
    assert!(matches!(Bench::start(0, 4, other_chain, Restored::default()).err(), Some(StartError::WrongChain { .. })));
    let (bench, _) = precommitted();
    let mut ahead = bench.restored();
    ahead.record.as_mut().expect("a record").height = 7;
    let refused = Bench::start(0, 4, bench.sign_record(), ahead).err();
    assert_eq!(refused, Some(StartError::RecordAhead { record: 7, tip: 0 }));
}

#[test]
fn every_damage_of_the_file_is_seen() {
    let (bench, _) = precommitted();
    let record = bench.sign_record();
    let bytes = record.encode();
    assert_eq!(SignRecord::decode(&bytes), Ok(record));
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        assert_eq!(SignRecord::decode(&damaged), Err(SignRecordError::Damaged), "byte {at}");
        assert_eq!(SignRecord::decode(&bytes[..at]), Err(SignRecordError::Damaged), "cut at {at}");
    }
}

#[test]
fn the_record_keeps_two_rounds_and_the_newest_block_precommit() {
    let (mut bench, id) = precommitted();
    for round in 0..6 {
        bench.certify(Precommit, round, None, &[1, 2, 3]);
        if bench.engine.round() == round {
            bench.fire(dalil_consensus::TimerKind::Precommit);
        }
        bench.fire(dalil_consensus::TimerKind::Propose);
    }
    let record = bench.sign_record();
    let kept: Vec<_> = record.signed_at(1).iter().map(|entry| entry.statement).collect();
    assert_eq!(kept[0], precommit(0, Some(id)), "the block precommit of round 0");
    assert!(kept[1..].iter().all(|it| it.position().round >= 5), "{kept:?}");
    assert!(record.encode().len() <= dalil_consensus::SIGN_RECORD_BYTES_MAX);
    assert!(kept.windows(2).all(|pair: &[Statement]| pair[0].position() < pair[1].position()));
}

#[test]
fn a_database_that_is_ahead_of_its_record_is_an_ordinary_sync() {
    let (mut bench, _) = precommitted();
    let block = bench.block(1, &[1]);
    bench.next_height(&block);
    let record = bench.sign_record();
    assert_eq!(record.floor(), 2);
    assert!(record.signed_at(1).is_empty());
    assert_eq!(record.quarantine(), Quarantine::None);
}

/// WAL replay of a thousand rounds takes hours elsewhere: here a restart reads one record and a few signatures.
#[test]
fn a_thousand_rounds_leave_nothing_to_replay() {
    let mut bench = Bench::new(0);
    const ROUNDS: u32 = 1_000;
    for round in 0..ROUNDS {
        bench.certify(Precommit, round, None, &[1, 2, 3]);
        if bench.engine.round() == round {
            bench.fire(dalil_consensus::TimerKind::Precommit);
        }
        // A nil prevote in each round, so that each round is signed in.
        if bench.engine.round() % 4 != 3 {
            bench.fire(dalil_consensus::TimerKind::Propose);
        }
        bench.actions.retain(|action| matches!(action, Action::ArmTimer { .. }));
    }
    assert_eq!(bench.engine.round(), ROUNDS);
    let record = bench.sign_record();
    assert!(record.encode().len() <= dalil_consensus::SIGN_RECORD_BYTES_MAX);
    assert!(record.signed_at(1).len() <= 7, "{:?}", record.signed_at(1));
    let mut restored = bench.restored();
    let bytes = dalil_ledger::codec::encode(restored.record.as_ref().expect("a record"));
    assert!(bytes.len() <= dalil_consensus::CONSENSUS_RECORD_BYTES_MAX, "{} bytes", bytes.len());
    restored.blocks.clear();
    let again = Bench::start(0, 4, record, restored).expect("restart");
    assert_eq!(again.engine.round(), ROUNDS);
    let sent = again.actions.iter().filter(|action| matches!(action, Action::Broadcast(_))).count();
    assert!(sent <= 12, "{sent} messages");
}

/// While nothing is voted on, the head is cosigned again and again; an older copy of that record endangers nothing.
#[test]
fn a_sign_record_an_hour_old_at_the_same_idle_height() {
    let mut bench = Bench::idle(0);
    let old = bench.sign_record();
    let hour_ms = 3_600_000;
    let outputs = bench.engine.cosign(bench.now_ms + hour_ms).expect("an hour later");
    bench.take(outputs);
    let mut again = Bench::start(0, 4, old, bench.restored()).expect("no vote is missing in it");
    let before = again.sign_record().cosigned().expect("cosigned");
    again.now_ms += 2 * hour_ms;
    let outputs = again.engine.cosign(again.now_ms).expect("time goes on");
    again.take(outputs);
    assert!(again.sign_record().cosigned().is_some_and(|it| it.size == before.size && it.time_s > before.time_s));
    // With votes in between the copy is stale, and the node does not start.
    let old = bench.sign_record();
    let block = bench.block(1, &[1]);
    bench.feed(Event::RecordsPending(true));
    bench.propose(0, &block);
    bench.certify(Prevote, 0, Some(block.id()), &[1, 2, 3]);
    let refused = Bench::start(0, 4, old, bench.restored()).err();
    assert_eq!(refused, Some(StartError::Stale { record: 0, database: 2 }));
}
