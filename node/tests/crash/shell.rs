//! Two rooms of the shell that an attack or a long life would wear out.

use std::time::{Duration, Instant};

use dalil_node::core::{Event, Timer};
use dalil_node::shell::faults::{BANISHED_FOR, FAULTS_MAX, FORGOTTEN_AFTER, Faults, Verdict};
use dalil_node::shell::sources::{Incoming, Shared, Sources, StorageEvent, VOTES_IN_A_ROW_MAX};
use tokio::sync::{mpsc, oneshot};

#[tokio::test]
async fn a_flood_on_the_vote_stream_leaves_room_for_clients() {
    let (storage_sender, storage) = mpsc::unbounded_channel();
    let (_internal_sender, internal) = mpsc::unbounded_channel();
    let (vote_sender, votes) = mpsc::channel(1);
    let (bulk_sender, bulk) = mpsc::channel(8);
    let (_submission_sender, submissions) = mpsc::channel(1);
    let (question_sender, questions) = mpsc::channel(8);
    let shared = Shared { bulk, submissions, questions };
    let mut sources = Sources { storage, internal, votes, shared, votes_in_a_row: 0 };
    for _ in 0..4 {
        bulk_sender.try_send(Event::Timer(Timer::Fetch)).unwrap_or_else(|_| panic!("full"));
        question_sender.try_send(oneshot::channel().0).unwrap();
    }
    let (mut votes_taken, mut others_taken) = (0, 0);
    while others_taken < 8 {
        // There is always another vote.
        let _full = vote_sender.try_send(Event::Timer(Timer::Cosign));
        match sources.next().await.unwrap() {
            Incoming::Event(Event::Timer(Timer::Cosign)) => votes_taken += 1,
            Incoming::Event(_) | Incoming::Question(_) => others_taken += 1,
            Incoming::Storage(_) | Incoming::Submission(_) => panic!("nobody sent it"),
        }
        assert!(votes_taken <= VOTES_IN_A_ROW_MAX * (others_taken + 1), "{votes_taken} votes, {others_taken} others");
    }
    // What became durable is never behind votes.
    storage_sender.send(StorageEvent::Durable(1)).unwrap_or_else(|_| panic!("closed"));
    let _full = vote_sender.try_send(Event::Timer(Timer::Cosign));
    assert!(matches!(sources.next().await, Some(Incoming::Storage(StorageEvent::Durable(1)))));
}

#[test]
fn faults_long_past_are_forgotten() {
    let mut faults = Faults::default();
    let peer = libp2p::PeerId::random();
    let mut now = Instant::now();
    for _year in 0..100 {
        assert_eq!(faults.note(peer, now), Verdict::Closed { faults: 1 });
        now += FORGOTTEN_AFTER;
    }
    for count in 1..FAULTS_MAX {
        assert_eq!(faults.note(peer, now), Verdict::Closed { faults: count });
        now += FORGOTTEN_AFTER - Duration::from_secs(1);
    }
    assert_eq!(faults.note(peer, now), Verdict::Banished);
    assert!(faults.is_banished(&peer) && faults.released(now).is_empty());
    now += BANISHED_FOR;
    assert_eq!(faults.released(now), [peer]);
    assert!(!faults.is_banished(&peer));
    assert_eq!(faults.note(peer, now), Verdict::Closed { faults: 1 });
}
