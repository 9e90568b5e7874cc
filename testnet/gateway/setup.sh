#!/usr/bin/env bash
# Gives the first node of a network made by `dalil testnet generate` a gateway for the district's office and a pull interface
# with an empty store of documents. Prints the API key of the gateway's client, which is kept nowhere else. The node is
# started, or started again, afterwards.
#
#     testnet/gateway/setup.sh target/testnet-local > api-key && chmod 600 api-key
set -euo pipefail

network=${1:?"which network? the folder of dalil testnet generate"}
dalil=${DALIL:-dalil}
home=$network/node-1
config=$home/config.toml

if grep -q '^\[gateway\]' "$config"; then
    echo "setup: $config has a gateway already" >&2
    exit 1
fi

# The posting district/sdo-bankura lists the key of district-gateway among its gateways: see establishment.json.
install -m 600 "$network/officers/district-gateway.seed" "$home/keys/gateway.seed"
"$dalil" digilocker new-key --out "$home/keys/digilocker.key" >&2
mkdir -p "$home/documents/documents"
touch "$home/documents/index.jsonl"

new=$("$dalil" gateway new-key --client edistrict --posting 'district/*')
{
    printf '\n[gateway]\nlisten = "%s"\nkey = "keys/gateway.seed"\n\n' "${GATEWAY_LISTEN:-127.0.0.1:8090}"
    sed -n '/^\[\[gateway.clients\]\]/,$p' <<<"$new"
    printf '\n[digilocker]\nlisten = "%s"\norg_id = "in.gov.wb.district"\n' "${DIGILOCKER_LISTEN:-127.0.0.1:8091}"
    printf 'key = "keys/digilocker.key"\nstore = "documents"\n'
} >>"$config"
awk '$1 == "key" { print $2; exit }' <<<"$new"
