//! Plots and the other registers: answers that a verifier computes again from the values that the receipt proves.

use dalil_contracts::land::keys::PlotId;
use dalil_contracts::land::registers::{Extent, Register, RegisterQuestion};
use dalil_contracts::refusal::Reject;
use dalil_ledger::document::Status;
use dalil_ledger::receipt::{CouldNotCheck, ProvenRegister, RegisterReceipt, Terms};
use dalil_ledger::state::{StateError, StateView};

use super::ServiceError;
use super::answer::{Receipts, ShownPlot, VerifiedAnswer};
use super::ask::Attach;
use super::head::{Found, Head, as_json};
use super::words::{LATER, TITLE, as_of};

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
        let another = ServiceError::Inconsistent("another register than the one asked for");
        let shown = ShownPlot::of(proven.answer).ok_or(another)?;
        let mut lines = shown.proven(plot);
        lines.push(as_of(proven.freshness_ms));
        Ok(Found {
            answer: VerifiedAnswer::Plot(Box::new(shown)),
            proven: lines,
            not_proven: vec![TITLE, LATER],
            uploaded: None,
            receipts,
        })
    }
}

/// The code of the rule that refuses a register of what is not there.
pub const NOT_THERE: &str = "D2";

impl ShownPlot {
    /// What the register of encumbrances says of a plot; none if this is no such answer.
    pub fn of(answer: Result<Register, Reject>) -> Option<Self> {
        let (status, reason, encumbrances) = match answer {
            Ok(Register::Encumbrances(found)) if found.in_force => (Status::Valid, "in_force", Some(found)),
            Ok(Register::Encumbrances(found)) => (Status::Superseded, "retired", Some(found)),
            Err(reject) if reject.code == NOT_THERE => (Status::NotOnRecord, "not_on_record", None),
            Ok(_) | Err(_) => return None,
        };
        Some(Self { status, reason: reason.to_owned(), encumbrances })
    }

    /// The same in words.
    pub fn proven(&self, plot: &PlotId) -> Vec<String> {
        let Some(found) = &self.encumbrances else { return vec![format!("there is no plot {plot} on record")] };
        let open = found.charges.iter().filter(|charge| charge.satisfied.is_none()).count();
        let mut lines = vec![format!("plot {plot} is on record; {open} charges lie on it, unsatisfied")];
        if found.extent == Extent::CutShort {
            lines.push("of charges that were satisfied there are more than one answer holds".to_owned());
        }
        if found.vested {
            lines.push("it is vested in the Government".to_owned());
        }
        if !found.freezes.is_empty() {
            lines.push(format!("{} bars on voluntary transfer are in force", found.freezes.len()));
        }
        lines
    }
}
