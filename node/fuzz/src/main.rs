//! The fuzzer: libFuzzer with one target, chosen by the variable `DALIL_FUZZ_TARGET`. Without one it lists all.
//!
//! Built by `make fuzz`, which has our own crates instrumented for coverage.

#![no_main]

use std::alloc::System;
use std::process::exit;
use std::sync::OnceLock;

use dalil_fuzz::{TARGETS, Target};
use libfuzzer_sys::fuzz_target;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

static TARGET: OnceLock<&'static Target> = OnceLock::new();

fn chosen() -> &'static Target {
    let name = std::env::var("DALIL_FUZZ_TARGET").unwrap_or_default();
    dalil_fuzz::target(&name).unwrap_or_else(|| {
        for target in TARGETS {
            println!("{} {}", target.name, target.bytes_max);
        }
        exit(if name.is_empty() { 0 } else { 2 })
    })
}

fuzz_target!(
    init: { TARGET.get_or_init(chosen); },
    |bytes: &[u8]| { (TARGET.get_or_init(chosen).run)(bytes); }
);
