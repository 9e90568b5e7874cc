#!/usr/bin/env bash
# `sancov.sh RUSTC ARGUMENTS…`: compiles one of our own crates with counters for the fuzzer. cargo calls it as
# RUSTC_WORKSPACE_WRAPPER, so dependencies, RocksDB among them, stay as they were built before.
set -euo pipefail
exec "$@" -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions=on
