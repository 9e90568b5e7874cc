//! A whole core among peers that may say anything.
//!
//! Oracle, over the whole life of a node, crashes included: no panic; an event leads to a bounded number of effects, and
//! every message that leaves can be read by its receiver; writes are numbered without a gap; a statement leaves only after
//! the sign record that holds it is durable, one a position; a head that is published has a quorum's cosignatures; an
//! answer "recorded" is true of the durable ledger and no request is answered twice; a commit continues the chain by one
//! block; what is durable is enough to start from.

use dalil_consensus::{Message as Vote, Proposal, ProposalSubject, Statement, Status};
use dalil_ledger::block::Block;
use dalil_ledger::codec;
use dalil_ledger::crypto::{Hash, Signature};
use dalil_ledger::transaction::SignedTransaction;
use dalil_ledger::validators::{VoteKind, VoteSubject};
use dalil_node::core::executor::Candidate;
use dalil_node::core::message::{CompactBlock, DecidedBlock, LooseRecord, PartName};
use dalil_node::core::{Event, Message};

use super::chain::{build, certificate, commit, consensus_key, cosignature, keys};
use super::fixture::{START_MS, VALIDATORS, domicile_record, genesis, results, signed};
use super::life::Life;
use crate::{Input, Taken};

/// Events in one input.
const EVENTS_MAX: usize = 200;
/// More bytes than the name of any part of a snapshot has.
const PART_NAME_BYTES_MAX: usize = 256;
/// Different records that clients and peers hand in.
const RECORDS: usize = 12;

/// The input as a sequence of events.
pub fn core(bytes: &[u8]) -> Taken {
    let mut input = Input::new(bytes);
    let mut life = Life::new(input.below(VALIDATORS));
    for _ in 0..EVENTS_MAX {
        if input.is_empty() {
            break;
        }
        step(&mut life, &mut input);
    }
    life.finish()
}

fn step(life: &mut Life, input: &mut Input<'_>) {
    match input.below(16) {
        0 => vote(life, input),
        1 => everybody_votes(life, input),
        2 | 3 => propose(life, input),
        4 => body(life, input),
        5 => submit(life, input),
        6 => life.write_next(),
        7 => life.write_all(),
        8 => life.work_next(),
        9 => life.fire(input.byte()),
        10 => life.now_ms += u64::from(input.short()),
        11 => life.crash(),
        12 => decided(life, input),
        13 => cosign(life, input),
        14 => ask(life, input),
        _ => raw(life, input),
    }
}

/// Another validator.
fn other(life: &Life, input: &mut Input<'_>) -> usize {
    (life.me + 1 + input.below(VALIDATORS - 1)) % VALIDATORS
}

fn say(life: &mut Life, from: usize, message: Message) {
    life.feed(Event::Message { from: keys(from).network.public(), message: Box::new(message) });
}

fn kind(input: &mut Input<'_>) -> VoteKind {
    if input.below(2) == 0 { VoteKind::Prevote } else { VoteKind::Precommit }
}

/// One of the records that this run knows, by number.
fn record(number: usize) -> (SignedTransaction, Option<dalil_ledger::block::Attachment>) {
    let now_ms = START_MS + 1_000;
    match number % RECORDS {
        0 => {
            let (invocation, leaves) = results(0, 3, now_ms);
            (signed("education-board", &invocation, 0, now_ms), Some(leaves))
        }
        1 => {
            let mut record = domicile_record(1, now_ms);
            record.signature = Signature([1; 64]);
            (record, None)
        }
        2 => (domicile_record(2, now_ms.saturating_sub(3_600_000)), None),
        number => (domicile_record(number as u64, now_ms), None),
    }
}

fn block_id(life: &Life, input: &mut Input<'_>) -> Option<Hash> {
    let blocks = &life.blocks;
    input.below(blocks.len() + 1).checked_sub(1).map(|at| blocks[at].block.id())
}

fn vote(life: &mut Life, input: &mut Input<'_>) {
    let (signer, kind) = (other(life, input), kind(input));
    let subject = VoteSubject {
        height: life.height() + 1 + u64::from(input.below(16) == 15),
        round: u32::from(input.byte() % 4),
        block: block_id(life, input),
    };
    let signature = consensus_key(signer).sign(kind.domain(), &genesis().chain_id(), &subject.sign_bytes());
    let vote = dalil_consensus::Vote { kind, subject, signer: signer as u8, signature };
    let from = if input.below(8) == 7 { other(life, input) } else { signer };
    say(life, from, Message::Consensus(Vote::Vote(vote)));
}

fn everybody_votes(life: &mut Life, input: &mut Input<'_>) {
    let (kind, round, block) = (kind(input), u32::from(input.byte() % 4), block_id(life, input));
    let subject = VoteSubject { height: life.height() + 1, round, block };
    for signer in (0..VALIDATORS).filter(|signer| *signer != life.me).collect::<Vec<_>>() {
        let signature = consensus_key(signer).sign(kind.domain(), &genesis().chain_id(), &subject.sign_bytes());
        let vote = dalil_consensus::Vote { kind, subject, signer: signer as u8, signature };
        say(life, signer, Message::Consensus(Vote::Vote(vote)));
    }
}

/// A validator proposes a block that it built on this node's head; the body comes whole, compact, or not at all.
fn propose(life: &mut Life, input: &mut Input<'_>) {
    let round = u32::from(input.byte() % 4);
    let place = genesis().validators.proposer(life.height() + 1, round).0;
    if place == life.me {
        return;
    }
    let records = (0..input.below(4)).map(|_| record(input.below(RECORDS))).collect();
    let executed = build(&life.view(), &life.workers, place, life.now_ms, records);
    let block = executed.block.clone();
    life.blocks.push(executed);
    let valid_round = (input.below(8) == 7).then_some(0);
    let subject = ProposalSubject { height: block.header.height, round, block: block.id(), valid_round };
    let polka = valid_round.map(|round| {
        let subject = VoteSubject { height: subject.height, round, block: Some(subject.block) };
        certificate(VoteKind::Prevote, subject, life.me)
    });
    let statement = Statement::Proposal(subject);
    let signature = consensus_key(place).sign(statement.domain(), &genesis().chain_id(), &statement.sign_bytes());
    let proposal = Proposal { subject, signer: place as u8, signature, polka };
    say(life, place, Message::Consensus(Vote::Proposal(proposal)));
    match input.below(3) {
        0 => say(life, place, Message::Block(Block::clone(&block))),
        1 => say(life, place, compact(&block)),
        _ => {}
    }
}

fn compact(block: &Block) -> Message {
    let leaves = block.records.iter().map(|record| Candidate::new(record.clone(), None).leaf).collect();
    Message::Compact(CompactBlock { header: block.header.clone(), leaves })
}

/// A body or its parts, right or wrong.
fn body(life: &mut Life, input: &mut Input<'_>) {
    let from = other(life, input);
    let at = input.below(life.blocks.len());
    let Some(executed) = life.blocks.get(at) else { return };
    let mut block = Block::clone(&executed.block);
    match input.below(8) {
        0 => block.records.clear(),
        1 => block.header.record_count ^= u32::from(input.byte()),
        2 => block.attachments.clear(),
        3 => {
            if let Some(record) = block.records.first_mut() {
                record.signature.0[0] ^= 1;
            }
        }
        _ => {}
    }
    match input.below(3) {
        0 => say(life, from, Message::Block(block)),
        1 => say(life, from, compact(&block)),
        _ => {
            let loose = |record| LooseRecord { record, attachment: block.attachments.first().cloned() };
            let records = block.records.clone().into_iter().map(loose).collect();
            say(life, from, Message::Records(records));
        }
    }
}

fn submit(life: &mut Life, input: &mut Input<'_>) {
    let (record, attachment) = record(input.below(RECORDS));
    if input.below(4) == 3 {
        let from = other(life, input);
        say(life, from, Message::Records(vec![LooseRecord { record, attachment }]));
    } else {
        life.submit(record, attachment.filter(|_| input.below(4) != 3));
    }
}

/// A block that the others decided, perhaps spoilt.
fn decided(life: &mut Life, input: &mut Input<'_>) {
    let from = other(life, input);
    let records = vec![record(input.below(RECORDS))];
    let executed = build(&life.view(), &life.workers, from, life.now_ms, records);
    let mut decided = DecidedBlock { block: Block::clone(&executed.block), certificate: commit(&executed, life.me) };
    match input.below(8) {
        0 => decided.certificate.signers ^= 1 << input.below(64),
        1 => decided.block.header.state_root.0[0] ^= 1,
        2 => drop(decided.block.records.pop()),
        3 => decided.block.header.height = decided.block.header.height.wrapping_add(input.long()),
        4 => {
            // Invalid, and certified all the same: the others are liars, and this node must stop.
            decided.block.header.state_root.0[0] ^= 1;
            let (height, block) = (decided.block.header.height, Some(decided.block.id()));
            let subject = VoteSubject { height, round: 0, block };
            decided.certificate = certificate(VoteKind::Precommit, subject, life.me);
        }
        _ => life.blocks.push(executed),
    }
    let height = life.height() + 2 + u64::from(input.byte() % 3);
    let status = Status { height, round: 0, head_size: 0 };
    say(life, from, Message::Consensus(Vote::Status(status)));
    say(life, from, Message::Decided(vec![decided; 1 + input.below(2)]));
}

fn cosign(life: &mut Life, input: &mut Input<'_>) {
    let from = other(life, input);
    let time_s = (life.now_ms / 1_000).wrapping_add_signed(i64::from(input.byte() as i8));
    let mut cosignature = cosignature(&life.view(), from, time_s);
    match input.below(8) {
        0 => cosignature.signature.0[5] ^= 1,
        1 => cosignature.log_signature.0[5] ^= 1,
        2 => cosignature.size = input.long(),
        3 => cosignature.signer = input.byte(),
        4 => cosignature.time_s = input.long(),
        _ => {}
    }
    say(life, from, Message::Cosignature(cosignature));
}

/// Everything that a peer may ask for.
fn ask(life: &mut Life, input: &mut Input<'_>) {
    let from = other(life, input);
    let leaves = |input: &mut Input<'_>| {
        let known = (0..input.below(RECORDS)).map(|number| Candidate::new(record(number).0, None).leaf);
        known.chain([Hash([9; 32])]).collect::<Vec<_>>()
    };
    let message = match input.below(12) {
        0 => Message::Advertise(leaves(input)),
        1 => Message::FetchRecords(leaves(input)),
        2 => Message::FetchBlock(block_id(life, input).unwrap_or_default()),
        3 => Message::FetchDecided([0, 1, life.height(), u64::MAX][input.below(4)]),
        4 => {
            let height = [0, life.height(), life.height() + 1, u64::MAX][input.below(4)];
            Message::Consensus(Vote::Status(Status { height, round: input.byte().into(), head_size: 1 }))
        }
        5 => Message::FetchCosignatures([life.view().log_size(), 1, u64::MAX][input.below(3)]),
        7 => Message::FetchSnapshot([0, life.height(), u64::MAX][input.below(3)]),
        8 => {
            let window = |height| PartName::Window(height);
            let Some(name) = (match input.below(4) {
                0 => codec::decode(input.piece(), PART_NAME_BYTES_MAX).ok(),
                at => Some([window(0), window(life.height()), window(u64::MAX)][at - 1]),
            }) else {
                return;
            };
            Message::FetchPart { snapshot: life.offered.unwrap_or_default(), name }
        }
        9 => {
            // What this node served comes back to it: it may have lost its database meanwhile.
            let at = input.below(life.served.len());
            let Some(message) = life.served.get(at).cloned() else { return };
            message
        }
        10 => Message::HeldFrom([0, life.height() + 1, life.height() + 9, u64::MAX][input.below(4)]),
        11 => return life.wipe(),
        _ => Message::FetchBlock(life.view().head_id()),
    };
    say(life, from, message);
}

/// Any bytes that are a message, from a validator or a stranger.
fn raw(life: &mut Life, input: &mut Input<'_>) {
    let from = input.below(VALIDATORS + 1);
    let Ok(message) = Message::decode(input.piece()) else { return };
    let stranger = dalil_ledger::crypto::PublicKey([from as u8; 32]);
    let peer = if from < VALIDATORS && from != life.me { keys(from).network.public() } else { stranger };
    life.feed(Event::Message { from: peer, message: Box::new(message) });
}
