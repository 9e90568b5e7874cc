//! The real engine under a model checker (stateright): every order of deliveries, timeouts and crashes within bounds.
//!
//! A global state is one node for each honest validator and the set of statements that were ever sent. A node is the
//! product's [`dalil_consensus::Engine`] over two durable stores. Each of its transitions is computed once and then looked
//! up, so that signatures cost little.
//!
//! # Reductions
//!
//! The full asynchronous state space has no end. These cuts keep every reachable vote:
//!
//! - *The network is a set.* What was sent may be delivered at any later time, any number of times, or never; so loss,
//!   delay, reordering and duplication need no transitions of their own.
//! - *Time is a choice.* An armed timer may fire at any moment; rebroadcasting adds nothing to a set.
//! - *Certificates are derived.* One that can be assembled from what was sent may be delivered to anybody, with or without
//!   its votes having been delivered before.
//! - *The Byzantine validator has said everything* that it can say within the rounds: all its votes are in the set from the
//!   beginning, and each node hears of them what the search chooses. Its proposals are two blocks of its own, every
//!   block that has a polka, and any block under a polka that is missing or forged; it forges certificates and votes
//!   too.
//! - *A step of a node is atomic, apart from crashes:* writes follow from the event alone. A crash may come before and after
//!   each write and before and after what the write releases. A node that is down is a slow one, so it restarts at once.
//! - One height, one block a proposer (two if it is Byzantine), execution and building take no time.
//!
//! These cuts are for the exhaustive searches only ([`setup::Search::Grouped`]); random walks do without them:
//!
//! - *Deliveries wait until they matter.* A delivery after which a node neither says, decides nor notes anything commutes
//!   with all other transitions; it is made together with the one that completes its effect. Of two sets of deliveries with
//!   one effect the smaller is taken.
//! - *Silent steps are no transitions.* A node that only arms a timer or enters a round is not seen by the others.
//!
//! `MODEL_FACTOR=k` lets each search go k times as far; `make model` does that and prints the figures.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub)] // Test code: a broken promise must stop the run.
#![allow(dead_code)] // The toy chain is shared with the simulator, which uses all of it.

mod byzantine;
mod calm;
#[path = "../simulator/chain.rs"]
mod chain;
mod choices;
mod model;
mod node;
mod properties;
#[path = "../simulator/rng.rs"]
mod rng;
mod runs;
mod said;
mod setup;
mod walks;
mod witnesses;
