// The device of a checkpost page: its key, its checks sealed by it, and what the browser keeps of them (IndexedDB). The key is
// made here and cannot be read out; the bytes that it signs are those of `mineral/device.rs` and `mineral/check.rs`.

import { concat, fromHex, require, toHex, utf8, verifies } from "./verify.js";

const NAME = "dalil-checkpost";
/** Held while one check is judged, sealed and kept: two pages of one browser must not use one counter twice. */
const LOCK = "dalil-checkpost-journal";
const JOURNAL_FORMAT = "dalil-checkpost-journal/v1";
const PURPOSE_CHECK = 0n;

// Canonical bytes: fixed-size little-endian integers, u32 tags, u64 lengths.

const little = (value, length) =>
  Uint8Array.from({ length }, (_, at) => Number((BigInt.asUintN(64, value) >> BigInt(8 * at)) & 0xffn));
const u32 = (value) => little(BigInt(value), 4);
const u64 = (value) => little(BigInt(value), 8);
const token = (value) => concat(u64(value.length), utf8.encode(value));
const option = (value, write) => (value === null ? Uint8Array.of(0) : concat(Uint8Array.of(1), write(value)));

/** What the device signs of a check, in the form of JSON that `check_challan` has: heading, then the check without a seal. */
export function statementOf(check, chain, { counter, mark }) {
  const { post, district, point } = check.place;
  return concat(
    utf8.encode("dalil/v1/statement\0"), fromHex(chain, 32),
    little(PURPOSE_CHECK, 4), u64(counter), u64(mark),
    option(check.challan, token), fromHex(check.vehicle, 32),
    token(post), u32(district), u32(point.lat_udeg), u32(point.lon_udeg),
    u64(check.observed_at_ms), option(check.gross_kg, u64), option(null, token));
}

/** Whether a check's seal is that of the device which it names. */
export const isSealed = (check, chain) =>
  verifies(fromHex(check.seal.device, 32), statementOf(check, chain, check.seal), fromHex(check.seal.signature, 64));

async function seal(check, chain, order, { key, id }) {
  const signature = await crypto.subtle.sign({ name: "Ed25519" }, key, statementOf(check, chain, order));
  return { ...check, seal: { device: id, ...order, signature: toHex(new Uint8Array(signature)) } };
}

const asked = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

/** The browser's own store: settings by name, and checks by their counter. */
export class Store {
  static async open() {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("settings");
      request.result.createObjectStore("checks", { keyPath: "check.seal.counter" });
    };
    const store = new Store();
    store.database = await asked(request);
    return store;
  }

  get(name) {
    return asked(this.database.transaction("settings").objectStore("settings").get(name));
  }

  put(name, value) {
    return this.write("settings", (settings) => settings.put(value, name));
  }

  /** On the disk when it returns, as far as the browser can tell. */
  write(name, change) {
    const transaction = this.database.transaction(name, "readwrite", { durability: "strict" });
    change(transaction.objectStore(name));
    return new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
    });
  }

  /** All checks by their counter: `{ check, verdict, reason }`. */
  checks() {
    return asked(this.database.transaction("checks").objectStore("checks").getAll());
  }

  /** The device's key, made at the first time. */
  device() {
    return navigator.locks.request(LOCK, async () => {
      const known = await this.get("device");
      if (known !== undefined) return known;
      const pair = await crypto.subtle.generateKey({ name: "Ed25519" }, false, ["sign", "verify"]);
      const id = toHex(new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)));
      const device = { key: pair.privateKey, id };
      await this.put("device", device);
      return device;
    });
  }

  /**
   * Judges with `judgeIn`, which gets the checks so far, and keeps the check that it leads to before anybody is told of it:
   * `judgeIn` gives `{ judged, check }`, or no check where there is nothing to be recorded. `known` is the device as the ledger
   * knows it. Gives the judgement and the check's counter, or why it was not recorded.
   */
  record(judgeIn, known, chain, device) {
    return navigator.locks.request(LOCK, async () => {
      const made = (await this.checks()).map(({ check }) => check);
      const { judged, check } = await judgeIn(made);
      if (check === null) return { judged, counter: null, why: "nothing_to_record" };
      if (known === null) return { judged, counter: null, why: "device_unknown" };
      const last = made.at(-1);
      const lastAt = Math.max(...made.map((it) => it.observed_at_ms), Number(known.observedAt));
      if (check.observed_at_ms < lastAt) return { judged, counter: null, why: "clock_back" };
      const counter = Math.max(last?.seal.counter ?? 0, Number(known.counter)) + 1;
      const sealed = await seal(check, chain, { counter, mark: Number(known.mark) }, device);
      await this.write("checks", (checks) => checks.add({ check: sealed, verdict: judged.verdict, reason: judged.reason }));
      return { judged, counter, why: null };
    });
  }

  /** The file that `dalil checkpost sync --journal` takes: the checks after the one that is known to be on record. */
  async journal(chain, device, onRecord) {
    const checks = (await this.checks()).map(({ check }) => check).filter((check) => check.seal.counter > onRecord);
    require(checks.length > 0, "malformed", "no check waits");
    return `${JSON.stringify({ format: JOURNAL_FORMAT, chain, device: device.id, checks }, null, 1)}\n`;
  }
}

/** A check as the judge sees it. */
export const seenOf = ({ challan, vehicle, place, observed_at_ms: observedAt }) =>
  ({ challan, vehicle, place: placeOf(place), observedAt: BigInt(observedAt) });

/** A place as the judge sees it. */
export const placeOf = ({ post, point }) =>
  ({ post, point: { lat: BigInt(point.lat_udeg), lon: BigInt(point.lon_udeg) } });
