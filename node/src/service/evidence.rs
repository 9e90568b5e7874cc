//! What a court is handed, from this node's own head.

use super::answer::CouldNotAnswer;
use super::head::Head;
use crate::court::{Evidence, Gathering, Subject};

impl Head {
    /// Everything about a subject, gathered and checked like anybody's at the node's time `now_ms`; or why it is not whole.
    pub fn evidence(&self, subject: &Subject, now_ms: u64) -> Result<Evidence, CouldNotAnswer> {
        let gathered = self.gather(subject, now_ms);
        gathered.map_err(|why| CouldNotAnswer::new("evidence_incomplete", format!("{why:#}")))
    }

    fn gather(&self, subject: &Subject, now_ms: u64) -> anyhow::Result<Evidence> {
        let mut gathering = Gathering::new(subject.clone(), self.pin().clone());
        if let Subject::Document(uri) = subject {
            let receipt = self.status_receipt(&dalil_ledger::receipt::Question::Uri(uri.clone()))?;
            gathering.status(uri, receipt.to_bytes(), now_ms)?;
        }
        for (name, question) in gathering.registers() {
            let (_, receipt) = self.land_register(&question, now_ms)?;
            gathering.register((name, &question), receipt.to_bytes(), now_ms)?;
        }
        for index in gathering.awaited()? {
            gathering.record(index, self.inclusion_receipt(index, None)?.to_bytes(), now_ms)?;
        }
        gathering.finish()
    }
}
