//! A succession's evidence.

use dalil_ledger::document::{Moment, Slots, Status, Uri, read_set, status};
use dalil_ledger::state::{Overlay, StateError, StateView as _};

use crate::context::Context;
use crate::refusal::{Refusal, reject, require};
use crate::registry;

/// Type code of the death certificate.
pub const DEATH_CERTIFICATE: &str = "DEATH";

/// Refuses with L4 unless the death certificate is on record and valid at the block's time.
pub(super) fn require_death(state: &Overlay<'_>, context: &Context<'_>, uri: &Uri) -> Result<(), Refusal> {
    let entry = match registry::entry(state, uri) {
        Ok(entry) => entry,
        Err(Refusal::Rule(_)) => return reject("L4", format!("death certificate {uri} is not on record")),
        Err(trouble) => return Err(trouble),
    };
    require(entry.kind.as_str() == DEATH_CERTIFICATE, "L4", || {
        format!("{uri} is a document of type {}, not a death certificate", entry.kind)
    })?;
    let values = read_set(&entry).iter().map(|key| state.get(key)).collect::<Result<Vec<_>, _>>()?;
    let slots = Slots::decode(&entry, &values).map_err(|error| StateError(error.to_string()))?;
    let verdict = status(&entry, &slots, Moment::now(context.time_ms));
    require(verdict.status == Status::Valid, "L4", || {
        format!("death certificate {uri} is {:?} ({})", verdict.status, verdict.reason)
    })
}
