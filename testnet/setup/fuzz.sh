#!/usr/bin/env bash
# Fuzzes every target, or one, for a while, on stable Rust. New inputs are kept outside the checkout; what breaks a target
# is written into its corpus as `crash-…`, so that `make test` fails until it is fixed.
#
#     testnet/setup/fuzz.sh [TARGET|all] [SECONDS] [minimise]
#
# With `minimise` it does not fuzz: it adds to the corpora, as `found-…`, the fewest and shortest of the inputs found so
# far that reach code which the corpora do not.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

target=${1:-all}
seconds=${2:-60}
mode=${3:-fuzz}
corpora=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/node/fuzz/corpus
found=$kept_dir/fuzz
memory_mb_max=2048
input_seconds_max=20
# Inputs added to one corpus are no longer than this, in bytes.
found_bytes_max=2048

fuzzer=$CARGO_TARGET_DIR/dalil/dalil-fuzz
RUSTC_WORKSPACE_WRAPPER=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/sancov.sh \
    "$(dirname "${BASH_SOURCE[0]}")/build.sh" build --profile dalil --locked --workspace --bin dalil-fuzz \
    --features dalil-fuzz/libfuzzer

# targets: the name of each chosen target with the length of its longest input.
targets() {
    env -u DALIL_FUZZ_TARGET "$fuzzer" | if [ "$target" = all ]; then cat; else grep "^$target " || true; fi
}

fuzz() {
    DALIL_FUZZ_TARGET=$1 "$fuzzer" "$found/$1" "$corpora/$1" -max_len="$2" -max_total_time="$seconds" \
        -rss_limit_mb="$memory_mb_max" -timeout="$input_seconds_max" -artifact_prefix="$corpora/$1/crash-" \
        -print_final_stats=1 2>"$found/$1.log" || {
        tail -n 60 "$found/$1.log" >&2
        return 1
    }
    # The last line with counts, and how many inputs were run.
    grep -E ' cov: ' "$found/$1.log" | tail -n 1 | sed "s/^/$1: /"
    grep -E 'number_of_executed_units' "$found/$1.log" | sed "s/^/$1: /"
}

minimise() {
    local merged=$found/$1.merged file
    mkdir -p "$merged"
    cp "$corpora/$1"/* "$merged"
    DALIL_FUZZ_TARGET=$1 "$fuzzer" -merge=1 -use_counters=0 -max_len="$found_bytes_max" "$merged" "$found/$1" 2>"$found/$1.log"
    for file in "$merged"/*; do
        # libFuzzer names what it finds by its hash.
        [[ ! ${file##*/} =~ ^[0-9a-f]{40}$ ]] || cp "$file" "$corpora/$1/found-$(basename "$file" | cut -c 1-16)"
    done
    rm -r "$merged"
    say "$1: $(find "$corpora/$1" -type f | wc -l) inputs"
}

chosen=$(targets)
if [ -z "$chosen" ]; then
    complain "there is no target $target; there are: $(env -u DALIL_FUZZ_TARGET "$fuzzer" | cut -d ' ' -f 1 | tr '\n' ' ')"
    exit 2
fi
broken=0
while read -r name longest; do
    mkdir -p "$found/$name"
    case $mode in
        fuzz) fuzz "$name" "$longest" </dev/null || broken=1 ;;
        minimise) minimise "$name" </dev/null || broken=1 ;;
        *)
            complain "neither fuzz nor minimise: $mode"
            exit 2
            ;;
    esac
done <<<"$chosen"
exit "$broken"
