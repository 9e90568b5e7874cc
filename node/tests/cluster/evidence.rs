//! Validators that contradict themselves (rule 13): every honest node can prove it, and the chain says so once.

use std::collections::VecDeque;

use dalil_consensus::{Evidence, Message as Vote, Proposal, ProposalSubject, SignedStatement, Statement};
use dalil_contracts::authority::evidence::RecordedEvidence;
use dalil_contracts::{Call, Invocation, authority::AuthorityCall};
use dalil_ledger::block::Entry;
use dalil_ledger::crypto::{Hash, PublicKey, SecretKey, Signature};
use dalil_ledger::store::Kv as _;
use dalil_ledger::validators::{Certificate, ValidatorIndex, VoteKind, VoteSubject};
use dalil_node::core::evidence::{EVIDENCE_PER_HEIGHT_MAX, EVIDENCE_PER_KEY_MAX, accusations_held, evidence_held};
use dalil_node::core::{Effect, Event, Message, Persist};

use crate::seeds;
use crate::world::{FOUL, World};

/// The validator that breaks the rules in these tests.
const LIAR: usize = 3;

fn secret(world: &World, node: usize) -> SecretKey {
    world.nodes[node].keys.consensus().unwrap()
}

fn key(world: &World, node: usize) -> PublicKey {
    secret(world, node).public()
}

fn block(number: u8) -> Option<Hash> {
    Some(Hash([number; 32]))
}

fn signed(world: &World, node: usize, statement: Statement) -> SignedStatement {
    SignedStatement { statement, signature: statement.sign(&secret(world, node), &world.chain.id) }
}

/// A vote by validator `node`, as a message.
fn vote(world: &World, node: usize, kind: VoteKind, subject: VoteSubject) -> Message {
    let signature = signed(world, node, Statement::Vote { kind, subject }).signature;
    Message::Consensus(Vote::Vote(dalil_consensus::Vote { kind, subject, signer: node as u8, signature }))
}

/// A fresh proposal by validator `node`, as a message.
fn proposal(world: &World, node: usize, height: u64, round: u32, block: Hash) -> Message {
    let subject = ProposalSubject { height, round, block, valid_round: None };
    let signature = signed(world, node, Statement::Proposal(subject)).signature;
    Message::Consensus(Vote::Proposal(Proposal { subject, signer: node as u8, signature, polka: None }))
}

/// Evidence against validator `node` of two precommits.
fn precommits(world: &World, node: usize, height: u64, round: u32) -> Evidence {
    let precommit = |block| signed(world, node, Statement::vote(VoteKind::Precommit, height, round, block));
    Evidence::new(key(world, node), precommit(None), precommit(block(1)))
}

/// The keys against which a node holds evidence on its disk, one entry a piece.
fn held(world: &World, node: usize) -> Vec<PublicKey> {
    let pieces = evidence_held(&*world.nodes[node].disk.kv.snapshot(), None, usize::MAX).unwrap();
    assert!(pieces.iter().all(|(_, piece)| piece.verify(&world.chain.id).is_ok()));
    pieces.into_iter().map(|(_, piece)| piece.key).collect()
}

/// What the state of a node has on record.
fn recorded(world: &World, node: usize) -> Vec<RecordedEvidence> {
    dalil_contracts::authority::evidence::recorded(&world.nodes[node].view()).unwrap()
}

/// How many records of evidence stand in a node's log.
fn records(world: &World, node: usize) -> usize {
    let view = world.nodes[node].view();
    let is_evidence = |index| match view.entry(index).unwrap().unwrap() {
        Entry::Record(record) => {
            let call = Invocation::decode(&record.body.call).unwrap().call;
            matches!(call, Call::Authority(AuthorityCall::RecordEvidence { .. }))
        }
        Entry::Header(_) => false,
    };
    (0..view.log_size()).filter(|index| is_evidence(*index)).count()
}

/// Runs until each of `nodes` can prove that validator `liar` contradicted itself, and has it on record.
fn convict(world: &mut World, nodes: &[usize], liar: usize) {
    let liar = key(world, liar);
    world.run_until(120_000, "the liar is convicted everywhere", |world| {
        nodes.iter().all(|node| {
            held(world, *node).contains(&liar) && recorded(world, *node).iter().any(|it| it.evidence.key == liar)
        })
    });
    for node in nodes {
        assert!(held(world, *node).iter().all(|key| *key == liar), "nobody else is accused");
        assert!(recorded(world, *node).iter().all(|it| it.evidence.key == liar));
    }
}

fn record_one(world: &mut World, node: usize, number: u64) {
    let record = world.domicile(number);
    let request = world.submit(node, record, None);
    world.run_until(60_000, "recorded", |world| world.is_recorded(request));
}

fn standing(world: &World, node: usize) -> dalil_node::core::Standing {
    world.nodes[node].running.as_ref().unwrap().core.standing()
}

#[test]
fn votes_told_differently_to_two_nodes_are_evidence_everywhere_and_one_record() {
    for kind in [VoteKind::Prevote, VoteKind::Precommit] {
        seeds("two votes", 3, |seed| {
            let mut world = World::up(seed);
            world.crash(LIAR);
            world.expect_nothing_of(LIAR);
            if seed % 3 == 2 {
                world.weather = FOUL;
            }
            let peer = world.nodes[LIAR].peer;
            let at = |block| VoteSubject { height: 1, round: 0, block };
            // One for nil, which all see in the end, and one for a block: each node alone sees nothing wrong.
            for (to, says) in [(0, None), (1, block(7))] {
                let message = vote(&world, LIAR, kind, at(says));
                world.inject(peer, to, &message);
            }
            record_one(&mut world, 2, 1);
            convict(&mut world, &[0, 1, 2], LIAR);
            world.run_until(60_000, "all agree", |world| world.agree_at(1));
            world.run_for(30_000);
            assert_eq!(records(&world, 0), 1, "seed {seed}");
            assert!((0..3).all(|node| standing(&world, node).contradictions_unrecorded == 0));
            world.check();
        });
    }
}

#[test]
fn proposals_told_differently_to_two_nodes_are_evidence_everywhere_and_one_record() {
    seeds("two proposals", 3, |seed| {
        let mut world = World::up(seed);
        // proposer(1, 0)
        let liar = 1;
        world.crash(liar);
        world.expect_nothing_of(liar);
        let peer = world.nodes[liar].peer;
        for (to, number) in [(0, 7), (2, 8)] {
            let message = proposal(&world, liar, 1, 0, Hash([number; 32]));
            world.inject(peer, to, &message);
        }
        record_one(&mut world, 3, 1);
        convict(&mut world, &[0, 2, 3], liar);
        world.run_until(60_000, "all agree", |world| world.agree_at(1));
        assert_eq!(records(&world, 0), 1, "seed {seed}");
        world.check();
    });
}

#[test]
fn evidence_waits_while_half_the_nodes_are_down_and_for_those_who_restart() {
    seeds("half down", 3, |seed| {
        let mut world = World::up(seed);
        world.expect_nothing_of(LIAR);
        world.crash(LIAR);
        world.crash(2);
        let peer = world.nodes[LIAR].peer;
        for (to, says) in [(0, None), (1, block(7))] {
            let message = vote(&world, LIAR, VoteKind::Prevote, VoteSubject { height: 1, round: 0, block: says });
            world.inject(peer, to, &message);
        }
        let record = world.domicile(1);
        world.submit(0, record, None);
        let liar = key(&world, LIAR);
        world.run_until(30_000, "both hold it", |world| (0..2).all(|node| held(world, node).contains(&liar)));
        // Records made meanwhile lapse; others are made.
        world.run_for(25 * 60_000);
        assert!(recorded(&world, 0).is_empty(), "nothing can be decided");
        for node in 0..2 {
            world.crash(node);
            world.start(node);
        }
        assert_eq!((0..2).map(|node| standing(&world, node).contradictions_unrecorded).sum::<usize>(), 2);
        world.start(2);
        convict(&mut world, &[0, 1, 2], LIAR);
        world.run_for(60_000);
        assert_eq!(records(&world, 2), 1, "seed {seed}");
        assert!((0..3).all(|node| standing(&world, node).pending == 0));
        world.check();
    });
}

#[test]
fn who_was_down_learns_of_it_from_the_chain() {
    seeds("learns", 2, |seed| {
        let mut world = World::up(seed);
        world.expect_nothing_of(LIAR);
        world.run_for(500);
        world.crash(0);
        let evidence = precommits(&world, LIAR, 1, 0);
        let peer = world.nodes[LIAR].peer;
        world.inject(peer, 1, &Message::Evidence(evidence));
        convict(&mut world, &[1, 2], LIAR);
        world.run_for(60_000);
        world.start(0);
        convict(&mut world, &[0, 1, 2], LIAR);
        // On the chain and in the list, and not a second time on the chain.
        world.run_for(60_000);
        assert_eq!(records(&world, 0), 1);
        world.check();
    });
}

#[test]
fn a_node_that_holds_it_alone_brings_it_on_the_chain_after_a_restart() {
    let mut world = World::up(3);
    world.expect_nothing_of(LIAR);
    world.run_for(500);
    world.part(&[0], &[1, 2, 3]);
    let evidence = precommits(&world, LIAR, 1, 0);
    let peer = world.nodes[LIAR].peer;
    world.heal();
    world.inject(peer, 0, &Message::Evidence(evidence));
    // What it says at once is lost, and it stops as soon as the evidence is on its disk.
    world.weather.lost_per_mille = 1_000;
    world.run_until(1_000, "kept", |world| !held(world, 0).is_empty());
    world.crash(0);
    world.weather.lost_per_mille = 0;
    world.run_for(5_000);
    assert!((1..3).all(|node| held(&world, node).is_empty()));
    world.start(0);
    convict(&mut world, &[0, 1, 2], LIAR);
    world.run_for(60_000);
    assert_eq!(records(&world, 0), 1);
    world.check();
}

#[test]
fn two_machines_with_one_key_end_as_evidence() {
    seeds("twins", 4, |seed| {
        let mut world = World::with(seed, 4);
        world.add_twin(LIAR);
        world.start_all();
        // They say the same until one of them does not hear the other in time.
        let liar = key(&world, LIAR);
        for number in 0..100 {
            record_one(&mut world, number as usize % 3, number);
            world.run_for(700);
            if held(&world, 0).contains(&liar) {
                break;
            }
        }
        convict(&mut world, &[0, 1, 2], LIAR);
        world.run_for(30_000);
        world.check();
    });
}

#[test]
fn forged_evidence_is_its_senders_fault_and_is_not_kept() {
    let mut world = World::up(5);
    world.crash(LIAR);
    record_one(&mut world, 0, 1);
    let peer = world.nodes[LIAR].peer;
    let good = precommits(&world, 1, 1, 0);
    let forged = Evidence { second: SignedStatement { signature: Signature([7; 64]), ..good.second }, ..good };
    let twice = Evidence { second: good.first, ..good };
    for (to, evidence) in [(0, forged), (1, twice)] {
        world.inject(peer, to, &Message::Evidence(evidence));
        world.run_for(100);
        assert!(world.scores.iter().any(|(node, scored, _)| (*node, *scored) == (to, peer)));
    }
    // What this head cannot judge is nobody's fault.
    world.scores.clear();
    let stranger = crate::support::key_of("stranger");
    let strange = |block| {
        let statement = Statement::vote(VoteKind::Prevote, 1, 0, block);
        SignedStatement { statement, signature: statement.sign(&stranger, &world.chain.id) }
    };
    let unknown = Evidence::new(stranger.public(), strange(None), strange(block(1)));
    let future = precommits(&world, LIAR, 1_000, 0);
    for evidence in [unknown, future] {
        world.inject(peer, 0, &Message::Evidence(evidence));
    }
    world.run_for(20_000);
    assert!(world.scores.is_empty(), "{:?}", world.scores);
    assert!((0..3).all(|node| held(&world, node).is_empty() && standing(&world, node).contradictions == 0));
    world.check();
}

#[test]
fn a_flood_of_evidence_is_bounded() {
    let mut world = World::up(6);
    world.expect_nothing_of(LIAR);
    for number in 0..10 {
        record_one(&mut world, 0, number);
    }
    let peer = world.nodes[LIAR].peer;
    let heights = 10;
    for height in 1..=heights {
        for round in 0..40 {
            let evidence = precommits(&world, LIAR, height, round);
            world.inject(peer, (round % 3) as usize, &Message::Evidence(evidence));
        }
    }
    world.sent.clear();
    world.run_for(120_000);
    // And the one on record, if it is another.
    let most = (heights as usize * EVIDENCE_PER_HEIGHT_MAX).min(EVIDENCE_PER_KEY_MAX) + heights as usize;
    for node in 0..3 {
        assert!(held(&world, node).len() <= most);
        assert_eq!(recorded(&world, node).len(), heights as usize, "once a height");
    }
    assert_eq!(records(&world, 0), heights as usize);
    // Each node says each piece that it kept once, to three others; and again what waits for its record.
    let said = world.sent.iter().filter(|sent| matches!(sent, Message::Evidence(_))).count();
    assert!(said <= 4 * 3 * (most + 3 * heights as usize), "{said} messages");
    world.sent.clear();
    world.run_for(300_000);
    assert!(!world.sent.iter().any(|sent| matches!(sent, Message::Evidence(_))), "on record is said no more");
    world.check();
}

#[test]
fn certificates_that_contradict_each_other_are_kept_as_an_accusation() {
    let mut world = World::new(7);
    world.start(0);
    world.run_for(500);
    let set = world.chain.genesis.validators.clone();
    let certificate = |kind: VoteKind, round, block| {
        let subject = VoteSubject { height: 1, round, block };
        let sign = |node| (ValidatorIndex(node), signed(&world, node, Statement::Vote { kind, subject }).signature);
        let signatures: Vec<_> = (1..4).map(sign).collect();
        let votes = signatures.iter().map(|(who, signature)| (*who, signature));
        Message::Consensus(Vote::Certificate(Certificate::assemble(&set, kind, subject, votes).unwrap()))
    };
    // More faulty validators than the world's oracle bears, so the core is asked past it.
    let both = [certificate(VoteKind::Precommit, 0, block(1)), certificate(VoteKind::Prevote, 1, block(2))];
    let peer = world.nodes[LIAR].peer;
    let now_ms = world.now_ms;
    let kv = world.nodes[0].disk.kv.clone();
    let core = &mut world.nodes[0].running.as_mut().unwrap().core;
    let mut events: VecDeque<_> =
        both.map(|message| Event::Message { from: peer, message: Box::new(message) }).into_iter().collect();
    while let Some(event) = events.pop_front() {
        for effect in core.handle(event, now_ms) {
            if let Effect::Persist { seq, persist } = effect {
                if let Persist::Batch(batch) = persist {
                    kv.write(batch).unwrap();
                }
                events.push_back(Event::Persisted(seq));
            }
        }
    }
    let accused: Vec<_> = (1..4).map(|node| key(&world, node)).collect();
    for _ in 0..2 {
        let kept = accusations_held(&*world.nodes[0].disk.kv.snapshot()).unwrap();
        assert_eq!(kept.iter().map(|it| &it.accused).collect::<Vec<_>>(), [&accused]);
        assert_eq!(standing(&world, 0).accusations, 1);
        world.crash(0);
        world.start(0);
    }
}
