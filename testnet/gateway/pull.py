#!/usr/bin/env python3
"""Plays DigiLocker: asks an issuer's pull interface for a document by number and name, then by its URI.

    testnet/gateway/pull.py --key-file target/testnet-local/node-1/keys/digilocker.key \
        --type DOM --number DOM/2026/000123 --name "Asha Murmu" --out pulled

Writes the file and the status receipt that came with it. Ends with 1 where the issuer has no such document or refuses it.
"""

import argparse
import base64
import datetime
import hashlib
import hmac
import pathlib
import secrets
import sys
import urllib.error
import urllib.request
import xml.etree.ElementTree as ElementTree
from xml.sax.saxutils import escape, quoteattr


def arguments():
    parser = argparse.ArgumentParser(description="Ask an issuer's pull interface as DigiLocker does.")
    parser.add_argument("--url", default="http://127.0.0.1:8091")
    parser.add_argument("--key-file", required=True, type=pathlib.Path)
    parser.add_argument("--org-id", default="in.gov.wb.district")
    parser.add_argument("--type", required=True)
    parser.add_argument("--number", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    return parser.parse_args()


def ask(args, path, element, details):
    """The response's elements by name, and the attributes of its status."""
    api_key = args.key_file.read_text().strip()
    zone = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
    ts = datetime.datetime.now(zone).isoformat(timespec="seconds")
    keyhash = hashlib.sha256((api_key + ts).encode()).hexdigest()
    inner = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in details.items())
    body = (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        f'<{element} xmlns="http://tempuri.org/" ver="3.0" ts="{ts}" txn="{secrets.token_hex(8)}" '
        f'orgId={quoteattr(args.org_id)} keyhash="{keyhash}" format="both"><DocDetails>{inner}</DocDetails></{element}>'
    ).encode()
    mac = base64.b64encode(hmac.new(api_key.encode(), body, hashlib.sha256).digest()).decode()
    headers = {"Content-Type": "application/xml", "x-digilocker-hmac": mac}
    request = urllib.request.Request(f"{args.url}/digilocker/{path}", data=body, headers=headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            root = ElementTree.fromstring(answer.read())
    except urllib.error.HTTPError as error:
        root = ElementTree.fromstring(error.read())
    status = root.find("ResponseStatus")
    if status is None or status.get("Status") != "1":
        why = {} if status is None else status.attrib
        sys.exit(f"refused {why.get('code')}: {why.get('detail')}")
    return {element.tag: element for element in root.iter()}


def main():
    args = arguments()
    by_number = {"DocType": args.type, "UDF1": args.number, "FullName": args.name}
    uri = ask(args, "pulluri", "PullURIRequest", by_number)["URI"].text
    pulled = ask(args, "pulldoc", "PullDocRequest", {"URI": uri})
    args.out.mkdir(parents=True, exist_ok=True)
    file = base64.b64decode(pulled["DocContent"].text)
    (args.out / uri).write_bytes(file)
    (args.out / "status.dalil-status").write_bytes(base64.b64decode(pulled["LedgerStatus"].text))
    print(f"{uri} is {pulled['LedgerStatus'].get('status')}; SHA-256 {hashlib.sha256(file).hexdigest()}")


if __name__ == "__main__":
    main()
