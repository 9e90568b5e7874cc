//! C2SP tlog-witness: what is sent to an outside witness, and which of its answers are taken.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::*;
use dalil_ledger::checkpoint::{
    AddCheckpoint, Checkpoint, Cosignature, EndorsementError, KeyKind, Note, NoteError, VerifierKey,
    WitnessAnswerError, read_cosignature, read_known_size,
};
use dalil_ledger::crypto::{Hash, SecretKey, sha256};

const NOW_MS: u64 = T0_MS + 10 * MINUTE_MS;
const NOW_S: u64 = NOW_MS / 1_000;
const SKEW_MS: u64 = 10_000;

fn secret(name: &str) -> SecretKey {
    SecretKey::from_seed(&sha256(name.as_bytes()).0)
}

fn vkey(name: &str) -> VerifierKey {
    VerifierKey { name: name.parse().unwrap(), kind: KeyKind::Cosigner, key: secret(name).public() }
}

const W1: &str = "witness.example/w1";

/// The line of a witness.
fn line(name: &str, checkpoint: &Checkpoint, time_s: u64) -> String {
    format!("{}\n", Cosignature::sign(checkpoint, &secret(name), time_s).to_line(&vkey(name)))
}

fn read(body: &[u8]) -> Result<u64, WitnessAnswerError> {
    let checkpoint = Chain::new().checkpoint();
    let read = read_cosignature(body, &checkpoint, &vkey(W1), NOW_MS, SKEW_MS)?;
    read.verify(&checkpoint, &vkey(W1).key).unwrap();
    Ok(read.time_s)
}

#[test]
fn the_request_has_the_form_of_tlog_witness() {
    // The example of the C2SP text, with two of its hashes and one of its signatures.
    let note = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
        — example.com/behind-the-sofa \
        Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";
    let hash = |hex: &str| hex.parse::<Hash>().unwrap();
    let request = AddCheckpoint {
        old: 20_852_014,
        proof: vec![
            hash("3e544d0abc07a6a846aeea6e7b42fb8316e36cc88a03db5e9afb996430e991ac"),
            hash("8eb2590e663c63b4b2244d0c58ba4ba3390854c48c65c0f992fb8ac4f0b7b309"),
        ],
        note: Note::parse(note.as_bytes()).unwrap(),
    };
    let lines = "old 20852014\nPlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n\
        jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n\n";
    assert_eq!(request.to_string(), format!("{lines}{note}"));
    let first = AddCheckpoint { old: 0, proof: Vec::new(), note: request.note };
    assert_eq!(first.to_string(), format!("old 0\n\n{note}"));
}

#[test]
fn a_cosignature_of_this_checkpoint_is_taken_and_lines_of_others_are_ignored() {
    let checkpoint = Chain::new().checkpoint();
    let own = line(W1, &checkpoint, NOW_S);
    assert_eq!(read(own.as_bytes()), Ok(NOW_S));
    // Half the skew is left for verifiers.
    assert_eq!(read(line(W1, &checkpoint, NOW_S + 5).as_bytes()), Ok(NOW_S + 5));
    assert_eq!(read(line(W1, &checkpoint, 1).as_bytes()), Ok(1));
    let other = line("witness.example/w2", &checkpoint, u64::MAX);
    let same_name = "— witness.example/w1 AAAAAAE=\n";
    assert_eq!(read(format!("{other}{own}{same_name}{other}").as_bytes()), Ok(NOW_S));
}

#[test]
fn what_is_no_cosignature_of_this_checkpoint_is_refused() {
    let checkpoint = Chain::new().checkpoint();
    let own = line(W1, &checkpoint, NOW_S);
    let refused = |body: &[u8]| read(body).expect_err(&String::from_utf8_lossy(body));
    let wrong = WitnessAnswerError::Signature(EndorsementError::Signature(W1.parse().unwrap()));

    let forged = Cosignature::sign(&checkpoint, &secret("another"), NOW_S).to_line(&vkey(W1));
    assert_eq!(refused(format!("{forged}\n").as_bytes()), wrong, "another key under the witness's name");
    for other in [
        Checkpoint { root: Hash([7; 32]), ..checkpoint.clone() },
        Checkpoint { size: checkpoint.size + 1, ..checkpoint.clone() },
        Checkpoint { origin: "ledger.example/other".parse().unwrap(), ..checkpoint.clone() },
    ] {
        assert_eq!(refused(line(W1, &other, NOW_S).as_bytes()), wrong, "{other}");
    }
    assert_eq!(refused(line(W1, &checkpoint, NOW_S).replace("/w1", "/w2").as_bytes()), missing(), "another name");
    assert_eq!(refused(line("witness.example/w2", &checkpoint, NOW_S).as_bytes()), missing());
    assert_eq!(refused(line(W1, &checkpoint, 0).as_bytes()), WitnessAnswerError::Timeless);
    for time_s in [NOW_S + 6, u64::MAX / 2] {
        let most_s = NOW_S + 5;
        assert_eq!(refused(line(W1, &checkpoint, time_s).as_bytes()), WitnessAnswerError::Future { time_s, most_s });
    }
    assert_eq!(refused(line(W1, &checkpoint, u64::MAX).as_bytes()), wrong, "beyond what a time may be");
    let twice = WitnessAnswerError::Signature(EndorsementError::Repeated(W1.parse().unwrap()));
    assert_eq!(refused(format!("{own}{own}").as_bytes()), twice);
    // A whole note of another checkpoint, whose text would take the place of ours.
    assert_eq!(refused(format!("{checkpoint}\n{own}").as_bytes()), WitnessAnswerError::EmptyLine);
    assert_eq!(refused(format!("\n{own}").as_bytes()), WitnessAnswerError::EmptyLine);

    for (body, why) in [
        (Vec::new(), NoteError::Shape),
        (b"ok".to_vec(), NoteError::Shape),
        (own.trim_end().as_bytes().to_vec(), NoteError::Shape),
        (b"ok\n".to_vec(), NoteError::SignatureLine("ok".to_owned())),
        (format!("{own}\r\n").into_bytes(), NoteError::Characters),
        (vec![0xff; 10], NoteError::Characters),
        (own.repeat(65).into_bytes(), NoteError::Signatures(65)),
    ] {
        assert_eq!(refused(&body), WitnessAnswerError::Lines(why), "{}", String::from_utf8_lossy(&body));
    }
    assert!(matches!(refused(&[b'a'; 65 << 10]), WitnessAnswerError::Lines(NoteError::TooLong(_))));
}

fn missing() -> WitnessAnswerError {
    WitnessAnswerError::Missing(Box::new(vkey(W1)))
}

#[test]
fn a_known_size_is_a_decimal_and_a_newline() {
    assert_eq!(read_known_size(b"0\n"), Ok(0));
    assert_eq!(read_known_size(b"20852014\n"), Ok(20_852_014));
    assert_eq!(read_known_size(b"18446744073709551615\n"), Ok(u64::MAX));
    for junk in
        ["", "\n", "7", "07\n", "+7\n", "-1\n", "7\n\n", " 7\n", "7 \n", "7\r\n", "0x7\n", "18446744073709551616\n"]
    {
        assert_eq!(read_known_size(junk.as_bytes()), Err(WitnessAnswerError::Size), "{junk:?}");
    }
    assert_eq!(read_known_size("٧\n".as_bytes()), Err(WitnessAnswerError::Size));
    assert_eq!(read_known_size(&[0xff, b'\n']), Err(WitnessAnswerError::Size));
}
