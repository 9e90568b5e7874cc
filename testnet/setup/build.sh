#!/usr/bin/env bash
# Runs `cargo ARGUMENTS…` with the kept target folder and, while RocksDB compiles (a quarter of an hour on two cores,
# once a machine), tells every 15 seconds how far it is. The exit code is cargo's.
#
#     testnet/setup/build.sh build --workspace --profile dalil --locked
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

report_every_s=${DALIL_REPORT_EVERY_S:-15}

# rocksdb_progress SINCE: one line if an object file of RocksDB was written after the file SINCE.
rocksdb_progress() {
    local crate sources total done_ minutes
    for crate in "$CARGO_TARGET_DIR"/dalil/build/librocksdb-sys-*; do
        # cargo touches invoked.timestamp as it starts the compilation; the library is written at its end.
        if [ ! -f "$crate/invoked.timestamp" ] || [ ! -d "$crate/out" ]; then continue; fi
        [ ! "$crate/out/librocksdb.a" -nt "$crate/invoked.timestamp" ] || continue
        [ -n "$(find "$crate/out" -name '*.o' -newer "$1" -print -quit)" ] || continue
        done_=$(find "$crate/out" -name '*.o' -newer "$crate/invoked.timestamp" | wc -l)
        minutes=$((($(date +%s) - $(stat -c %Y "$crate/invoked.timestamp")) / 60))
        sources=$(find "${CARGO_HOME:-$HOME/.cargo}/registry/src" -path '*/librocksdb-sys-*/rocksdb_lib_sources.txt' 2>/dev/null | sort -V | tail -n 1)
        total=$([ -z "$sources" ] || grep -c . "$sources")
        complain "RocksDB: $done_ of ${total:-about 340} objects, $minutes min"
    done
}

# Reports until its input ends, which it does when this script ends, however that comes about.
watch_rocksdb() {
    local started status
    started=$(mktemp)
    while true; do
        status=0
        read -r -t "$report_every_s" || status=$?
        [ "$status" -gt 128 ] || break # 1: the input has ended; above 128: the time is up
        rocksdb_progress "$started" || true
    done
    rm -f "$started"
}

# forget_other_checkout: the target folder serves one checkout at a time. cargo tells changed sources by their times, so
# those of another checkout, if older, would pass for the ones that were built. Only our own crates are forgotten.
forget_other_checkout() {
    local stamp=$CARGO_TARGET_DIR/checkout here
    here=$(pwd -P)
    if [ -d "$CARGO_TARGET_DIR/dalil" ] && [ "$(cat "$stamp" 2>/dev/null)" != "$here" ]; then
        cargo clean --quiet --profile dalil -p dalil-ledger -p dalil-contracts -p dalil-consensus -p dalil-node -p dalil-fuzz
    fi
    mkdir -p "$CARGO_TARGET_DIR"
    printf '%s\n' "$here" >"$stamp"
}

load_env_file
forget_other_checkout
exec {watched}> >(watch_rocksdb)
watcher=$!
status=0
cargo "$@" {watched}>&- || status=$?
exec {watched}>&-
wait "$watcher" || true
exit "$status"
