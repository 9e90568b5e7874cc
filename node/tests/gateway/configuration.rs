//! What an operator writes, and what a node does not start with.

use std::net::SocketAddr;

use dalil_contracts::authority::PostingId;
use dalil_ledger::crypto::sha256;
use dalil_node::gateway::clients::{Clients, new_api_key};
use dalil_node::gateway::config::{GatewayConfig, PostingPattern};

use crate::support::token;

const PUBLIC: &str = "127.0.0.1:8080";

fn config(text: &str) -> GatewayConfig {
    let digest = sha256(b"first");
    toml(&text.replace("FIRST", &digest.to_string()).replace("SECOND", &sha256(b"second").to_string()))
}

/// A configuration as `config.toml` has it.
fn toml(text: &str) -> GatewayConfig {
    let whole = format!("p2p_listen = \"127.0.0.1:26600\"\nhttp_listen = \"{PUBLIC}\"\npeers = []\n{text}");
    dalil_node::shell::home::Config::from_toml(&whole).unwrap().gateway.unwrap()
}

const GOOD: &str = "[gateway]\nkey = \"keys/gateway.seed\"\n[[gateway.clients]]\nname = \"edistrict\"\n\
                    key_sha256 = \"FIRST\"\npostings = [\"district/*\", \"land/intake\"]\nper_second = 2\n";

#[test]
fn the_usual_configuration_listens_on_this_machine_alone() {
    let config = config(GOOD);
    assert_eq!(config.listen.to_string(), "127.0.0.1:8090");
    assert_eq!((config.remember_days, config.lapse_after_s, config.allow_remote), (7, 600, false));
    let public: SocketAddr = PUBLIC.parse().unwrap();
    config.check(&[public]).unwrap();
}

#[test]
fn what_would_expose_or_confuse_is_refused_in_words() {
    let taken: [SocketAddr; 2] = [PUBLIC.parse().unwrap(), "0.0.0.0:26600".parse().unwrap()];
    let refused = |from: &str, to: &str, words: &str| {
        let text = GOOD.replacen(from, to, 1);
        assert_ne!(text, GOOD);
        let said = config(&text).check(&taken).unwrap_err().to_string();
        assert!(said.contains(words), "{said}");
    };
    let listen = |address: &str| format!("[gateway]\nlisten = \"{address}\"\n");
    refused("[gateway]\n", &listen("0.0.0.0:8090"), "allow_remote");
    refused("[gateway]\n", &listen("10.1.2.3:8090"), "TLS");
    refused("[gateway]\n", &listen("[::]:8090"), "allow_remote");
    refused("[gateway]\n", &listen(PUBLIC), "port of its own");
    refused("[gateway]\n", &listen("127.0.0.1:26600"), "port of its own");
    refused("[gateway]\n", &listen("0.0.0.0:8080"), "port of its own");
    refused("[gateway]\n", "[gateway]\nremember_days = 0\n", "remember_days");
    refused("[gateway]\n", "[gateway]\nlapse_after_s = 3600\n", "lapse_after_s");
    refused("per_second = 2", "per_second = 0", "per_second");
    refused("[\"district/*\", \"land/intake\"]", "[]", "no posting");
    refused("district/*", "*/sdo", "only at the end");
    let second = |name: &str, key: &str| {
        format!("{GOOD}[[gateway.clients]]\nname = \"{name}\"\nkey_sha256 = \"{key}\"\npostings = [\"land/intake\"]\n")
    };
    for text in [second("edistrict", "SECOND"), second("other", "FIRST")] {
        assert!(config(&text).check(&taken).unwrap_err().to_string().contains("another one"));
    }
    config(&second("other", "SECOND")).check(&taken).unwrap();
    // Known to the operator, but only where other machines are meant to reach it.
    let remote = GOOD.replacen("[gateway]\n", "[gateway]\nallow_remote = true\nlisten = \"10.1.2.3:8090\"\n", 1);
    config(&remote).check(&taken).unwrap();
}

#[test]
fn a_pattern_covers_what_begins_so() {
    let covers = |pattern: &str, posting: &str| {
        let posting: PostingId = token(posting);
        PostingPattern(token(pattern)).covers(&posting)
    };
    assert!(covers("district/*", "district/sdo-bankura") && covers("land/intake", "land/intake") && covers("*", "a/b"));
    assert!(
        !covers("district/*", "districts/x")
            && !covers("land/intake", "land/intake2")
            && !covers("land/intake", "land")
    );
}

#[test]
fn clients_are_told_apart_by_their_keys_and_held_to_their_rate() {
    let text =
        format!("{GOOD}[[gateway.clients]]\nname = \"b\"\nkey_sha256 = \"SECOND\"\npostings = [\"land/intake\"]\n");
    let clients = Clients::new(&config(&text).clients);
    assert_eq!(clients.by_key(b"first").unwrap().name().as_str(), "edistrict");
    assert_eq!(clients.by_key(b"second").unwrap().name().as_str(), "b");
    let long = vec![b'a'; 1 << 20];
    for wrong in [&b""[..], b"First", b"first ", b"firs", &long] {
        assert!(clients.by_key(wrong).is_none());
    }
    let first = clients.by_key(b"first").unwrap();
    // Two at once, then one each half second; the bucket never holds more.
    assert_eq!([first.take(0), first.take(0), first.take(0)], [Ok(()), Ok(()), Err(1)]);
    assert_eq!([first.take(499), first.take(500), first.take(501)], [Err(1), Ok(()), Err(1)]);
    assert_eq!([first.take(60_000), first.take(60_000), first.take(60_000)], [Ok(()), Ok(()), Err(1)]);
    assert_eq!(first.take(0), Err(1), "a time before gives nothing");
    // Another client has a bucket of its own.
    assert_eq!(clients.by_key(b"second").unwrap().take(60_000), Ok(()));
}

#[test]
fn api_keys_are_never_the_same() {
    let (first, digest) = new_api_key().unwrap();
    let (second, _) = new_api_key().unwrap();
    assert_eq!(digest, sha256(first.as_bytes()));
    assert!(first != second && first.len() == "dalil-gateway-".len() + 43, "{} characters", first.len());
}
