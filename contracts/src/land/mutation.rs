//! Applying a case's shares to the register, and undoing them: one pair of functions for every way there.

use std::collections::{BTreeMap, BTreeSet};

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::document::Provenance;
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::book::Book;
use super::case::{Applied, Gain, Move, MutationCase, Recipient, case};
use super::deed::{add_offer, deed, remove_offer};
use super::keys::{CaseId, KhatianId, KhatianNumber, case_key, deed_key};
use super::share::Share;
use super::title::Plan;
use crate::context::Context;
use crate::refusal::{OrReject as _, Refusal, Reject, reject, require};

/// The most later cases on one plot that are looked through for L15.
pub const LATER_MAX: usize = 256;

/// A khatian at the version that the officer or system saw (L14).
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Saw {
    /// The khatian.
    pub khatian: KhatianId,
    /// Its version.
    pub version: u64,
}

/// A khatian that is opened with the commitment of the deed or succession.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Opened {
    /// Its number, not in use yet.
    pub number: KhatianNumber,
    /// A transfer from it needs a permission (L10). A succession keeps this whatever is said here.
    #[serde(default)]
    pub permission_required: bool,
}

/// Where a share goes.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// To a new khatian.
    Open(Opened),
    /// To a khatian that is open.
    Existing(KhatianNumber),
}

/// The khatian of one transferee or heir.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Placement {
    /// Place of the deed in the chain, from 0; 0 for every other ground.
    #[serde(default)]
    pub deed: u8,
    /// Place among the transferees or heirs, from 0.
    pub transferee: u8,
    /// Its khatian.
    pub khatian: Target,
}

/// How a case is allowed: what was seen, and where the shares go.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Allowance {
    /// Each khatian that gives, at the version seen (L14). It rises with every change of a plot it holds in.
    pub saw: Vec<Saw>,
    /// The khatian of each transferee or heir who takes something.
    pub khatians: Vec<Placement>,
}

/// Who may say that an existing khatian is the transferee's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Identity {
    /// The officer finds so.
    OfficerFinds,
    /// Only equal commitments (L9).
    CommitmentsEqual,
}

/// Applies a plan: shares move, khatians are opened, deeds are used up (L3).
pub(super) fn apply(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    book: &mut Book,
    record: &mut MutationCase,
    plan: Plan,
    allowance: &Allowance,
    identity: Identity,
) -> Result<(), Refusal> {
    check_saw(state, book, record, &plan, allowance)?;
    let placed = place_all(state, book, record, &plan, allowance, identity)?;
    let mut moves = Vec::new();
    for planned in plan.moves {
        let plot = book.live_plot(state, &planned.plot)?;
        let mut gains = Vec::new();
        for (recipient, share) in planned.to {
            if share.is_zero() {
                continue;
            }
            let khatian = placed.get(&recipient).copied().or_reject("L5", || unplaced(recipient))?;
            plot.take(planned.from, share)?;
            plot.give(khatian, share)?;
            gains.push(Gain { recipient, khatian, share });
        }
        let before = plot.latest.replace(record.id.clone());
        moves.push(Move { plot: planned.plot, from: planned.from, gains, before });
    }
    for mut used in plan.deeds {
        for done in &moves {
            remove_offer(state, &used, &done.plot)?;
            if let Some(given) = used.covers_mut(&done.plot) {
                given.used_by = Some(record.id.clone());
            }
        }
        state.put_value(deed_key(&used.id), &used);
    }
    record.applied = Some(Applied { record: context.record, moves });
    Ok(())
}

/// Of two concurrent cases one commits: whoever saw an older version is refused (L14).
fn check_saw(
    state: &Overlay<'_>,
    book: &mut Book,
    record: &MutationCase,
    plan: &Plan,
    allowance: &Allowance,
) -> Result<(), Refusal> {
    for saw in &allowance.saw {
        let version = book.khatian(state, &saw.khatian)?.version;
        require(saw.version == version, "L14", || {
            format!("khatian {} is at version {version}; the order saw version {}", saw.khatian, saw.version)
        })?;
    }
    for planned in &plan.moves {
        let from = KhatianId { mouza: record.mouza.clone(), number: planned.from };
        let seen = allowance.saw.iter().any(|saw| saw.khatian == from);
        require(seen, "L14", || format!("the order does not name the version of khatian {from} that it saw"))?;
    }
    Ok(())
}

fn unplaced(recipient: Recipient) -> String {
    format!("no khatian is named for transferee {} of deed {} in the chain", recipient.transferee, recipient.deed)
}

/// Opens or finds the khatian of everyone who takes something (L5).
fn place_all(
    state: &Overlay<'_>,
    book: &mut Book,
    record: &MutationCase,
    plan: &Plan,
    allowance: &Allowance,
    identity: Identity,
) -> Result<BTreeMap<Recipient, KhatianNumber>, Refusal> {
    let takes = |(recipient, share): (&Recipient, &Share)| (!share.is_zero()).then_some(*recipient);
    let takers: BTreeSet<Recipient> = plan.moves.iter().flat_map(|planned| &planned.to).filter_map(takes).collect();
    let mut placed = BTreeMap::new();
    for placement in &allowance.khatians {
        let recipient = Recipient { deed: placement.deed, transferee: placement.transferee };
        let holder = plan.holders.get(&recipient).filter(|_| takers.contains(&recipient)).or_reject("L5", || {
            format!("transferee {} of deed {} in the chain takes nothing", recipient.transferee, recipient.deed)
        })?;
        let number = match &placement.khatian {
            Target::Open(opened) => {
                let id = KhatianId { mouza: record.mouza.clone(), number: opened.number };
                let permission_required = opened.permission_required || plan.keeps_permission;
                book.open_khatian(state, id, *holder, permission_required, Provenance::Decided)?;
                opened.number
            }
            Target::Existing(number) => {
                let id = KhatianId { mouza: record.mouza.clone(), number: *number };
                let khatian = book.khatian(state, &id)?;
                let known = identity == Identity::OfficerFinds || khatian.holder == *holder;
                require(known, "L9", || {
                    format!("khatian {id} has another commitment than the deed's transferee; an officer must find so")
                })?;
                *number
            }
        };
        let repeated = placed.insert(recipient, number).is_some();
        require(!repeated, "L5", || format!("two khatians are named for transferee {}", recipient.transferee))?;
    }
    match takers.iter().find(|recipient| !placed.contains_key(recipient)) {
        Some(missing) => reject("L5", unplaced(*missing)),
        None => Ok(placed),
    }
}

/// Undoes an applied case: the compensating entry, the deeds usable again (L3). Refused with L15 while a later case
/// rests on it.
pub(super) fn undo(state: &mut Overlay<'_>, book: &mut Book, record: &mut MutationCase) -> Result<(), Refusal> {
    let applied = record.applied.take().or_reject("D2", || format!("case {} is not applied", record.id))?;
    for done in &applied.moves {
        let plot = book.plot(state, &done.plot)?;
        require(!plot.retired, "L15", || {
            format!("plot {} was divided or merged after case {}; set that aside first", done.plot, record.id)
        })?;
        unlink(state, book, &record.id, done)?;
        let plot = book.plot(state, &done.plot)?;
        for gain in &done.gains {
            plot.take(gain.khatian, gain.share).map_err(|refusal| match refusal {
                Refusal::Rule(Reject { code: "L2", message }) => Refusal::Rule(Reject {
                    code: "L15",
                    message: format!("a later record rests on this case: {message}"),
                }),
                other => other,
            })?;
            plot.give(done.from, gain.share)?;
        }
    }
    for id in record.ground.deeds() {
        let mut released = deed(state, id)?;
        for done in &applied.moves {
            if let Some(given) =
                released.covers_mut(&done.plot).filter(|given| given.used_by.as_ref() == Some(&record.id))
            {
                given.used_by = None;
                let share = given.share;
                add_offer(state, &released, &done.plot, share)?;
            }
        }
        state.put_value(deed_key(id), &released);
    }
    Ok(())
}

/// Takes a case out of the plot's chain of applied cases, or refuses with L15 if a later one gives what it got.
fn unlink(state: &mut Overlay<'_>, book: &mut Book, id: &CaseId, done: &Move) -> Result<(), Refusal> {
    let mut at = book.plot(state, &done.plot)?.latest.clone();
    let mut later: Option<MutationCase> = None;
    for _ in 0..LATER_MAX {
        let Some(current) = at else { break };
        if current == *id {
            match later {
                None => book.plot(state, &done.plot)?.latest = done.before.clone(),
                Some(mut later) => {
                    if let Some(link) = move_on(&mut later, done) {
                        link.before = done.before.clone();
                    }
                    state.put_value(case_key(&later.id), &later);
                }
            }
            return Ok(());
        }
        let mut case = case(state, &current)?;
        let link = move_on(&mut case, done)
            .or_reject("L15", || format!("case {current} is not applied on plot {}", done.plot))?;
        let rests = done.gains.iter().any(|gain| gain.khatian == link.from);
        require(!rests, "L15", || {
            format!("case {current} rests on case {id} on plot {}; the order must name it too, newest first", done.plot)
        })?;
        at = link.before.clone();
        later = Some(case);
    }
    reject("L15", format!("case {id} lies more than {LATER_MAX} cases back on plot {}", done.plot))
}

fn move_on<'c>(case: &'c mut MutationCase, done: &Move) -> Option<&'c mut Move> {
    case.applied.as_mut()?.moves.iter_mut().find(|link| link.plot == done.plot)
}
