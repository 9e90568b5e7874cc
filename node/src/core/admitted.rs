//! Whom this node lets in, as far as the chain says it: the validators that it knows since its own head.
//!
//! - The set of the next height.
//! - The set before the last change: who left learns of it, and a node one set behind finds those it knows.
//! - The members that carried changes bring: a newcomer catches up before it takes its seat.
//!
//! A node that was away while the set changed knows old sets only. Those that are still members let it in, and it lets
//! in whom it dials, which its operator configured; blocks are believed by their certificates, each checked against the
//! set before, and not by who sends them. So one connection to anybody who has the blocks suffices: with each block that
//! changes the set the node lets in more, until it knows today's.

use std::collections::BTreeSet;

use dalil_contracts::authority::membership::{Membership, membership_key};
use dalil_ledger::genesis::Genesis;
use dalil_ledger::store::{LedgerView, StoreError};
use dalil_ledger::validators::ValidatorSet;

use super::Core;
use super::event::{Effect, Peer};

/// The set before the last change up to the head of `view`; the present one if it never changed.
pub(super) fn former_validators(view: &LedgerView, genesis: &Genesis) -> Result<ValidatorSet, StoreError> {
    let handovers = view.handovers(0, usize::MAX)?;
    let before_last = handovers.len().checked_sub(2).and_then(|place| handovers.get(place));
    Ok(before_last.map_or(&genesis.validators, |handover| &handover.next).clone())
}

impl Core {
    /// Says whom to let in, where that changed with the head, and whose word on heights counts.
    pub(super) fn admit(&mut self) -> Result<(), StoreError> {
        let membership: Option<Membership> = self.view.state_value(&membership_key())?;
        self.sync.know(self.validators.iter().map(|member| member.network).collect());
        let incoming = membership.iter().flat_map(Membership::incoming);
        let members = self.validators.iter().chain(self.former_validators.iter()).chain(incoming);
        let admitted: BTreeSet<Peer> = members.map(|member| member.network).collect();
        if admitted != self.admitted {
            self.admitted = admitted.clone();
            self.effect(Effect::Admit(admitted));
        }
        Ok(())
    }
}
