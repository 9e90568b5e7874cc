//! C2SP tlog-policy: what is written, what is read, what is refused.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::*;
use dalil_ledger::checkpoint::{Policy, PolicyError};

#[test]
fn the_policy_of_a_set_reads_back() {
    let policy = Chain::new().policy();
    let text = policy.to_string();
    assert_eq!(text.parse::<Policy>().unwrap(), policy);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 10);
    assert!(lines[0].starts_with("log ledger.example/test+"));
    assert!(lines[4].starts_with("witness ledger.example/test/finance ledger.example/test/finance+"));
    assert!(lines[8].starts_with("group validators 3 ledger.example/test/finance ledger.example/test/land "));
    assert_eq!(lines[9], "quorum validators");
}

#[test]
fn comments_tabs_urls_and_other_labels_are_read() {
    let policy = Chain::new().policy();
    let log = policy.logs()[0].to_string();
    let keys: Vec<String> = policy.witnesses().iter().map(|witness| witness.key.to_string()).collect();
    let text = format!(
        "# a policy\n\n\tlog {log} https://log.example/\n witness a\t{} https://a.example/\nwitness b {}\n\
         witness c {}\n  # the rule\ngroup g any b a c\nquorum g",
        keys[0], keys[1], keys[2]
    );
    let read: Policy = text.parse().unwrap();
    assert_eq!((read.quorum(), read.witnesses().len(), read.logs().len()), (1, 3, 1));
    let all: Policy = text.replace(" any ", " all ").parse().unwrap();
    assert_eq!(all.quorum(), 3);
}

#[test]
fn same_key_under_two_names_is_refused() {
    let chain = Chain::new();
    let policy = chain.policy();
    let mut twice = policy.witnesses()[0].key.clone();
    twice.name = "ledger.example/test/other".parse().unwrap();
    let text = policy.to_string().replace(&policy.witnesses()[1].key.to_string(), &twice.to_string());
    assert!(matches!(text.parse::<Policy>(), Err(PolicyError::Repeated(_))));
    // Nor may a log key cosign.
    let mut log = policy.witnesses()[1].key.clone();
    log.key = policy.logs()[0].key;
    let text = policy.to_string().replace(&policy.witnesses()[1].key.to_string(), &log.to_string());
    assert!(matches!(text.parse::<Policy>(), Err(PolicyError::Repeated(_))));
}

#[test]
fn other_policies_are_refused() {
    let policy = Chain::new().policy();
    let text = policy.to_string();
    let [first, second] = [0, 1].map(|place| format!("{}", policy.witnesses()[place].key));
    let name = |place: usize| policy.witnesses()[place].label.clone();
    let refused = [
        ("empty", String::new()),
        ("no quorum line", text.replace("quorum validators\n", "")),
        ("quorum none", text.replace("quorum validators", "quorum none")),
        ("quorum of a single witness", text.replace("quorum validators", &format!("quorum {}", name(0)))),
        ("two quorum lines", format!("{text}quorum validators\n")),
        ("two groups", text.replace("quorum", "group more 1 validators\nquorum")),
        ("quorum of zero", text.replace("validators 3", "validators 0")),
        ("quorum above n", text.replace("validators 3", "validators 5")),
        ("quorum with a leading zero", text.replace("validators 3", "validators 03")),
        ("a member twice", text.replace(&format!(" {}\nquorum", name(3)), &format!(" {}\nquorum", name(0)))),
        ("a member left out", text.replace(&format!(" {}\nquorum", name(3)), "\nquorum")),
        ("an unknown member", text.replace(&format!(" {}\nquorum", name(3)), " nobody\nquorum")),
        (
            "group named none",
            text.replace("group validators", "group none").replace("quorum validators", "quorum none"),
        ),
        ("a witness after the group", format!("{text}witness late {first}\n")),
        ("the same vkey twice", text.replace(&second, &first)),
        ("a log of type 0x04", text.replace(&format!("log {}", policy.logs()[0]), &format!("log {first}"))),
        ("no log", text.lines().filter(|line| !line.starts_with("log")).map(|line| format!("{line}\n")).collect()),
        ("an unknown line", format!("{text}extra\n")),
        ("a carriage return", text.replace('\n', "\r\n")),
        ("a control character", format!("{text}#\u{7}\n")),
        ("too long", format!("{text}#{}\n", "a".repeat(70_000))),
    ];
    for (what, text) in refused {
        assert!(text.parse::<Policy>().is_err(), "{what}");
    }
}

#[test]
fn logs_of_two_origins_are_refused() {
    let policy = Chain::new().policy();
    let mut other = policy.logs()[1].clone();
    other.name = "ledger.example/other".parse().unwrap();
    let text = policy.to_string().replace(&policy.logs()[1].to_string(), &other.to_string());
    assert!(matches!(text.parse::<Policy>(), Err(PolicyError::Origins { .. })));
}

#[test]
fn thirty_two_validators_make_a_policy() {
    let names: Vec<&'static str> = (0..32).map(|n| &*format!("department-{n:02}").leak()).collect();
    let set = set_of(&names.into_iter().map(Keys::new).collect::<Vec<_>>());
    let policy = Policy::of_set(&origin(), &set).unwrap();
    assert_eq!(policy.quorum(), 22);
    assert_eq!(policy.to_string().parse::<Policy>().unwrap(), policy);
}
