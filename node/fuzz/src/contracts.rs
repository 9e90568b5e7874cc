//! Calls in any order on the sample establishment.
//!
//! Oracle: no rule panics, whatever officers call; the same call on the same state has the same outcome and the same
//! changes; an accepted call survives its JSON form; every document that the calls leave behind can be read, and has a
//! status at any time.

#[path = "../../../contracts/tests/support/mod.rs"]
pub(crate) mod fixture;

use std::sync::OnceLock;

use dalil_contracts::authority::Posting;
use dalil_contracts::authority::posting::posting_key;
use dalil_contracts::{Context, Invocation, Refusal, apply};
use dalil_ledger::codec;
use dalil_ledger::document::{DocumentEntry, Moment, Slots, read_set, status};
use dalil_ledger::state::Overlay;
use fixture::World;

use crate::wire::survives_json;
use crate::{Input, Taken};

/// Calls in one input.
const CALLS_MAX: usize = 64;
const MINUTE_MS: u64 = 60_000;

/// The sample establishment before the first call.
fn beginning() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(World::west_bengal)
}

/// Calls, each after the minutes that pass before it and its length; signed by the officer of the posting that it names.
pub fn apply_in_order(bytes: &[u8]) -> Taken {
    let (mut input, mut world) = (Input::new(bytes), beginning().clone());
    let mut taken = Taken::No;
    for _ in 0..CALLS_MAX {
        if input.is_empty() {
            break;
        }
        world.advance(u64::from(input.short()) * MINUTE_MS);
        let Ok(invocation) = Invocation::decode(input.piece()) else { continue };
        if call(&mut world, &invocation) {
            taken = Taken::Yes;
        }
    }
    check_documents(&world);
    taken
}

/// Whether a call is accepted as the first one on the sample establishment.
pub(crate) fn is_accepted(invocation: &Invocation) -> bool {
    call(&mut beginning().clone(), invocation)
}

/// Applies one call; whether it was accepted.
fn call(world: &mut World, invocation: &Invocation) -> bool {
    let posting: Option<Posting> = world.get(&posting_key(&invocation.posting));
    let context = Context {
        chain: World::chain(),
        height: world.height,
        time_ms: world.time_ms,
        record: world.record,
        signer: posting.map_or_else(|| fixture::key_of("a stranger").public(), |posting| posting.officer),
        attachments: &world.attachments,
    };
    let run = || {
        let mut overlay = Overlay::new(&world.state);
        let outcome = apply(&mut overlay, &context, invocation);
        (outcome, overlay.operations(), overlay.into_changes())
    };
    let (outcome, operations, changes) = run();
    assert_eq!(run(), (outcome.clone(), operations, changes.clone()), "{invocation:?}");
    match outcome {
        Ok(_) => survives_json(invocation),
        Err(Refusal::Rule(reject)) => {
            assert!(!reject.code.is_empty() && !reject.message.is_empty());
            return false;
        }
        Err(Refusal::State(error)) => panic!("{invocation:?} made the state unreadable: {error}"),
    }
    for (key, value) in changes {
        match value {
            Some(value) => world.state.insert(key, value),
            None => world.state.remove(&key),
        };
    }
    world.record += 1;
    true
}

fn check_documents(world: &World) {
    for (_, value) in world.state.range(b"doc/uri/".to_vec()..b"doc/uri0".to_vec()) {
        let entry = DocumentEntry::decode(value).unwrap();
        assert_eq!(codec::encode(&entry), *value);
        let values: Vec<_> = read_set(&entry).iter().map(|key| world.state.get(key).cloned()).collect();
        let slots = Slots::decode(&entry, &values).unwrap();
        for as_of_ms in [0, world.time_ms, u64::MAX] {
            assert!(!status(&entry, &slots, Moment { as_of_ms, known_at_ms: u64::MAX }).reason.is_empty());
        }
    }
}
