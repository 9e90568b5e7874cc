//! Rule 11: timeouts grow linearly with the round, up to a cap. An exponential growth halts a chain for hours after an
//! outage.

use dalil_ledger::block::Round;
use dalil_ledger::genesis::Timeouts;

use crate::event::TimerKind;

/// How long the timer runs in `round`, in milliseconds.
pub(crate) fn duration_ms(timeouts: &Timeouts, kind: TimerKind, round: Round) -> u64 {
    let base_ms = match kind {
        TimerKind::Propose => timeouts.propose_ms,
        TimerKind::Prevote => timeouts.prevote_ms,
        TimerKind::Precommit => timeouts.precommit_ms,
        TimerKind::Rebroadcast => return u64::from(timeouts.rebroadcast_ms.max(1)),
    };
    let growth_ms = u64::from(timeouts.delta_ms).saturating_mul(u64::from(round));
    u64::from(base_ms).saturating_add(growth_ms).min(u64::from(timeouts.cap_ms))
}
