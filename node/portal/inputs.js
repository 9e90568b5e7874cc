// What the portal's pages and the verifier in one file share: reading files, and checking a receipt that somebody gave.

import { answerOf, troubleOf, visible } from "./answer.js";
import { CouldNotCheck, askedBy, isSupported, sha256Hex, verifyStatus } from "./verify.js";

/** The largest file that is read into memory to be hashed, in bytes. */
const FILE_BYTES_MAX = 512 << 20;
/** The largest receipt or pin, in bytes. */
const TEXT_BYTES_MAX = 4 << 20;

export async function digestOf(file) {
  if (file.size > FILE_BYTES_MAX) throw new CouldNotCheck("too_large", `${file.size} bytes`);
  if (!crypto.subtle) throw new CouldNotCheck("no_ed25519", "no WebCrypto: this page did not come over HTTPS");
  return sha256Hex(await file.arrayBuffer());
}

export function textOf(file) {
  if (file.size > TEXT_BYTES_MAX) throw new CouldNotCheck("malformed", `${file.size} bytes are no receipt and no pin`);
  return file.text();
}

/** Lets a file be dropped on the label of its input, and shows its name. */
export function wireFile(input, chosen = () => {}) {
  const zone = input.closest("label");
  const name = zone.querySelector(".name");
  const show = () => {
    name.textContent = visible(input.files[0]?.name ?? "");
    if (input.files[0]) chosen(input.files[0]);
  };
  input.addEventListener("change", show);
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    if (!event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    show();
  });
}

/** Puts an answer where answers stand, and the focus on it. */
export function show(place, answer) {
  place.replaceChildren(answer);
  place.hidden = false;
  place.removeAttribute("aria-busy");
  place.focus();
}

/** What was found, if it is what somebody expects: `mark` is how the file's digest begins, `index` the record that issued the
    document, `vehicle` the one that a challan must be for. */
function expected(found, { mark, index, vehicle }) {
  const { document: entry } = found;
  if (entry === null) return found;
  if (mark !== undefined && !entry.digest.startsWith(mark)) {
    throw new CouldNotCheck("other_document", `the code is of a file whose SHA-256 begins with ${mark}`);
  }
  if (index !== undefined && entry.record !== Number(index)) {
    throw new CouldNotCheck("other_document", `the document was issued by record ${entry.record}`);
  }
  if (vehicle !== undefined && entry.subject !== `vehicle/${vehicle}`) {
    return { ...found, status: "not_on_record", reason: "other_vehicle", sinceMs: null, document: null, history: [] };
  }
  return found;
}

/** Checks a receipt against `pin`, about `asked` if given, and shows what came of it; `expectations` as above. */
export async function check(place, receipt, pin, asked, terms, checkedBy, expectations = {}) {
  const language = place.closest("[lang]").lang;
  try {
    if (!(await isSupported())) throw new CouldNotCheck("no_ed25519", "no Ed25519 in WebCrypto");
    const question = asked ?? askedBy(receipt);
    const found = expected(await verifyStatus(receipt, pin, question, Date.now(), terms), expectations);
    show(place, answerOf(found, question, checkedBy, language));
    return found;
  } catch (error) {
    show(place, troubleOf(error, asked, language));
    return null;
  }
}

/** The form that takes a receipt as a file or a text, and perhaps the document that it must be about. `pinOf` gives a pin
    and the lines that say who checked. */
export function wireReceiptForm(form, place, pinOf) {
  const language = place.closest("[lang]").lang;
  const { receipt, text, document: file } = form.elements;
  [receipt, file].forEach((input) => wireFile(input));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const given = receipt.files[0] ? await textOf(receipt.files[0]) : text.value;
      const { pin, checkedBy } = await pinOf();
      const asked = askedBy(given);
      if (file.files[0]) {
        const digest = await digestOf(file.files[0]);
        const found = await verifyStatus(given, pin, asked, Date.now());
        const same = found.document ? found.document.digest === digest : asked.digest === digest;
        if (!same) throw new CouldNotCheck("other_document", `the file's SHA-256 is ${digest}`);
      }
      await check(place, given, pin, asked, {}, checkedBy);
    } catch (error) {
      show(place, troubleOf(error, null, language));
    }
  });
}
