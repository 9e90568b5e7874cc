//! The three timers of a round. Each is armed at most once a round, except that an idle node disarms T_propose.

use super::Engine;
use crate::event::{TimerId, TimerKind};
use crate::output::Action;
use crate::timeouts::duration_ms;

/// One timer of the present round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum TimerState {
    #[default]
    Off,
    Armed(u64),
    Fired,
}

/// The timers of the present round.
#[derive(Debug, Clone, Default, Hash)]
pub(super) struct RoundTimers {
    pub(super) propose: TimerState,
    pub(super) prevote: TimerState,
    pub(super) precommit: TimerState,
}

impl Engine {
    /// Asks for a timer and returns its serial.
    pub(super) fn arm(&mut self, kind: TimerKind) -> TimerState {
        self.timer_serial += 1;
        let serial = self.timer_serial;
        let after_ms = duration_ms(&self.config.timeouts, kind, self.at.round);
        self.outbox.act(Action::ArmTimer { id: TimerId { kind, serial }, after_ms });
        TimerState::Armed(serial)
    }

    /// Takes a firing; that of an earlier arming means nothing.
    pub(super) fn on_timer(&mut self, id: TimerId) {
        let timers = &mut self.at.timers;
        let state = match id.kind {
            TimerKind::Propose => &mut timers.propose,
            TimerKind::Prevote => &mut timers.prevote,
            TimerKind::Precommit => &mut timers.precommit,
            TimerKind::Rebroadcast if self.rebroadcast == TimerState::Armed(id.serial) => return self.on_rebroadcast(),
            TimerKind::Rebroadcast => return,
        };
        if *state == TimerState::Armed(id.serial) {
            *state = TimerState::Fired;
        }
    }
}
