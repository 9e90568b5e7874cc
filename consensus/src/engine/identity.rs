//! When two engines are the same: the hash covers what a later output depends on, and nothing else.
//!
//! A model checker explores states, so it must know a state again. Names of armings and numbers of outputs grow for ever
//! and mean nothing; the clock, and what holds for the life of the engine, come in from outside.

use std::hash::{Hash, Hasher};

use super::Engine;
use super::signing::InFlight;
use super::timers::TimerState;

impl Hash for Engine {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // By name, so that a new field asks whether it belongs here.
        let Self {
            config: _,
            signer,
            context,
            index,
            standing,
            phase,
            at,
            in_flight,
            last_signature,
            pending,
            heard,
            peers,
            reports,
            future,
            reported,
            past,
            rebroadcast,
            timer_serial: _,
            now_ms: _,
            outbox: _,
        } = self;
        signer.as_ref().map(|signer| &signer.record).hash(state);
        (context.height, context.parent_id, index, standing, phase).hash(state);
        (at, in_flight, last_signature, pending).hash(state);
        // The departments follow from the set of this height.
        heard.values().for_each(|height| height.hash(state));
        (peers, reports, future, reported, past, rebroadcast).hash(state);
    }
}

impl Hash for InFlight {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self { seq: _, message } = self;
        message.hash(state);
    }
}

impl Hash for TimerState {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
    }
}
