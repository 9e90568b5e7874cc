//! What does not belong on the chain is refused with a code, at the node it was handed to, and goes no further.

use dalil_contracts::Call;
use dalil_contracts::authority::Place;
use dalil_contracts::certificate::{CertificateCall, Origin};
use dalil_ledger::block::Attachment;
use dalil_ledger::crypto::{Hash, Signature};
use dalil_ledger::transaction::{EXPIRY_WINDOW_MS, SignedTransaction};
use dalil_ledger::validators::VoteKind;
use dalil_node::core::Message;

use crate::support::{
    EXPIRES_AFTER_MS, SDO, START_MS, body, domicile, domicile_record, genesis, key_of, results, signed,
};
use crate::world::World;

/// The code under which a node refuses a record that it must not pass on.
fn refused(world: &mut World, record: SignedTransaction, attachment: Option<Attachment>) -> String {
    world.sent.clear();
    let request = world.submit(0, record, attachment);
    world.run_for(500);
    assert!(!world.sent.iter().any(|sent| matches!(sent, Message::Records(_))), "it was passed on");
    world.outcome(request)
}

#[test]
fn envelopes_are_refused_with_their_codes() {
    let mut world = World::up(1);
    let chain = genesis().chain_id();
    let now = world.now_ms;
    let call = domicile(1, now).encode();
    let sign = |chain, call: &[u8], expires| body(chain, SDO.1, call.to_vec(), 1, expires).sign(&key_of(SDO.1));
    let later = now + EXPIRES_AFTER_MS;

    assert_eq!(refused(&mut world, sign(Hash([9; 32]), &call, later), None), "T_CHAIN");
    assert_eq!(refused(&mut world, sign(chain, &call, START_MS), None), "T_EXPIRED");
    assert_eq!(refused(&mut world, sign(chain, &call, START_MS + 1), None), "T_UNDECIDED");
    assert_eq!(refused(&mut world, sign(chain, &call, now + 2 * EXPIRY_WINDOW_MS), None), "T_EXPIRY_FAR");
    assert_eq!(refused(&mut world, sign(chain, b"no call", later), None), "T_CALL");
    assert_eq!(refused(&mut world, sign(chain, &vec![0; 40_000], later), None), "T_SIZE");
    let mut forged = sign(chain, &call, later);
    forged.signature = Signature([1; 64]);
    assert_eq!(refused(&mut world, forged, None), "T_SIGNATURE");
    let (batch, list) = results(1, 3, now);
    let batch = signed("education-board", &batch, 1, now);
    assert_eq!(refused(&mut world, batch.clone(), None), "T_ATTACHMENT");
    assert_eq!(refused(&mut world, sign(chain, &call, later), Some(list.clone())), "T_ATTACHMENT");
    let huge = Attachment { leaves: vec![vec![0; 3 << 20]] };
    assert_eq!(refused(&mut world, batch, Some(huge)), "T_SIZE");
    assert!(world.agree_at(0) && world.height(0) == 0);
}

fn is_precommit(message: &Message) -> bool {
    matches!(message, Message::Consensus(dalil_consensus::Message::Vote(vote)) if vote.kind == VoteKind::Precommit)
}

#[test]
fn a_record_that_lapsed_by_the_clock_alone_is_not_refused_for_it_may_still_be_recorded() {
    const LIFE_MS: u64 = 5_000;
    let mut world = World::up(4);
    world.run_for(1_000);
    let call = domicile(1, world.now_ms).encode();
    let record = body(genesis().chain_id(), SDO.1, call, 1, world.now_ms + LIFE_MS).sign(&key_of(SDO.1));
    // All lock its block, and nobody hears that the others did.
    for node in 0..4 {
        world.tamper.insert(node, Box::new(|message| (!is_precommit(&message)).then_some(message)));
    }
    let first = world.submit(0, record.clone(), None);
    world.run_for(2_000);
    // One that knows nothing of the record any more, and cannot ask, is handed it when its time is over.
    world.crash(3);
    world.part(&[3], &[0, 1, 2]);
    world.start(3);
    world.run_for(LIFE_MS);
    let second = world.submit(3, record, None);
    world.run_for(500);
    assert_eq!(world.outcome(second), "T_UNDECIDED");
    world.tamper.clear();
    world.heal();
    world.run_until(60_000, "recorded", |world| world.is_recorded(first));
    world.run_until(60_000, "all agree", |world| world.agree_at(1));
    world.check();
}

#[test]
fn duplicates_are_refused_before_and_after_they_are_recorded() {
    let mut world = World::up(2);
    let record = domicile_record(1, world.now_ms);
    // The same bytes while they wait have one end; all who ask hear it.
    let first: Vec<_> = (0..3).map(|_| world.submit(0, record.clone(), None)).collect();
    let elsewhere = world.submit(1, record.clone(), None);
    world.run_until(10_000, "all hear", |world| {
        first.iter().all(|it| world.is_recorded(*it)) && world.answer(elsewhere).is_some()
    });
    world.run_for(1_000);
    assert_eq!(refused(&mut world, record, None), "T_DUPLICATE");
    world.check();
}

#[test]
fn officers_out_of_posting_or_place_are_refused() {
    let mut world = World::up(3);
    let now = world.now_ms;
    let stranger = signed("district-sdo-hooghly", &domicile(1, now), 1, now);
    assert_eq!(refused(&mut world, stranger, None), "A7");
    let mut nowhere = domicile(1, now);
    nowhere.posting = crate::support::token("district/nobody");
    assert_eq!(refused(&mut world, signed(SDO.1, &nowhere, 1, now), None), "A1");
    let mut elsewhere = domicile(2, now);
    if let Call::Certificate(CertificateCall::Issue { place, origin: Origin::Decided, .. }) = &mut elsewhere.call {
        *place = Place::district(312);
    }
    assert_eq!(refused(&mut world, signed(SDO.1, &elsewhere, 2, now), None), "C2");
    let authority = dalil_contracts::authority::AuthorityCall::OpenOffice {
        office: crate::support::token("land/new"),
        jurisdiction: dalil_contracts::authority::Jurisdiction::State,
    };
    let foreign = dalil_contracts::Invocation {
        posting: crate::support::token("transport/admin"),
        call: Call::Authority(authority),
    };
    assert_eq!(refused(&mut world, signed("transport-admin", &foreign, 3, now), None), "A2");
}
