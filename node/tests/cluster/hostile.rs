//! Peers and signers that break the rules: seen, scored where one message shows it, and harmless.

use dalil_ledger::block::Block;
use dalil_ledger::crypto::{Hash, PublicKey, Signature};
use dalil_node::core::Message;
use dalil_node::core::message::{CompactBlock, DecidedBlock, HeadCosignature, LooseRecord};

use crate::seeds;
use crate::support::{SDO, domicile_record, key_of, signed_otherwise};
use crate::world::World;

/// The network key of the validator that misbehaves; its node is down.
fn liar(world: &mut World) -> PublicKey {
    world.crash(3);
    world.nodes[3].peer
}

/// The decided block at `height`, as node 0 holds it.
fn decided(world: &World, height: u64) -> DecidedBlock {
    let view = world.nodes[0].view();
    DecidedBlock { block: view.block(height).unwrap().unwrap(), certificate: view.commit(height).unwrap().unwrap() }
}

fn record_some(world: &mut World, from: u64, count: u64) {
    for number in from..from + count {
        let record = domicile_record(number, world.now_ms);
        let request = world.submit(0, record, None);
        world.run_until(30_000, "recorded", |world| world.is_recorded(request));
    }
}

#[test]
fn one_body_under_a_different_valid_signature_at_each_validator_is_decided_once() {
    seeds("signatures", 4, |seed| {
        let mut world = World::up(seed);
        for number in 0..6 {
            let record = domicile_record(number, world.now_ms);
            for node in 0..4 {
                let other = signed_otherwise(&record, &key_of(SDO.1), number * 10 + node);
                world.submit(node as usize, other, None);
            }
            world.run_for(200);
        }
        let last = domicile_record(100, world.now_ms);
        let last = world.submit(0, last, None);
        world.run_until(60_000, "goes on", |world| world.is_recorded(last));
        world.run_until(60_000, "all agree", |world| world.agree_at(1));
        world.run_for(10_000);
        world.check();
        let records = world.nodes[0].view().log_size() - world.nodes[0].view().head().height - 1;
        assert_eq!(records, 7);
        assert!(world.nodes.iter().all(|node| node.running.as_ref().unwrap().core.standing().pending == 0));
    });
}

#[test]
fn a_decided_block_with_forged_signatures_in_its_records_stops_nobody() {
    seeds("forged body", 2, |seed| {
        let mut world = World::up(seed);
        let liar = liar(&mut world);
        world.crash(2);
        world.start(3);
        record_some(&mut world, 0, 5);
        world.crash(3);
        world.start(2);
        // Header and certificate are right; ids are right; the signatures under the records are not.
        let mut forged = decided(&world, 1);
        forged.block.records[0].signature = Signature([7; 64]);
        world.inject(liar, 2, &Message::Decided(vec![forged]));
        world.run_for(50);
        assert!(world.halts.is_empty(), "{:?}", world.halts);
        assert!(world.scores.iter().any(|(node, peer, _)| (*node, *peer) == (2, liar)));
        world.run_until(30_000, "it catches up all the same", |world| world.agree_at(5));
        world.check();
    });
}

#[test]
fn a_good_block_with_worthless_ones_behind_it_does_not_stop_the_sync() {
    let mut world = World::up(5);
    let liar = liar(&mut world);
    world.crash(2);
    world.start(3);
    record_some(&mut world, 0, 5);
    world.crash(3);
    world.start(2);
    let mut worthless = decided(&world, 2);
    worthless.block.header.timestamp_ms += 1;
    world.inject(liar, 2, &Message::Decided(vec![decided(&world, 1), worthless]));
    world.run_until(30_000, "it catches up", |world| world.agree_at(5));
    assert!(world.scores.iter().any(|(node, peer, _)| (*node, *peer) == (2, liar)));
    world.check();
}

#[test]
fn inconsistent_bodies_are_not_taken_for_the_proposed_one() {
    seeds("poison", 3, |seed| {
        let mut world = World::up(seed);
        let liar = liar(&mut world);
        record_some(&mut world, 0, 2);
        for number in 10..16 {
            let record = domicile_record(number, world.now_ms);
            let request = world.submit(1, record, None);
            // As soon as a proposal is on its way: the same header with the same record under a forged signature.
            let seen = world.sent.len();
            world.run_until(30_000, "a proposal", |world| {
                world.is_recorded(request) || world.sent[seen..].iter().any(|sent| matches!(sent, Message::Compact(_)))
            });
            let proposed = world.sent[seen..].iter().find_map(|sent| match sent {
                Message::Compact(compact) => Some(compact.header.clone()),
                _ => None,
            });
            if let Some(header) = proposed {
                let mut forged = domicile_record(number, world.now_ms);
                forged.signature = Signature([3; 64]);
                let candidate = dalil_node::core::executor::Candidate::new(forged.clone(), None);
                for node in 0..3 {
                    let compact = CompactBlock { header: header.clone(), leaves: vec![candidate.leaf] };
                    world.inject(liar, node, &Message::Compact(compact));
                    let loose = LooseRecord { record: forged.clone(), attachment: None };
                    world.inject(liar, node, &Message::Records(vec![loose]));
                    let block =
                        Block { header: header.clone(), records: vec![forged.clone()], attachments: Vec::new() };
                    world.inject(liar, node, &Message::Block(block));
                }
            }
            world.run_until(60_000, "recorded", |world| world.is_recorded(request));
        }
        world.start(3);
        world.run_until(60_000, "all agree", |world| world.agree_at(8));
        world.check();
    });
}

#[test]
fn garbage_that_decodes_is_harmless() {
    let mut world = World::up(9);
    let liar = liar(&mut world);
    record_some(&mut world, 0, 3);
    let mut header = decided(&world, 3).block.header;
    header.height = 4;
    header.first_entry = u64::MAX;
    header.record_count = u32::MAX;
    let block = Block { header: header.clone(), records: Vec::new(), attachments: Vec::new() };
    let mut lying = decided(&world, 3);
    lying.block.header.height = u64::MAX;
    let messages = [
        Message::Block(block.clone()),
        Message::Compact(CompactBlock { header: header.clone(), leaves: vec![Hash([1; 32]); 4_000] }),
        Message::Compact(CompactBlock { header, leaves: vec![Hash([1; 32]); 100_000] }),
        Message::Decided(vec![DecidedBlock { block, certificate: decided(&world, 3).certificate }; 20]),
        Message::Decided(vec![lying]),
        Message::FetchDecided(u64::MAX),
        Message::FetchDecided(0),
        Message::FetchBlock(Hash([2; 32])),
        Message::FetchRecords(vec![Hash([2; 32]); 8_000]),
        Message::Advertise(vec![Hash([3; 32]); 8_000]),
        Message::Consensus(dalil_consensus::Message::Status(dalil_consensus::Status {
            height: u64::MAX,
            round: u32::MAX,
            head_size: u64::MAX,
        })),
    ];
    for message in &messages {
        for node in 0..3 {
            world.inject(liar, node, message);
        }
        world.run_for(20);
    }
    record_some(&mut world, 10, 3);
    // One liar alone does not make a node believe that it is behind.
    for node in 0..3 {
        let standing = world.nodes[node].running.as_ref().unwrap().core.standing();
        assert!(standing.target <= standing.height + 1, "{standing:?}");
    }
    world.start(3);
    world.run_until(60_000, "all agree", |world| world.agree_at(6));
    world.check();
}

#[test]
fn cosignatures_of_heads_to_come_take_nobody_elses_place() {
    let mut world = World::up(11);
    let liar = liar(&mut world);
    record_some(&mut world, 0, 1);
    for signer in 0..=255 {
        let bogus = HeadCosignature {
            size: u64::MAX,
            signer,
            time_s: world.now_ms / 1_000,
            signature: Signature([0; 64]),
            log_signature: Signature([0; 64]),
        };
        for node in 0..3 {
            world.inject(liar, node, &Message::Cosignature(bogus));
        }
    }
    world.run_for(100);
    record_some(&mut world, 10, 8);
    // Published at once, not when the heads are cosigned again.
    world.run_for(1_000);
    for node in 0..3 {
        let published = world.nodes[node].running.as_ref().unwrap().published.as_ref().unwrap();
        assert_eq!(published.view.head_id(), world.nodes[node].view().head_id());
    }
}

#[test]
fn a_peer_that_sends_votes_with_bad_signatures_is_scored_whether_it_is_a_validator_or_not() {
    let mut world = World::up(12);
    record_some(&mut world, 0, 1);
    let stranger = key_of("observer").public();
    let subject = dalil_ledger::validators::VoteSubject { height: world.height(0) + 1, round: 0, block: None };
    let vote = dalil_consensus::Vote {
        kind: dalil_ledger::validators::VoteKind::Prevote,
        subject,
        signer: 1,
        signature: Signature([0; 64]),
    };
    world.inject(stranger, 0, &Message::Consensus(dalil_consensus::Message::Vote(vote)));
    world.run_for(50);
    assert!(world.scores.iter().any(|(node, peer, _)| (*node, *peer) == (0, stranger)));
    record_some(&mut world, 2, 1);
    world.run_until(5_000, "all agree", |world| world.agree_at(2));
    world.check();
}
