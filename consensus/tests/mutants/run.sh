#!/usr/bin/env bash
# Removes one safety rule at a time from a copy of the engine and shows that the simulator or the model notices.
# `run.sh` takes every patch of this folder, `run.sh NAME…` those. Each patch says which rule it removes and which tests see it.
# Fails where a mutant survives, does not build, or its patch no longer applies.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
# Kept from run to run, so that no dependency is built twice; apart from other builds, which would share names with it.
work=${CARGO_TARGET_DIR:-$root/target}/mutants
export CARGO_TARGET_DIR=$work/target
# The longest that the tests of one mutant may take, in seconds.
limit_s=${LIMIT_S:-900}

rm -rf "$work/ledger" "$work/consensus"
mkdir -p "$work"
sed 's/^members = .*/members = ["ledger", "consensus"]/' "$root/Cargo.toml" >"$work/Cargo.toml"
cp "$root/Cargo.lock" "$root/clippy.toml" "$work/"
cp -r "$root/ledger" "$root/consensus" "$work/"

header() { sed -n "s/^$1: //p" "$2" | head -n 1; }

# The first words of the first failure.
reason() {
    grep -m 1 -oE 'broken: [^,]*|never reached: .*|SEED=[0-9]+: .*' "$1" ||
        { grep -m 1 -A 1 'panicked at' "$1" || true; } | tail -n 1
}

# Applies a patch, builds, and runs the tests that must fail. Prints one line.
try_mutant() {
    local patch=$1 name tests suite log=$work/log began took
    name=$(basename "$patch" .patch)
    read -r suite tests <<<"$(header Tests "$patch")"
    if ! patch --quiet --strip 1 --fuzz 0 --directory "$work" <"$patch" >"$log"; then
        echo "$name: the patch does not apply"
        return 1
    fi
    local cargo=(cargo test --offline --profile dalil --manifest-path "$work/Cargo.toml" --package dalil-consensus --test "$suite")
    if ! "${cargo[@]}" --no-run &>"$log"; then
        echo "$name: does not build"
        tail -n 20 "$log"
        return 1
    fi
    began=$(date +%s.%N)
    local verdict=0
    # shellcheck disable=SC2086 # several filters
    timeout "$limit_s" "${cargo[@]}" -- $tests &>"$log" || verdict=$?
    took=$(awk -v from="$began" -v to="$(date +%s.%N)" 'BEGIN { printf "%.1f", to - from }')
    local caught
    caught=$(sed -n 's/^test \(.*\) \.\.\. FAILED$/\1/p' "$log" | sort | head -n 1)
    if ((verdict == 0 || verdict == 124)) || [[ -z $caught ]]; then
        echo "$name: SURVIVES ($suite $tests, $took s)"
        return 1
    fi
    echo "| $name | $(header Rule "$patch") | $suite $caught | $(reason "$log" | cut -c 1-140) | $took s |"
}

patches=()
for name in "$@"; do patches+=("$here/$name.patch"); done
if ((${#patches[@]} == 0)); then patches=("$here"/*.patch); fi

survivors=0
for patch in "${patches[@]}"; do
    try_mutant "$patch" || survivors=$((survivors + 1))
    # Undone by patching, so that cargo sees the files change.
    patch --quiet --reverse --strip 1 --fuzz 0 --directory "$work" <"$patch" >/dev/null || true
done
echo "${#patches[@]} mutants, $survivors survive"
((survivors == 0))
