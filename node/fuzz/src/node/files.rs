//! What operators, officers and departments' systems write: configuration, keys, calls, leaves, times, arguments, requests to
//! the gateway and to the pull interface.
//!
//! The first byte of an input chooses the format. Oracle: what was read is written and read again as the same; times
//! survive their text form.

use dalil_contracts::Invocation;
use dalil_node::cli::{parse_attachment, parse_invocation, takes};
use dalil_node::digilocker::request::{Kind, PullRequest};
use dalil_node::gateway::request::Request;
use dalil_node::shell::home::{Config, parse_seed};
use dalil_node::time;

use super::fixture::token;
use crate::Taken;
use crate::memory::bounded;
use crate::wire::{Wire, choose};

/// The last moment that has a four-digit year in India, UTC milliseconds.
const YEAR_9999_ENDS_MS: u64 = 253_402_300_800_000 - 19_800_000;

/// One text of the format that the first byte names.
pub fn files(bytes: &[u8]) -> Taken {
    const TABLE: &[Wire] = &[
        config,
        seed,
        moment,
        span,
        call,
        leaves,
        arguments,
        shown_moment,
        gateway_request,
        |bytes| taken(bounded(bytes, || PullRequest::from_xml(Kind::Uri, bytes)).is_ok()),
        |bytes| taken(bounded(bytes, || PullRequest::from_xml(Kind::Doc, bytes)).is_ok()),
    ];
    choose(TABLE, bytes)
}

fn taken(taken: bool) -> Taken {
    if taken { Taken::Yes } else { Taken::No }
}

fn config(bytes: &[u8]) -> Taken {
    let Ok(text) = std::str::from_utf8(bytes) else { return Taken::No };
    let Ok(config) = Config::from_toml(text) else { return Taken::No };
    assert_eq!(Config::from_toml(&config.to_toml().unwrap()).unwrap(), config);
    Taken::Yes
}

fn seed(bytes: &[u8]) -> Taken {
    let Ok(text) = std::str::from_utf8(bytes) else { return Taken::No };
    let Ok(key) = parse_seed(text) else { return Taken::No };
    let digits: String = key.seed().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(text.trim().to_ascii_lowercase(), digits);
    Taken::Yes
}

fn moment(bytes: &[u8]) -> Taken {
    let Ok(text) = std::str::from_utf8(bytes) else { return Taken::No };
    let Ok(utc_ms) = time::parse_moment(text) else { return Taken::No };
    survives(utc_ms);
    Taken::Yes
}

/// To the second, and in the range of four-digit years.
fn survives(utc_ms: u64) {
    assert!(!time::ist(utc_ms).is_empty() && !time::span(utc_ms).is_empty());
    let text = time::ist_rfc3339(utc_ms);
    if utc_ms < YEAR_9999_ENDS_MS {
        assert_eq!(time::parse_moment(&text), Ok(utc_ms / 1_000 * 1_000), "{text}");
    }
}

fn shown_moment(bytes: &[u8]) -> Taken {
    let Ok(bytes) = bytes.try_into() else { return Taken::No };
    survives(u64::from_be_bytes(bytes));
    Taken::Yes
}

fn span(bytes: &[u8]) -> Taken {
    let Ok(text) = std::str::from_utf8(bytes) else { return Taken::No };
    let Ok(ms) = time::parse_span(text) else { return Taken::No };
    assert_eq!(time::parse_span(&format!("{ms}ms")), Ok(ms));
    Taken::Yes
}

fn call(bytes: &[u8]) -> Taken {
    let Ok(text) = std::str::from_utf8(bytes) else { return Taken::No };
    let posting = token("land/admin");
    let read = parse_invocation(text, Some(&posting)).or_else(|_| parse_invocation(text, None));
    let Ok(invocation) = read else { return Taken::No };
    let json = serde_json::to_string(&invocation).unwrap();
    assert_eq!(parse_invocation(&json, None).unwrap(), invocation);
    assert_eq!(Invocation::decode(&invocation.encode()), Ok(invocation));
    Taken::Yes
}

fn leaves(bytes: &[u8]) -> Taken {
    let Ok(text) = std::str::from_utf8(bytes) else { return Taken::No };
    taken(parse_attachment(text).is_ok_and(|list| list.leaves.len() <= bytes.len()))
}

/// One argument a line.
fn arguments(bytes: &[u8]) -> Taken {
    let Ok(text) = std::str::from_utf8(bytes) else { return Taken::No };
    taken(takes(["dalil"].into_iter().chain(text.lines())))
}

/// What a department's system asks for; what is refused is refused in plain ASCII.
fn gateway_request(bytes: &[u8]) -> Taken {
    match Request::from_json(bytes) {
        Err(malformed) => {
            assert!(malformed.to_string().is_ascii());
            Taken::No
        }
        Ok(request) => {
            let root = request.attachment.as_ref().map(dalil_ledger::block::Attachment::root);
            assert_eq!(request.invocation.attachment_root(), root);
            assert_eq!(Invocation::decode(&request.invocation.encode()), Ok(request.invocation));
            Taken::Yes
        }
    }
}
