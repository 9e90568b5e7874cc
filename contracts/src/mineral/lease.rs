//! Leases: who may dig what, where, how much a year and when (M9). What a lease on raiyati land rests on is judged in
//! [`super::raiyati`] (M15).

use dalil_ledger::codec::{SchemaRead, SchemaWrite, Set};
use dalil_ledger::crypto::Hash;
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authority::place::{BlockCode, DistrictCode};
use crate::authority::{Place, PostingId, Role, authorise};
use crate::calendar::{CivilDate, DayRange};
use crate::context::{Context, Outcome};
use crate::mineral::block::{self, BlockStage};
use crate::mineral::keys::{lease_key, yard_key};
use crate::mineral::raiyati::{self, RaiyatiPlot};
use crate::mineral::types::{Commitment, LeaseId, MineralCode, MiningBlockId, plain, site_place, subject, unused};
use crate::refusal::{OrReject as _, Refusal, reject, require};
use crate::units::Kilograms;

/// Whether a lease is worked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LeaseStanding {
    /// In force.
    Active,
    /// Not to be worked for the time being.
    Suspended,
    /// Ended before its term; final.
    Determined,
}

/// A lease.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize)]
pub struct Lease {
    /// What was granted.
    pub granted: GrantLease,
    /// LGD code of its district.
    pub district: DistrictCode,
    /// LGD code of its community development block.
    pub development_block: Option<BlockCode>,
    /// The lessee.
    pub lessee: Commitment,
    /// Whether it is worked.
    pub standing: LeaseStanding,
}

/// Grants a lease on a block with a letter of intent.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantLease {
    /// The lease's id.
    #[schemars(with = "String")]
    pub lease: LeaseId,
    /// The block.
    #[schemars(with = "String")]
    pub block: MiningBlockId,
    /// The minerals that may be dug.
    #[schemars(with = "Vec<String>")]
    pub minerals: Set<MineralCode>,
    /// The most that may be permitted in a financial year (M1), kg.
    pub annual_cap_kg: Kilograms,
    /// Start of the term, UTC milliseconds.
    pub from_ms: u64,
    /// End of the term (exclusive), UTC milliseconds.
    pub until_ms: u64,
    /// Days of each year on which nothing is dug: the monsoon of a river bed.
    pub monsoon_bar: Option<DayRange>,
    /// Digest of the lease deed.
    #[schemars(with = "String")]
    pub deed: Hash,
    /// The raiyati plots it lies on (M15).
    pub raiyati_plots: Vec<RaiyatiPlot>,
}

/// Suspends, resumes or determines a lease.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeLease {
    /// The lease.
    #[schemars(with = "String")]
    pub lease: LeaseId,
    /// Its standing from now on.
    pub standing: LeaseStanding,
    /// Digest of the order.
    #[schemars(with = "String")]
    pub order: Hash,
}

impl Lease {
    /// Where it lies.
    pub fn place(&self) -> Place {
        site_place(self.district, self.development_block, &self.granted.lease)
    }

    /// Refuses unless the lease is in force at the block's time (M9).
    pub(super) fn require_active(&self, context: &Context<'_>) -> Result<(), Refusal> {
        let Self { granted: GrantLease { lease, from_ms, until_ms, .. }, standing, .. } = self;
        require(*standing == LeaseStanding::Active, "M9", || format!("lease {lease} is {standing:?}"))?;
        let in_term = (*from_ms..*until_ms).contains(&context.time_ms);
        require(in_term, "M9", || format!("lease {lease} is not within its term"))
    }

    /// Whether it was determined or its term is past: the block may be auctioned again.
    pub(super) fn is_over(&self, context: &Context<'_>) -> bool {
        self.standing == LeaseStanding::Determined || context.time_ms >= self.granted.until_ms
    }

    /// Refuses a mineral that may not be dug here (M9).
    pub(super) fn require_mineral(&self, mineral: &MineralCode) -> Result<(), Refusal> {
        let granted = &self.granted;
        require(granted.minerals.contains(mineral), "M9", || format!("lease {} is not for {mineral}", granted.lease))
    }

    /// Refuses on a day on which nothing is dug (M9).
    pub(super) fn require_no_monsoon(&self, context: &Context<'_>) -> Result<(), Refusal> {
        let today = CivilDate::in_india(context.time_ms).month_day;
        let barred = self.granted.monsoon_bar.is_some_and(|bar| bar.contains(today));
        require(!barred, "M9", || format!("lease {} is barred by the monsoon on this day", self.granted.lease))
    }
}

/// The lease, refused with M9 if there is none.
pub(super) fn load(state: &Overlay<'_>, id: &LeaseId) -> Result<Lease, Refusal> {
    state.get_value(&lease_key(id))?.or_reject("M9", || format!("there is no lease {id}"))
}

pub(super) fn grant(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &GrantLease,
) -> Result<Outcome, Refusal> {
    let mut block = block::load(state, &call.block)?;
    let acting = authorise(state, context, posting, &[Role::MineralOfficer], &block.place())?;
    let BlockStage::Intended { bidder } = block.stage else {
        return reject("D2", format!("block {} has no open letter of intent", call.block));
    };
    plain("lease", call.lease.as_str())?;
    unused(state, &lease_key(&call.lease), "lease", &call.lease)?;
    unused(state, &yard_key(&call.lease), "stockyard", &call.lease)?;
    let found = &block.registered.minerals;
    let known = !call.minerals.is_empty() && call.minerals.iter().all(|mineral| found.contains(mineral));
    require(known, "M9", || format!("a lease on block {} is for minerals found there", call.block))?;
    require(call.from_ms < call.until_ms, "M9", || "the lease ends before it begins".to_owned())?;
    let days_exist = call.monsoon_bar.is_none_or(|bar| bar.from.exists() && bar.to.exists());
    require(days_exist, "M9", || "the monsoon bar names a day that no year has".to_owned())?;
    require(call.annual_cap_kg.0 > 0, "M1", || "a lease has an annual cap".to_owned())?;
    raiyati::take(state, context, &block.registered, &call.lease, &call.raiyati_plots)?;
    let lease = Lease {
        granted: call.clone(),
        district: block.registered.district,
        development_block: block.registered.development_block,
        lessee: bidder,
        standing: LeaseStanding::Active,
    };
    block.stage = BlockStage::Leased { lease: call.lease.clone() };
    block::save(state, &block);
    state.put_value(lease_key(&call.lease), &lease);
    let mut outcome = acting.outcome();
    outcome.event("mineral.lease_granted", subject("lease", &call.lease));
    outcome.about(subject("mining_block", &call.block));
    for named in &call.raiyati_plots {
        outcome.about(named.plot.subject());
    }
    Ok(outcome)
}

pub(super) fn change(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &ChangeLease,
) -> Result<Outcome, Refusal> {
    let mut lease = load(state, &call.lease)?;
    let acting = authorise(state, context, posting, &[Role::MineralOfficer], &lease.place())?;
    let moves = lease.standing != LeaseStanding::Determined && lease.standing != call.standing;
    require(moves, "D2", || {
        format!("lease {} is {:?} and cannot become {:?}", call.lease, lease.standing, call.standing)
    })?;
    lease.standing = call.standing;
    state.put_value(lease_key(&call.lease), &lease);
    let mut outcome = acting.outcome();
    outcome.event("mineral.lease_changed", subject("lease", &call.lease));
    Ok(outcome)
}
