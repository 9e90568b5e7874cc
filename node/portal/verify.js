// Checks a status receipt on the device that shows the answer: SHA-256 and Ed25519 by WebCrypto, and nothing else. It asks no
// network and reads no clock; whatever does not fit is a CouldNotCheck, which is neither "valid" nor "not on record".
//
// The same walk as `dalil_ledger::receipt::verify_status`: question -> reads -> state root -> header, the last leaf of a
// checkpoint -> quorum of the pin -> fresh enough? -> status. The layouts are those of docs/formats.md.
//
//     import { Pin, verifyStatus } from "./verify.js";
//     const pin = await Pin.parse(pinText);
//     const answer = await verifyStatus(receiptText, pin, { digest: await sha256Hex(file) }, Date.now());

const STATUS = { format: "dalil-status/v1", charactersMax: 2 << 20, readsMax: 18 };
const REGISTER = { format: "dalil-register/v1", charactersMax: 16 << 20, readsMax: 2048 };
const PIN_CHARS_MAX = 256 << 10;
const NOTE_CHARS_MAX = 64 << 10;
const NOTE_SIGNATURES_MAX = 64;
const JSON_DEPTH_MAX = 16;
const PATH_MAX = 64;
const STATE_PATH_MAX = 256;
const CLASSES_MAX = 8;
const DEPENDENCIES_MAX = 8;
const EVENTS_MAX = 64;
const EXTENSIONS_MAX = 16;
const STRIKES_MAX = 32;
const TURNS_MAX = 4096;
const VALIDATORS_MAX = 32;
const HEADER_VERSION = 1;

/** Why a receipt proves nothing. `code` is stable, `message` is for people. */
export class CouldNotCheck extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

export const refuse = (code, message) => {
  throw new CouldNotCheck(code, message);
};
export const require = (condition, code, message) => condition || refuse(code, message);

// Bytes and their spellings. Each value has one spelling; every other is refused.

export const utf8 = new TextEncoder();
export const concat = (...parts) => {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
  return whole;
};
const equal = (one, other) => one.length === other.length && one.every((byte, at) => byte === other[at]);
export const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
export const toBase64 = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));

export function fromHex(text, length) {
  require(typeof text === "string" && /^[0-9a-f]*$/.test(text) && text.length === 2 * length, "malformed",
    `expected ${2 * length} lower-case hexadecimal digits`);
  return Uint8Array.from({ length }, (_, at) => parseInt(text.slice(2 * at, 2 * at + 2), 16));
}

export function fromBase64(text) {
  let bytes = null;
  if (typeof text === "string" && /^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.length % 4 === 0) {
    bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  }
  require(bytes && toBase64(bytes) === text, "malformed", "expected canonical base64");
  return bytes;
}

/** SHA-256 of the concatenation of the parts. */
export const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", concat(...parts)));

/** SHA-256 of a file's bytes, in hexadecimal: what a document is asked by. The file stays where it is. */
export const sha256Hex = async (bytes) => toHex(await sha256(new Uint8Array(bytes)));

// JSON as `JSON.parse` reads it, but a key that stands twice in one object is refused: two readers must not see two receipts.

export function parseJson(text, charactersMax) {
  require(typeof text === "string" && text.length <= charactersMax, "malformed", "the file is too long");
  let at = 0;
  const space = () => {
    while (at < text.length && " \t\n\r".includes(text[at])) at += 1;
  };
  const wrong = () => refuse("malformed", `not JSON at character ${at}`);
  const expect = (character) => (text[at] === character ? (at += 1) : wrong());
  const scalar = (pattern) => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (!found) wrong();
    at += found[0].length;
    try {
      return JSON.parse(found[0]);
    } catch {
      return wrong();
    }
  };
  const value = (depth) => {
    require(depth <= JSON_DEPTH_MAX, "malformed", "JSON nested too deeply");
    space();
    if (text[at] === '"') return scalar(/"(?:[^"\\]|\\.)*"/y);
    if (text[at] === "{") return members(depth);
    if (text[at] === "[") return items(depth);
    return scalar(/(?:true|false|null|-?[0-9]+)(?![0-9.eE])/y);
  };
  const members = (depth) => {
    const object = new Map();
    expect("{");
    for (space(); text[at] !== "}"; space()) {
      if (object.size) expect(","), space();
      const key = scalar(/"(?:[^"\\]|\\.)*"/y);
      space();
      expect(":");
      require(!object.has(key), "malformed", `the field ${key} stands twice`);
      object.set(key, value(depth + 1));
    }
    at += 1;
    return object;
  };
  const items = (depth) => {
    const list = [];
    expect("[");
    for (space(); text[at] !== "]"; space()) {
      if (list.length) expect(",");
      list.push(value(depth + 1));
    }
    at += 1;
    return list;
  };
  const whole = value(0);
  space();
  return at === text.length ? whole : wrong();
}

/** The fields of an object: all of `names`, perhaps those of `optional`, and no other. */
export function fields(object, names, optional = []) {
  require(object instanceof Map, "malformed", `expected an object with ${names.join(", ")}`);
  for (const name of names) require(object.has(name), "malformed", `the field ${name} is missing`);
  for (const name of object.keys()) {
    require(names.includes(name) || optional.includes(name), "malformed", `the field ${name} is unknown`);
  }
  return Object.fromEntries(object);
}

export const list = (value, most, what) => {
  require(Array.isArray(value) && value.length <= most, "malformed", `expected at most ${most} ${what}`);
  return value;
};
export const text = (value) => (typeof value === "string" ? value : refuse("malformed", "expected a text"));
export const integer = (value) => {
  require(Number.isSafeInteger(value) && value >= 0, "malformed", "expected a whole number");
  return BigInt(value);
};

// Canonical bytes: fixed-size little-endian integers, u32 tags, u64 lengths. Read to the last byte.

export class Canonical {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  static decode(bytes, read) {
    const source = new Canonical(bytes);
    const value = read(source);
    require(source.at === bytes.length, "malformed", "bytes after the end of a value");
    return value;
  }

  take(length) {
    require(length <= this.bytes.length - this.at, "malformed", "a value ends too early");
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  number(length) {
    return this.take(length).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  }

  u32() {
    return Number(this.number(4));
  }

  u64() {
    return this.number(8);
  }

  hash() {
    return this.take(32);
  }

  length(most, what) {
    const length = this.u64();
    require(length <= BigInt(most), "malformed", `more than ${most} ${what}`);
    return Number(length);
  }

  token(most) {
    const bytes = this.take(this.length(most, "characters"));
    require(bytes.length > 0 && bytes.every((byte) => byte > 0x20 && byte < 0x7f), "malformed", "no on-chain text");
    return String.fromCharCode(...bytes);
  }

  option(read) {
    const tag = this.take(1)[0];
    require(tag < 2, "malformed", "no option");
    return tag ? read() : null;
  }

  variant(names) {
    const tag = this.u32();
    require(tag < names.length, "malformed", "an unknown variant");
    return names[tag];
  }

  list(most, what, read) {
    return Array.from({ length: this.length(most, what) }, read);
  }

  /** Strictly increasing by `compare`. */
  set(most, what, read, compare) {
    const items = this.list(most, what, read);
    const increasing = items.every((item, at) => at === 0 || compare(items[at - 1], item) < 0);
    require(increasing, "malformed", `${what} out of order`);
    return items;
  }
}

export const order = (one, other) => (one < other ? -1 : one > other ? 1 : 0);

const PROVENANCE = ["decided", "imported", "deemed", "auto_renewed"];
const STANDING = ["active", "suspended", "revoked", "superseded", "consumed", "cancelled", "seized"];

const readUri = (from) => from.token(128);

export function readEntry(from) {
  return {
    uri: readUri(from),
    digest: toHex(from.hash()),
    kind: from.token(16),
    issuer: { department: from.token(32), office: from.token(48), officer: toHex(from.hash()) },
    subject: from.token(96),
    validFrom: from.u64(),
    validUntil: from.option(() => from.u64()),
    claimsRoot: from.option(() => toHex(from.hash())),
    classes: from.set(CLASSES_MAX, "classes", () => ({ kind: from.token(16), class: from.token(32) }),
      (one, other) => order(one.kind, other.kind) || order(one.class, other.class)),
    depends: from.set(DEPENDENCIES_MAX, "dependencies", () => ({ key: from.token(128), version: from.u64() }),
      (one, other) => order(one.key, other.key) || order(one.version, other.version)),
    provenance: from.variant(PROVENANCE),
    issuedAt: from.u64(),
    record: from.u64(),
    statusAgeMax: from.u64(),
    events: from.list(EVENTS_MAX, "events", () => ({
      standing: from.variant(STANDING),
      recordedAt: from.u64(),
      effectiveFrom: from.u64(),
      reason: from.token(32),
      record: from.u64(),
    })),
    extensions: from.list(EXTENSIONS_MAX, "extensions", () => ({
      validUntil: from.u64(),
      recordedAt: from.u64(),
      reason: from.token(32),
      record: from.u64(),
    })),
    supersededBy: from.option(() => readUri(from)),
    supersedes: from.option(() => readUri(from)),
  };
}

const readStrikes = (from) =>
  from.list(STRIKES_MAX, "strikes", () => ({
    issuedFrom: from.u64(),
    issuedUntil: from.u64(),
    effectiveFrom: from.u64(),
    recordedAt: from.u64(),
    order: toHex(from.hash()),
    savingClause: from.option(() => toHex(from.hash())),
    turns: from.list(TURNS_MAX, "stays", () => ({ recordedAt: from.u64(), record: from.u64() })),
    record: from.u64(),
  }));

const readLeft = (from) => ({ recordedAt: from.u64(), effectiveFrom: from.u64(), record: from.u64() });

function readHeader(from) {
  require(from.variant(["record", "header"]) === "header", "malformed", "the header field holds a record");
  return {
    version: from.u32(),
    chain: toHex(from.hash()),
    height: from.u64(),
    parent: toHex(from.hash()),
    timestamp: from.u64(),
    proposer: from.token(32),
    firstEntry: from.u64(),
    recordCount: BigInt(from.u32()),
    recordsRoot: from.hash(),
    idsHash: from.hash(),
    attachmentsRoot: from.hash(),
    stateRoot: from.hash(),
    validatorsHash: toHex(from.hash()),
    nextValidatorsHash: toHex(from.hash()),
  };
}

// Ed25519. The pin's keys are canonical points of large order, and a signature's S is below the group's order.

const FIELD = 2n ** 255n - 19n;
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const little = (bytes) => bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
const Y_OF_ORDER_EIGHT = 0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n;
const WEAK_Y = [0n, 1n, FIELD - 1n, Y_OF_ORDER_EIGHT, FIELD - Y_OF_ORDER_EIGHT];

function requireUsable(key) {
  const y = little(key) & (2n ** 255n - 1n);
  require(y < FIELD && !WEAK_Y.includes(y), "pin_wrong", "the pin holds an unusable key");
}

export async function verifies(key, message, signature) {
  if (signature.length !== 64 || little(signature.subarray(32)) >= ORDER) return false;
  let imported;
  try {
    imported = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
  } catch (error) {
    if (error?.name === "NotSupportedError" || !crypto.subtle) {
      refuse("no_ed25519", "this browser cannot check Ed25519 signatures");
    }
    return false;
  }
  return crypto.subtle.verify({ name: "Ed25519" }, imported, signature, message);
}

/** Whether this browser can check receipts at all. */
export async function isSupported() {
  try {
    const base = fromHex("5866666666666666666666666666666666666666666666666666666666666666", 32);
    await crypto.subtle.importKey("raw", base, { name: "Ed25519" }, false, ["verify"]);
    return true;
  } catch {
    return false;
  }
}

// The pin: the validators, and until when they are believed.

export class Pin {
  /** Reads the JSON that `dalil pin` and `/pin` give. Take it from a source that you trust, never from the node you check. */
  static async parse(json) {
    const file = fields(parseJson(json, PIN_CHARS_MAX),
      ["policy", "validators", "chain", "from_height", "expires_at_ms", "cosignature_skew_ms", "absence_age_max_ms"],
      ["former"]);
    const pin = new Pin();
    pin.chain = toHex(fromHex(file.chain, 32));
    pin.expiresAt = integer(file.expires_at_ms);
    pin.skew = integer(file.cosignature_skew_ms);
    pin.absenceAgeMax = integer(file.absence_age_max_ms);
    pin.validators = list(file.validators, VALIDATORS_MAX, "validators").map(readValidator);
    const n = pin.validators.length;
    require(n > 0, "pin_wrong", "the pin names no validators");
    const departments = pin.validators.map((member) => member.department);
    require(departments.every((name, at) => at === 0 || departments[at - 1] < name), "pin_wrong", "validators out of order");
    const keys = pin.validators.flatMap((member) => member.keys.map(toHex));
    require(new Set(keys).size === keys.length, "pin_wrong", "a key stands twice in the pin");
    pin.quorum = n - Math.floor((n - 1) / 3);
    pin.validatorsHash = toHex(await sha256(utf8.encode("dalil/v1/validator-set\0"), encodeSet(pin.validators)));
    pin.origin = /^log ([^ +]+)\+/.exec(text(file.policy))?.[1] ?? refuse("pin_wrong", "the policy names no log");
    for (const member of pin.validators) {
      member.log = await verifierKey(pin.origin, 1, member.keys[2]);
      member.cosigner = await verifierKey(`${pin.origin}/${member.department}`, 4, member.keys[1]);
    }
    require(policyOf(pin) === file.policy, "pin_wrong", "the policy is not the one of the validator set");
    return pin;
  }
}

function readValidator(object) {
  const member = fields(object, ["department", "consensus", "cosigner", "log", "network"]);
  require(/^[!-~]{1,32}$/.test(text(member.department)), "pin_wrong", "no department's name");
  const keys = ["consensus", "cosigner", "log", "network"].map((name) => fromHex(member[name], 32));
  keys.forEach(requireUsable);
  return { department: member.department, keys };
}

function encodeSet(validators) {
  const length = (count) => Uint8Array.from({ length: 8 }, (_, at) => (at < 4 ? (count >>> (8 * at)) & 0xff : 0));
  const members = validators.map((member) =>
    concat(length(member.department.length), utf8.encode(member.department), ...member.keys));
  return concat(length(validators.length), ...members);
}

async function verifierKey(name, kind, key) {
  const typed = concat(Uint8Array.of(kind), key);
  const id = (await sha256(utf8.encode(`${name}\n`), typed)).subarray(0, 4);
  return { name, id: toHex(id), key, vkey: `${name}+${toHex(id)}+${toBase64(typed)}` };
}

function policyOf(pin) {
  const names = pin.validators.map((member) => member.cosigner.name);
  return [
    ...pin.validators.map((member) => `log ${member.log.vkey}`),
    ...pin.validators.map((member) => `witness ${member.cosigner.name} ${member.cosigner.vkey}`),
    `group validators ${pin.quorum} ${names.join(" ")}`,
    "quorum validators\n",
  ].join("\n");
}

// The checkpoint: three lines, and the signatures of one log key and exactly a quorum of cosigners.

function parseNote(note) {
  require(note.length <= NOTE_CHARS_MAX && !/[\0-\x09\x0b-\x1f]/.test(note), "checkpoint_wrong", "no signed note");
  const cut = note.lastIndexOf("\n\n");
  require(cut > 0 && note.endsWith("\n"), "checkpoint_wrong", "no signed note");
  const body = note.slice(0, cut + 1);
  const lines = note.slice(cut + 2, -1).split("\n");
  require(lines.length <= NOTE_SIGNATURES_MAX, "checkpoint_wrong", "too many signatures");
  const signatures = lines.map((line) => {
    const [, name, base64] = /^\u2014 ([^\s+]+) (\S+)$/.exec(line) ?? refuse("checkpoint_wrong", "no signature line");
    const bytes = fromBase64(base64);
    require(bytes.length > 4, "checkpoint_wrong", "a signature line is too short");
    return { name, id: toHex(bytes.subarray(0, 4)), bytes: bytes.subarray(4) };
  });
  const [, origin, size, root] = /^([^\n]+)\n(0|[1-9][0-9]{0,19})\n([^\n]+)\n$/.exec(body) ??
    refuse("checkpoint_wrong", "no checkpoint");
  require(BigInt(size) < 2n ** 64n, "checkpoint_wrong", "no log is so long");
  const rootHash = fromBase64(root);
  require(rootHash.length === 32, "checkpoint_wrong", "no root");
  return { body, origin, size: BigInt(size), root: rootHash, signatures };
}

/** Which of `keys` signed the note, each once, with what `read` makes of the key's line; `read` gives null where a line is not
    the key's own. Keys may share name and id, which has four bytes: a line is good if any key that it may name verifies it, and
    voids the note if none does. */
async function signers(note, keys, read) {
  const signed = new Map();
  for (const line of note.signatures) {
    const named = keys.filter((key) => key.name === line.name && key.id === line.id);
    let [signer, signature] = [null, null];
    for (const key of named) {
      if (signature === null) [signer, signature] = [key, await read(line.bytes, key.key)];
    }
    require(named.length === 0 || signature !== null, "checkpoint_wrong", `the signature of ${line.name} is wrong`);
    require(!signed.has(signer), "checkpoint_wrong", `${line.name} has signed twice`);
    if (signature !== null) signed.set(signer, signature);
  }
  return signed;
}

/** The time of a cosignature (POSIX milliseconds). */
async function cosignedAt(note, bytes, key) {
  if (bytes.length !== 72) return null;
  const seconds = bytes.subarray(0, 8).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const message = utf8.encode(`cosignature/v1\ntime ${seconds}\n${note.body}`);
  const good = seconds < 2n ** 63n && (await verifies(key, message, bytes.subarray(8)));
  return good ? seconds * 1000n : null;
}

/** The checkpoint, the oldest time among the cosignatures counted (POSIX milliseconds), and who was counted. */
async function endorsed(noteText, pin, now) {
  const note = parseNote(noteText);
  require(note.origin === pin.origin, "checkpoint_wrong", `a checkpoint of ${note.origin}, expected one of ${pin.origin}`);
  const body = utf8.encode(note.body);
  const logs = await signers(note, pin.validators.map((member) => member.log),
    async (bytes, key) => ((await verifies(key, body, bytes)) ? bytes : null));
  require(logs.size > 0, "checkpoint_wrong", "no log key of the pin signed");
  const cosigned = await signers(note, pin.validators.map((member) => member.cosigner),
    (bytes, key) => cosignedAt(note, bytes, key));
  const cosigners = [];
  let freshness = null;
  for (const { cosigner } of pin.validators) {
    const time = cosigned.get(cosigner);
    if (time === undefined || time > now + pin.skew) continue;
    freshness = freshness === null || time < freshness ? time : freshness;
    cosigners.push(cosigner.name);
  }
  require(cosigners.length === pin.quorum, "checkpoint_wrong",
    `${cosigners.length} of the pin's validators vouch for this; exactly ${pin.quorum} must`);
  return { note, freshness, cosigners };
}

// Trees. RFC 9162: leaf = SHA-256(0x00 ‖ entry), node = SHA-256(0x01 ‖ left ‖ right).

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

async function requireLast(leaf, path, size, root) {
  // Of the last leaf only the levels where the way turns right have a sibling.
  let node = leaf;
  let used = 0;
  for (let index = size - 1n; index > 0n; index >>= 1n) {
    if (index & 1n) {
      require(used < path.length, "proof_wrong", "the path to the checkpoint is too short");
      node = await sha256(NODE, path[used], node);
      used += 1;
    }
  }
  require(used === path.length && equal(node, root), "proof_wrong", "the header is not the last leaf of the checkpoint");
}

const bit = (path, depth) => (path[depth >> 3] >> (7 - (depth & 7))) & 1;

/** The state tree: a subtree with one key is that key's leaf, SHA-256(0x00 ‖ SHA-256(key) ‖ SHA-256(value)). */
async function requireRead(read, root) {
  const depth = read.siblings.length;
  const path = await sha256(utf8.encode(read.key));
  const { leaf } = read;
  const valueHash = read.value && (await sha256(read.value));
  const shares = (other) => Array.from({ length: depth }, (_, at) => bit(other, at) === bit(path, at)).every(Boolean);
  const fits = valueHash
    ? leaf && equal(leaf.path, path) && equal(leaf.valueHash, valueHash)
    : !leaf || (!equal(leaf.path, path) && shares(leaf.path));
  require(fits, "proof_wrong", `the proof of ${read.key} shows something else`);
  let node = leaf ? await sha256(LEAF, leaf.path, leaf.valueHash) : new Uint8Array(32);
  for (let height = 0; height < depth; height += 1) {
    const sibling = read.siblings[height];
    node = bit(path, depth - 1 - height) ? await sha256(NODE, sibling, node) : await sha256(NODE, node, sibling);
  }
  require(equal(node, root), "proof_wrong", `the proof of ${read.key} leads to another state`);
}

// The receipt.

const parseReceipt = (json) => receiptOf(parseJson(json, STATUS.charactersMax), STATUS);

function receiptOf(object, form) {
  const file = fields(object, ["format", "header", "path", "checkpoint", "reads"]);
  require(file.format === form.format, "malformed", `no receipt of the form ${form.format}`);
  const hash = (value) => fromHex(value, 32);
  const entry = fromBase64(file.header);
  return {
    entry,
    header: Canonical.decode(entry, readHeader),
    path: list(file.path, PATH_MAX, "hashes").map(hash),
    note: text(file.checkpoint),
    reads: list(file.reads, form.readsMax, "reads").map((object) => {
      const read = fields(object, ["key", "value", "proof"]);
      const proof = fields(read.proof, ["terminal", "siblings"]);
      let leaf = null;
      if (proof.terminal !== "empty") {
        const terminal = fields(fields(proof.terminal, ["leaf"]).leaf, ["path", "value_hash"]);
        leaf = { path: hash(terminal.path), valueHash: hash(terminal.value_hash) };
      }
      const siblings = list(proof.siblings, STATE_PATH_MAX, "siblings").map(hash);
      return { key: text(read.key), value: read.value === null ? null : fromBase64(read.value), leaf, siblings };
    }),
  };
}

/** The head: its header is the last leaf of a checkpoint that a quorum of the pin cosigned, of the pin's chain and validators. */
async function requireHead(receipt, pin, now) {
  const { header } = receipt;
  require(now < pin.expiresAt, "pin_expired", "the pin has expired: get a new one from a source you trust");
  require(header.chain === pin.chain, "other_chain", "a receipt of another chain");
  require(header.nextValidatorsHash === pin.validatorsHash, "other_validators",
    "the validators have changed: renew the pin by handovers");
  const endorsement = await endorsed(receipt.note, pin, now);
  const { note } = endorsement;
  require(note.size > 0n, "proof_wrong", "the log is empty");
  await requireLast(await sha256(LEAF, receipt.entry), receipt.path, note.size, note.root);
  require(header.version === HEADER_VERSION, "proof_wrong", "a header of an unknown version");
  require(header.firstEntry + header.recordCount + 1n === note.size, "proof_wrong", "the header closes another log");
  return endorsement;
}

/** The reads in the order that question and entry ask for: none may be missing, and none may be left. */
async function findEntry(receipt, asked) {
  const left = [...receipt.reads];
  const take = async (key, read) => {
    const next = left.shift();
    require(next?.key === key, "incomplete", next ? `the receipt reads ${next.key}, expected ${key}` : `${key} is not read`);
    await requireRead(next, receipt.header.stateRoot);
    return next.value === null ? null : Canonical.decode(next.value, read);
  };
  let { uri } = asked;
  const slot = asked.digest === undefined ? asked.slot : `doc/digest/${asked.digest}`;
  if (slot !== undefined) uri = await take(slot, readUri);
  const entry = uri === null ? null : await take(`doc/uri/${uri}`, readEntry);
  if (entry) require(entry.uri === uri, "proof_wrong", "the receipt is about another document");
  if (slot !== undefined && uri !== null) require(entry !== null, "proof_wrong", `${slot} leads to no document`);
  if (asked.digest !== undefined && uri !== null) {
    require(entry?.digest === asked.digest, "proof_wrong", "the receipt is about another file");
  }
  const slots = { strikes: [], left: [] };
  for (const { kind, class: name } of entry?.classes ?? []) {
    slots.strikes.push(...((await take(`strike/${kind} ${name}`, readStrikes)) ?? []));
  }
  for (const { key, version } of entry?.depends ?? []) {
    const gone = await take(`left/${key}/${version}`, readLeft);
    if (gone) slots.left.push(gone);
  }
  require(left.length === 0, "incomplete", "the receipt reads what nobody asked for");
  return { entry, slots };
}

const isAbout = (strike, entry) => strike.issuedFrom <= entry.validFrom && entry.validFrom < strike.issuedUntil;

/** The status of an entry on a day by what was recorded until `known` (null: by all): the last event in effect that ends it,
    a strike, a source that changed, a suspension, the bounds of validity, in this order. */
function statusOf(entry, slots, day, known) {
  const verdict = (status, reason, since) => ({ status, reason, since });
  const isKnown = (it) => known === null || it.recordedAt <= known;
  const inEffect = (it) => isKnown(it) && it.effectiveFrom <= day;
  if (known !== null && entry.issuedAt > known) return verdict("not_on_record", "not_recorded_by_then", null);
  const event = [...entry.events].reverse().find(inEffect);
  const byEvent = event && event.standing !== "active"
    ? verdict(event.standing, event.reason, event.effectiveFrom)
    : null;
  if (byEvent && byEvent.status !== "suspended") return byEvent;
  const strike = slots.strikes.find((it) => {
    const stayed = it.turns.filter((turn) => isKnown(turn) && turn.recordedAt <= day).length % 2 === 1;
    return isAbout(it, entry) && !stayed && inEffect(it);
  });
  if (strike) return verdict("revoked", "class_struck", strike.effectiveFrom);
  const gone = slots.left.find(inEffect);
  if (gone) return verdict("superseded", "source_changed", gone.effectiveFrom);
  if (byEvent) return byEvent;
  if (day < entry.validFrom) return verdict("not_yet_valid", "before_validity", entry.validFrom);
  const end = [...entry.extensions].reverse().find(isKnown)?.validUntil ?? entry.validUntil;
  if (end !== null && day >= end) return verdict("expired", "validity_over", end);
  return verdict("valid", "in_force", entry.validFrom);
}

/** All that happened to an entry by what was recorded until `known`, in the order of the records, each with its record. */
function historyOf(entry, slots, known) {
  const event = (what, recordedAt, effectiveFrom, record, reason = null) =>
    ({ what, reason, recordedAt, effectiveFrom, record });
  const events = [event("issued", entry.issuedAt, entry.validFrom, entry.record)];
  events.push(...entry.events.map((it) => event(it.standing, it.recordedAt, it.effectiveFrom, it.record, it.reason)));
  events.push(...entry.extensions.map((it) => event("extended", it.recordedAt, it.validUntil, it.record, it.reason)));
  for (const strike of slots.strikes.filter((it) => isAbout(it, entry))) {
    events.push(event("class_struck", strike.recordedAt, strike.effectiveFrom, strike.record));
    strike.turns.forEach(({ recordedAt, record }, place) =>
      events.push(event(place % 2 ? "stay_lifted" : "strike_stayed", recordedAt, recordedAt, record)));
  }
  events.push(...slots.left.map((it) => event("source_changed", it.recordedAt, it.effectiveFrom, it.record)));
  const told = events.filter((it) => known === null || it.recordedAt <= known)
    .sort((one, other) => order(one.record, other.record));
  // One order may strike several classes of one document; it is still one record.
  const same = (one, other) => one && Object.keys(other).every((name) => one[name] === other[name]);
  return told.filter((it, at) => !same(told[at - 1], it));
}

/** What a receipt says that it is about, by its first read: `{ uri }`, `{ digest }` or, of a printed number, `{ slot }`. Proves
    nothing by itself. */
export function askedBy(json) {
  const key = parseReceipt(json).reads[0]?.key ?? "";
  if (key.startsWith("cert/number/")) return { slot: key };
  const [, kind, name] = /^doc\/(digest|uri)\/(.+)$/.exec(key) ?? refuse("incomplete", "the receipt reads no document");
  return { [kind]: name };
}

/**
 * Checks a status receipt and answers `asked`, `{ uri }`, `{ digest }` (SHA-256 in hexadecimal), or `{ slot }`: the key of the
 * state that leads to a document, such as `cert/number/<department>/<type>/<printed number>`.
 *
 * `nowMs` is the verifier's clock, UTC milliseconds. `asOfMs` asks for the legal effect at an earlier time, as known now;
 * `knownAtMs` for what the ledger said at a time; `ageMaxMs` replaces the largest age of the document's kind. Times in the
 * answer are UTC milliseconds.
 */
export async function verifyStatus(json, pin, asked, nowMs, { asOfMs, knownAtMs, ageMaxMs } = {}) {
  const given = [asked.uri, asked.digest, asked.slot].filter((name) => name !== undefined);
  require(given.length === 1, "usage", "ask by uri, by digest or by slot");
  const now = integer(nowMs);
  const receipt = parseReceipt(json);
  const { header } = receipt;
  const { note, freshness, cosigners } = await requireHead(receipt, pin, now);
  const { entry, slots } = await findEntry(receipt, asked);
  const age = now > freshness ? now - freshness : 0n;
  const ageMax = ageMaxMs === undefined ? entry?.statusAgeMax ?? pin.absenceAgeMax : integer(ageMaxMs);
  require(age <= ageMax, "stale", `the proof is ${age} ms old; at most ${ageMax} ms count`);
  const present = now > freshness ? now : freshness;
  const known = knownAtMs === undefined ? null : integer(knownAtMs);
  const day = asOfMs === undefined ? known ?? present : integer(asOfMs);
  require(day <= present && (known ?? 0n) <= present, "future_moment", "the moment asked about is still to come");
  const verdict = entry
    ? statusOf(entry, slots, day, known)
    : { status: "not_on_record", reason: "not_on_record", since: null };
  const ms = (value) => (value === null ? null : Number(value));
  return {
    status: verdict.status,
    reason: verdict.reason,
    sinceMs: ms(verdict.since),
    asOfMs: ms(day),
    freshnessMs: ms(freshness),
    ageMs: ms(age),
    cosigners,
    validators: pin.validators.length,
    height: ms(header.height),
    logSize: ms(note.size),
    document: entry && {
      uri: entry.uri,
      digest: entry.digest,
      kind: entry.kind,
      department: entry.issuer.department,
      office: entry.issuer.office,
      subject: entry.subject,
      provenance: entry.provenance,
      validFromMs: ms(entry.validFrom),
      validUntilMs: ms(entry.extensions.at(-1)?.validUntil ?? entry.validUntil),
      issuedAtMs: ms(entry.issuedAt),
      record: ms(entry.record),
      supersedes: entry.supersedes,
      supersededBy: entry.supersededBy,
    },
    history: (entry ? historyOf(entry, slots, known) : []).map((event) => ({
      what: event.what,
      reason: event.reason,
      recordedAtMs: ms(event.recordedAt),
      effectiveFromMs: ms(event.effectiveFrom),
      record: ms(event.record),
    })),
  };
}

/**
 * Checks a register receipt, `receipt` as `parseJson` gives it, and answers what `ask` makes of the values that it proves:
 * `ask` gets a function from a key of the state to the value's bytes, or null where the receipt proves that there is none.
 * A key that `ask` wants and the receipt lacks makes it worthless, and so does one that nobody wants.
 */
export async function verifyRegister(receipt, pin, nowMs, ask) {
  const parsed = receiptOf(receipt, REGISTER);
  const { freshness } = await requireHead(parsed, pin, integer(nowMs));
  const values = new Map();
  for (const read of parsed.reads) {
    require(!values.has(read.key), "proof_wrong", `${read.key} is read twice`);
    await requireRead(read, parsed.header.stateRoot);
    values.set(read.key, read.value);
  }
  const unread = new Set(values.keys());
  const answer = ask((key) => {
    require(values.has(key), "incomplete", `${key} is not read`);
    unread.delete(key);
    return values.get(key);
  });
  require(unread.size === 0, "incomplete", "the receipt reads what nobody asked for");
  return { answer, freshnessMs: Number(freshness) };
}
