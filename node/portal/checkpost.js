// The checkpost page: pin, bundle and place are kept in this browser; trucks are judged here, without a network; every check is
// sealed and kept before its answer is shown. Only "fetch the bundle" asks anybody anything.

import { banner, element, facts, fill, ist, span, troubleOf, visible } from "./answer.js";
import { readBundle } from "./book.js";
import { fetchBundle } from "./bundle.js";
import { canReadCodes, codesIn, hasCamera, wireCamera } from "./camera.js";
import { Store, placeOf, seenOf } from "./device.js";
import { show, textOf, wireFile } from "./inputs.js";
import { judge } from "./judge.js";
import { plateOf, readSlip, vehicleKey, vehicleOf } from "./slip.js";
import { CouldNotCheck, Pin, isSupported, require } from "./verify.js";
import { WORDS } from "./words.js";

/** The oldest bundle that a truck is judged by, in milliseconds. */
const AGE_MAX_MS = 43_200_000n;
const BUNDLE_BYTES_MAX = 64 << 20;
/** How many checks the page lists. */
const LISTED = 20;

const { lang } = document.documentElement;
const words = WORDS[lang];
const say = words.checkpost;
const place = document.querySelector("#answer");
const [truck, setup] = ["truck", "setup"].map((name) => document.querySelector(`form.${name}`));
const journal = document.querySelector("section.journal");
const ready = document.querySelector("p.offline");

/** What this page works with. Pin, bundle and post are kept in the browser; the vehicle key is in memory alone. */
const post = { pin: null, bundle: null, place: null, vehicleKey: null };
let [store, device] = [null, null];

const busy = () => {
  place.replaceChildren(words.answer.checking);
  place.hidden = false;
  place.setAttribute("aria-busy", "true");
};
const fail = (error) => show(place, troubleOf(error, null, lang));
const hhmm = (ms) => ist(Number(ms), words).slice(-12, -7);
const refuse = (code, message) => {
  throw new CouldNotCheck(code, message);
};

/** The device's last check on record, as far as the bundle tells. */
const last = () => Number(post.bundle?.book.device?.counter ?? -1);

// What the page knows, and how old it is.

async function showState() {
  const { pin, bundle, vehicleKey: key } = post;
  const age = bundle && span(Math.max(Date.now() - Number(bundle.asOfMs), 0));
  const device_known = bundle?.book.device ? say.device_known : say.device_unknown;
  document.querySelector("div.state").replaceChildren(facts([
    [say.as_of, bundle ? fill(say.as_of_words, { time: ist(Number(bundle.asOfMs), words), age }) : say.missing],
    bundle && [say.known, fill(say.known_words, { challans: bundle.book.challans.size, issuers: bundle.book.issuers.length, ranges: bundle.book.ranges.size })],
    [say.pin, pin ? fill(say.pin_words, { origin: pin.origin, time: ist(Number(pin.expiresAt), words) }) : say.missing],
    [say.place, post.place?.post ?? say.missing],
    [say.key, key ? say.key_loaded : say.key_missing],
    bundle && [say.device, device_known],
  ]));
  const made = await store.checks();
  const onRecord = (counter) => (counter <= last() ? say.on_record : say.waiting);
  journal.querySelector("p").textContent = fill(say.journal_words,
    { count: made.length, waiting: made.filter(({ check }) => check.seal.counter > last()).length });
  const cells = ({ check, verdict, reason }) => [
    [say.counter, String(check.seal.counter)],
    [say.time, ist(check.observed_at_ms, words)],
    [words.scan.challan, check.challan ?? "–"],
    [words.answer.title, `${say[verdict]}: ${words.checkpost_reason[reason]}`],
    [say.record, onRecord(check.seal.counter)],
  ];
  journal.querySelector("tbody").replaceChildren(...made.slice(-LISTED).reverse().map((one) =>
    element("tr", {}, ...cells(one).map(([name, text]) => element("td", { "data-name": name }, visible(text))))));
  journal.querySelector("table").hidden = made.length === 0;
  journal.querySelector("[name=export]").hidden = made.length === 0;
}

// Setting up: a value is kept once it is found good, and found good again at each start.

async function usePin(text) {
  post.pin = await Pin.parse(text);
  post.bundle = null;
}

async function useBundle(text) {
  require(post.pin !== null, "pin_missing", "no pin");
  const { pin } = post;
  const bundle = await readBundle(text, pin, Date.now(), device.id);
  // Another pin may have been loaded meanwhile.
  require(post.pin === pin, "pin_missing", "the pin was changed while the bundle was checked");
  post.bundle = bundle;
}

function wireKept(name, read, use) {
  wireFile(setup.elements[name], async (file) => {
    busy();
    try {
      const text = await read(file);
      await use(text);
      await store.put(name, text);
      show(place, element("p", {}, say.taken));
    } catch (error) {
      fail(error);
    }
    // So that the same file, written anew, counts as another choice.
    setup.elements[name].value = "";
    await showState();
  });
}

async function bundleText(file) {
  require(file.size <= BUNDLE_BYTES_MAX, "malformed", `${file.size} bytes are more than a page reads`);
  return file.text();
}

/** Degrees such as 22.9 in microdegrees, without a fraction. */
function microdegrees(text, most) {
  const [, sign, whole, part = ""] = /^(-?)([0-9]{1,3})(?:\.([0-9]{1,6}))?$/.exec(text.trim()) ?? refuse("place_wrong", `${text} are no degrees`);
  const value = Number(whole + part.padEnd(6, "0"));
  require(value <= most * 1_000_000, "place_wrong", `${text} is nowhere on the globe`);
  return sign ? -value : value;
}

async function usePlace() {
  const { post: id, district, latitude, longitude } = setup.elements;
  require(/^[!-~]{1,32}$/.test(id.value), "place_wrong", "no id of a checkpost");
  require(/^[0-9]{1,9}$/.test(district.value), "place_wrong", "no LGD code of a district");
  const point = { lat_udeg: microdegrees(latitude.value, 90), lon_udeg: microdegrees(longitude.value, 180) };
  const found = { post: id.value, district: Number(district.value), point };
  await store.put("place", found);
  post.place = found;
}

function wireSetup() {
  wireKept("pin", textOf, async (text) => {
    await usePin(text);
    const kept = await store.get("bundle");
    if (kept !== undefined) await useBundle(kept).catch(fail);
  });
  wireKept("bundle", bundleText, useBundle);
  wireFile(setup.elements.key, async (file) => {
    try {
      post.vehicleKey = await vehicleKey(await textOf(file));
    } catch (error) {
      fail(error);
    }
    setup.elements.key.value = "";
    await showState();
  });
  setup.addEventListener("submit", async (event) => {
    event.preventDefault();
    await usePlace().then(() => show(place, element("p", {}, say.taken)), fail);
    await showState();
  });
  setup.elements.fetch.addEventListener("click", async () => {
    busy();
    try {
      require(post.pin !== null, "pin_missing", "no pin");
      const postings = setup.elements.postings.value.split(/[\s,]+/).filter(Boolean);
      const text = await fetchBundle(device.id, postings);
      await useBundle(text);
      await store.put("bundle", text);
      show(place, element("p", {}, say.taken));
    } catch (error) {
      fail(error);
    }
    await showState();
  });
}

// A truck.

/** Judges what the truck shows; `code` is null where it shows nothing. */
async function judged(code) {
  const { elements } = truck;
  const plate = plateOf(elements.plate.value);
  const [gross, sameStop] = [elements.gross.value.trim(), elements.same.checked];
  require(/^[0-9]{0,7}$/.test(gross), "weight_wrong", `${gross} is no weight in kg`);
  const { pin, bundle } = post;
  require(pin !== null, "pin_missing", "no pin");
  require(bundle !== null, "bundle_missing", "no bundle");
  require(post.place !== null, "place_missing", "no place");
  require(post.vehicleKey !== null, "vehicle_key_missing", "no vehicle key");
  const slip = code === null ? null : readSlip(code);
  const vehicle = await vehicleOf(plate, post.vehicleKey);
  const { asOfMs, book } = bundle;
  const found = await store.record(async (made) => {
    const now = Date.now();
    require(BigInt(now) < pin.expiresAt, "pin_expired", "the pin has expired");
    const grossKg = gross === "" ? null : BigInt(gross);
    const scene = { plate, vehicle, place: placeOf(post.place), now: BigInt(now), grossKg, sameStop, journal: made.map(seenOf) };
    const judgement = slip === null
      ? { verdict: "invalid", reason: "nothing_shown", asOfMs, earlier: null, alerts: [] }
      : await judge(slip, pin.chain, bundle, AGE_MAX_MS, scene);
    const challan = slip?.said?.number ?? null;
    const check = { challan, vehicle, place: post.place, observed_at_ms: now, gross_kg: gross === "" ? null : Number(gross) };
    return { judged: { ...judgement, now }, check: slip !== null && challan === null ? null : check };
  }, book.device, pin.chain, device);
  return { ...found, said: slip?.said ?? null };
}

const looks = { valid: "good", valid_offline: "good offline", could_not_check: "unchecked" };

function slipFacts(said) {
  const { scan, answer } = words;
  const [from, until] = [said.validFrom, said.validUntil].map((ms) => ist(Number(ms), words));
  return [
    [scan.challan, said.number],
    [scan.plate, said.plate],
    [scan.load, fill(scan.load_words, { mineral: said.mineral, mass: said.massKg })],
    [scan.site, said.site],
    [scan.route, fill(scan.route_words, { route: said.route, district: said.toDistrict, state: said.toState })],
    [answer.validity, fill(answer.from_until, { from, until })],
  ];
}

function answerOf({ judged: found, said, counter, why }) {
  const { verdict, reason, asOfMs, earlier, alerts, now } = found;
  const on = earlier && (earlier.sameVehicle ? say.same_plate : say.other_plate);
  const warning = earlier &&
    element("p", { class: "warning" }, fill(say.shown_before, { on, post: visible(earlier.post), time: ist(Number(earlier.observedAt), words) }));
  const article = element("article", { class: "answer", "data-reason": reason },
    banner(looks[verdict] ?? "bad", verdict, fill(say[verdict], { time: hhmm(asOfMs) }), words.checkpost_reason[reason]),
    ...(warning ? [warning] : []),
    facts([
      [say.recorded, counter === null ? say[why] : fill(say.recorded_words, { counter })],
      [say.as_of, fill(say.as_of_words, { time: ist(Number(asOfMs), words), age: span(Math.max(now - Number(asOfMs), 0)) })],
      ...alerts.map((finding) => [say.found, words.checkpost_finding[finding]]),
      ...(said ? slipFacts(said) : []),
      [words.answer.code, reason],
    ]),
    element("p", { class: "hint" }, say.not_known));
  return article;
}

async function check(code) {
  // A second tap is not a second truck.
  if (truck.getAttribute("aria-busy") === "true") return;
  truck.setAttribute("aria-busy", "true");
  busy();
  try {
    show(place, answerOf(await judged(code)));
    truck.reset();
  } catch (error) {
    fail(error);
    place.firstElementChild.append(element("p", { class: "warning" }, say.not_recorded));
  } finally {
    truck.removeAttribute("aria-busy");
  }
  await showState();
}

async function wireTruck() {
  const { photo, none } = truck.elements;
  truck.addEventListener("submit", (event) => {
    event.preventDefault();
    check(truck.elements.code.value);
  });
  none.addEventListener("click", () => check(null));
  if (!(await canReadCodes())) return;
  photo.closest("label").hidden = false;
  wireFile(photo, async (file) => {
    const codes = await codesIn(file).catch(() => []);
    if (codes.length === 1) [truck.elements.code.value] = codes;
    else fail(new CouldNotCheck("code_none", `${codes.length} codes in the photo`));
  });
  if (!hasCamera()) return;
  const section = truck.querySelector("section.camera");
  section.hidden = false;
  wireCamera(section, words.scan, (code) => {
    truck.elements.code.value = code;
    truck.elements.plate.focus();
  });
}

// The journal as a file.

function wireJournal() {
  journal.querySelector("[name=export]").addEventListener("click", async () => {
    try {
      require(post.pin !== null, "pin_missing", "no pin");
      const file = new Blob([await store.journal(post.pin.chain, device, last())], { type: "application/json" });
      const link = element("a", { href: URL.createObjectURL(file), download: "journal.json" });
      link.click();
      URL.revokeObjectURL(link.href);
    } catch (error) {
      fail(error);
    }
  });
}

async function keepProgram() {
  try {
    await navigator.serviceWorker.register("/checkpost-worker.js", { scope: "/checkpost" });
    await navigator.serviceWorker.ready;
    ready.textContent = say.offline_ready;
    ready.dataset.kept = "";
  } catch (error) {
    ready.textContent = `${say.offline_not}: ${visible(error.message)}`;
  }
}

async function start() {
  require(await isSupported(), "no_ed25519", "no Ed25519 in WebCrypto");
  store = await Store.open().catch((error) => refuse("no_store", error.message));
  device = await store.device();
  setup.querySelector("code.device").textContent = device.id;
  setup.querySelector("pre").textContent = [
    { authority: { register_key: { key: device.id, holder: "device" } } },
    { mineral: { register_device: { device: device.id, office: "…" } } },
  ].map((call) => JSON.stringify(call)).join("\n");
  for (const hidden of document.querySelectorAll(".working")) hidden.hidden = false;
  const [pin, bundle, known] = await Promise.all(["pin", "bundle", "place"].map((name) => store.get(name)));
  if (known !== undefined) {
    post.place = known;
    [setup.elements.post.value, setup.elements.district.value] = [known.post, known.district];
    const degrees = (value) => `${value < 0 ? "-" : ""}${(Math.abs(value) / 1e6).toFixed(6)}`;
    [setup.elements.latitude.value, setup.elements.longitude.value] = [known.point.lat_udeg, known.point.lon_udeg].map(degrees);
  }
  try {
    if (pin !== undefined) await usePin(pin);
    if (bundle !== undefined) await useBundle(bundle);
  } catch (error) {
    fail(error);
  }
  wireSetup();
  wireJournal();
  await wireTruck();
  document.querySelector("details.setup").open = Object.values(post).includes(null);
  await showState();
  // A store that the browser may drop is worth less; it asks the officer, or decides by itself.
  await navigator.storage?.persist?.();
}

await Promise.all([start().catch(fail), keepProgram()]);
document.documentElement.dataset.checkpost = "";
