#!/usr/bin/env bash
# A department's system in a few lines of shell: writes a certificate of domicile as a file, has its digest recorded through
# the gateway, and keeps the receipts beside the file. Needs curl, openssl and jq.
#
#     API_KEY_FILE=api-key testnet/gateway/issue.sh DOM/2026/000123 "Asha Murmu" out
#
# Call it again with the same arguments: the same request under the same key is the same record.
set -euo pipefail
shopt -s inherit_errexit

number=${1:?"the certificate's number"}
name=${2:?"the holder's name"}
out=${3:?"a folder for file and receipts"}
url=${GATEWAY_URL:-http://127.0.0.1:8090}
key_file=${API_KEY_FILE:?"a file with the API key"}

mkdir -p "$out"
request=$out/request.json
if [ ! -e "$request" ]; then
    # Written once. A retry sends the same bytes: the URI, the salt and the times must not be drawn anew.
    uri=in.gov.wb.district-DOM-$(openssl rand -hex 10)
    document=$out/$uri
    # The nonce keeps the digest from being guessed; the officer's signature on the file is left out here.
    printf 'Certificate of domicile\nNumber: %s\nName: %s\nNonce: %s\n' "$number" "$name" "$(openssl rand -hex 32)" >"$document"
    digest=$(openssl dgst -sha256 -r "$document" | cut -d ' ' -f 1)
    # Whom it is about stands on the chain as a salted commitment only. The office keeps the salt.
    salt=$(openssl rand -hex 32)
    printf '%s\n' "$salt" >"$out/salt"
    subject=holder/$(printf '%s %s' "$salt" "$name" | openssl dgst -sha256 -r | cut -d ' ' -f 1)
    now_ms=$(($(date +%s) * 1000))
    jq -n --arg uri "$uri" --arg number "$number" --arg digest "$digest" --arg subject "$subject" --argjson now "$now_ms" '{
        posting: "district/sdo-bankura",
        call: { certificate: { issue: {
            kind: "DOM",
            place: { district: 305, block: null, lease: null },
            origin: "decided",
            certificate: {
                uri: $uri, number: $number, digest: $digest, subject: $subject,
                valid_from_ms: $now, valid_until_ms: null, claims_root: null, classes: []
            }
        } } }
    }' >"$request.new"
    mv "$request.new" "$request"
fi

answer=$out/answer.json
for attempt in 1 2 3 4 5 6; do
    # The API key goes by a file: arguments of a program are seen by every user of the machine.
    status=$(curl --silent --show-error --output "$answer" --write-out '%{http_code}' --max-time 60 \
        --header @<(printf 'Authorization: Bearer %s\n' "$(cat "$key_file")") \
        --header "Idempotency-Key: $number" --header 'Content-Type: application/json' \
        --data-binary "@$request" "$url/gateway/v1/records") || status=000
    case $status in
    200) break ;;
    202 | 000 | 429 | 503) sleep $((attempt * 2)) ;;
    *)
        jq -r '"refused \(.code): \(.detail)"' "$answer" >&2
        exit 1
        ;;
    esac
done
if [ "$status" != 200 ]; then
    echo "not known to be recorded; call again with the same arguments" >&2
    exit 1
fi

jq -r .inclusion "$answer" >"$out/inclusion.tlog-proof"
jq '.documents[0].receipt' "$answer" >"$out/status.dalil-status"
jq -r '"recorded at log index \(.index): \(.documents[0].uri) is \(.documents[0].answer.status)"' "$answer"
