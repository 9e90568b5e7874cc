#!/usr/bin/env python3
"""The land office's client: hears that a deed was registered, and has it mutated without anybody coming to a counter.

It listens to /v1/events for land.deed_registered. For each deed that transfers it submits mutate_auto with the land
department's system key; where the rules ask for an officer's eye (L9 and others), it files a mutation case instead, which
then goes its way with notice and hearing. What it has seen is kept in a file, so that it goes on where it was.

Needs Python 3.9 and nothing else; signs with `dalil record submit`. See README.md.
"""

import argparse
import base64
import json
import os
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

POSTING = "land/system"
TRANSFERS = {"sale", "gift", "exchange", "partition", "settlement"}
# Nodes send a beat every 15 seconds; a connection that is silent for longer is dead.
SILENCE_MAX_S = 50
AGAIN_AFTER_S = 2
# Of two that read a khatian at once, one commits (L14); the other reads it again.
ATTEMPTS_MAX = 5


def say(what):
    print(what, flush=True)


class Node:
    """A node's REST interface, and `dalil` to sign with."""

    def __init__(self, options):
        self.url = options.url.rstrip("/")
        self.dalil = options.dalil
        self.testnet = options.testnet

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=30) as response:
            return json.load(response)

    def state(self, key):
        """Canonical bytes under a state key, or None."""
        value = self.get("/v1/state?key=" + urllib.parse.quote(key, safe=""))["value"]
        return None if value is None else base64.b64decode(value)

    def submit(self, call):
        """Signs and hands in a call of the land room; returns what became of it."""
        command = [self.dalil, "--json", "record", "submit", "-", "--testnet", self.testnet]
        command += ["--posting", POSTING, "--url", self.url]
        done = subprocess.run(command, input=json.dumps({"land": call}), capture_output=True, text=True, check=False)
        try:
            return json.loads(done.stdout)
        except json.JSONDecodeError:
            raise OSError(f"dalil record submit: {done.stderr.strip()}") from None

    def events(self, last_id):
        """Events as they come; ends when the connection does."""
        request = urllib.request.Request(self.url + "/v1/events?from=0&kind=land.deed_registered")
        if last_id:
            request.add_header("Last-Event-ID", last_id)
        fields = {}
        with urllib.request.urlopen(request, timeout=SILENCE_MAX_S) as lines:
            for line in lines:
                line = line.decode().rstrip("\r\n")
                if line:
                    name, _, value = line.partition(":")
                    fields[name] = value[1:] if value.startswith(" ") else value
                    continue
                if "id" in fields:
                    yield fields["id"], json.loads(fields["data"]) if "data" in fields else None
                fields = {}


def khatian_version(canonical):
    """The version in the canonical bytes of a khatian: mouza (length, text), number, holder, version (docs/formats.md)."""
    (length,) = struct.unpack_from("<Q", canonical)
    return struct.unpack_from("<Q", canonical, 8 + length + 4 + 32)[0]


def free_khatians(node, mouza, count, first):
    """The first `count` numbers from `first` on under which no khatian is open in the mouza."""
    found, number = [], first
    while len(found) < count:
        if node.state(f"land/khatian/{mouza}/{number}") is None:
            found.append(number)
        number += 1
    return found


def mutate_auto(node, case, deed, first_khatian):
    """The call for an automatic mutation, with the versions of the transferors' khatians that are current now (L14)."""
    transferors = sorted({given["transferor"]["khatian"] for given in deed["conveyances"]})
    states = [(transferor, node.state(f"land/khatian/{transferor}")) for transferor in transferors]
    saw = [{"khatian": transferor, "version": khatian_version(state)} for transferor, state in states if state]
    mouza = transferors[0].split("/")[0]
    numbers = free_khatians(node, mouza, len(deed["transferees"]), first_khatian)
    opened = [{"transferee": place, "khatian": {"open": {"number": number}}} for place, number in enumerate(numbers)]
    return {"mutate_auto": {"case": case, "deed": deed["deed"], "saw": saw, "khatians": opened}}


def file_case(case, deed):
    """The call for a case that an officer decides."""
    plots = sorted({given["plot"] for conveyance in deed["conveyances"] for given in conveyance["plots"]})
    return {"file": {"case": case, "ground": {"deed": {"deeds": [deed["deed"]], "plots": plots}}}}


def settled(answer):
    """Whether nothing more can come of a submission: recorded, or refused for what the rules say."""
    return answer["outcome"] in ("recorded", "refused")


def handle(node, event, first_khatian):
    """Has the deed of an event mutated, or files a case. A deed seen twice is refused with D1 the second time."""
    deed = node.get(f"/v1/records/{event['index']}")["invocation"]["call"]["land"]["register_deed"]
    if deed["kind"] not in TRANSFERS:
        say(f"{deed['deed']}: a deed of {deed['kind']} transfers nothing")
        return
    case = f"C-{deed['deed']}"
    answer = {"outcome": "refused", "code": "L9", "detail": "the transferor is not a recorded khatian"}
    if all("khatian" in given["transferor"] for given in deed["conveyances"]):
        for _ in range(ATTEMPTS_MAX):
            answer = node.submit(mutate_auto(node, case, deed, first_khatian))
            if answer.get("code") != "L14":
                break
    if answer["outcome"] == "refused" and answer["code"] != "D1":
        say(f"{deed['deed']}: not automatically ({answer['code']}: {answer['detail']})")
        answer = node.submit(file_case(case, deed))
        done = f"case {case} filed"
    else:
        done = f"mutated, case {case}"
    if not settled(answer):
        raise OSError(f"not known to be recorded: {answer}")
    if answer["outcome"] == "recorded":
        say(f"{deed['deed']}: {done}, log index {answer['index']}")
    elif answer["code"] == "D1":
        say(f"{deed['deed']}: case {case} is there already")
    else:
        say(f"{deed['deed']}: an officer must look ({answer['code']}: {answer['detail']})")


def read_state(path):
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip() or None
    except FileNotFoundError:
        return None


def write_state(path, last_id):
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write(last_id + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".new", path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="the node to listen to and submit to")
    parser.add_argument("--testnet", default="target/testnet-local", help="folder of the network, with officers' keys")
    parser.add_argument("--dalil", default="dalil", help="the program that signs")
    parser.add_argument("--state", default="contactless.seen", help="file that remembers the event seen last")
    parser.add_argument("--first-khatian", type=int, default=10001, help="new khatians get free numbers from here on")
    options = parser.parse_args()
    node, last_id = Node(options), read_state(options.state)
    while True:
        try:
            for event_id, event in node.events(last_id):
                if event is not None:
                    handle(node, event, options.first_khatian)
                last_id = event_id
                write_state(options.state, last_id)
            say("the node ended the stream; listening again")
        except (OSError, urllib.error.URLError) as error:
            print(f"{error}; trying again", file=sys.stderr, flush=True)
        time.sleep(AGAIN_AFTER_S)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
