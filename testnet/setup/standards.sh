#!/usr/bin/env bash
# Installs the software of others that checks our formats, once a machine: aics-tlog (C2SP) and scitt-cose (COSE receipts),
# Python packages, into the kept folder. Prints where they are. Setting: DALIL_INSTALL=no installs nothing.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

aics_tlog_version=0.2.1
scitt_cose_version=0.5.0
folder=$tools_dir/standards-$aics_tlog_version-$scitt_cose_version

usable() { PYTHONPATH=$folder python3 -c 'import aics_tlog, scitt_cose' >/dev/null 2>&1; }

ensure() {
    if usable; then return; fi
    [ "${DALIL_INSTALL:-yes}" = yes ] || return 1
    if ! { have python3 && python3 -m pip --version >/dev/null 2>&1; }; then
        if ! { can_install_packages && install_packages python3 python3-pip; }; then return 1; fi
    fi
    say "standards: installing aics-tlog $aics_tlog_version and scitt-cose $scitt_cose_version"
    rm -rf "$folder"
    local pip=(python3 -m pip install --quiet --root-user-action=ignore --only-binary :all: --target "$folder")
    "${pip[@]}" "scitt-cose==$scitt_cose_version" cryptography </dev/null || return 1
    # It asks for a newer Python than Debian 12 has, and uses nothing of it.
    "${pip[@]}" --upgrade --no-deps --ignore-requires-python "aics-tlog==$aics_tlog_version" </dev/null || return 1
    usable
}

if ! ensure; then
    complain "standards: cannot use aics-tlog and scitt-cose. Install python3 and python3-pip (apt-get install python3 python3-pip), then:"
    complain "  python3 -m pip install --target $folder scitt-cose==$scitt_cose_version cryptography"
    complain "  python3 -m pip install --target $folder --no-deps --ignore-requires-python aics-tlog==$aics_tlog_version"
    exit 1
fi
say "standards: $folder"
