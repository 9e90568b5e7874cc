//! The Byzantine validator: all that it may have said. Since nobody is made to hear it, it has said everything from the
//! beginning; a node hears one thing, another, or nothing.

use dalil_ledger::validators::VoteKind;

use super::model::Network;
use super::said::{BLOCKS_A_PROPOSER, Said, Value, What};
use super::setup::Shared;

/// Its votes of one kind and round that can matter: nil, and each block that somebody proposed by then.
pub fn votes(shared: &Shared, network: &Network, kind: VoteKind, round: u32) -> Vec<Said> {
    let Some(who) = shared.setup.byzantine else { return Vec::new() };
    let values = network.values(shared, round);
    let blocks = values.into_iter().map(|value| Said::vote(who, kind, round, Some(value)));
    std::iter::once(Said::vote(who, kind, round, None)).chain(blocks).collect()
}

/// Its proposals of a round: its own blocks, and whatever has a polka, with that polka's round.
pub fn proposals(shared: &Shared, network: &Network, round: u32) -> Vec<Said> {
    let Some(who) = shared.setup.byzantine.filter(|who| *who == shared.proposer(round)) else { return Vec::new() };
    let said = |value, valid_round| {
        let what = What::Proposal { value, valid_round };
        Said { who: who as u8, round, what }
    };
    let mut proposals: Vec<_> = own_blocks(who).map(|value| said(value, None)).collect();
    for earlier in 0..round {
        for value in network.polkas(shared, earlier) {
            proposals.push(said(value, Some(earlier)));
        }
    }
    proposals
}

/// The blocks that it may have built.
pub fn own_blocks(who: usize) -> impl Iterator<Item = Value> {
    (0..BLOCKS_A_PROPOSER).map(move |nth| Value::of_proposer(who, nth))
}
