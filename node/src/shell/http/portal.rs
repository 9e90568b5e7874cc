//! What the portal asks of its node.

use dalil_contracts::mineral::challan::CHALLAN_URI_PREFIX;
use dalil_ledger::block::DepartmentId;
use dalil_ledger::crypto::Hash;
use dalil_ledger::document::{DocumentEntry, TypeCode};
use dalil_ledger::receipt::{InclusionReceipt, Trust, verify_inclusion_with};

use super::{App, Problem};
use crate::court::{Evidence, Subject};
use crate::portal::{Answers, RecordedAt};
use crate::service::{Ask, Attach, CouldNotAnswer, Journey, Verified};
use crate::shell::clock::now_ms;
use crate::verification::batch_of;

impl Answers for App {
    fn answer(&self, ask: &Ask) -> Result<Verified, CouldNotAnswer> {
        let now_ms = now_ms();
        let head = self.service.head(now_ms).map_err(|error| CouldNotAnswer::new("unreachable", error.to_string()))?;
        head.answer(ask, Attach::None, now_ms).map_err(|error| CouldNotAnswer::new("number_wrong", error.to_string()))
    }

    fn evidence(&self, subject: &Subject) -> Result<Evidence, CouldNotAnswer> {
        let busy = |_| CouldNotAnswer::new("busy", "as much is being gathered as this node bears");
        let _place = self.gatherings.try_acquire().map_err(busy)?;
        let now_ms = now_ms();
        let head = self.service.head(now_ms).map_err(|error| CouldNotAnswer::new("unreachable", error.to_string()))?;
        head.evidence(subject, now_ms)
    }

    fn certificate_types(&self) -> &[(DepartmentId, TypeCode)] {
        self.service.certificate_types()
    }

    fn chain(&self) -> Hash {
        self.chain
    }

    fn journey(&self, entry: &DocumentEntry) -> Option<Journey> {
        let number = entry.uri.as_str().strip_prefix(CHALLAN_URI_PREFIX)?;
        let subject = format!("challan/{number}").parse().ok()?;
        let journey = self.service.head(now_ms()).and_then(|head| head.journey(&subject, entry.record));
        // Without its own issue it would be no journey: then the document's life stands for it.
        journey.ok().filter(|journey| journey.legs.first().is_some_and(|leg| leg.record == entry.record))
    }

    fn recorded(&self, receipt: &InclusionReceipt) -> Result<RecordedAt, (String, String)> {
        let unreachable = |Problem { detail, .. }| ("unreachable".to_owned(), detail);
        let pin = self.published().and_then(|published| self.pin(&published)).map_err(unreachable)?;
        let checked = verify_inclusion_with(&receipt.to_bytes(), Trust::Pin(&pin), now_ms(), batch_of);
        let found = checked.map_err(|why| (why.code().to_owned(), why.to_string()))?;
        Ok(RecordedAt { index: found.index, log_size: found.log_size, freshness_ms: found.freshness_ms })
    }
}
