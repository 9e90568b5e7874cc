//! Applying a case's shares to the register: one function for every way there. [`undo`](super::undo) is its inverse.

use std::collections::{BTreeMap, BTreeSet};

use dalil_ledger::codec::{SchemaRead, SchemaWrite, Set};
use dalil_ledger::document::Provenance;
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::book::Book;
use super::case::{Applied, AppliedPlot, Gain, MutationCase, Recipient};
use super::history::PlotAct;
use super::keys::{KhatianId, KhatianNumber, deed_key};
use super::offers::use_up;
use super::share::Share;
use super::title::{Plan, Planned, place};
use super::types::Holding;
use crate::context::Context;
use crate::refusal::{OrReject as _, Refusal, reject, require};

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

/// One transferor of a deed that a case rests on.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct Giver {
    /// Place of the deed in the chain, from 0.
    #[serde(default)]
    pub deed: u8,
    /// Place among the deed's transferors, from 0.
    pub transferor: u8,
}

/// How a case is allowed: what was seen, and where the shares go.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Allowance {
    /// Each khatian that gives, at the version seen (L14). It rises with every change of a plot it holds in.
    pub saw: Vec<Saw>,
    /// The khatian of each transferee or heir who takes something.
    pub khatians: Vec<Placement>,
    /// The transferors whose parts alone are allowed; empty where those of all are. What others give stays for another
    /// case (L3).
    #[serde(default)]
    #[schemars(with = "Vec<Giver>")]
    pub only: Set<Giver>,
}

impl Allowance {
    /// Whether it takes what a transferor gives.
    pub(super) fn takes_from(&self, deed: u8, transferor: u8) -> bool {
        self.only.is_empty() || self.only.contains(&Giver { deed, transferor })
    }
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
    let mut plots = Vec::new();
    for Planned { of, plot, gives, to } in plan.moves {
        let land = book.live_plot(state, &plot)?;
        for (khatian, share) in &gives {
            land.take(*khatian, *share)?;
        }
        let mut gains = Vec::new();
        for (recipient, share) in to.into_iter().filter(|(_, share)| !share.is_zero()) {
            let khatian = placed.get(&recipient).copied().or_reject("L5", || unplaced(recipient))?;
            land.give(khatian, share)?;
            gains.push(Gain { recipient, khatian, share });
        }
        let gives = gives.into_iter().map(|(khatian, share)| Holding { khatian, share }).collect();
        let entry = book.note(state, &plot, PlotAct::Mutated { case: record.id.clone(), gives, gains })?;
        plots.push(AppliedPlot { of, plot, entry });
    }
    for (at, mut used) in plan.deeds.into_iter().enumerate() {
        for of in record.ground.plots() {
            use_up(state, &mut used, of, &record.id, |transferor| allowance.takes_from(place(at), transferor))?;
        }
        state.put_value(deed_key(&used.id), &used);
    }
    record.applied = Some(Applied { record: context.record, plots });
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
    for number in plan.moves.iter().flat_map(|planned| planned.gives.keys()) {
        let from = KhatianId { mouza: record.mouza.clone(), number: *number };
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
                require(khatian.permission_required || !plan.keeps_permission, "L10", || {
                    format!(
                        "a succession keeps \"permission required\", which khatian {id} lacks; open one that has it"
                    )
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
