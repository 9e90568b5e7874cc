// What a challan's QR code B says, and plates: the same reading as `dalil_ledger::qr` and `checkpost/slip.rs`, to the byte.
// Half a code, a longer spelling and bytes at the end are refused; nothing that is read is believed before `isSignedBy`.

import { concat, fromHex, refuse, require, sha256, toHex, utf8, verifies } from "./verify.js";

const CODE_CHARS_MAX = 4296;
const SLIP_BYTES_MAX = 350;
const PREFIX = "DALILB1:";
const KIND = "CHALLAN";
const BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const PLATE = /^[A-Z0-9]{4,12}$/;
const U32_MAX = 0xffff_ffffn;

function fromBase45(encoded) {
  require(encoded.length <= (SLIP_BYTES_MAX / 2) * 3, "code_foreign", "more than a slip holds");
  require(encoded.length % 3 !== 1, "code_foreign", "not base45 after the prefix: the code is cut off or damaged");
  const bytes = [];
  for (let at = 0; at < encoded.length; at += 3) {
    const digits = [...encoded.slice(at, at + 3)].map((digit) => BASE45.indexOf(digit));
    const value = digits.reduceRight((sum, digit) => sum * 45 + digit, 0);
    const whole = digits.length === 3;
    require(!digits.includes(-1) && value <= (whole ? 0xffff : 0xff), "code_foreign", "not base45 after the prefix");
    bytes.push(...(whole ? [value >> 8, value & 0xff] : [value]));
  }
  return Uint8Array.from(bytes);
}

/** Deterministic CBOR (RFC 8949 § 4.2.1), as far as slips need it: each value has one spelling. */
class Cbor {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  static decode(bytes, read) {
    const source = new Cbor(bytes);
    const value = read(source);
    require(source.at === bytes.length, "code_foreign", "bytes after the end of the code");
    return value;
  }

  take(length) {
    require(length <= this.bytes.length - this.at, "code_foreign", "the code ends too early");
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  head(major) {
    const [first] = this.take(1);
    const short = first & 31;
    require(first >> 5 === major && short < 28, "code_foreign", "the code holds something else than a slip");
    if (short < 24) return BigInt(short);
    const size = 1 << (short - 24);
    const value = this.take(size).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    const least = size === 1 ? 24n : 1n << BigInt(4 * size);
    require(value >= least, "code_foreign", "a number in a longer spelling");
    return value;
  }

  array(count) {
    require(this.head(4) === BigInt(count), "code_foreign", "a list of another length");
  }

  uint() {
    return this.head(0);
  }

  u32() {
    const value = this.uint();
    require(value <= U32_MAX, "code_foreign", "a code that is too large");
    return Number(value);
  }

  sized(major) {
    const length = this.head(major);
    require(length <= BigInt(SLIP_BYTES_MAX), "code_foreign", "the code ends too early");
    return this.take(Number(length));
  }

  token(most) {
    const bytes = this.sized(3);
    const plain = bytes.length > 0 && bytes.length <= most && bytes.every((byte) => byte > 0x20 && byte < 0x7f);
    require(plain, "code_foreign", "no text of its kind");
    return String.fromCharCode(...bytes);
  }
}

function readContent(cbor) {
  cbor.array(12);
  const said = { number: cbor.token(48), plate: cbor.token(12), site: cbor.token(48), mineral: cbor.token(24) };
  require(PLATE.test(said.plate), "code_foreign", "no plate");
  const unit = cbor.uint();
  require(unit < 2n, "code_foreign", "an unknown unit");
  said.quantity = { unit: unit === 0n ? "litres" : "kilograms", count: cbor.uint() };
  said.massKg = cbor.uint();
  said.route = cbor.token(64);
  said.toState = cbor.u32();
  said.toDistrict = cbor.u32();
  said.validFrom = cbor.uint();
  said.validUntil = cbor.uint();
  return said;
}

/** Reads the text of a code. `said` is what a slip of a challan says, and null for a slip of anything else. */
export function readSlip(text) {
  const code = text.replace(/[\r\n]+$/, "");
  require(code.length <= CODE_CHARS_MAX, "code_foreign", "longer than any code");
  const odd = [...code].find((character) => !/^[ -~]$/.test(character));
  require(odd === undefined, "code_foreign",
    `U+${odd?.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}: a look-alike or a hidden character`);
  require(code.startsWith(PREFIX), "code_foreign", `no slip of a challan: it begins with ${PREFIX}`);
  const bytes = fromBase45(code.slice(PREFIX.length));
  require(bytes.length <= SLIP_BYTES_MAX, "code_foreign", "more than a slip holds");
  return Cbor.decode(bytes, (cbor) => {
    cbor.array(4);
    const kind = cbor.token(16);
    const issuer = cbor.sized(2);
    const content = cbor.sized(2);
    // What is signed is the same list without its last item.
    const body = concat(Uint8Array.of(0x83), bytes.subarray(1, cbor.at));
    const signature = cbor.sized(2);
    require(issuer.length === 8 && signature.length === 64, "code_foreign", "a field of another length");
    return { issuer: toHex(issuer), body, signature, said: kind === KIND ? contentOf(content) : null };
  });
}

function contentOf(bytes) {
  try {
    return Cbor.decode(bytes, readContent);
  } catch {
    return null;
  }
}

/** Whether `key` (hexadecimal) signed the slip for `chain`. */
export const isSignedBy = (slip, key, chain) =>
  verifies(fromHex(key, 32), concat(utf8.encode("dalil/v1/slip\0"), fromHex(chain, 32), slip.body), slip.signature);

/** Tells keys apart, proves nothing. */
export const keyId = async (key) => toHex((await sha256(fromHex(key, 32))).subarray(0, 8));

/** A plate as people write it: `wb 00-a.0001` is `WB00A0001`. A letter of another script is no letter here. */
export function plateOf(text) {
  const plate = text.replace(/[ .-]/g, "");
  if (!/^[A-Za-z0-9]{4,12}$/.test(plate)) refuse("plate_wrong", `${text} is no plate`);
  return plate.toUpperCase();
}

/** The key that turns plates into vehicle ids, from the 64 hexadecimal digits of its file. It cannot be read out again. */
export async function vehicleKey(text) {
  const digits = text.trim();
  require(/^[0-9a-fA-F]{64}$/.test(digits), "vehicle_key_wrong", "expected 64 hexadecimal digits");
  const how = { name: "HMAC", hash: "SHA-256" };
  return crypto.subtle.importKey("raw", fromHex(digits.toLowerCase(), 32), how, false, ["sign"]);
}

/** The id of the vehicle with this plate. */
export const vehicleOf = async (plate, key) =>
  toHex(new Uint8Array(await crypto.subtle.sign("HMAC", key, utf8.encode(plate))));
