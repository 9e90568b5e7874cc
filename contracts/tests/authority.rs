//! Departments, offices, keys, postings, parameters: rules A1 to A8.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod support;

use support::World;

#[test]
fn the_sample_establishment_makes_a_state() {
    let world = World::west_bengal();
    assert!(world.state.len() > 100);
}
