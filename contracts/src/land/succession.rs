//! A succession's evidence.

use dalil_ledger::document::{Status, Uri};
use dalil_ledger::state::Overlay;

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
    let verdict = registry::present_status(state, context, &entry)?;
    require(verdict.status == Status::Valid, "L4", || {
        format!("death certificate {uri} is {:?} ({})", verdict.status, verdict.reason)
    })
}
