//! A start from any files.
//!
//! Oracle: an engine starts or says why not; what it starts with allows no signature below the database's tip or at a
//! position that the sign record holds, and nothing that comes afterwards panics.

use std::sync::Arc;

use dalil_consensus::{Config, ConsensusRecord, Engine, Event, HeightKnowledge, Restored, SignRecord, Signer};
use dalil_ledger::codec::{self, CANONICAL_BYTES_MAX};
use dalil_ledger::crypto::{Hash, sha256};

use super::toy::{CHAIN, DRIFT_MS, Head, START_MS, TIMEOUTS, build, consensus_key, validator_set};
use crate::{Input, Taken};

/// The content of a sign record and a consensus record, each with its length before it. The checksum of the sign record is
/// made to fit, for without it nothing is read.
pub fn disk(bytes: &[u8]) -> Taken {
    let mut input = Input::new(bytes);
    let content = input.piece();
    let file = [content, sha256(content).as_bytes()].concat();
    let Ok(sign_record) = SignRecord::decode(&file) else { return Taken::No };
    let record = input.piece();
    let record: Option<ConsensusRecord> = match record {
        [] => None,
        _ => match codec::decode(record, CANONICAL_BYTES_MAX) {
            Ok(record) => Some(record),
            Err(_) => return Taken::No,
        },
    };
    let (set, head) = (validator_set(4), Head::genesis());
    let block = build(&head, 1, START_MS, &[1].into(), Hash::ZERO);
    let restored = Restored { record, blocks: vec![Arc::clone(&block)] };
    let config = Config { chain: CHAIN, timeouts: TIMEOUTS, drift_ms: DRIFT_MS };
    let signer = Signer { key: consensus_key(0), record: sign_record.clone() };
    let context = head.context(&set, HeightKnowledge::Open);
    let Ok((mut engine, _)) = Engine::start(config, Some(signer), restored, context, START_MS) else {
        return Taken::No;
    };
    let after = engine.sign_record().expect("it has a key").clone();
    assert!(after.floor() >= sign_record.floor().max(head.height + 1), "the floor never sinks");
    assert!(after.counter() >= sign_record.counter());
    for event in [Event::RecordsPending(true), Event::Block(block)] {
        let _ = engine.handle(event, START_MS);
    }
    let signed = engine.sign_record().expect("it has a key").signed_at(head.height + 1);
    for before in sign_record.signed_at(head.height + 1) {
        let same = signed.iter().find(|now| now.statement.position() == before.statement.position());
        assert!(same.is_none_or(|same| same.statement == before.statement), "{before:?} became {same:?}");
    }
    Taken::Yes
}
