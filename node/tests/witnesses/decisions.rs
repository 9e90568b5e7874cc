//! What is decided without a network: when, what is sent, how an answer is read, and what is kept.

use std::time::Duration;

use axum::http::StatusCode;
use dalil_ledger::checkpoint::{
    Checkpoint, Cosignature, KeyKind, LogSignature, NOTE_SIGNATURES_FOR_ALL, Note, Policy, VerifierKey,
};
use dalil_ledger::crypto::{Hash, SecretKey};
use dalil_ledger::validators::ValidatorSet;
use dalil_node::shell::outbound::Answered;
use dalil_node::shell::witnesses::{Answer, Board, Offer, Pace, Trouble, read};

use crate::asked::ORIGIN;
use crate::support::{genesis, key_of, node_keys};

const NOW_S: u64 = 1_793_601_000;

fn vkey(place: usize) -> VerifierKey {
    let name = format!("witness.example/w{place}").parse().unwrap();
    VerifierKey { name, kind: KeyKind::Cosigner, key: secret(place).public() }
}

fn secret(place: usize) -> SecretKey {
    key_of(&format!("witness {place}"))
}

fn checkpoint(size: u64) -> Checkpoint {
    Checkpoint { origin: ORIGIN.parse().unwrap(), size, root: Hash([size as u8; 32]) }
}

/// The validators' note of a head.
fn note(size: u64, time_s: u64) -> String {
    note_of(&genesis().validators, size, time_s)
}

fn note_of(set: &ValidatorSet, size: u64, time_s: u64) -> String {
    let (checkpoint, policy) = (checkpoint(size), Policy::of_set(&ORIGIN.parse().unwrap(), set).unwrap());
    let keys: Vec<_> = set.iter().map(|member| node_keys(member.department.as_str())).collect();
    let log = LogSignature::sign(&checkpoint, &keys[0].log().unwrap()).to_line(&policy.logs()[0]);
    let cosigned =
        keys.iter().zip(policy.witnesses()).take(set.quorum()).map(|(keys, witness)| {
            Cosignature::sign(&checkpoint, &keys.cosigner().unwrap(), time_s).to_line(&witness.key)
        });
    Note { text: checkpoint.to_string(), signatures: std::iter::once(log).chain(cosigned).collect() }.to_string()
}

fn take(board: &mut Board, place: usize, size: u64, time_s: u64) {
    let cosignature = Cosignature::sign(&checkpoint(size), &secret(place), time_s);
    board.take(place, &vkey(place), &checkpoint(size), &note(size, NOW_S), &cosignature);
}

/// Size, and the witnesses whose lines stand in a note.
fn shown(note: &str) -> (u64, Vec<String>) {
    let note = Note::parse(note.as_bytes()).unwrap();
    let checkpoint: Checkpoint = note.text.parse().unwrap();
    let names = note.signatures.iter().map(|line| line.name.to_string());
    (checkpoint.size, names.filter_map(|name| name.strip_prefix("witness.example/").map(str::to_owned)).collect())
}

fn newest(board: &Board, least: usize) -> Option<(u64, Vec<String>)> {
    board.newest(least, None).map(|note| shown(&note))
}

#[test]
fn a_head_is_offered_at_once_then_at_a_pace() {
    let s = Duration::from_secs;
    let pace = Pace { at_most_every: s(10), again_after: s(60) };
    assert_eq!(pace, Pace::default());
    for (since, is_new, wait) in [
        (None, true, s(0)),
        (Some(s(0)), true, s(10)),
        (Some(s(7)), true, s(3)),
        (Some(s(10)), true, s(0)),
        (Some(s(1_000)), true, s(0)),
        (Some(s(10)), false, s(50)),
        (Some(s(60)), false, s(0)),
        (Some(s(1_000)), false, s(0)),
    ] {
        assert_eq!(pace.wait(since, is_new), wait, "{since:?} {is_new}");
    }
}

#[test]
fn for_each_number_of_witnesses_the_newest_head_is_kept() {
    let mut board = Board::default();
    assert_eq!(newest(&board, 1), None);
    let names = |places: &[usize]| places.iter().map(|place| format!("w{place}")).collect::<Vec<_>>();
    for place in [2, 0, 1] {
        take(&mut board, place, 10, NOW_S);
    }
    assert_eq!(newest(&board, 3), Some((10, names(&[0, 1, 2]))), "in the order of the configuration");
    take(&mut board, 0, 20, NOW_S);
    take(&mut board, 1, 20, NOW_S);
    take(&mut board, 1, 30, NOW_S);
    assert_eq!(newest(&board, 1), Some((30, names(&[1]))));
    assert_eq!(newest(&board, 2), Some((20, names(&[0, 1]))));
    assert_eq!(newest(&board, 3), Some((10, names(&[0, 1, 2]))));
    assert_eq!(newest(&board, 4), None);
    // One that was slow does not bring back what is superseded.
    take(&mut board, 0, 15, NOW_S);
    assert_eq!(board.dress(&note(15, NOW_S), 16), note(15, NOW_S));
    take(&mut board, 0, 30, NOW_S);
    assert_eq!(newest(&board, 2), Some((30, names(&[0, 1]))));
    assert_eq!(board.dress(&note(20, NOW_S), 16), note(20, NOW_S), "superseded");
    assert_eq!(newest(&board, 3), Some((10, names(&[0, 1, 2]))));
}

#[test]
fn the_newest_time_of_a_witness_counts_and_the_newest_lines_of_the_validators() {
    let mut board = Board::default();
    take(&mut board, 0, 10, NOW_S + 60);
    take(&mut board, 0, 10, NOW_S);
    let line = Cosignature::sign(&checkpoint(10), &secret(0), NOW_S + 60).to_line(&vkey(0));
    assert_eq!(board.newest(1, None), Some(format!("{}{line}\n", note(10, NOW_S))));
    let fresh = note(10, NOW_S + 15);
    assert_eq!(board.newest(1, Some(&fresh)), Some(format!("{fresh}{line}\n")));
    assert_eq!(board.newest(1, Some(&note(11, NOW_S))), Some(format!("{}{line}\n", note(10, NOW_S))));
    assert_eq!(board.newest(1, Some("")), Some(format!("{}{line}\n", note(10, NOW_S))));
}

#[test]
fn a_note_keeps_as_many_lines_as_every_verifier_takes() {
    let mut board = Board::default();
    (0..8).for_each(|place| take(&mut board, place, 10, NOW_S));
    let plain = note(10, NOW_S);
    let own = Note::parse(plain.as_bytes()).unwrap().signatures.len();
    assert_eq!(own, 4);
    for (lines_max, expected) in [(16, 8), (11, 7), (5, 1), (4, 0), (0, 0)] {
        let dressed = board.dress(&plain, lines_max);
        assert!(dressed.starts_with(&plain), "the validators' lines come first");
        assert_eq!(shown(&dressed).1.len(), expected, "{lines_max}");
    }
    // Another root at the same size is another checkpoint.
    let other = plain.replace(&plain.lines().nth(2).unwrap().to_owned(), &"A".repeat(43));
    assert_eq!(board.dress(&other, 16), other);
    assert_eq!(board.dress("no note", 16), "no note");
}

#[test]
fn the_validators_go_along_while_the_note_is_short() {
    let offer = |note: &str, set: &ValidatorSet, key: Option<SecretKey>| {
        let request = Offer::new(note, set, key.as_ref()).unwrap().request(0, Vec::new());
        request.note.signatures
    };
    let set = &genesis().validators;
    let plain = note(10, NOW_S);
    assert_eq!(offer(&plain, set, None), Note::parse(plain.as_bytes()).unwrap().signatures, "as it was published");
    let own = node_keys("minerals").log().unwrap();
    let signed = offer(&plain, set, Some(own.clone()));
    assert_eq!((signed.len(), signed[0].name.as_str()), (4, ORIGIN));
    let vkey = VerifierKey { name: ORIGIN.parse().unwrap(), kind: KeyKind::Log, key: own.public() };
    assert_eq!(signed[0], LogSignature::sign(&checkpoint(10), &own).to_line(&vkey));

    let departments: Vec<&'static str> = (10..33).map(|n| &*format!("department-{n}").leak()).collect();
    let members = |count: usize| {
        let members = departments[..count].iter().map(|it| node_keys(it).validator(it.parse().unwrap()).unwrap());
        ValidatorSet::new(members.collect()).unwrap()
    };
    for (count, lines) in [(22, NOTE_SIGNATURES_FOR_ALL), (23, 1)] {
        let set = members(count);
        assert_eq!(offer(&note_of(&set, 10, NOW_S), &set, None).len(), lines, "{count} validators");
    }
    assert!(matches!(Offer::new("no note", set, None), Err(Trouble::Note(_))));
}

#[test]
fn an_answer_is_read_by_its_status() {
    let (checkpoint, key) = (checkpoint(10), vkey(0));
    let line = format!("{}\n", Cosignature::sign(&checkpoint, &secret(0), NOW_S).to_line(&key));
    let read = |status: u16, kind: Option<&str>, body: &str| {
        let (status, content_type) = (StatusCode::from_u16(status).unwrap(), kind.map(str::to_owned));
        let answered = Answered { status, content_type, body: body.to_owned().into() };
        read(&answered, &checkpoint, 4, &key, NOW_S * 1_000, 10_000)
    };
    assert!(matches!(read(200, None, &line), Ok(Answer::Cosigned(it)) if it.time_s == NOW_S));
    for kind in ["text/x.tlog.size", "Text/X.Tlog.Size", "text/x.tlog.size; charset=utf-8"] {
        assert_eq!(read(409, Some(kind), "7\n"), Ok(Answer::Knows(7)), "{kind}");
    }
    assert_eq!(read(409, Some("text/x.tlog.size"), "0\n"), Ok(Answer::Knows(0)), "it has forgotten");
    assert_eq!(read(409, Some("text/x.tlog.size"), "10\n"), Ok(Answer::Knows(10)));
    assert_eq!(read(409, Some("text/x.tlog.size"), "4\n"), Err(Trouble::Contradiction(4)));
    assert_eq!(read(409, Some("text/x.tlog.size"), "11\n"), Err(Trouble::Ahead { known: 11, size: 10 }));
    assert_eq!(read(409, None, "7\n"), Err(Trouble::NoSize(None)));
    let long = "x".repeat(500);
    assert!(matches!(read(409, Some(&long), "7\n"), Err(Trouble::NoSize(Some(said))) if said.len() == 80));
    assert_eq!(read(422, None, ""), Err(Trouble::Inconsistent { old: 4, size: 10 }));
    assert_eq!(read(403, None, &line), Err(Trouble::UntrustedKey));
    assert_eq!(read(404, None, &line), Err(Trouble::UnknownLog(checkpoint.origin.clone())));
    for status in [201, 204, 400, 405, 413, 429, 500, 503] {
        assert_eq!(read(status, None, &line), Err(Trouble::Status(StatusCode::from_u16(status).unwrap())));
    }
}
