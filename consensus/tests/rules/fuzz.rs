//! Whatever comes from outside: no panic, no unbounded memory, no second statement at one place.

use std::collections::BTreeMap;

use dalil_consensus::{Action, Event, Message, SignRecord, TimerKind};
use dalil_ledger::crypto::Hash;
use dalil_ledger::validators::VoteKind;
use proptest::prelude::*;

use super::bench::{Bench, Precommit, Prevote};

/// What may happen to the engine on the bench.
#[derive(Debug, Clone)]
enum Step {
    Vote { signer: usize, precommit: bool, round: u32, block: u8 },
    Certificate { precommit: bool, round: u32, block: u8 },
    Proposal { round: u32, block: u8, valid_round: Option<u32> },
    Fire(u8),
    Pending(bool),
    Pass(u64),
}

fn round() -> impl Strategy<Value = u32> {
    prop_oneof![8 => 0_u32..4, 1 => Just(u32::MAX), 1 => any::<u32>()]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1_usize..4, any::<bool>(), round(), 0_u8..4).prop_map(|(signer, precommit, round, block)| Step::Vote {
            signer,
            precommit,
            round,
            block
        }),
        (any::<bool>(), round(), 0_u8..4).prop_map(|(precommit, round, block)| Step::Certificate {
            precommit,
            round,
            block
        }),
        (round(), 1_u8..4, proptest::option::of(0_u32..4)).prop_map(|(round, block, valid_round)| Step::Proposal {
            round,
            block,
            valid_round
        }),
        (0_u8..3).prop_map(Step::Fire),
        any::<bool>().prop_map(Step::Pending),
        (0_u64..2_000).prop_map(Step::Pass),
    ]
}

fn kind(precommit: bool) -> VoteKind {
    if precommit { Precommit } else { Prevote }
}

/// Blocks by a small number; 0 is nil.
fn block(bench: &Bench, number: u8) -> Option<std::sync::Arc<dalil_ledger::block::Block>> {
    let start_ms = super::chain::START_MS;
    let records = std::collections::BTreeSet::from([u64::from(number)]);
    (number > 0).then(|| super::chain::build(&bench.head, usize::from(number), start_ms, &records, Hash::ZERO))
}

fn carry_out(bench: &mut Bench, step: Step) {
    match step {
        Step::Vote { signer, precommit, round, block: number } => {
            let id = block(bench, number).map(|block| block.id());
            bench.vote(signer, kind(precommit), round, id);
        }
        Step::Certificate { precommit, round, block: number } => {
            let body = block(bench, number);
            bench.certify(kind(precommit), round, body.as_ref().map(|block| block.id()), &[1, 2, 3]);
            if let Some(body) = body {
                bench.feed(Event::Block(body));
            }
        }
        Step::Proposal { round, block: number, valid_round } => {
            let Some(body) = block(bench, number) else { return };
            let polka = valid_round.map(|at| bench.certificate(Prevote, at, Some(body.id()), &[1, 2, 3]));
            bench.propose_with(round, &body, polka);
        }
        Step::Fire(which) => {
            let timer = [TimerKind::Propose, TimerKind::Prevote, TimerKind::Precommit][usize::from(which)];
            if bench.armed(timer).is_some() {
                bench.fire(timer);
            }
        }
        Step::Pending(pending) => bench.feed(Event::RecordsPending(pending)),
        Step::Pass(ms) => bench.now_ms += ms,
    }
}

/// One statement a position, over everything that left.
fn no_double_sign(bench: &Bench, signed: &mut BTreeMap<dalil_consensus::Position, dalil_consensus::Statement>) {
    for action in &bench.actions {
        let statement = match action {
            Action::Broadcast(Message::Vote(vote)) if usize::from(vote.signer) == bench.me => vote.statement(),
            Action::Broadcast(Message::Proposal(it)) if usize::from(it.signer) == bench.me => it.statement(),
            _ => continue,
        };
        let before = signed.insert(statement.position(), statement);
        assert!(before.is_none_or(|before| before == statement), "{before:?} and {statement:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Certificates here come from a majority that says anything, so safety is off; signing twice and panics are not.
    #[test]
    fn any_sequence_of_steps(steps in proptest::collection::vec(step(), 1..60), crash in 0_usize..60) {
        let mut bench = Bench::new(0);
        let mut signed = BTreeMap::new();
        for (at, step) in steps.into_iter().enumerate() {
            carry_out(&mut bench, step);
            no_double_sign(&bench, &mut signed);
            let valid_round = bench.engine.valid().map(|valid| valid.round);
            let locked_round = bench.engine.locked().map(|lock| lock.round);
            prop_assert!(locked_round <= valid_round && valid_round <= Some(bench.engine.round()));
            if at == crash {
                let restored = bench.restored();
                bench = Bench::start(0, 4, bench.sign_record(), restored).expect("restart");
            }
        }
    }

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(message) = Message::decode(&bytes) {
            prop_assert_eq!(message.encode(), bytes.clone());
        }
        prop_assert!(SignRecord::decode(&bytes).is_err());
    }
}
