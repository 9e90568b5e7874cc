//! Peers and signers that break the rules: seen, scored where one message shows it, and harmless.

use dalil_contracts::Call;
use dalil_contracts::certificate::CertificateCall;
use dalil_ledger::block::{Attachment, Block};
use dalil_ledger::crypto::{Hash, PublicKey, Signature};
use dalil_node::core::Message;
use dalil_node::core::executor::Candidate;
use dalil_node::core::message::{CompactBlock, DecidedBlock, HeadCosignature, LooseRecord};
use dalil_node::core::serve::SERVED_RECORD_BYTES_MAX;

use crate::seeds;
use crate::support::{SDO, domicile, domicile_record, key_of, results, signed, signed_otherwise};
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
                let candidate = Candidate::new(forged.clone(), None);
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

/// A record that names no leaf list, by an officer whom nobody knows: no node wants it but for a block.
fn plain(number: u64, now_ms: u64) -> LooseRecord {
    LooseRecord { record: signed("stranger", &domicile(number, now_ms), number, now_ms), attachment: None }
}

/// A record that names a leaf list of so many bytes.
fn listed(number: u64, now_ms: u64, bytes: usize) -> LooseRecord {
    let list = Attachment { leaves: vec![vec![number as u8; bytes]] };
    let (mut invocation, _) = results(1, 1, now_ms);
    if let Call::Certificate(CertificateCall::IssueBatch(batch)) = &mut invocation.call {
        batch.root = list.root();
    }
    LooseRecord { record: signed("stranger", &invocation, number, now_ms), attachment: Some(list) }
}

/// Whether a node puts together a block of the next height but one that a peer sends it leaf by leaf. If so, it gives the
/// block to whoever asks.
fn is_put_together(records: &[LooseRecord]) -> bool {
    let mut world = World::up(20);
    let liar = liar(&mut world);
    record_some(&mut world, 0, 1);
    let transactions: Vec<_> = records.iter().map(|loose| loose.record.clone()).collect();
    let attachments: Vec<_> = records.iter().filter_map(|loose| loose.attachment.clone()).collect();
    let mut header = decided(&world, 1).block.header;
    header.height += 2;
    header.record_count = records.len() as u32;
    header.ids_hash = Block::ids_hash(&transactions);
    header.attachments_root = Block::attachments_root(&attachments);
    let leaves = transactions.into_iter().map(|record| Candidate::new(record, None).leaf).collect();
    let id = header.id();
    world.inject(liar, 0, &Message::Compact(CompactBlock { header, leaves }));
    for loose in records {
        world.inject(liar, 0, &Message::Records(vec![loose.clone()]));
    }
    world.run_for(20);
    world.inject(liar, 0, &Message::FetchBlock(id));
    world.run_for(20);
    world.sent.iter().any(|sent| matches!(sent, Message::Block(block) if block.id() == id))
}

#[test]
fn a_node_keeps_no_more_for_a_block_than_a_block_may_hold() {
    const MIB: usize = 1 << 20;
    let now = World::new(20).now_ms;
    assert!(is_put_together(&[plain(1, now), listed(2, now, MIB), plain(3, now)]));
    assert!(!is_put_together(&[plain(1, now), listed(2, now, 3 * MIB)]), "a list that is larger than all of a block");
    assert!(!is_put_together(&[listed(1, now, MIB), listed(2, now, MIB)]), "lists that are larger together");
    let unnamed = LooseRecord { attachment: listed(1, now, 1_000).attachment, ..plain(1, now) };
    assert!(!is_put_together(&[unnamed]), "a list that no record names");
    let other = LooseRecord { attachment: listed(1, now, 1_000).attachment, ..listed(2, now, 1_000) };
    assert!(!is_put_together(&[other]), "another list than the one that the record names");
    assert!(!is_put_together(&[plain(1, now), plain(1, now)]), "a record twice");
}

#[test]
fn a_peer_that_floods_records_takes_the_places_of_nobody_else() {
    let mut world = World::up(21);
    let liar = liar(&mut world);
    // Nothing is decided, so what was taken can be counted.
    world.crash(2);
    world.run_for(1_000);
    world.work_ms = (100, 100);
    let mut flood = domicile_record(0, world.now_ms);
    for message in 0..6_u64 {
        let records = (0..4_000_u64).map(|number| {
            flood.body.salt[..8].copy_from_slice(&(message * 4_000 + number).to_le_bytes());
            LooseRecord { record: flood.clone(), attachment: None }
        });
        world.inject(liar, 0, &Message::Records(records.collect()));
    }
    world.run_for(10);
    let requests = [0, 1].map(|node| {
        let record = domicile_record(100 + node, world.now_ms);
        world.submit(node as usize, record, None)
    });
    let pending = |world: &World| world.nodes[0].running.as_ref().unwrap().core.standing().pending;
    world.run_until(1_000, "a client's record and another peer's are taken", |world| pending(world) == 2);
    world.start(2);
    world.run_until(60_000, "recorded", |world| requests.iter().all(|request| world.is_recorded(*request)));
    world.check();
}

#[test]
fn a_copy_of_a_batch_with_another_list_speaks_for_no_other_copy() {
    let mut world = World::up(23);
    let liar = liar(&mut world);
    world.work_ms = (100, 100);
    // While this is checked, the others come together.
    let record = domicile_record(0, world.now_ms);
    world.submit(0, record, None);
    let (batch, list) = results(1, 3, world.now_ms);
    let record = signed("education-board", &batch, 1, world.now_ms);
    let (_, other) = results(2, 3, world.now_ms);
    world.inject(liar, 0, &Message::Records(vec![LooseRecord { record: record.clone(), attachment: Some(other) }]));
    world.run_for(10);
    let request = world.submit(0, record, Some(list));
    world.run_until(60_000, "recorded", |world| world.is_recorded(request));
    world.run_until(60_000, "all agree", |world| world.agree_at(1));
    world.check();
}

#[test]
fn a_peer_is_given_a_pending_record_once_a_request_and_a_bounded_number_of_times() {
    let mut world = World::up(22);
    let liar = liar(&mut world);
    world.crash(2);
    let (batch, list) = results(1, 3_000, world.now_ms);
    let record = signed("education-board", &batch, 1, world.now_ms);
    let candidate = Candidate::new(record.clone(), Some(list.clone()));
    world.submit(0, record, Some(list));
    world.run_for(3_000);
    let given = |world: &mut World, times: usize| {
        world.sent.clear();
        for _ in 0..times {
            world.inject(liar, 0, &Message::FetchRecords(vec![candidate.leaf; 64]));
        }
        world.run_for(50);
        let records = world.sent.iter().filter_map(|sent| match sent {
            Message::Records(records) => Some(records),
            _ => None,
        });
        records.flatten().filter(|loose| loose.record == *candidate.record).count()
    };
    assert_eq!(given(&mut world, 1), 1);
    world.run_for(2_000);
    // A new interval may begin meanwhile.
    let most = 2 * (SERVED_RECORD_BYTES_MAX / candidate.weight() + 1);
    let got = given(&mut world, 2 * most);
    assert!((1..=most).contains(&got), "{got} of at most {most}");
    world.run_for(2_000);
    assert_eq!(given(&mut world, 1), 1);
}

#[test]
fn a_peer_whose_cosignatures_are_worth_nothing_does_not_fill_the_log() {
    let mut world = World::up(23);
    let liar = liar(&mut world);
    record_some(&mut world, 0, 1);
    let now_s = world.now_ms / 1_000;
    let worthless = [(200, now_s), (0, now_s + 1_000)].map(|(signer, time_s)| HeadCosignature {
        size: world.nodes[0].view().log_size(),
        signer,
        time_s,
        signature: Signature([0; 64]),
        log_signature: Signature([0; 64]),
    });
    for interval in 1..=3 {
        for one in worthless.iter().cycle().take(100) {
            world.inject(liar, 0, &Message::Cosignature(*one));
        }
        world.run_for(5);
        // A new interval may begin meanwhile.
        let told = world.notices.len();
        assert!((interval..=2 * interval).contains(&told), "{told} lines in {interval} intervals");
        world.run_for(3_000);
    }
}
