// What the ledger says of challans, issuers and ranges: the same pure function of proven values as `checkpost/book.rs`, and
// the bundle that holds those values with their proofs. Vectors hold the two together (contracts/tests/vectors).

import { keyId } from "./slip.js";
import { Canonical, fields, fromHex, integer, list, parseJson, readEntry, refuse, require, text, toHex, verifyRegister } from "./verify.js";

const FORMAT = "dalil-checkpost-bundle/v1";
/** The largest bundle that a page reads, in characters: proofs of some three thousand challans. */
const BUNDLE_CHARS_MAX = 64 << 20;
/** The most questions of one bundle. */
export const PAGES_MAX = 64;
/** The most challans, ranges and postings that a node answers in one question. */
export const CHALLANS_MAX = 256;
export const RANGES_MAX = 32;
export const POSTINGS_MAX = 16;
const DATED_MAX = 4096;
const PLACES_MAX = 65_536;
const KEYS_MAX = 256;
const U64_MAX = 2n ** 64n - 1n;
const MINUTE_MS = 60_000n;
const SERIAL = /^(.{1,40})-([0-9]{4,10})$/;

const STAGES = ["reserved", "in_transit", "seized", "cancelled", "lapsed", "transhipped", "delivered", "delivered_late", "redeemed"];
export const FINDINGS = ["clone", "other_vehicle", "overload", "expired", "spent", "not_gated_out", "held", "no_challan",
  "not_on_record", "pending", "overlap", "void"];
const LESSEE_AGENT = 17;
const ROLES = 30;

// Values of the state, in their canonical bytes. What a checkpost does not judge by is read and dropped.

const hash = (from) => toHex(from.hash());
const optional = (from, read) => from.option(() => read(from));
const u64 = (from) => from.u64();
const flag = (from) => {
  const [byte] = from.take(1);
  require(byte < 2, "malformed", "no yes or no");
  return byte === 1;
};
const tag = (from, count) => {
  const found = from.u32();
  require(found < count, "malformed", "an unknown variant");
  return found;
};
const increasing = (from, most, read) => from.set(most, "items", () => read(from), (one, other) => (one < other ? -1 : one > other ? 1 : 0));
const timeline = (from, read) => from.list(DATED_MAX, "dated values", () => ({ from: from.u64(), value: read(from) }));

function readSource(from) {
  tag(from, 3);
  return from.token(48);
}

function readQuantity(from) {
  tag(from, 2);
  return from.u64();
}

function readReceiver(from) {
  return tag(from, 3) === 2 ? hash(from) : from.token(48);
}

function readIssued(from) {
  const number = from.token(48);
  tag(from, 4);
  readSource(from);
  from.token(24);
  readQuantity(from);
  const vehicle = hash(from);
  from.take(64);
  from.take(8);
  optional(from, () => from.u32());
  readReceiver(from);
  from.token(64);
  from.take(24);
  from.token(32);
  optional(from, () => from.token(48));
  optional(from, () => from.take(36));
  from.take(32);
  optional(from, hash);
  return { number, vehicle };
}

function readChallan(from) {
  const { number, vehicle } = readIssued(from);
  const [site, uri] = [from.token(48), from.token(128)];
  from.take(8);
  optional(from, () => [from.token(40), from.u64()]);
  from.take(32);
  const validUntil = from.u64();
  from.take(4);
  const stage = from.variant(STAGES);
  optional(from, () => from.take(56));
  const endedAt = optional(from, u64);
  optional(from, () => from.take(44));
  optional(from, () => from.token(48));
  optional(from, () => from.token(48));
  return { number, vehicle, site, uri, validUntil, stage, endedAt };
}

function readVehicle(from) {
  from.take(36);
  const articulated = tag(from, 9) === 1;
  const [axles] = from.take(2);
  const gvw = optional(from, u64);
  from.take(32);
  optional(from, u64);
  return { articulated, axles, gvw };
}

const readChecks = (from) => {
  const count = from.u32();
  const alerts = from.set(FINDINGS.length, "findings", () => tag(from, FINDINGS.length), (one, other) => one - other);
  return { count, alerts: alerts.map((finding) => FINDINGS[finding]) };
};

function readJurisdiction(from) {
  switch (tag(from, 4)) {
    case 0: return null;
    case 3: return from.token(48);
    default: return increasing(from, PLACES_MAX, () => from.u32()) && null;
  }
}

function readOffice(from) {
  from.token(32);
  from.token(48);
  // Of a jurisdiction only the one lease counts here.
  return { leases: timeline(from, readJurisdiction), closedFrom: optional(from, u64) };
}

function readKey(from) {
  from.token(32);
  if (tag(from, 3) === 0) {
    from.list(KEYS_MAX, "keys", () => from.hash());
    optional(from, hash);
  }
  return { revokedAt: optional(from, u64) };
}

function readPosting(from) {
  from.token(48);
  const [office, officer, role] = [from.token(48), hash(from), tag(from, ROLES)];
  from.take(1);
  const posting = { office, officer, role, from: from.u64(), until: optional(from, u64) };
  posting.gateways = increasing(from, KEYS_MAX, hash);
  from.take(8);
  return posting;
}

function readRange(from) {
  from.token(40);
  readSource(from);
  from.token(24);
  const [device, count] = [hash(from), from.u32()];
  readQuantity(from);
  const range = { device, count, from: from.u64(), until: from.u64(), site: from.token(48) };
  range.freeKg = from.u64();
  range.syncUntil = from.u64();
  flag(from);
  return range;
}

function readDevice(from) {
  from.token(32);
  return { office: from.token(48), counter: from.u64(), observedAt: from.u64(), mark: from.u64() };
}

const readParameter = (from) => timeline(from, () => BigInt.asIntN(64, from.u64()));

const at = (dated, time) => dated.findLast((value) => value.from <= time)?.value ?? null;

/** The range and serial of a number that is spelled like one of a range. */
export function splitNumber(number) {
  const parts = SERIAL.exec(number);
  if (parts === null) return null;
  const serial = Number(parts[2]);
  return serial < 2 ** 32 && String(serial).padStart(4, "0") === parts[2] ? { range: parts[1], serial } : null;
}

/**
 * What the state says: `get` gives a value's bytes or null. Asks for exactly the keys that `BookQuestion::answer` asks for.
 */
export function bookOf(question, get) {
  const time = question.askedAt;
  const value = (key, read) => {
    const bytes = get(key);
    return bytes === null ? null : Canonical.decode(bytes, read);
  };
  const parameter = (name) => {
    const dated = value(`param/${name}`, readParameter);
    const found = dated && at(dated, time);
    require(found !== null && found >= 0n, "incomplete", `parameter ${name} has no value in force`);
    return found;
  };
  const minutes = (name) => {
    const ms = parameter(name) * MINUTE_MS;
    require(ms <= U64_MAX, "incomplete", `parameter ${name} is too large`);
    return ms;
  };
  const book = { challans: new Map(), issuers: [], ranges: new Map(), device: null, rules: null };
  const startWindow = minutes("mineral/validity/start_window_min");
  const cloneSlack = minutes("mineral/clone/slack_min");
  const cloneSpeedKmph = parameter("mineral/clone/speed_kmph");
  require(cloneSpeedKmph > 0n, "incomplete", "a speed of zero");
  book.rules = { startWindow, cloneSlack, cloneSpeedKmph };
  if (question.device !== null) book.device = value(`mineral/device/${question.device}`, readDevice);

  const isBound = (office, site) => (office.closedFrom === null || time < office.closedFrom) && at(office.leases, time) === site;
  const addKey = (key, site, range, from, until) => {
    const known = value(`auth/key/${key}`, readKey);
    if (known !== null) addIssuer(book, { key, site, range, from, until, revokedAt: known.revokedAt });
  };
  const grossMax = (vehicle) => {
    const permille = parameter("mineral/gvw_tolerance_permille");
    const size = vehicle.axles <= 2 ? "axles_2" : vehicle.axles === 3 ? "axles_3" : "rigid";
    const gvw = vehicle.gvw ?? parameter(`mineral/gvw_kg/${vehicle.articulated ? "articulated" : size}`);
    const raised = (gvw * (1000n + permille)) / 1000n;
    return raised > U64_MAX ? U64_MAX : raised;
  };
  for (const number of question.challans) {
    const challan = value(`mineral/challan/${number}`, readChallan);
    if (challan === null) continue;
    const document = value(`doc/uri/${challan.uri}`, readEntry) ?? refuse("incomplete", `challan ${number} has no document`);
    const vehicle = value(`mineral/vehicle/${challan.vehicle}`, readVehicle);
    const grossMaxKg = vehicle && grossMax(vehicle);
    const checks = value(`mineral/checks/${number}`, readChecks) ?? { count: 0, alerts: [] };
    const office = value(`auth/office/${document.issuer.office}`, readOffice);
    if (office !== null && isBound(office, challan.site)) addKey(document.issuer.officer, challan.site, null, 0n, null);
    const { vehicle: id, site, validUntil, stage, endedAt } = challan;
    const { count, alerts } = checks;
    const listed = { vehicle: id, site, validUntil, stage, endedAt, grossMaxKg, checks: count, alerts };
    book.challans.set(number, { ...listed, statusAgeMax: document.statusAgeMax });
  }
  for (const id of question.ranges) {
    const range = value(`mineral/range/${id}`, readRange);
    if (range === null) continue;
    addKey(range.device, range.site, id, range.from, range.until);
    book.ranges.set(id, { syncUntil: range.syncUntil, count: range.count, freeKg: range.freeKg });
  }
  for (const id of question.postings) {
    const posting = value(`auth/posting/${id}`, readPosting);
    if (posting === null) continue;
    const office = value(`auth/office/${posting.office}`, readOffice);
    if (office === null) continue;
    const site = at(office.leases, time);
    if (site === null || posting.role !== LESSEE_AGENT || !isBound(office, site)) continue;
    for (const key of [posting.officer, ...posting.gateways]) addKey(key, site, null, posting.from, posting.until);
  }
  return book;
}

function addIssuer(book, issuer) {
  const same = ({ key, site, range }) => key === issuer.key && site === issuer.site && range === issuer.range;
  const known = book.issuers.find(same);
  if (known === undefined) {
    book.issuers.push({ ...issuer });
    return;
  }
  if (issuer.from < known.from) known.from = issuer.from;
  const later = known.until !== null && issuer.until !== null && issuer.until > known.until;
  known.until = known.until === null || issuer.until === null ? null : later ? issuer.until : known.until;
  known.revokedAt ??= issuer.revokedAt;
}

/** Takes in what another question was answered, which is the newer word where both know of something. */
function merge(book, newer) {
  for (const [number, challan] of newer.challans) book.challans.set(number, challan);
  for (const [id, range] of newer.ranges) book.ranges.set(id, range);
  for (const issuer of newer.issuers) addIssuer(book, issuer);
  book.device = newer.device ?? book.device;
  book.rules = newer.rules;
}

const token = (most) => (value) => {
  require(/^[!-~]+$/.test(text(value)) && value.length <= most, "malformed", "no on-chain text");
  return value;
};

/** A question as JSON has it. */
export function questionOf(object) {
  const asked = fields(object, ["asked_at_ms"], ["challans", "ranges", "postings", "device"]);
  const device = asked.device ?? null;
  if (device !== null) fromHex(device, 32);
  return {
    askedAt: integer(asked.asked_at_ms),
    challans: list(asked.challans ?? [], CHALLANS_MAX, "challans").map(token(48)),
    ranges: list(asked.ranges ?? [], RANGES_MAX, "ranges").map(token(40)),
    postings: list(asked.postings ?? [], POSTINGS_MAX, "postings").map(token(48)),
    device,
  };
}

/** Gives each issuer the id by which slips name it. */
export async function withKeyIds(book) {
  for (const issuer of book.issuers) issuer.id = await keyId(issuer.key);
  return book;
}

/**
 * Reads a bundle and checks every proof of it against `pin`: what the ledger said, and as of when. What it says of another device
 * than `device` counts for nothing.
 */
export async function readBundle(json, pin, nowMs, device) {
  const { format, pages } = fields(parseJson(json, BUNDLE_CHARS_MAX), ["format", "pages"]);
  require(format === FORMAT, "malformed", `no bundle of the form ${FORMAT}`);
  let [book, asOfMs] = [null, null];
  for (const page of list(pages, PAGES_MAX, "pages")) {
    const { question, receipt } = fields(page, ["question", "receipt"]);
    const asked = questionOf(question);
    const { answer, freshnessMs } = await verifyRegister(receipt, pin, nowMs, (get) => bookOf(asked, get));
    // Whoever made the bundle chose the time for which offices and parameters are read.
    const apart = asked.askedAt - BigInt(freshnessMs);
    require(apart <= pin.absenceAgeMax && -apart <= pin.absenceAgeMax, "malformed", "the bundle asks about another time than that of its proof");
    if (asked.device !== device) answer.device = null;
    if (book === null) book = answer;
    else merge(book, answer);
    asOfMs = asOfMs === null ? freshnessMs : Math.min(asOfMs, freshnessMs);
  }
  require(book !== null, "malformed", "an empty bundle");
  return { book: await withKeyIds(book), asOfMs: BigInt(asOfMs) };
}
