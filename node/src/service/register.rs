//! Plots and the other registers: answers that a verifier computes again from the values that the receipt proves.

use dalil_contracts::land::keys::PlotId;
use dalil_contracts::land::registers::{Register, RegisterQuestion};
use dalil_contracts::refusal::Reject;
use dalil_ledger::document::Status;
use dalil_ledger::receipt::{CouldNotCheck, ProvenRegister, RegisterReceipt, Terms};
use dalil_ledger::state::{StateError, StateView};

use super::ServiceError;
use super::answer::{Receipts, ShownPlot, VerifiedAnswer};
use super::ask::Attach;
use super::head::{Found, Head, as_json};
use super::words::{LATER, as_of};

/// A register as a verifier finds it, or why it could not be checked; and the receipt that was checked.
pub type SelfChecked = (Result<ProvenRegister<Result<Register, Reject>>, CouldNotCheck>, RegisterReceipt);

impl Head {
    /// A register of the land at the time `now_ms`, or why there is none, and the receipt of either.
    pub fn land_register(
        &self,
        question: &RegisterQuestion,
        now_ms: u64,
    ) -> Result<(Result<Register, Reject>, RegisterReceipt), ServiceError> {
        self.register(|state| question.answer(state, now_ms))
    }

    /// What `ask` gives of this head's state, and the receipt that proves all that it read.
    pub fn register<T>(
        &self,
        ask: impl FnOnce(&dyn StateView) -> Result<T, StateError>,
    ) -> Result<(T, RegisterReceipt), ServiceError> {
        let view = self.view();
        let (answer, reads) = RegisterReceipt::gather(view, ask, |key| view.prove(key))?;
        Ok((answer, RegisterReceipt { head: self.proof().clone(), reads }))
    }

    /// A register as a verifier finds it in this head's own receipt, which comes along; or why that proves nothing.
    pub fn proven_register(&self, question: &RegisterQuestion, now_ms: u64) -> Result<SelfChecked, ServiceError> {
        let (_, receipt) = self.land_register(question, now_ms)?;
        let ask = |state: &dyn StateView| question.answer(state, now_ms);
        let checked = self.checked().map_err(Clone::clone);
        let proven = checked.and_then(|head| head.register(&receipt.reads, now_ms, None, ask));
        Ok((proven, receipt))
    }

    pub(super) fn plot(&self, plot: &PlotId, terms: Terms, attach: Attach) -> Result<Found, ServiceError> {
        let question = RegisterQuestion::Encumbrances(plot.clone());
        let (proven, receipt) = self.proven_register(&question, terms.now_ms)?;
        let mut receipts = Receipts::default();
        if attach != Attach::None {
            receipts.register = Some(as_json(&receipt.to_bytes())?);
        }
        let proven = match proven {
            Ok(proven) => proven,
            Err(why) => return Ok(Found { receipts, ..Found::from(&why) }),
        };
        let (shown, mut lines) = match proven.answer {
            Ok(Register::Encumbrances(found)) => {
                let (status, reason) =
                    if found.in_force { (Status::Valid, "in_force") } else { (Status::Superseded, "retired") };
                let open = found.charges.iter().filter(|charge| charge.satisfied.is_none()).count();
                let mut lines = vec![format!("plot {plot} is on record; {open} charges lie on it, unsatisfied")];
                if found.vested {
                    lines.push("it is vested in the Government".to_owned());
                }
                if !found.freezes.is_empty() {
                    lines.push(format!("{} bars on voluntary transfer are in force", found.freezes.len()));
                }
                (ShownPlot { status, reason: reason.to_owned(), encumbrances: Some(found) }, lines)
            }
            Ok(_) => return Err(ServiceError::Inconsistent("another register than the one asked for")),
            Err(_) => {
                let reason = "not_on_record".to_owned();
                let shown = ShownPlot { status: Status::NotOnRecord, reason, encumbrances: None };
                (shown, vec![format!("there is no plot {plot} on record")])
            }
        };
        lines.push(as_of(proven.freshness_ms));
        Ok(Found {
            answer: VerifiedAnswer::Plot(Box::new(shown)),
            proven: lines,
            not_proven: vec!["title: the ledger says what offices recorded, and vouches for no content", LATER],
            uploaded: None,
            receipts,
        })
    }
}
