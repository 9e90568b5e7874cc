//! What closing a block does: changes come into force, are refused, or lapse.

use dalil_ledger::block::{BlockId, Height};
use dalil_ledger::checkpoint::{KeyName, Policy};
use dalil_ledger::genesis::Parameters;
use dalil_ledger::state::{Overlay, StateError};
use dalil_ledger::validators::{Validator, ValidatorSet};

use super::{
    Absent, ChangeOutcome, HeadName, Membership, PendingChange, RECENT_HEADS_MAX, VALIDATORS_MIN,
    VALIDATORS_MIN_DEVELOPMENT, ValidatorChange, keys_of, membership_key, outcome_key, require_fresh_keys,
    used_key_key,
};
use crate::authority::ballot::ballot_subject;
use crate::authority::{register_consensus_keys, validators_key};
use crate::context::Event;
use crate::refusal::{OrReject as _, Refusal, Reject, reject, require};

/// The block that is closed.
#[derive(Debug, Clone, Copy)]
pub struct Closing<'a> {
    /// Its height.
    pub height: Height,
    /// Its time, UTC milliseconds.
    pub time_ms: u64,
    /// The block before it.
    pub parent: BlockId,
    /// What holds for the whole chain.
    pub parameters: &'a Parameters,
    /// The log's origin, by which the members' keys are named.
    pub origin: &'a KeyName,
}

/// What a block does after its last record: the set of the next height is settled. Part of executing every block, with
/// records or without. Returns what became of changes.
pub fn close_block(state: &mut Overlay<'_>, closing: &Closing<'_>) -> Result<Vec<Event>, StateError> {
    let Some(mut membership) = state.get_value::<Membership>(&membership_key())? else { return Ok(Vec::new()) };
    let mut events = Vec::new();
    membership.note_head(HeadName { height: closing.height.saturating_sub(1), id: closing.parent });
    let next = closing.height.saturating_add(1);
    let lapsed = membership.pending.extract_if(.., |pending| closing.time_ms > pending.lapses_at_ms);
    for pending in lapsed {
        settle(state, &mut events, &pending, &ChangeOutcome::Lapsed(closing.height));
    }
    let is_due = |pending: &mut PendingChange| pending.due_height().is_some_and(|height| height <= next);
    let due: Vec<_> = membership.pending.extract_if(.., is_due).collect();
    if !due.is_empty() {
        take(state, closing, &mut membership, next, due, &mut events)?;
    }
    membership.write(state);
    Ok(events)
}

/// Writes down what became of a change.
fn settle(state: &mut Overlay<'_>, events: &mut Vec<Event>, pending: &PendingChange, outcome: &ChangeOutcome) {
    state.put_value(outcome_key(&pending.ballot), outcome);
    let name = match outcome {
        ChangeOutcome::InForce(_) => "authority.validator_change_in_force",
        ChangeOutcome::Refused { .. } => "authority.validator_change_refused",
        ChangeOutcome::Lapsed(_) => "authority.validator_change_lapsed",
    };
    events.push(Event { name, subject: ballot_subject(&pending.ballot) });
}

impl Membership {
    fn note_head(&mut self, head: HeadName) {
        if self.heads.len() >= RECENT_HEADS_MAX {
            self.heads.remove(0);
        }
        self.heads.push(head);
    }
}

/// Takes the changes that are due at `height`, in order.
fn take(
    state: &mut Overlay<'_>,
    closing: &Closing<'_>,
    membership: &mut Membership,
    height: Height,
    due: Vec<PendingChange>,
    events: &mut Vec<Event>,
) -> Result<(), StateError> {
    let set: Option<ValidatorSet> = state.get_value(&validators_key())?;
    let set = set.ok_or_else(|| StateError("the state names no validators".to_owned()))?;
    let mut draft = Draft::new(&set, &membership.absent, closing);
    for pending in due {
        let outcome = match draft.with(state, &pending.change, height) {
            Ok(changed) => {
                draft = changed;
                ChangeOutcome::InForce(height)
            }
            Err(Refusal::Rule(Reject { code, .. })) => {
                let code = code.parse().map_err(|_| StateError(format!("{code} is no code of a rule")))?;
                ChangeOutcome::Refused { height, code }
            }
            Err(Refusal::State(error)) => return Err(error),
        };
        settle(state, events, &pending, &outcome);
    }
    if draft.set != set {
        for member in set.iter().filter(|member| !draft.has(member)).chain(draft.set.iter().filter(|m| !has(&set, m))) {
            keys_of(member).iter().for_each(|key| state.put_value(used_key_key(key), &member.department));
        }
        register_consensus_keys(state, &draft.set, height)?;
        state.put_value(validators_key(), &draft.set);
        membership.absent = draft.absent;
    }
    Ok(())
}

fn has(set: &ValidatorSet, member: &Validator) -> bool {
    set.iter().any(|other| other == member)
}

/// The set of a height as its changes are taken one by one.
#[derive(Clone)]
struct Draft<'a> {
    origin: &'a KeyName,
    set: ValidatorSet,
    absent: Vec<Absent>,
    added: usize,
    removed: usize,
    /// How many a height may add, and how many it may remove.
    bound: usize,
    smallest: usize,
    development: bool,
}

/// f, and on a development chain 1 at least.
fn bearable(set: &ValidatorSet, development: bool) -> usize {
    set.max_faulty().max(usize::from(development))
}

impl<'a> Draft<'a> {
    fn new(set: &ValidatorSet, absent: &[Absent], closing: &Closing<'a>) -> Self {
        let development = closing.parameters.development;
        Self {
            origin: closing.origin,
            set: set.clone(),
            absent: absent.to_vec(),
            added: 0,
            removed: 0,
            bound: bearable(set, development),
            smallest: if development { VALIDATORS_MIN_DEVELOPMENT } else { VALIDATORS_MIN },
            development,
        }
    }

    fn has(&self, member: &Validator) -> bool {
        has(&self.set, member)
    }

    /// This draft with one more change, if it breaks no rule.
    fn with(&self, state: &Overlay<'_>, change: &ValidatorChange, height: Height) -> Result<Self, Refusal> {
        let mut draft = self.clone();
        let mut members: Vec<Validator> = draft.set.iter().cloned().collect();
        if let Some(leaving) = change.outgoing() {
            let place = draft.set.index_of(leaving).or_reject("A4", || format!("{leaving} runs no validator"))?;
            members.remove(place.0);
            draft.absent.retain(|absent| absent.department != *leaving);
            draft.removed += 1;
        }
        if let Some(member) = change.incoming() {
            require_fresh_keys(state, &draft.set, member)?;
            let stays = members.iter().any(|other| other.department == member.department);
            require(!stays, "A4", || format!("{} runs a validator already", member.department))?;
            members.push(member.clone());
            draft.absent.push(Absent { department: member.department.clone(), from_height: height });
            draft.added += 1;
        }
        require(draft.added <= draft.bound && draft.removed <= draft.bound, "A4", || {
            format!("height {height} would add {} and remove {}, at most {}", draft.added, draft.removed, draft.bound)
        })?;
        require(members.len() >= draft.smallest, "A4", || {
            format!("{} validators would be left, at least {}", members.len(), draft.smallest)
        })?;
        draft.set =
            ValidatorSet::new(members).ok().or_reject("A4", || "they would be no set of validators".to_owned())?;
        // No node could open a head whose cosigners have no names.
        if let Err(error) = Policy::of_new_set(draft.origin, &draft.set) {
            return reject("A4", format!("readers could not tell what each of them signed: {error}"));
        }
        let bearable = bearable(&draft.set, draft.development);
        require(draft.absent.len() <= bearable, "A4", || {
            format!("{} validators would be yet to join, at most {bearable}", draft.absent.len())
        })?;
        Ok(draft)
    }
}
