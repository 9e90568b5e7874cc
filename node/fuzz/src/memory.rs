//! How much a decoder allocates. Counted only where the program runs on [`stats_alloc::INSTRUMENTED_SYSTEM`], as the fuzzer
//! and the replay do, and where one thread allocates.

use dalil_ledger::codec::CANONICAL_BYTES_MAX;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region};

/// Allocated whatever the input: the codec reserves room for a sequence before it reads it, at most
/// [`CANONICAL_BYTES_MAX`] for each of the sequences that lie within each other.
const FIXED_BYTES_MAX: usize = 6 * CANONICAL_BYTES_MAX;

/// Allocated for each byte of input: a value in memory, its bytes once more, and copies of what is kept sorted.
const TIMES_INPUT_MAX: usize = 64;

/// Runs `decode` and checks that what it allocates is bounded by the length of its input.
pub fn bounded<T>(input: &[u8], decode: impl FnOnce() -> T) -> T {
    let region = Region::new(&INSTRUMENTED_SYSTEM);
    let decoded = decode();
    let allocated = region.change().bytes_allocated;
    let most = FIXED_BYTES_MAX + TIMES_INPUT_MAX * input.len();
    assert!(allocated <= most, "{allocated} bytes allocated for an input of {}, at most {most} allowed", input.len());
    decoded
}
