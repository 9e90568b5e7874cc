#!/usr/bin/env bash
# Installs schemathesis, which makes requests out of an OpenAPI description, once a machine: Python packages, into the kept
# folder. Prints where they are. Setting: DALIL_INSTALL=no installs nothing.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

schemathesis_version=4.32.5
folder=$tools_dir/schemathesis-$schemathesis_version

usable() { PYTHONPATH=$folder python3 -c 'import schemathesis' >/dev/null 2>&1 && [ -f "$folder/bin/schemathesis" ]; }

ensure() {
    if usable; then return; fi
    [ "${DALIL_INSTALL:-yes}" = yes ] || return 1
    if ! { have python3 && python3 -m pip --version >/dev/null 2>&1; }; then
        if ! { can_install_packages && install_packages python3 python3-pip; }; then return 1; fi
    fi
    say "schemathesis: installing version $schemathesis_version"
    rm -rf "$folder"
    python3 -m pip install --quiet --root-user-action=ignore --only-binary :all: --target "$folder" \
        "schemathesis==$schemathesis_version" </dev/null || return 1
    usable
}

if ! ensure; then
    complain "schemathesis: cannot use it. Install python3 and python3-pip (apt-get install python3 python3-pip), then:"
    complain "  python3 -m pip install --target $folder schemathesis==$schemathesis_version"
    exit 1
fi
say "schemathesis: $folder"
