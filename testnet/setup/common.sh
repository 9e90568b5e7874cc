# shellcheck shell=bash
# What the set-up scripts share: where things are kept, and how they speak. Sourced, never run.

# Outside the checkout, so that a fresh clone finds RocksDB already built.
kept_dir=${DALIL_CACHE:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/dalil}
tools_dir=$kept_dir/tools
# What cargo needs in its environment on this machine; written by preflight.sh.
env_file=$kept_dir/env.sh
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$kept_dir/target}
export PATH="$tools_dir/bin:$PATH"

say() { printf '%s\n' "$*"; }
complain() { printf '%s\n' "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }

# version_at_least FOUND WANTED: true if FOUND ≥ WANTED, both dotted numbers.
version_at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

# can_install_packages: true if Debian packages can be installed here without asking for a password.
can_install_packages() {
    [ "${DALIL_INSTALL:-yes}" = yes ] && have apt-get && { [ "$(id -u)" = 0 ] || { have sudo && sudo -n true 2>/dev/null; }; }
}

# install_packages NAME…: by apt, as root or through `sudo -n`; the log is shown only if it fails.
install_packages() {
    local as_root=() log
    [ "$(id -u)" = 0 ] || as_root=(sudo -n)
    log=$(mktemp)
    say "  installing by apt: $*"
    if "${as_root[@]}" apt-get update >"$log" 2>&1 </dev/null; then :; fi # an unreachable extra source must not stop us
    if "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends "$@" >>"$log" 2>&1 </dev/null; then
        rm -f "$log"
    else
        tail -n 20 "$log" >&2
        rm -f "$log"
        return 1
    fi
}

# install_wheel NAME VERSION DIR: unpacks a Python wheel into DIR, leaving the machine's Python as it is.
install_wheel() {
    [ "${DALIL_INSTALL:-yes}" = yes ] && have python3 && python3 -m pip --version >/dev/null 2>&1 || return 1
    say "  installing by pip: $1 $2"
    python3 -m pip install --quiet --root-user-action=ignore --no-deps --only-binary :all: --upgrade --target "$3" "$1==$2" </dev/null
}

# load_env_file: takes over what preflight.sh found, unless the caller chose a libclang.
load_env_file() {
    # shellcheck source=/dev/null
    if [ -z "${LIBCLANG_PATH:-}" ] && [ -f "$env_file" ]; then . "$env_file"; fi
}
