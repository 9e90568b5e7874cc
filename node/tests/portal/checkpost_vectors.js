// Replays contracts/tests/vectors/checkpost.jsonl: what differs from the ledger's own judge, and how many of each kind were
// replayed. The body of an async function; `given[0]` is the vectors' text.

const { bookOf, questionOf, withKeyIds } = await import("/portal/book.js");
const { isSealed, placeOf, seenOf } = await import("/portal/device.js");
const { judge } = await import("/portal/judge.js");
const { plateOf, readSlip } = await import("/portal/slip.js");
const { fromBase64, parseJson } = await import("/portal/verify.js");

const big = (value) => (value === null ? null : BigInt(value));
const mapped = (object, read) => new Map(Object.entries(object).map(([name, value]) => [name, read(value)]));

const bookFrom = (json) => ({
  challans: mapped(json.challans, (it) => ({
    vehicle: it.vehicle, site: it.site, validUntil: big(it.valid_until_ms), stage: it.stage, endedAt: big(it.ended_at_ms),
    grossMaxKg: big(it.gross_max_kg), checks: it.checks, alerts: it.alerts, statusAgeMax: big(it.status_age_max_ms),
  })),
  issuers: Object.entries(json.issuers).flatMap(([id, issuers]) => issuers.map((it) => ({
    key: it.key, site: it.site, range: it.range, from: big(it.from_ms), until: big(it.until_ms),
    revokedAt: big(it.revoked_at_ms), id,
  }))),
  ranges: mapped(json.ranges, (it) => ({ syncUntil: big(it.sync_until_ms), count: it.count, freeKg: big(it.free_kg) })),
  device: json.device && {
    office: json.device.office, counter: big(json.device.counter), observedAt: big(json.device.observed_at_ms),
    mark: big(json.device.mark),
  },
  rules: {
    startWindow: big(json.rules.start_window_ms), cloneSlack: big(json.rules.clone_slack_ms),
    cloneSpeedKmph: big(json.rules.clone_speed_kmph),
  },
});

/** A book as a text in which the order of maps and issuers does not count. */
function spelled(book) {
  const plain = (_, value) => (typeof value === "bigint" ? `${value}n` : value);
  const entries = (map) => [...map].sort(([one], [other]) => (one < other ? -1 : 1));
  const issuers = book.issuers.map((it) => JSON.stringify(it, plain)).sort();
  return JSON.stringify([entries(book.challans), issuers, entries(book.ranges), book.device, book.rules], plain);
}

const said = (slip) => slip && {
  number: slip.number, plate: slip.plate, site: slip.site, mineral: slip.mineral,
  quantity: { [slip.quantity.unit]: Number(slip.quantity.count) }, mass_kg: Number(slip.massKg), route: slip.route,
  to_state: slip.toState, to_district: slip.toDistrict,
  valid_from_ms: Number(slip.validFrom), valid_until_ms: Number(slip.validUntil),
};

const attempt = (act) => {
  try {
    return act();
  } catch (error) {
    if (error.code === undefined) throw error;
    return undefined;
  }
};

const replays = {
  async judge(it) {
    const scene = {
      plate: it.plate, vehicle: it.vehicle, place: placeOf(it.place), now: BigInt(it.now_ms), grossKg: big(it.gross_kg),
      sameStop: it.same_stop, journal: it.journal.map(seenOf),
    };
    const bundle = { book: bookFrom(it.book), asOfMs: BigInt(it.as_of_ms) };
    const found = await judge(readSlip(it.slip), it.chain, bundle, BigInt(it.age_max_ms), scene);
    const earlier = found.earlier && {
      observed_at_ms: Number(found.earlier.observedAt), post: found.earlier.post, same_vehicle: found.earlier.sameVehicle,
    };
    const { verdict, reason, alerts } = found;
    return [{ verdict, reason, as_of_ms: Number(found.asOfMs), earlier, alerts }, it.expected];
  },
  async book(it) {
    const question = questionOf(parseJson(JSON.stringify(it.question), 1 << 20));
    const unread = new Set(Object.keys(it.reads));
    const read = (lacking) => (key) => {
      if (!(key in it.reads) || key === lacking) throw Object.assign(new Error(`${key} is not read`), { code: "incomplete" });
      unread.delete(key);
      return it.reads[key] === null ? null : fromBase64(it.reads[key]);
    };
    const book = await withKeyIds(bookOf(question, read(null)));
    // Whoever leaves one value out gets no book at all.
    const got = Object.keys(it.reads).filter((key) => attempt(() => bookOf(question, read(key))) !== undefined);
    // Nor does a value with a byte at its end.
    const longer = Object.keys(it.reads).filter((key) => it.reads[key] !== null && attempt(() => bookOf(question, (asked) =>
      (asked === key ? Uint8Array.from([...fromBase64(it.reads[key]), 0]) : read(null)(asked)))) !== undefined);
    return [[spelled(book), [...unread], got, longer], [spelled(bookFrom(it.book)), [], [], []]];
  },
  async statement(it) {
    const other = { ...it.check, observed_at_ms: it.check.observed_at_ms + 1 };
    return [[await isSealed(it.check, it.chain), await isSealed(other, it.chain)], [true, false]];
  },
  async code(it) {
    const slip = attempt(() => readSlip(it.text));
    return [[slip !== undefined, said(slip?.said ?? null)], [it.reads, it.says]];
  },
  async plate(it) {
    return [attempt(() => plateOf(it.text)) ?? null, it.plate];
  },
};

const [wrong, counts] = [[], {}];
for (const line of given[0].trim().split("\n")) {
  const vector = JSON.parse(line);
  const [got, expected] = await replays[vector.kind](vector);
  const sorted = (value) => JSON.stringify(value, (_, it) =>
    (it && typeof it === "object" && !Array.isArray(it) ? Object.fromEntries(Object.entries(it).sort()) : it));
  if (sorted(got) !== sorted(expected)) wrong.push({ kind: vector.kind, name: vector.name ?? vector.text, got, expected });
  counts[vector.kind] = (counts[vector.kind] ?? 0) + 1;
}
return { wrong, counts };
