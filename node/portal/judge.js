// The order in which an officer judges: signature, time, plate, the book, weight; the first that fails is the answer. The same
// as `checkpost/judge.rs`, reason by reason; vectors of that file's tests are replayed here.

import { splitNumber } from "./book.js";
import { isSignedBy } from "./slip.js";

const MINUTE_MS = 60_000n;
/** How long a truck stands at a post at most: within it an officer may scan again. */
export const STOP_MS_MAX = 15n * MINUTE_MS;

const DEGREE_UDEG = 1_000_000n;
const LATITUDE_DEGREE_M = 110_500n;
const LONGITUDE_DEGREE_M = 111_300n;
const COSINE_SCALE = 10_000n;
/** Cosine of each whole degree from 0 to 90 × 10,000, rounded down: the table of `mineral/geo.rs`. */
const COSINES = [
  10000, 9998, 9993, 9986, 9975, 9961, 9945, 9925, 9902, 9876, 9848, 9816, 9781, 9743, 9702, 9659, 9612, 9563, 9510,
  9455, 9396, 9335, 9271, 9205, 9135, 9063, 8987, 8910, 8829, 8746, 8660, 8571, 8480, 8386, 8290, 8191, 8090, 7986,
  7880, 7771, 7660, 7547, 7431, 7313, 7193, 7071, 6946, 6819, 6691, 6560, 6427, 6293, 6156, 6018, 5877, 5735, 5591,
  5446, 5299, 5150, 5000, 4848, 4694, 4539, 4383, 4226, 4067, 3907, 3746, 3583, 3420, 3255, 3090, 2923, 2756, 2588,
  2419, 2249, 2079, 1908, 1736, 1564, 1391, 1218, 1045, 871, 697, 523, 348, 174, 0,
];

const less = (one, other) => (one > other ? one - other : 0n);
const apart = (one, other) => (one > other ? one - other : other - one);
const size = (value) => (value < 0n ? -value : value);

function squareRoot(value) {
  if (value < 2n) return value;
  let root = value;
  for (let next = (root + 1n) / 2n; next < root; next = (root + value / root) / 2n) root = next;
  return root;
}

/** Metres between two points in microdegrees, at least; in whole numbers. */
function distanceMin(one, other) {
  const [latitudes, longitudes] = [[one.lat, other.lat], [one.lon, other.lon]];
  const north = (apart(...latitudes) * LATITUDE_DEGREE_M) / DEGREE_UDEG;
  const around = apart(...longitudes);
  const back = less(360n * DEGREE_UDEG, around);
  const degrees = latitudes.map((latitude) => (size(latitude) + DEGREE_UDEG - 1n) / DEGREE_UDEG);
  const cosine = BigInt(COSINES[degrees[0] > degrees[1] ? degrees[0] : degrees[1]] ?? 0);
  const east = ((around < back ? around : back) * ((LONGITUDE_DEGREE_M * cosine) / COSINE_SCALE)) / DEGREE_UDEG;
  return squareRoot(north * north + east * east);
}

// Each of these gives a reason why the truck is not to be let through, or null.

async function judgeSignature(slip, listed, book, chain) {
  const known = book.issuers.filter((issuer) => issuer.id === slip.issuer);
  if (known.length === 0) return "unknown_issuer";
  const signers = [];
  for (const issuer of known) if (await isSignedBy(slip, issuer.key, chain)) signers.push(issuer);
  if (signers.length === 0) return "bad_signature";
  const parts = splitNumber(slip.said.number);
  const ofRange = parts !== null && book.ranges.has(parts.range) ? parts.range : null;
  const speaks = ({ site, range }) =>
    site === slip.said.site && (range === null ? ofRange === null || listed !== null : range === ofRange);
  const issuer = signers.find(speaks);
  if (issuer === undefined) return "other_site";
  const { startWindow } = book.rules;
  const { validFrom } = slip.said;
  const inTime = issuer.revokedAt === null && issuer.from <= validFrom + startWindow &&
    (issuer.until === null || less(validFrom, startWindow) < issuer.until);
  return inTime || listed !== null ? null : "issuer_ended";
}

function judgeTime({ said }, listed, { now }) {
  if (now < said.validFrom) return "not_yet_valid";
  return now < (listed ?? said).validUntil ? null : "expired";
}

function judgePlate({ said }, listed, { plate, vehicle }) {
  if (said.plate !== plate) return "other_vehicle";
  return listed === null || listed.vehicle === vehicle ? null : "record_differs";
}

const ENDS = {
  seized: "seized", cancelled: "cancelled", lapsed: "cancelled", transhipped: "transhipped",
  delivered: "consumed", delivered_late: "consumed", redeemed: "consumed",
};

/** What speaks for the challan, or against it. */
function judgeBook({ said }, listed, book, asOf) {
  if (listed !== null) {
    if (listed.site !== said.site) return { against: "record_differs" };
    if (listed.alerts.includes("void")) return { against: "void" };
    return listed.stage in ENDS ? { against: ENDS[listed.stage] } : { standing: "in_force" };
  }
  const parts = splitNumber(said.number);
  const range = parts && book.ranges.get(parts.range);
  if (range) {
    const hasNumber = parts.serial >= 1 && parts.serial <= range.count;
    if (hasNumber && asOf >= range.syncUntil) return { against: "not_on_record" };
    return hasNumber && said.massKg <= range.freeKg ? { standing: "pending" } : { against: "range_used_up" };
  }
  return said.validFrom + book.rules.startWindow < asOf ? { against: "not_on_record" } : { standing: "issued_since" };
}

function judgeJournal({ said }, { rules }, { vehicle, place, now, journal, sameStop }) {
  const seen = journal.filter((check) => check.vehicle === vehicle);
  const elsewhere = (check) => {
    const time = apart(now, check.observedAt) + rules.cloneSlack;
    return distanceMin(check.place.point, place.point) * 3600n > rules.cloneSpeedKmph * time;
  };
  if (seen.some(elsewhere)) return "clone";
  const again = (check) => check.challan === said.number && check.place.post === place.post &&
    !(sameStop && apart(now, check.observedAt) <= STOP_MS_MAX);
  return seen.some(again) ? "shown_before" : null;
}

/**
 * Judges a slip (`readSlip`) by a bundle (`readBundle`), on `chain`. `scene` is the truck in front of the barrier: plate, vehicle
 * id, place, now, grossKg or null, sameStop, and `journal`, the checks that this device made, oldest first. Times are BigInts.
 */
export async function judge(slip, chain, { book, asOfMs: asOf }, ageMaxMs, scene) {
  const { said } = slip;
  const listed = (said && book.challans.get(said.number)) ?? null;
  const age = less(scene.now, asOf);
  const judged = (verdict, reason) => {
    const last = said && scene.journal.findLast((check) => check.challan === said.number);
    const earlier = last
      ? { observedAt: last.observedAt, post: last.place.post, sameVehicle: last.vehicle === scene.vehicle }
      : null;
    return { verdict, reason, asOfMs: asOf, earlier, alerts: listed?.alerts ?? [] };
  };
  if (said === null) return judged("invalid", "not_a_challan");
  // Cosigners' clocks may run ahead by seconds; a minute is a wrong clock.
  if (scene.now + MINUTE_MS < asOf) return judged("could_not_check", "clock_behind");
  if (age > ageMaxMs) return judged("could_not_check", "stale_bundle");
  const before = (await judgeSignature(slip, listed, book, chain)) ?? judgeTime(slip, listed, scene) ?? judgePlate(slip, listed, scene);
  if (before !== null) return judged("invalid", before);
  const { against, standing } = judgeBook(slip, listed, book, asOf);
  const grossMaxKg = listed?.grossMaxKg ?? null;
  const isOver = scene.grossKg !== null && grossMaxKg !== null && scene.grossKg > grossMaxKg;
  const reason = against ?? judgeJournal(slip, book, scene) ?? (isOver ? "overload" : null);
  if (reason !== null) return judged("invalid", reason);
  return judged(standing === "in_force" && age <= listed.statusAgeMax ? "valid" : "valid_offline", standing);
}
