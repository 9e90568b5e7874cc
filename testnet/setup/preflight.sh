#!/usr/bin/env bash
# Checks that this machine can build Dalil, and stops with a list of what is missing.
#
# Installs one thing by itself, libclang (for RocksDB's bindings): by apt as root or through `sudo -n`, else from the
# `libclang` wheel. What cargo then needs in its environment is written to env.sh in the kept folder, which build.sh
# reads. Can be run again at any time; with all in place it takes under a second.
#
# Settings: DALIL_INSTALL=no installs nothing. The test also sets DALIL_ROOT (where system libraries are looked for)
# and DALIL_MEMINFO (in place of /proc/meminfo).
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

rustc_version_min=1.95
memory_mib_min=3072
# The first build writes about 5 GiB; a later one adds little.
disk_mib_min_first=8192
disk_mib_min_later=2048
libclang_wheel_version=18.1.1

missing=()
ok() { say "  ok       $*"; }
lacks() {
    say "  MISSING  $1"
    missing+=("$1: $2")
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

check_rust() {
    local found
    if ! have rustc || ! have cargo; then
        lacks "rustc and cargo" "install a Rust toolchain, $rustc_version_min or newer, with rustup"
        return
    fi
    found=$(rustc --version | cut -d ' ' -f 2)
    if version_at_least "$found" "$rustc_version_min"; then
        ok "rustc $found (at least $rustc_version_min)"
    else
        lacks "rustc $rustc_version_min or newer (found $found)" "rustup update stable"
    fi
}

# Leaves $work/libclang-probe behind, which check_libclang needs.
check_cxx() {
    local cxx=${CXX:-c++} probe
    probe=$(dirname "${BASH_SOURCE[0]}")/libclang-probe.cpp
    # shellcheck disable=SC2086  # CXX may hold a launcher and a compiler
    if ! have ${cxx%% *}; then
        lacks "a C++20 compiler ($cxx not found)" "apt-get install g++ (11 or newer), or set CXX"
    elif ! $cxx -std=c++20 "$probe" -o "$work/libclang-probe" -ldl 2>"$work/cxx.log"; then
        lacks "a C++20 compiler ($cxx cannot compile a small C++20 program)" "apt-get install g++ (11 or newer), or set CXX"
        head -n 5 "$work/cxx.log" | sed 's/^/           /'
    else
        ok "$cxx compiles C++20"
    fi
}

check_memory() {
    local kib
    kib=$(awk '/^(MemAvailable|SwapFree):/ { sum += $2 } END { print sum + 0 }' "${DALIL_MEMINFO:-/proc/meminfo}")
    if [ $((kib / 1024)) -ge $memory_mib_min ]; then
        ok "memory: $((kib / 1024)) MiB free (at least $memory_mib_min)"
    else
        lacks "memory: $((kib / 1024)) MiB free, $memory_mib_min needed" "close other programs or add swap"
    fi
}

check_disk() {
    local folder=$CARGO_TARGET_DIR wanted=$disk_mib_min_first free
    if compgen -G "$CARGO_TARGET_DIR/dalil/build/librocksdb-sys-*/out/librocksdb.a" >/dev/null; then
        wanted=$disk_mib_min_later
    fi
    while [ ! -d "$folder" ]; do folder=$(dirname "$folder"); done
    free=$(($(df -Pk "$folder" | awk 'NR == 2 { print $4 }') / 1024))
    if [ "$free" -ge "$wanted" ]; then
        ok "disk: $free MiB free for $CARGO_TARGET_DIR (at least $wanted)"
    else
        lacks "disk: $free MiB free at $folder, $wanted needed" "make room, or set CARGO_TARGET_DIR to a larger disk"
    fi
}

# libclangs: candidates, most wanted first; the places and names are those of bindgen.
libclangs() {
    local root=${DALIL_ROOT:-} directories=() pattern
    shopt -s nullglob
    if [ -n "${LIBCLANG_PATH:-}" ]; then
        if [ -f "$LIBCLANG_PATH" ]; then say "$LIBCLANG_PATH" && return; fi
        directories=("$LIBCLANG_PATH")
    else
        if [ -z "$root" ] && have llvm-config; then directories=("$(llvm-config --prefix)/lib"); fi
        for pattern in usr/local/llvm*/lib* usr/local/lib*/*/* usr/local/lib*/* usr/local/lib* usr/lib*/*/* usr/lib*/* usr/lib*; do
            # shellcheck disable=SC2206  # a pattern, to be expanded
            directories+=("$root"/$pattern)
        done
    fi
    # A new version before an old one; among equals the order above.
    for pattern in "${directories[@]}"; do
        printf '%s\n' "$pattern"/libclang[.]so "$pattern"/libclang-[0-9]*.so "$pattern"/libclang.so.* "$pattern"/libclang-[0-9]*.so.*
    done | awk -F / 'NF { print $NF "\t" $0 }' | sort -s -r -V -k 1,1 | cut -f 2 | head -n 10
}

# find_libclang: sets LIBCLANG_PATH and BINDGEN_EXTRA_CLANG_ARGS as far as they are needed. bindgen is left to itself
# where it finds a working library by itself. A library without its own headers (the wheel) works with the C compiler's.
find_libclang() {
    local headers library first given_path=${LIBCLANG_PATH:-} given_arguments=${BINDGEN_EXTRA_CLANG_ARGS:-} arguments
    headers="-isystem $("${CC:-cc}" -print-file-name=include 2>/dev/null || true)"
    mapfile -t candidates < <(libclangs)
    first=${candidates[0]:-}
    for arguments in "$given_arguments" "${given_arguments:+$given_arguments }$headers"; do
        for library in "${candidates[@]}"; do
            # shellcheck disable=SC2086  # arguments are several words
            if "$work/libclang-probe" "$library" $arguments 2>>"$work/libclang.log"; then
                found_libclang=$library
                if [ -z "$given_path" ] && [ "$library" != "$first" ]; then export LIBCLANG_PATH=${library%/*}; fi
                if [ "$arguments" != "$given_arguments" ]; then export BINDGEN_EXTRA_CLANG_ARGS=$arguments; fi
                return 0
            fi
        done
    done
    return 1
}

check_libclang() {
    local given=${LIBCLANG_PATH:-} wheel=$tools_dir/libclang packages="libclang-dev"
    if [ ! -x "$work/libclang-probe" ]; then
        say "  skipped  libclang (needs the C++ compiler first)"
        return
    fi
    # An earlier choice is kept while it works: another value would have RocksDB built anew.
    load_env_file
    if find_libclang || { [ -z "$given" ] && unset LIBCLANG_PATH BINDGEN_EXTRA_CLANG_ARGS && find_libclang; }; then
        ok "libclang: $found_libclang"
        return
    fi
    if [ -n "$given" ]; then
        lacks "libclang: none that works at LIBCLANG_PATH=$given" "unset LIBCLANG_PATH, or apt-get install $packages"
        return
    fi
    say "  absent   libclang"
    if can_install_packages && install_packages $packages && find_libclang; then
        ok "libclang: $found_libclang"
        return
    fi
    if install_wheel libclang "$libclang_wheel_version" "$wheel"; then
        export LIBCLANG_PATH=$wheel/clang/native
        if find_libclang; then
            ok "libclang: $found_libclang"
            return
        fi
    fi
    lacks "libclang" "apt-get install $packages (or python3-pip, and run this again)"
    if [ -s "$work/libclang.log" ]; then tail -n 3 "$work/libclang.log" | sed 's/^/           /'; fi
}

# The sample client in testnet/contactless, which a test runs.
check_python() {
    if have python3 || { can_install_packages && install_packages python3 && have python3; }; then
        ok "python3: $(command -v python3)"
    else
        lacks "python3" "apt-get install python3"
    fi
}

write_env_file() {
    mkdir -p "$kept_dir"
    {
        say "# Written by testnet/setup/preflight.sh: what cargo needs to find libclang."
        for name in LIBCLANG_PATH BINDGEN_EXTRA_CLANG_ARGS; do
            if [ -n "${!name:-}" ]; then printf 'export %s=%q\n' "$name" "${!name}"; fi
        done
    } >"$work/env.sh"
    cmp -s "$work/env.sh" "$env_file" || mv "$work/env.sh" "$env_file"
}

say "preflight: can this machine build Dalil?"
check_rust
check_cxx
check_memory
check_disk
check_libclang
check_python

if [ ${#missing[@]} -gt 0 ]; then
    complain ""
    complain "Missing on this machine:"
    for line in "${missing[@]}"; do complain "  - $line"; done
    exit 1
fi
write_env_file
