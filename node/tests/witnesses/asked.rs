//! Honest witnesses: when they are asked, with what, and what is shown of their answers.

use std::time::{Duration, Instant};

use dalil_ledger::crypto::SecretKey;
use dalil_node::shell::home::Home;
use dalil_node::shell::outbound::Patience;
use dalil_node::shell::witnesses::{Pace, SharedBoard, Terms, WitnessConfig, WitnessStatus, Witnesses, prepare};

use crate::site::{Site, now_ms};
use crate::support::{DEPARTMENTS, node_keys};
use crate::witness::{Manner, Witness};

pub const ORIGIN: &str = "ledger.example/wb";
const W1: &str = "witness.example/w1";
const W2: &str = "witness.example/w2";

pub const QUICK: Patience = Patience {
    attempt: Duration::from_millis(500),
    retry_first: Duration::from_millis(20),
    retry_most: Duration::from_millis(100),
};
/// Every head, and no head twice.
pub const EVERY_HEAD: Pace = Pace { at_most_every: Duration::ZERO, again_after: Duration::from_secs(3_600) };

/// The vkeys of the validators' log keys, as the policy has them.
pub fn log_vkeys(site: &Site) -> Vec<String> {
    site.pin().policy().logs().iter().map(ToString::to_string).collect()
}

pub fn config(witness: &Witness) -> WitnessConfig {
    WitnessConfig { vkey: witness.vkey(), url: witness.url(), allow_private: true, ca_file: None }
}

pub fn terms(pace: Pace) -> Terms {
    let skew_ms = u64::from(crate::support::genesis().parameters.cosignature_skew_ms);
    Terms { origin: ORIGIN.parse().unwrap(), log_key: None, skew_ms, pace, patience: QUICK }
}

pub fn start(site: &Site, witnesses: &[&Witness], terms: Terms) -> Witnesses {
    let configured: Vec<_> = witnesses.iter().map(|witness| config(witness)).collect();
    let prepared = prepare(&Home::at("nowhere"), &terms.origin, &configured).unwrap();
    Witnesses::start(prepared, terms, &site.published.subscribe())
}

pub async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until the first witness has cosigned this size.
pub async fn cosigned(board: &SharedBoard, size: u64) -> WitnessStatus {
    let mut last = None;
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let status = board.status().remove(0);
        if status.cosigned.is_some_and(|it| it.size == size) && status.failing.is_none() {
            return status;
        }
        assert!(Instant::now() < deadline, "{size}: {last:?}");
        last = Some(status);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub fn log_size(site: &Site) -> u64 {
    site.ledger.view().unwrap().log_size()
}

/// One more block, published.
pub fn grow(site: &mut Site, number: u64) -> u64 {
    site.issue(number);
    site.publish(now_ms());
    log_size(site)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_head_is_offered_with_a_proof_from_the_one_before_and_a_restart_relearns_it() {
    let mut site = Site::open().await;
    let witness = Witness::honest(W1, log_vkeys(&site));
    let witnesses = start(&site, &[&witness], terms(EVERY_HEAD));
    let (board, first) = (witnesses.board(), log_size(&site));
    let status = cosigned(&board, first).await;
    assert_eq!((status.name.as_str(), status.vkey), (W1, witness.vkey()));
    let mut sizes = vec![first];
    for number in 100..106 {
        sizes.push(grow(&mut site, number));
        cosigned(&board, *sizes.last().unwrap()).await;
    }
    let asked = witness.asked();
    let expected: Vec<_> = std::iter::once(0).chain(sizes.iter().copied()).zip(sizes.iter().copied()).collect();
    assert_eq!(asked.iter().map(|it| (it.old, it.size)).collect::<Vec<_>>(), expected);
    assert!(asked.iter().all(|it| it.answered == 200 && it.origin == ORIGIN));
    assert_eq!((asked[0].proof, asked[1].proof > 0), (0, true));

    // The note is the validators', and then the witness's line.
    let published = site.published.borrow().clone().unwrap().note.clone();
    let note = board.newest(1, Some(&published)).unwrap();
    assert!(note.starts_with(&published) && witness.cosigned(&note).is_some());
    assert_eq!(board.dress(&published, 16), note);
    site.pin().policy().verify(note.as_bytes(), now_ms(), 10_000).unwrap();

    drop(witnesses);
    let size = grow(&mut site, 200);
    let witnesses = start(&site, &[&witness], terms(EVERY_HEAD));
    cosigned(&witnesses.board(), size).await;
    let again: Vec<_> = witness.asked()[asked.len()..].iter().map(|it| (it.old, it.answered)).collect();
    assert_eq!(again, [(0, 409), (*sizes.last().unwrap(), 200)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_heads_in_a_short_time_one_is_offered() {
    let mut site = Site::open().await;
    let witness = Witness::honest(W1, log_vkeys(&site));
    let seldom = Duration::from_secs(3_600);
    let witnesses = start(&site, &[&witness], terms(Pace { at_most_every: seldom, again_after: seldom }));
    let size = log_size(&site);
    cosigned(&witnesses.board(), size).await;
    (0..20).for_each(|number| {
        grow(&mut site, 100 + number);
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(witness.asked().len(), 1);
    // The newest published note has no line of it, and the one that it cosigned is still to be had.
    let published = site.published.borrow().clone().unwrap().note.clone();
    assert_eq!(witnesses.board().dress(&published, 16), published);
    let note = witnesses.board().newest(1, Some(&published)).unwrap();
    assert!(witness.cosigned(&note).is_some() && note.contains(&format!("\n{size}\n")));
    site.pin().policy().verify(note.as_bytes(), now_ms(), 10_000).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_head_is_offered_again_so_that_the_word_for_it_stays_fresh() {
    let site = Site::open().await;
    let witness = Witness::honest(W1, log_vkeys(&site));
    let pace = Pace { at_most_every: Duration::ZERO, again_after: Duration::from_millis(20) };
    let witnesses = start(&site, &[&witness], terms(pace));
    let size = log_size(&site);
    until("asked again", || (witness.asked().len() >= 4).then_some(())).await;
    cosigned(&witnesses.board(), size).await;
    let asked = witness.asked();
    let sizes: Vec<_> = asked.iter().map(|it| (it.old, it.size, it.proof, it.answered)).collect();
    assert_eq!(sizes[..3], [(0, size, 0, 200), (size, size, 0, 200), (size, size, 0, 200)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_may_ask_one_witness_and_two_witnesses_cosign_one_head() {
    let mut site = Site::open().await;
    let (one, two) = (Witness::honest(W1, log_vkeys(&site)), Witness::honest(W2, log_vkeys(&site)));
    let nodes = [0, 1].map(|_| start(&site, &[&one, &two], terms(EVERY_HEAD)));
    for number in 100..104 {
        let size = grow(&mut site, number);
        for node in &nodes {
            let have = |it: &WitnessStatus| it.cosigned.is_some_and(|last| last.size == size);
            until("two", || node.board().status().iter().all(have).then_some(())).await;
            let note = node.board().newest(2, None).unwrap();
            assert!(one.cosigned(&note).is_some() && two.cosigned(&note).is_some());
            assert_eq!(node.board().newest(3, None), None);
        }
        assert_eq!((one.knows(ORIGIN).unwrap().0, two.knows(ORIGIN).unwrap().0), (size, size));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_witness_holds_up_nobody() {
    let mut site = Site::open().await;
    let slow = Witness::start(W2, log_vkeys(&site), |_| Manner::Silent);
    let quick = Witness::honest(W1, log_vkeys(&site));
    let patience = Patience { attempt: Duration::from_secs(3_600), ..QUICK };
    let witnesses = start(&site, &[&quick, &slow], Terms { patience, ..terms(EVERY_HEAD) });
    for number in 100..103 {
        let size = grow(&mut site, number);
        cosigned(&witnesses.board(), size).await;
    }
    assert_eq!(witnesses.board().status()[1].cosigned, None);
    until("asked", || (slow.asked().len() == 1).then_some(())).await;
}

/// A witness that knows one log key alone is asked by the validator that has it; and keys may be added while the node runs.
#[tokio::test(flavor = "multi_thread")]
async fn a_validator_signs_with_its_own_log_key() {
    let site = Site::open().await;
    let keys: Vec<_> = log_vkeys(&site);
    let own = |place: usize| -> Option<SecretKey> { node_keys(DEPARTMENTS[place]).log() };
    let size = log_size(&site);

    let third = Witness::honest(W1, vec![keys[2].clone()]);
    let validator = start(&site, &[&third], Terms { log_key: own(2), ..terms(EVERY_HEAD) });
    cosigned(&validator.board(), size).await;
    let signers = &third.asked()[0].signers;
    assert_eq!(signers[0], ORIGIN);
    assert_eq!(signers.len(), 4, "the validators' cosignatures go along: {signers:?}");

    // An observer has but the line of the published note, which is the first validator's.
    let third = Witness::honest(W1, vec![keys[2].clone()]);
    let observer = start(&site, &[&third], terms(EVERY_HEAD));
    let status = until("refused", || observer.board().status().remove(0).failing).await;
    assert!(status.error.contains("403") && status.error.contains("/policy"), "{status:?}");
    third.trust(keys);
    cosigned(&observer.board(), size).await;

    // A key that is no validator's does not sign, though the node holds it.
    let stranger = Witness::honest(W2, log_vkeys(&site));
    let log_key = Some(SecretKey::from_seed(&[3; 32]));
    let former = start(&site, &[&stranger], Terms { log_key, ..terms(EVERY_HEAD) });
    cosigned(&former.board(), size).await;
}
