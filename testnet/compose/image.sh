#!/usr/bin/env bash
# Makes the container image dalil:local: from the public Rust image where that can be pulled, else from the machine's own
# release and the binary built on it (offline-image.sh). DALIL_IMAGE=offline or DALIL_IMAGE=public takes the choice away.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../setup/common.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# Long enough for the image to come over a slow line; a machine without a registry answers at once.
pull_timeout_s=900
rust_image=$(awk '/^FROM rust:/ { print $2 }' testnet/compose/Dockerfile)

docker version >/dev/null 2>&1 || { complain "image: no Docker engine answers; install it or start it"; exit 1; }

way=${DALIL_IMAGE:-}
if [ -z "$way" ]; then
    say "image: can $rust_image be pulled?"
    if timeout "$pull_timeout_s" docker pull --quiet "$rust_image" >/dev/null 2>&1; then way=public; else way=offline; fi
fi

case $way in
public)
    say "image: building from the public $rust_image"
    # Only what the build reads; the checkout may hold keys of a test network under target/.
    tar -c Cargo.toml Cargo.lock ledger contracts consensus node testnet docs |
        docker build --tag dalil:local --file testnet/compose/Dockerfile -
    ;;
offline)
    say "image: no public image here; building from this machine's own release and binary"
    make build
    testnet/compose/offline-image.sh "$CARGO_TARGET_DIR/dalil/dalil"
    ;;
*)
    complain "image: DALIL_IMAGE is '$way'; it can be public or offline"
    exit 2
    ;;
esac
say "image: $(docker image inspect --format '{{.Id}} {{.Size}} bytes' dalil:local) tagged dalil:local"
