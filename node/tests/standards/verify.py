"""Checks a running node with software that others wrote: aics-tlog for the C2SP formats, scitt-cose for COSE receipts.

    verify.py URL POLICY OLD_CHECKPOINT INDEX WITNESSED_POLICY

POLICY, OLD_CHECKPOINT and WITNESSED_POLICY are files, INDEX is the log index of a record. Prints what was accepted and what was refused as
JSON; ends with an error at the first thing that is not as it must be. Of this project's own making is only the reading of
the policy's and the receipt's lines.
"""

import base64
import json
import sys
import urllib.request
from pathlib import Path

from aics_tlog import (
    consistency_proof_from_tiles,
    parse_note,
    parse_vkey,
    verify_checkpoint,
    verify_consistency,
    verify_leaf_inclusion,
)
from aics_tlog.note import Note, SignatureLine
from aics_tlog.remote import HttpTileReader
from aics_tlog.verified import audit_tiles
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from scitt_cose import verify_receipt

accepted, refused = [], []


def must_pass(name, passed):
    if not passed:
        sys.exit(f"{name}: refused, and must be accepted")
    accepted.append(name)


def must_fail(name, passed):
    if passed:
        sys.exit(f"{name}: accepted, and must be refused")
    refused.append(name)


def get(path):
    with urllib.request.urlopen(url + path, timeout=30) as answer:
        return answer.read()


class Policy:
    """A C2SP tlog-policy, with groups of groups."""

    def __init__(self, text):
        self.logs, self.witnesses, self.groups, self.quorum = [], {}, {}, None
        for line in text.splitlines():
            match line.split():
                case ["log", vkey, *_]:
                    self.logs.append(parse_vkey(vkey))
                case ["witness", name, vkey, *_]:
                    self.witnesses[name] = parse_vkey(vkey)
                case ["group", name, count, *members]:
                    self.groups[name] = ({"any": 1, "all": len(members)}.get(count) or int(count), members)
                case ["quorum", name]:
                    self.quorum = name

    def is_met(self, name, cosigned):
        if name in self.witnesses:
            return self.witnesses[name].name in cosigned
        count, members = self.groups[name]
        return sum(self.is_met(member, cosigned) for member in members) >= count

    def check(self, note, *, origin=None):
        """The result under the log key that signed; any of them may."""
        witnesses = list(self.witnesses.values())
        results = [
            verify_checkpoint(note, log, witnesses, expected_origin=origin, max_future_seconds=10) for log in self.logs
        ]
        result = next((result for result in results if result.ok), results[0])
        result.ok = result.ok and self.is_met(self.quorum, result.witnesses)
        return result


def without(note, line):
    return Note(text=note.text, signatures=tuple(it for it in note.signatures if it is not line))


url, policy_file, old_file, index, witnessed_file = *sys.argv[1:4], int(sys.argv[4]), sys.argv[5]
policy = Policy(Path(policy_file).read_text())
origin = policy.logs[0].name

# The checkpoint, by the policy's quorum.
note = parse_note(get("/checkpoint"))
now = policy.check(note, origin=origin)
must_pass("checkpoint", now.ok)
cosigned = {key.name for key in policy.witnesses.values()}
cosignature = next(line for line in note.signatures if line.name in cosigned)
must_fail("checkpoint with a cosignature less", policy.check(without(note, cosignature)).ok)
must_fail("checkpoint of another origin", policy.check(note, origin="ledger.example/other").ok)
size_line = f"\n{now.size}\n"
longer = Note(text=note.text.replace(size_line, f"\n{now.size + 1}\n"), signatures=note.signatures)
must_fail("checkpoint of another size", policy.check(longer).ok)

# The same by a policy that asks for an outside witness too, on the newest note and on the one that it cosigned last.
witnessed = Policy(Path(witnessed_file).read_text())
[outside] = [key for name, key in witnessed.witnesses.items() if name not in policy.witnesses]
must_pass("checkpoint by quorum and witness", witnessed.check(note, origin=origin).ok)
kept = parse_note(get("/witnesses/checkpoint"))
must_pass("checkpoint that a witness cosigned last", witnessed.check(kept).ok and policy.check(kept).ok)
its_line = next(line for line in note.signatures if line.name == outside.name)
must_fail("checkpoint without the witness", witnessed.check(without(note, its_line)).ok)
must_fail("checkpoint with the witness and a cosignature less", witnessed.check(without(note, cosignature)).ok)
forged = SignatureLine(name=its_line.name, key_id=its_line.key_id, signature=its_line.signature[:-1] + b"\0")
tampered = Note(text=note.text, signatures=(*without(note, its_line).signatures, forged))
must_fail("checkpoint with a forged line of the witness", witnessed.check(tampered).ok)

# Every tile, and the proof that they give of consistency with an older checkpoint.
reader = HttpTileReader([url], proxies={})
audit_tiles(reader, now.size, now.root)
accepted.append("tiles")
old = policy.check(parse_note(Path(old_file).read_bytes()))
must_pass("older checkpoint", old.ok and old.size < now.size)
proof = consistency_proof_from_tiles(reader, old.size, now.size)
must_pass("consistency proof", verify_consistency(old.size, now.size, old.root, now.root, proof))
must_fail("consistency with another root", verify_consistency(old.size, now.size, now.root, now.root, proof))

# An inclusion receipt (C2SP tlog-proof).
text = get(f"/v1/receipts/inclusion?index={index}").decode()
head, receipt_note = text.split("\n\n", 1)
first, extra, index_line, *path = head.split("\n")
must_pass("tlog-proof", first == "c2sp.org/tlog-proof@v1" and index_line == f"index {index}")
entry = base64.b64decode(extra.removeprefix("extra "), validate=True)
path = [base64.b64decode(line, validate=True) for line in path]
shown = policy.check(parse_note(receipt_note.encode()))
must_pass("receipt's checkpoint", shown.ok)


def included(entry, index, path):
    try:
        return verify_leaf_inclusion(entry, index, shown.size, path, shown.root)
    except ValueError:
        return False


must_pass("inclusion receipt", included(entry, index, path))
must_fail("inclusion of a changed entry", included(entry[:-1] + bytes([entry[-1] ^ 1]), index, path))
must_fail("inclusion at another index", included(entry, index + 1, path))
must_fail("inclusion by a shorter path", included(entry, index, path[1:]))

# The same as a COSE receipt (RFC 9942), under the log key of this node.
pems = [
    Ed25519PublicKey.from_public_bytes(log.public_key).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for log in policy.logs
]
receipt = get(f"/v1/receipts/cose?index={index}")


def cose(receipt, entry):
    results = [verify_receipt(receipt, leaf_entry_hex=entry.hex(), log_public_key_pem=pem) for pem in pems]
    return [result for result in results if result.ok]


good = cose(receipt, entry)
must_pass("COSE receipt", len(good) == 1 and good[0].leaf_index == index and good[0].issuer == origin)
must_fail("COSE receipt of a changed entry", cose(receipt, entry + b"\0"))
must_fail("COSE receipt with a changed byte", cose(receipt[:-1] + bytes([receipt[-1] ^ 1]), entry))

print(json.dumps({"accepted": accepted, "refused": refused}))
