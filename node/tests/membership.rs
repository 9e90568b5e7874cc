//! A fifth validator joins a running network by the command line alone, and a verifier with an old pin follows.

#![allow(clippy::unwrap_used, clippy::panic)] // Test code: what is not as expected must stop the test.

mod cli;

use cli::Said;
use cli::nodes::Nodes;
use serde_json::{Value, json};

#[test]
fn a_fifth_validator_joins_by_the_command_line_and_its_vote_is_needed() {
    let mut nodes = Nodes::generate();
    (1..=4).for_each(|node| nodes.start(node));
    (1..=4).for_each(|node| nodes.ready(node));

    // Transport makes a home with keys, dials all validators, and shows its public keys.
    let listed = |node: usize| {
        let text = std::fs::read_to_string(nodes.home(node).join("config.toml")).unwrap();
        toml::from_str::<toml::Table>(&text).unwrap()["peers"].as_array().unwrap().clone()
    };
    let mut peers: Vec<String> = [listed(1), listed(2)].concat().iter().map(|it| it.as_str().unwrap().into()).collect();
    peers.sort();
    peers.dedup();
    assert_eq!(peers.len(), 4);
    let (p2p, http) = (nodes.first_port + 4, nodes.first_port + 9);
    let (p2p, http) = (format!("127.0.0.1:{p2p}"), format!("127.0.0.1:{http}"));
    let mut init = vec!["node", "init", "--home", "net/node-5", "--department", "transport"];
    init.extend(["--genesis", "net/node-1/genesis.bin", "--p2p-listen", &p2p, "--http-listen", &http]);
    init.extend(peers.iter().flat_map(|peer| ["--peer", peer]));
    assert_eq!(nodes.run(&init).code, 0);
    let shown = nodes.run(&["key", "show", "net/node-5/keys/validator.seed", "--validator", "transport", "--json"]);
    std::fs::write(nodes.path().join("transport.json"), &shown.out).unwrap();

    // Three of four departments carry it; Transport's node is let in and catches up before it has a seat.
    let add = ["ballot", "propose", "--ballot", "add-transport", "--add", "transport.json", "--from-height", "12"];
    nodes.recorded(1, &add, "land/voter");
    nodes.recorded(1, &["ballot", "vote", "--ballot", "add-transport"], "minerals/voter");
    nodes.recorded(1, &["ballot", "vote", "--ballot", "add-transport"], "finance/voter");
    assert_eq!(nodes.validators(1)["pending"][0]["due_height"], Value::Null);
    nodes.start(5);
    let (height, url) = (nodes.height(1), nodes.url(5));
    let caught_up = |said: &Said| {
        serde_json::from_str::<Value>(&said.out).is_ok_and(|status| status["height"].as_u64() >= Some(height))
    };
    nodes.until("caught up", &["--json", "node", "status", "--url", &url], caught_up);
    nodes.recorded(5, &["validator", "ready", "--ballot", "add-transport", "--home", "net/node-5"], "transport/admin");
    assert_eq!(nodes.validators(5)["pending"][0]["due_height"], 12);
    nodes.go_to(11);
    let shown = nodes.validators(1);
    assert_eq!((&shown["from_height"], shown["validators"].as_array().unwrap().len()), (&json!(12), 5));
    let early = nodes.hand_in(5, &["validator", "joined", "--home", "net/node-5"], "transport/admin");
    assert!(early.code == 1 && early.out.contains("to be decided first"), "{}", early.out);
    nodes.go_to(13);
    let joined = ["validator", "joined", "--home", "net/node-5", "--testnet", "net", "--posting", "transport/admin"];
    nodes.until("joined", &[&joined[..], &["--url", &nodes.url(5)]].concat(), |said| said.code == 0);
    assert_eq!(nodes.validators(1)["absent"], json!([]));
    let ballot = nodes.run(&["ballot", "show", "add-transport", "--json", "--url", &nodes.url(2)]);
    assert_eq!(ballot.json()["outcome"], json!({ "in_force": 12 }), "{}", ballot.out);

    // Four of five decide: with one down the newcomer's vote is needed.
    nodes.kill(4);
    assert_eq!(nodes.beat(1).code, 0);
    nodes.kill(5);
    let call = json!({ "land": { "register_mouza": {
        "id": "9001-1", "district": 305, "block": 2795, "thana": null, "jl": 1 } } });
    std::fs::write(nodes.path().join("late.json"), call.to_string()).unwrap();
    let (url, late) = (nodes.url(1), ["record", "submit", "late.json", "--testnet", "net", "--posting", "land/dllro"]);
    let said = nodes.run(&[&late[..], &["--url", &url, "--wait", "3s", "--json"]].concat());
    assert_eq!((said.code, &said.json()["outcome"]), (1, &json!("pending")));
    nodes.start(5);
    let id = said.json()["id"].as_str().unwrap().to_owned();
    nodes.until("recorded after all", &["record", "show", &id, "--url", &url], |said| said.code == 0);

    a_verifier_follows(&nodes);
}

/// The pin made with the network knows four validators; the head is cosigned by five.
fn a_verifier_follows(nodes: &Nodes) {
    let url = nodes.url(1);
    let verify = |pin: &str| {
        let asked = ["verify", "in.gov.wb.land-ROR-none0000000", "--json", "--policy", pin, "--url", &url];
        nodes.run(&asked)
    };
    let before = verify("net/pin.json");
    assert_eq!((before.code, &before.json()["reason"]), (4, &json!("other_validators")), "{}", before.out);
    assert!(before.json()["detail"].as_str().unwrap().contains("dalil pin renew"));
    let renew = ["pin", "renew", "net/pin.json", "--out", "renewed.json", "--url", &url, "--json"];
    let said = nodes.until("renewed", &renew, |said| said.code == 0).json();
    assert_eq!((&said["handovers"], &said["from_height"], &said["quorum"]), (&json!(1), &json!(12), &json!(4)));
    assert_eq!(verify("renewed.json").code, 3, "not on record, proven");
    // A pin of another chain is not renewed here.
    let other = std::fs::read_to_string(nodes.path().join("net/pin.json")).unwrap();
    let chain = serde_json::from_str::<Value>(&other).unwrap()["chain"].as_str().unwrap().to_owned();
    std::fs::write(nodes.path().join("other.json"), other.replace(&chain, &"0".repeat(64))).unwrap();
    let said = nodes.run(&["pin", "renew", "other.json", "--url", &url]);
    assert!(said.code == 1 && said.err.contains("another chain"), "{}", said.err);
}
