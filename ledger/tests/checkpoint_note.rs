//! C2SP signed-note, tlog-checkpoint and tlog-cosignature: text forms, and the refusal of every other spelling.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::*;
use dalil_ledger::checkpoint::{Checkpoint, Cosignature, KeyError, KeyKind, Note, NoteError, VerifierKey};
use dalil_ledger::crypto::Signature;

/// The example of the C2SP signed-note text.
const VKEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const NOTE: &str = "This is an example message.\n\n— example.com/foo \
    Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

#[test]
fn the_example_of_signed_note_verifies() {
    let vkey: VerifierKey = VKEY.parse().unwrap();
    assert_eq!((vkey.kind, vkey.to_string().as_str()), (KeyKind::Log, VKEY));
    let note = Note::parse(NOTE.as_bytes()).unwrap();
    assert_eq!(note.to_string(), NOTE);
    let line = &note.signatures[0];
    assert_eq!((&line.name, line.id), (&vkey.name, vkey.id()));
    let signature = Signature(line.bytes.clone().try_into().unwrap());
    vkey.key.verify_raw(note.text.as_bytes(), &signature).unwrap();
}

#[test]
fn a_note_has_one_spelling() {
    let body = "origin\n1\nroot\n";
    let line = "— a.example AAAAAAE=\n";
    Note::parse(format!("{body}\n{line}").as_bytes()).unwrap();
    for note in [
        String::new(),
        "\n".to_owned(),
        format!("\n\n{line}"),
        body.to_owned(),
        format!("{body}{line}"),
        format!("{body}\n"),
        format!("{body}\n{}", line.trim_end()),
        format!("{body}\n{line}\n"),
        format!("{body}\n{line}trailing"),
        format!("{body}\n{line}trailing\n"),
        format!("{body}\n- a.example AAAAAAE=\n"),
        format!("{body}\n—a.example AAAAAAE=\n"),
        format!("{body}\n— a.example  AAAAAAE=\n"),
        format!("{body}\n— a+b.example AAAAAAE=\n"),
        format!("{body}\n—  AAAAAAE=\n"),
        format!("{body}\n— a.example AAAA\n"),
        format!("{body}\n— a.example AAAAAAE\n"),
        format!("{body}\n— a.example AAAAAAF=\n"),
        format!("{body}\n— a.example AAAAAA==\n\u{0}"),
        format!("origin\r\n1\nroot\n\n{line}"),
        format!("{body}\n— a.example AAAAAAE=\r\n"),
        format!("{body}\n— a\u{a0}b.example AAAAAAE=\n"),
    ] {
        assert!(Note::parse(note.as_bytes()).is_err(), "{note:?}");
    }
    assert_eq!(Note::parse(b"text\n\n\xff\n"), Err(NoteError::Characters));
}

#[test]
fn a_note_is_bounded() {
    let lines = |count: usize| format!("text\n\n{}", "— a.example AAAAAAE=\n".repeat(count));
    Note::parse(lines(64).as_bytes()).unwrap();
    assert_eq!(Note::parse(lines(65).as_bytes()), Err(NoteError::Signatures(65)));
    assert!(matches!(Note::parse(&vec![b'a'; 70_000]), Err(NoteError::TooLong(70_000))));
}

#[test]
fn the_text_of_a_note_may_hold_blank_lines() {
    let note = Note::parse("one\n\ntwo\n\n— a.example AAAAAAE=\n".as_bytes()).unwrap();
    assert_eq!(note.text, "one\n\ntwo\n");
}

#[test]
fn a_checkpoint_has_one_spelling() {
    let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    let checkpoint: Checkpoint = text.parse().unwrap();
    assert_eq!((checkpoint.size, checkpoint.to_string().as_str()), (20_852_163, text));
    let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
    for text in [
        String::new(),
        format!("origin\n1\n{root}"),
        format!("origin\n1\n{root}\nextension\n"),
        format!("origin\n1\n{root}\n\n"),
        format!("\n1\n{root}\n"),
        format!("or igin\n1\n{root}\n"),
        format!("origin\n01\n{root}\n"),
        format!("origin\n+1\n{root}\n"),
        format!("origin\n-1\n{root}\n"),
        format!("origin\n\n{root}\n"),
        format!("origin\n18446744073709551616\n{root}\n"),
        // Non-canonical base64: trailing bits, missing padding, another alphabet, another length.
        format!("origin\n1\n{}J=\n", &root[..42]),
        format!("origin\n1\n{}\n", root.trim_end_matches('=')),
        format!("origin\n1\n{}\n", root.replace('/', "_")),
        "origin\n1\nAAAA\n".to_owned(),
    ] {
        assert!(text.parse::<Checkpoint>().is_err(), "{text:?}");
    }
}

#[test]
fn a_cosignature_covers_time_and_checkpoint() {
    let chain = Chain::new();
    let checkpoint = chain.checkpoint();
    let keys = &chain.keys[1];
    let cosignature = Cosignature::sign(&checkpoint, &keys.cosigner, 1_780_272_000);
    cosignature.verify(&checkpoint, &keys.cosigner.public()).unwrap();
    let expected = format!("cosignature/v1\ntime 1780272000\n{checkpoint}");
    keys.cosigner.public().verify_raw(expected.as_bytes(), &cosignature.signature).unwrap();
    let later = Cosignature { time_s: cosignature.time_s + 1, ..cosignature };
    assert!(later.verify(&checkpoint, &keys.cosigner.public()).is_err());
    let grown = Checkpoint { size: checkpoint.size + 1, ..checkpoint.clone() };
    assert!(cosignature.verify(&grown, &keys.cosigner.public()).is_err());
    assert!(cosignature.verify(&checkpoint, &chain.keys[2].cosigner.public()).is_err());
    // C2SP tlog-cosignature: a time must not exceed 2^63 − 1.
    let beyond = Cosignature::sign(&checkpoint, &keys.cosigner, 1 << 63);
    assert!(beyond.verify(&checkpoint, &keys.cosigner.public()).is_err());
}

#[test]
fn a_cosignature_line_is_big_endian_time_and_signature() {
    let chain = Chain::new();
    let policy = chain.policy();
    let cosignature = Cosignature::sign(&chain.checkpoint(), &chain.keys[0].cosigner, 0x0102_0304);
    let line = cosignature.to_line(&policy.witnesses()[0].key);
    assert_eq!(line.bytes[..8], [0, 0, 0, 0, 1, 2, 3, 4]);
    assert_eq!(line.bytes[8..], cosignature.signature.0);
    assert_eq!(line.name.as_str(), "ledger.example/test/finance");
}

#[test]
fn vkeys_that_are_wrong_are_refused() {
    for vkey in [
        "",
        "example.com/foo",
        "example.com/foo+530d903a",
        "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/bar+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2",
        "example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    ] {
        assert!(vkey.parse::<VerifierKey>().is_err(), "{vkey:?}");
    }
}

#[test]
fn small_order_keys_are_refused_in_vkeys() {
    let weak = VerifierKey { name: origin(), kind: KeyKind::Cosigner, key: small_order_key() };
    assert!(matches!(weak.to_string().parse::<VerifierKey>(), Err(KeyError::Key(..))));
}
