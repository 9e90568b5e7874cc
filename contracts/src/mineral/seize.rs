//! Seizure and release of a challan, with what travels under it, by enforcement officers of the district; from its end
//! as well as before it.

use dalil_ledger::codec::{SchemaRead, SchemaWrite};
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::Standing;
use dalil_ledger::state::Overlay;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authority::place::DistrictCode;
use crate::authority::{Place, PostingId, Role, authorise};
use crate::context::{Context, Outcome};
use crate::mineral::challan::{self, Seizure, Stage};
use crate::mineral::check::{self, Finding};
use crate::mineral::keys::checks_key;
use crate::mineral::types::ChallanNumber;
use crate::refusal::{Refusal, require};

/// Seizes a challan with what travels under it.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeizeChallan {
    /// The challan.
    #[schemars(with = "String")]
    pub challan: ChallanNumber,
    /// LGD code of the district.
    pub district: DistrictCode,
    /// What gave rise to it.
    pub cause: Finding,
    /// Digest of the seizure memo.
    #[schemars(with = "String")]
    pub memo: Hash,
}

/// Releases a seized challan.
#[derive(Debug, Clone, PartialEq, Eq, SchemaWrite, SchemaRead, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseChallan {
    /// The challan.
    #[schemars(with = "String")]
    pub challan: ChallanNumber,
    /// LGD code of the district in which it was seized.
    pub district: DistrictCode,
    /// Digest of the release order.
    #[schemars(with = "String")]
    pub order: Hash,
}

pub(super) fn seize(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &SeizeChallan,
) -> Result<Outcome, Refusal> {
    let acting = authorise(state, context, posting, &[Role::Enforcement], &Place::district(call.district))?;
    let mut challan = challan::load(state, &call.challan)?;
    if !matches!(challan.stage, Stage::Reserved | Stage::InTransit) {
        return challan.refuse_stage("seized");
    }
    challan::move_document(state, context, &challan, Standing::Seized, "seized")?;
    challan.stage = Stage::Seized;
    challan.seizure = Some(Seizure { district: call.district, memo: call.memo, at_ms: context.time_ms });
    check::raise(state, checks_key(&call.challan), [call.cause])?;
    challan::save(state, &challan);
    Ok(challan.outcome(&acting, "mineral.challan_seized"))
}

pub(super) fn release(
    state: &mut Overlay<'_>,
    context: &Context<'_>,
    posting: &PostingId,
    call: &ReleaseChallan,
) -> Result<Outcome, Refusal> {
    let acting = authorise(state, context, posting, &[Role::Enforcement], &Place::district(call.district))?;
    let mut challan = challan::load(state, &call.challan)?;
    let Some(seizure) = challan.seizure.take() else {
        return challan.refuse_stage("released");
    };
    require(seizure.district == call.district, "A2", || {
        format!(
            "challan {} was seized in district {}; officers of that district release it",
            call.challan, seizure.district
        )
    })?;
    challan::move_document(state, context, &challan, Standing::Active, "released")?;
    challan.stage = if challan.gate.is_some() { Stage::InTransit } else { Stage::Reserved };
    challan::save(state, &challan);
    Ok(challan.outcome(&acting, "mineral.challan_released"))
}
