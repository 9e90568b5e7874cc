#!/usr/bin/env bash
# Shows that build.sh reports RocksDB's progress, hands on cargo's exit code, leaves no watcher behind, and forgets what
# another checkout built.
# A stand-in for cargo writes the files that the real one would.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
# check CLAIM COMMAND…: the claim holds if the command succeeds.
check() {
    if "${@:2}"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $1; it said:"
        cat "$work/said"
    fi
}

crate=$work/target/dalil/build/librocksdb-sys-0
sources=$work/cargo/registry/src/index/librocksdb-sys-1/rocksdb_lib_sources.txt
mkdir -p "$work/bin" "$crate/out" "$(dirname "$sources")"
printf 'a.cc\nb.cc\nc.cc\nd.cc\n' >"$sources"
touch -d '10 minutes ago' "$crate/out/left-over.o"
touch -d '5 minutes ago' "$crate/invoked.timestamp"
cat >"$work/bin/cargo" <<END
#!/bin/sh
if [ "\$1" = clean ]; then echo "\$*" >>$work/cleaned; exit 0; fi
sleep 0.2; touch $crate/out/a.o $crate/out/b.o
sleep 1.4; touch $crate/out/librocksdb.a
sleep 1.2; exit 7
END
chmod +x "$work/bin/cargo"

mkdir -p "$work/target"
echo /another/checkout >"$work/target/checkout"
code=0
env PATH="$work/bin:$PATH" CARGO_HOME="$work/cargo" CARGO_TARGET_DIR="$work/target" DALIL_CACHE="$work/kept" \
    TMPDIR="$work" DALIL_REPORT_EVERY_S=1 ./build.sh build >"$work/said" 2>&1 || code=$?

lines=$(grep -c . "$work/said") || true
left=$(find "$work" -mindepth 1 -maxdepth 1 -name 'tmp.*')
check "cargo's exit code is handed on" [ "$code" = 7 ]
check "the object files of this compilation are counted" grep -qx "RocksDB: 2 of 4 objects, 5 min" "$work/said"
check "it is silent once the library is there" [ "$lines" = 1 ]
check "no watcher is left" [ -z "$left" ]
check "what another checkout built of our crates is forgotten" grep -q -- "-p dalil-node" "$work/cleaned"

echo "test-build: $passed passed, $failed failed"
[ "$failed" = 0 ]
