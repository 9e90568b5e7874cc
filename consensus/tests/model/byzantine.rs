//! The Byzantine validator: all that it may have said. Since nobody is made to hear it, it has said everything from the
//! beginning; a node hears one thing, another, or nothing.

use dalil_ledger::validators::VoteKind;

use super::model::Network;
use super::node::Stimulus;
use super::said::{BLOCKS_A_PROPOSER, Said, Value, What};
use super::setup::Shared;

/// Its votes of one kind and round that can matter: nil, and each block that somebody proposed by then.
pub fn votes(shared: &Shared, network: &Network, kind: VoteKind, round: u32) -> Vec<Said> {
    let Some(who) = shared.setup.byzantine else { return Vec::new() };
    let values = network.values(shared, round);
    let blocks = values.into_iter().map(|value| Said::vote(who, kind, round, Some(value)));
    std::iter::once(Said::vote(who, kind, round, None)).chain(blocks).collect()
}

/// Its proposals of a round: its own blocks, whatever has a polka with that polka's round, and anything under a polka that
/// it lacks or that it alone signed.
pub fn proposals(shared: &Shared, network: &Network, round: u32) -> Vec<Stimulus> {
    let Some(who) = shared.setup.byzantine.filter(|who| *who == shared.proposer(round)) else { return Vec::new() };
    let said = |value, valid_round, signers| {
        let what = What::Proposal { value, valid_round };
        Stimulus::Proposal(Said { who: who as u8, round, what }, signers)
    };
    let mut proposals: Vec<_> = own_blocks(who).map(|value| said(value, None, 0)).collect();
    for earlier in 0..round {
        for value in network.polkas(shared, earlier) {
            let signers = network.signers(shared, VoteKind::Prevote, earlier, Some(value));
            proposals.extend(signers.map(|signers| said(value, Some(earlier), signers)));
        }
    }
    if let Some(earlier) = round.checked_sub(1) {
        for value in network.values(shared, round) {
            proposals.extend([0, 1 << who].map(|signers| said(value, Some(earlier), signers)));
        }
    }
    proposals
}

/// Certificates of one kind and round that it alone signed.
pub fn forged(shared: &Shared, network: &Network, kind: VoteKind, round: u32) -> Vec<Stimulus> {
    let Some(who) = shared.setup.byzantine else { return Vec::new() };
    let certificate = |value| Stimulus::Certificate { kind, round, value: Some(value), signers: 1 << who };
    network.values(shared, round).into_iter().map(certificate).collect()
}

/// Votes under the names of others, for a block that was proposed.
pub fn forged_votes(shared: &Shared, network: &Network, me: usize, kind: VoteKind, round: u32) -> Vec<Stimulus> {
    let Some(value) = shared.setup.byzantine.and(network.values(shared, round).pop_last()) else { return Vec::new() };
    let others = shared.honest().filter(|who| *who != me);
    others.map(|who| Stimulus::ForgedVote(Said::vote(who, kind, round, Some(value)))).collect()
}

/// The blocks that it may have built.
pub fn own_blocks(who: usize) -> impl Iterator<Item = Value> {
    (0..BLOCKS_A_PROPOSER).map(move |nth| Value::of_proposer(who, nth))
}
