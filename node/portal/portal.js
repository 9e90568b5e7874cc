// The portal's pages. A file is hashed here and never sent; a receipt is fetched and checked here.

import { troubleOf, visible } from "./answer.js";
import { check, digestOf, show, textOf, wireFile, wireReceiptForm } from "./inputs.js";
import { CouldNotCheck, Pin, sha256Hex } from "./verify.js";
import { WORDS } from "./words.js";

const PIN = "dalil.pin";
/** How long a page waits for its server. */
const WAIT_MS = 20_000;

const { lang } = document.documentElement;
const words = WORDS[lang];
const place = document.querySelector("#answer");
const yours = () => {
  try {
    return localStorage.getItem(PIN);
  } catch {
    return null;
  }
};

async function fetched(path) {
  try {
    const answer = await fetch(path, { redirect: "error", cache: "no-store", signal: AbortSignal.timeout(WAIT_MS) });
    if (answer.ok) return await answer.text();
    throw new Error(`${answer.status} ${(await answer.text()).slice(0, 200)}`);
  } catch (error) {
    throw new CouldNotCheck("unreachable", error.message);
  }
}

/** The user's pin, or else the one of the host, and the lines that say so. */
async function currentPin() {
  const own = yours();
  const pin = await Pin.parse(own ?? (await fetched("/pin")));
  const byDevice = words.answer.by_device.replace("{host}", visible(location.host));
  return { pin, checkedBy: [byDevice, own === null ? words.answer.pin_host : words.answer.pin_yours] };
}

async function showPin(form) {
  const own = yours();
  form.querySelector("output").textContent = own === null
    ? words.ask.pin_none
    : `${words.ask.pin_yours}: ${await sha256Hex(new TextEncoder().encode(own))}`;
  form.elements.forget.hidden = own === null;
}

function wirePin(form) {
  wireFile(form.elements.pin, async (file) => {
    try {
      const text = await textOf(file);
      await Pin.parse(text);
      localStorage.setItem(PIN, text);
      await showPin(form);
    } catch (error) {
      show(place, troubleOf(error, null, lang));
    }
  });
  form.elements.forget.addEventListener("click", () => {
    localStorage.removeItem(PIN);
    form.reset();
    showPin(form);
  });
  return showPin(form);
}

/** Goes to the answer page of a file, by its digest. */
function wireDocument(input) {
  wireFile(input, async (file) => {
    try {
      location.assign(`/check?${new URLSearchParams({ digest: await digestOf(file), lang })}`);
    } catch (error) {
      show(place, troubleOf(error, null, lang));
    }
  });
}

/** The document that the page is about: how a receipt of it is asked for, and how the receipt must answer. None if the page
    is about no document. */
function questionOf({ uri, digest, department, type, number, shown }) {
  if (uri !== undefined) return { query: { uri }, asked: { uri, shown } };
  if (digest !== undefined) return { query: { digest }, asked: { digest, shown } };
  if (number === undefined) return null;
  const slot = `cert/number/${department}/${type}/${number}`;
  return { query: { department, type, number }, asked: { slot, shown } };
}

/** Replaces the server's word by what is found here. */
async function checkHere({ query, asked }) {
  const { mark, vehicle, index, asOfMs } = place.dataset;
  try {
    const { pin, checkedBy } = await currentPin();
    const receipt = await fetched(`/v1/receipts/status?${new URLSearchParams(query)}`);
    const terms = asOfMs === undefined ? {} : { asOfMs: Number(asOfMs) };
    await check(place, receipt, pin, asked, terms, checkedBy, { mark, vehicle, index });
  } catch (error) {
    show(place, troubleOf(error, asked, lang));
  }
  // What the node alone says stands only beside an answer that is the same.
  const { status } = place.querySelector("[data-status]").dataset;
  for (const word of document.querySelectorAll("[data-word-of-node]")) word.hidden = word.dataset.wordOfNode !== status;
}

for (const hidden of document.querySelectorAll(".scripted")) hidden.hidden = false;
for (const button of document.querySelectorAll("button.print")) button.addEventListener("click", () => print());
const form = (name) => document.querySelector(`form.${name}`);
if (form("pin")) await wirePin(form("pin"));
if (form("file")) wireDocument(form("file").elements.document);
if (form("receipt")) wireReceiptForm(form("receipt"), place, currentPin);
const question = place === null ? null : questionOf(place.dataset);
if (question !== null) {
  place.replaceChildren(words.answer.checking);
  place.setAttribute("aria-busy", "true");
  await checkHere(question);
}
document.documentElement.dataset.ready = "";
