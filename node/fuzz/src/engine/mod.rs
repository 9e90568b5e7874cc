//! Any sequence of events for one consensus engine.
//!
//! All other validators may say anything, each with its own key, so agreement is not to be had here (the simulator shows
//! that); what a node owes itself is. Oracle, over the whole life of a key, crashes included:
//!
//! - outputs are numbered without a gap; one event has a bounded number of actions;
//! - a statement is released only after a sign record that holds it is durable, and a precommit for a block only after its
//!   lock is durable; there is one statement a position;
//! - cosigned sizes never sink, at one size the root stays and time rises, a checkpoint is durable before it is released,
//!   and none is made anew once a block on top of it was precommitted;
//! - locked.r ≤ valid.r ≤ r;
//! - what is decided has a commit certificate and was found valid;
//! - the engine starts again from whatever was durable.

mod disk;
mod machine;
mod oracle;
#[path = "../../../../consensus/tests/simulator/chain.rs"]
#[allow(dead_code, unreachable_pub, missing_docs)] // Shared with the simulator, which uses all of it.
pub(crate) mod toy;

pub use disk::disk;
use machine::Machine;

use crate::{Input, Taken};

/// Events in one input.
const EVENTS_MAX: usize = 400;

/// The input as a sequence of events.
pub fn events(bytes: &[u8]) -> Taken {
    let mut input = Input::new(bytes);
    let mut machine = Machine::new(&mut input);
    for _ in 0..EVENTS_MAX {
        if input.is_empty() {
            break;
        }
        machine.step(&mut input);
    }
    machine.finish()
}
