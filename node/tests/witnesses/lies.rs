//! Witnesses that lie, break off or remember something else: nothing of theirs is published, the reason is shown, and when
//! they are honest again they are asked as before.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dalil_node::shell::witnesses::Witnesses;

use crate::asked::{EVERY_HEAD, ORIGIN, cosigned, grow, log_size, log_vkeys, start, terms, until};
use crate::site::{Site, now_ms};
use crate::witness::{Manner, Witness};

const W1: &str = "witness.example/w1";
const TEXT: &str = "text/plain; charset=utf-8";
const SIZE: &str = "text/x.tlog.size";

/// Waits until the first witness has failed, and checks that nothing of it is shown.
async fn failing(witnesses: &Witnesses, published: &str) -> String {
    let board = witnesses.board();
    let failing = until("it fails", || board.status().remove(0).failing).await;
    assert!(failing.since_ms <= now_ms() && failing.attempts >= 1);
    failing.error + if board.newest(1, Some(published)).is_some() { " AND IS SHOWN" } else { "" }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_lie_is_refused_by_name_and_forgiven_when_it_ends() {
    let site = Site::open().await;
    let size = log_size(&site);
    let says = |status, kind, body: &str| Manner::Says(status, kind, body.to_owned());
    let lies = [
        (Manner::WrongKey, "signature of witness.example/w1 does not verify"),
        (Manner::OtherRoot, "signature of witness.example/w1 does not verify"),
        (Manner::Ahead(3_600), "clock is ahead"),
        (Manner::At(u64::MAX / 2), "clock is ahead"),
        (Manner::At(u64::MAX), "does not verify"),
        (Manner::At(0), "without a time"),
        (Manner::Stranger, "no cosignature by witness.example/w1"),
        (Manner::Twice, "has signed twice"),
        (Manner::Endless, "no answer within"),
        (Manner::Flood, "an answer of more than 65536 bytes"),
        (Manner::Silent, "no answer within"),
        (Manner::HangUp, "no answer: "),
        (says(200, TEXT, ""), "not signature lines"),
        (says(200, TEXT, "— x"), "not signature lines"),
        (says(200, "text/html", "<html>\u{202e}</html>\n"), "not signature lines"),
        (says(201, TEXT, ""), "answered 201"),
        (says(302, TEXT, ""), "a redirect, which is not followed"),
        (says(400, TEXT, ""), "answered 400"),
        (says(403, TEXT, ""), "(403). Give its operator the `log` lines of /policy"),
        (says(404, TEXT, ""), "does not know the log ledger.example/wb (404)"),
        (says(422, TEXT, ""), "dalil audit"),
        (says(429, TEXT, ""), "answered 429"),
        (says(500, TEXT, "a very\r\nlong story"), "answered 500"),
        (says(503, TEXT, ""), "answered 503"),
        (says(409, TEXT, "1\n"), "where text/x.tlog.size is expected"),
        (says(409, SIZE, ""), "no size"),
        (says(409, SIZE, "many\n"), "no size"),
        (says(409, SIZE, "01\n"), "no size"),
        (says(409, SIZE, "18446744073709551616\n"), "no size"),
        // The size that it was just told, a size beyond ours, and a size that it does not mean.
        (says(409, SIZE, "0\n"), "refuses a proof from there"),
        (says(409, SIZE, &format!("{}\n", size + 1)), "another one that asks this witness too"),
        (says(409, SIZE, &format!("{}\n", u64::MAX)), "the witness is not to be believed"),
        (says(409, SIZE, "1\n"), "knows 1 entries, and refuses a proof from there"),
    ];
    let published = site.published.borrow().clone().unwrap().note.clone();
    for (lie, words) in lies {
        let (told, lying) = (lie.clone(), Arc::new(AtomicBool::new(true)));
        let lies = lying.clone();
        let manner = move |_| if lies.load(Ordering::SeqCst) { told.clone() } else { Manner::Honest };
        let witness = Witness::start(W1, log_vkeys(&site), manner);
        let witnesses = start(&site, &[&witness], terms(EVERY_HEAD));
        let error = failing(&witnesses, &published).await;
        assert!(error.contains(words) && !error.contains("AND IS SHOWN"), "{lie:?}: {error}");
        assert!(!error.contains('\u{202e}') && !error.contains("story"), "{error}");
        lying.store(false, Ordering::SeqCst);
        cosigned(&witnesses.board(), size).await;
        let note = witnesses.board().newest(1, Some(&published)).unwrap();
        assert!(witness.cosigned(&note).is_some(), "{lie:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_without_end_is_asked_twice_an_attempt_and_no_more() {
    let site = Site::open().await;
    // Never twice the same, never what it was told.
    let manner = |number: usize| Manner::Says(409, SIZE, format!("{}\n", number % 3 + 1));
    let witness = Witness::start(W1, log_vkeys(&site), manner);
    let witnesses = start(&site, &[&witness], terms(EVERY_HEAD));
    let board = witnesses.board();
    let status = until("twice", || board.status().remove(0).failing.filter(|it| it.attempts >= 3)).await;
    assert!(status.error.contains("makes them up"), "{status:?}");
    let asked = until("asked", || Some(witness.asked()).filter(|asked| asked.len() >= 6)).await;
    let olds: Vec<_> = asked.iter().take(6).map(|it| it.old).collect();
    // What it said last is where the next attempt begins.
    assert_eq!(olds, [0, 1, 2, 3, 1, 2]);
    assert!(asked.len() as u64 <= u64::from(board.status()[0].failing.clone().unwrap().attempts + 1) * 2);
    assert_eq!(board.newest(1, None), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_that_forgot_is_told_anew() {
    let mut site = Site::open().await;
    let manner = |number| if number == 1 { Manner::Forget } else { Manner::Honest };
    let witness = Witness::start(W1, log_vkeys(&site), manner);
    let witnesses = start(&site, &[&witness], terms(EVERY_HEAD));
    let first = log_size(&site);
    cosigned(&witnesses.board(), first).await;
    let size = grow(&mut site, 100);
    cosigned(&witnesses.board(), size).await;
    let asked: Vec<_> = witness.asked().iter().map(|it| (it.old, it.answered)).collect();
    assert_eq!(asked, [(0, 200), (first, 409), (0, 200)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_that_is_ahead_is_not_believed_and_goes_on_when_the_node_has_caught_up() {
    let mut site = Site::open().await;
    let witness = Witness::honest(W1, log_vkeys(&site));
    // Another node was quicker.
    site.issue(100);
    let ahead = log_size(&site);
    witness.remember(ORIGIN, ahead, site.ledger.view().unwrap().log_root().unwrap().0);
    let witnesses = start(&site, &[&witness], terms(EVERY_HEAD));
    let error = failing(&witnesses, "").await;
    assert!(error.contains(&format!("knows {ahead} entries of this log, this node")), "{error}");
    assert!(witness.asked().iter().all(|it| it.proof == 0), "no proof from beyond its own head");
    site.publish(now_ms());
    cosigned(&witnesses.board(), ahead).await;
    let size = grow(&mut site, 101);
    cosigned(&witnesses.board(), size).await;
}

/// Somebody showed it another log under this name: it must not cosign ours, and the operator must hear of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_witness_that_holds_another_history_says_so_and_so_does_the_node() {
    let site = Site::open().await;
    let witness = Witness::honest(W1, log_vkeys(&site));
    let forked = log_size(&site) - 1;
    witness.remember(ORIGIN, forked, [7; 32]);
    let witnesses = start(&site, &[&witness], terms(EVERY_HEAD));
    let error = failing(&witnesses, "").await;
    let words = format!("of {} entries does not continue the one of {forked} that it cosigned (422)", forked + 1);
    assert!(error.contains(&words) && error.contains("dalil audit"), "{error}");
    let asked = witness.asked();
    assert_eq!((asked[0].answered, asked[1].answered, asked[1].old), (409, 422, forked));
    assert_eq!(witness.knows(ORIGIN), Some((forked, [7; 32])));
}
