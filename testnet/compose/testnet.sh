#!/usr/bin/env bash
# The four validators of docker-compose.yml: `testnet.sh up`, `down`, `logs`.
#
# up    makes the image if there is none, generates keys and configuration under target/testnet, starts the containers and
#       waits until all are healthy
# down  removes containers, network, volumes and target/testnet
# logs  follows what the validators say
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../setup/common.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

validators=(land minerals finance it)
hosts=172.28.77.11,172.28.77.12,172.28.77.13,172.28.77.14
port_first=18181
healthy_within_s=180
export DALIL_TESTNET_DIR=$PWD/target/testnet

if docker compose version >/dev/null 2>&1; then
    compose_tool=(docker compose)
elif have docker-compose; then
    compose_tool=(docker-compose)
else
    complain "testnet: neither 'docker compose' nor 'docker-compose' is here; install one of them"
    exit 1
fi
compose() { "${compose_tool[@]}" --project-name dalil --file testnet/compose/docker-compose.yml "$@"; }

# generate: one folder a validator with configuration, genesis and keys, made by the image's own `dalil`.
generate() {
    [ ! -e "$DALIL_TESTNET_DIR" ] || return 0
    # Volumes of an earlier network would not fit the new keys.
    compose down --volumes --remove-orphans >/dev/null 2>&1 || true
    mkdir -p "$(dirname "$DALIL_TESTNET_DIR")"
    say "testnet: generating keys and configuration in target/testnet"
    docker run --rm --network none --user "$(id -u):$(id -g)" --volume "$(dirname "$DALIL_TESTNET_DIR"):/out" dalil:local \
        testnet generate --dir "/out/$(basename "$DALIL_TESTNET_DIR")" --hosts "$hosts" --p2p-port 26600 --http-port 8080
}

# health NAME: starting, healthy or unhealthy as Docker says; absent or exited where there is no running container.
health() {
    local id
    id=$(compose ps -q "$1" 2>/dev/null)
    if [ -z "$id" ]; then echo absent && return; fi
    docker inspect --format '{{if .State.Running}}{{.State.Health.Status}}{{else}}{{.State.Status}}{{end}}' "$id"
}

await_health() {
    local name states said="" healthy deadline=$((SECONDS + healthy_within_s))
    while true; do
        states="" healthy=0
        for name in "${validators[@]}"; do
            states+=" $name $(health "$name");"
            if [[ $states == *" $name healthy;" ]]; then healthy=$((healthy + 1)); fi
        done
        if [ "$states" != "$said" ]; then say "testnet:${states%;}" && said=$states; fi
        if [ "$healthy" = "${#validators[@]}" ]; then return 0; fi
        if [ "$SECONDS" -ge "$deadline" ]; then return 1; fi
        sleep 2
    done
}

up() {
    local n
    docker image inspect dalil:local >/dev/null 2>&1 || testnet/compose/image.sh
    generate
    compose up -d
    if ! await_health; then
        complain "testnet: not all validators are healthy after $healthy_within_s s; their last words:"
        compose logs --tail 15 >&2
        exit 1
    fi
    say ""
    say "Four validators are up:"
    for n in "${!validators[@]}"; do
        printf '  %-10s http://127.0.0.1:%d\n' "${validators[n]}" "$((port_first + n))"
    done
    say "Keys and the network's description are in target/testnet; \`make testnet-down\` deletes all of it."
}

case ${1:-} in
up) up ;;
down)
    compose down --volumes --remove-orphans
    rm -rf "$DALIL_TESTNET_DIR"
    ;;
logs) compose logs --follow --tail 50 "${validators[@]}" ;;
*)
    complain "usage: testnet.sh up|down|logs"
    exit 2
    ;;
esac
