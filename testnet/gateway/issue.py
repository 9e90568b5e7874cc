#!/usr/bin/env python3
"""A department's system in Python, with nothing beyond the standard library: what a PHP or Java programme does is the same.

    testnet/gateway/issue.py --api-key-file api-key --number DOM/2026/000124 --name "Asha Murmu" --out out

Called again with the same arguments it sends the same request under the same key, and gets the same record.
"""

import argparse
import hashlib
import json
import pathlib
import secrets
import sys
import time
import urllib.error
import urllib.request

ATTEMPTS = 6


def arguments():
    parser = argparse.ArgumentParser(description="Issue a certificate of domicile through the gateway.")
    parser.add_argument("--url", default="http://127.0.0.1:8090")
    parser.add_argument("--api-key-file", required=True, type=pathlib.Path)
    parser.add_argument("--number", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    return parser.parse_args()


def new_request(number, name, out):
    """Writes the document and the request. Whatever is random is drawn here, once."""
    uri = "in.gov.wb.district-DOM-" + secrets.token_hex(10)
    text = f"Certificate of domicile\nNumber: {number}\nName: {name}\nNonce: {secrets.token_hex(32)}\n"
    (out / uri).write_text(text, encoding="utf-8")
    salt = secrets.token_hex(32)
    (out / "salt").write_text(salt + "\n")
    commitment = hashlib.sha256(f"{salt} {name}".encode()).hexdigest()
    certificate = {
        "uri": uri,
        "number": number,
        "digest": hashlib.sha256(text.encode()).hexdigest(),
        "subject": "holder/" + commitment,
        "valid_from_ms": int(time.time()) * 1000,
        "valid_until_ms": None,
        "claims_root": None,
        "classes": [],
    }
    place = {"district": 305, "block": None, "lease": None}
    issue = {"kind": "DOM", "place": place, "origin": "decided", "certificate": certificate}
    return {"posting": "district/sdo-bankura", "call": {"certificate": {"issue": issue}}}


def send(url, api_key, idempotency_key, body):
    """Status and JSON of the answer; status 0 if there was none."""
    headers = {
        "Authorization": "Bearer " + api_key,
        "Idempotency-Key": idempotency_key,
        "Content-Type": "application/json",
    }
    request = urllib.request.Request(url + "/gateway/v1/records", data=body, headers=headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return 0, None


def main():
    args = arguments()
    args.out.mkdir(parents=True, exist_ok=True)
    saved = args.out / "request.json"
    if not saved.exists():
        beside = args.out / "request.json.new"
        beside.write_text(json.dumps(new_request(args.number, args.name, args.out)))
        beside.replace(saved)
    body, api_key = saved.read_bytes(), args.api_key_file.read_text().strip()
    for attempt in range(1, ATTEMPTS + 1):
        status, answer = send(args.url, api_key, args.number, body)
        if status == 200:
            break
        if status not in (0, 202, 429, 503):
            sys.exit(f"refused {answer['code']}: {answer['detail']}")
        time.sleep(2 * attempt)
    else:
        sys.exit("not known to be recorded; call again with the same arguments")
    (args.out / "inclusion.tlog-proof").write_text(answer["inclusion"])
    document = answer["documents"][0]
    (args.out / "status.dalil-status").write_text(json.dumps(document["receipt"]))
    print(f"recorded at log index {answer['index']}: {document['uri']} is {document['answer']['status']}")


if __name__ == "__main__":
    main()
