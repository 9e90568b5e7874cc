#!/usr/bin/env bash
# Shows that preflight.sh notices what is missing: each case hides or fakes one thing and looks for the words that name it.
# Installs nothing and changes nothing outside a temporary folder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export DALIL_CACHE=$work/kept CARGO_TARGET_DIR=$work/target DALIL_INSTALL=no
unset LIBCLANG_PATH BINDGEN_EXTRA_CLANG_ARGS CXX

passed=0 failed=0

# fake NAME LINES…: a program of that name, first on the PATH of the next case.
fake() {
    mkdir -p "$work/bin"
    { echo '#!/bin/sh' && printf '%s\n' "${@:2}"; } >"$work/bin/$1"
    chmod +x "$work/bin/$1"
}

# expect CASE CODE WORDS [NAME=VALUE…]: runs preflight.sh and looks at its exit code and at what it says.
expect() {
    local code=0
    env PATH="$work/bin:$PATH" "${@:4}" ./preflight.sh >"$work/said" 2>&1 </dev/null || code=$?
    if [ "$code" = "$2" ] && grep -q -e "$3" "$work/said"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $1: exit $code, expected $2 and the words '$3'; it said:"
        sed 's/^/    /' "$work/said"
    fi
    rm -rf "${work:?}/bin"
}

mkdir "$work/empty" "$work/broken"
echo "not a library" >"$work/broken/libclang.so"
printf 'MemAvailable: 1000000 kB\nSwapFree: 0 kB\n' >"$work/meminfo"

expect "all in place" 0 "ok  *libclang"

fake rustc 'echo "rustc 1.94.1 (0000000 2026-01-01)"'
expect "an old rustc" 1 "^  - rustc 1.95 or newer (found 1.94.1)"

fake c++ 'exit 1'
expect "a compiler without C++20" 1 "^  - a C++20 compiler (c++ cannot compile"

expect "no compiler" 1 "^  - a C++20 compiler (no-such-compiler not found)" CXX=no-such-compiler

expect "little memory" 1 "^  - memory: 976 MiB free, 3072 needed" DALIL_MEMINFO="$work/meminfo"

fake df 'echo header; echo "disk 1 1 4194304 1% /"'
expect "a full disk" 1 "^  - disk: 4096 MiB free at .*, 8192 needed"

expect "no libclang" 1 "^  - libclang: apt-get install" DALIL_ROOT="$work/empty"

expect "a broken libclang" 1 "^  - libclang: none that works at LIBCLANG_PATH" LIBCLANG_PATH="$work/broken"

fake rustc 'echo "rustc 1.60.0"'
fake df 'echo header; echo "disk 1 1 1024 1% /"'
expect "two things at once: the first" 1 "^  - rustc 1.95"
fake rustc 'echo "rustc 1.60.0"'
fake df 'echo header; echo "disk 1 1 1024 1% /"'
expect "two things at once: the second" 1 "^  - disk: 1 MiB"

echo "test-preflight: $passed passed, $failed failed"
[ "$failed" = 0 ]
