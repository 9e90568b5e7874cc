// An answer, or the reason why there is none, as a part of a page. The same facts in the same order as `portal/answer.rs`
// gives them without JavaScript; a test compares the two.

import { ICONS, WORDS } from "./words.js";

const IST_AHEAD_MS = 19_800_000;
const SHOWN_MAX = 200;

/** A text of unknown origin: what steers or hides text (controls, bidi, zero width) is shown by its code. */
export const visible = (text) => {
  const characters = [...String(text)];
  const shown = characters.slice(0, SHOWN_MAX)
    .map((it) => (/[\p{C}\p{Zl}\p{Zp}]/u.test(it) ? `⟨U+${code(it)}⟩` : it));
  return shown.join("") + (characters.length > SHOWN_MAX ? "…" : "");
};
const code = (character) => character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");

export const fill = (pattern, values) => pattern.replace(/\{(\w+)\}/g, (_, name) => values[name]);

/** `1 June 2026, 05:30:00 IST`. */
export function ist(utcMs, words) {
  const at = new Date(utcMs + IST_AHEAD_MS);
  if (Number.isNaN(at.getTime())) return String(utcMs);
  return `${at.getUTCDate()} ${words.months[at.getUTCMonth()]} ${at.getUTCFullYear()}, ${at.toISOString().slice(11, 19)} IST`;
}

/** A length of time in its two largest units: `4 min 10 s`. */
export function span(ms) {
  const units = [["d", 86_400_000], ["h", 3_600_000], ["min", 60_000], ["s", 1000], ["ms", 1]];
  const at = Math.max(units.findIndex(([, length]) => ms >= length), 0);
  if (ms < 1000) return `${ms} ms`;
  const [[name, length], [smaller, part]] = [units[at], units[at + 1]];
  const rest = Math.floor((ms % length) / part);
  return `${Math.floor(ms / length)} ${name}${rest && name !== "s" ? ` ${rest} ${smaller}` : ""}`;
}

/** An element with children, of which strings become text and never markup. */
export function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function icon(tone) {
  const name = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(name, "svg");
  for (const [key, value] of [["class", "icon"], ["viewBox", "0 0 24 24"], ["aria-hidden", "true"]]) {
    picture.setAttribute(key, value);
  }
  const path = document.createElementNS(name, "path");
  path.setAttribute("d", ICONS[tone]);
  picture.append(path);
  return picture;
}

const tones = { valid: "good", not_on_record: "unknown", could_not_check: "unchecked" };

/** The large answer. `look` is a tone, perhaps with a class for its frame. */
export function banner(look, status, title, text) {
  return element("div", { class: `verdict ${look}`, "data-status": status },
    icon(look.split(" ")[0]),
    element("div", {}, element("h2", {}, title), element("p", {}, text)));
}

const verdict = (status, words) =>
  banner(tones[status] ?? "bad", status, words.status[status], words.status_words[status]);

export const facts = (rows) => element("dl", { class: "facts" },
  ...rows.filter(Boolean).map(([name, value]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, visible(value)))));

function history(events, words) {
  const cell = (name, text) => element("td", { "data-name": name }, visible(text));
  const { recorded, what, effective, reason, record } = words.answer;
  const rows = events.map((event) => element("tr", {},
    cell(recorded, ist(event.recordedAtMs, words)),
    cell(what, words.event[event.what] ?? event.what),
    cell(effective, ist(event.effectiveFromMs, words)),
    cell(reason, event.reason === null ? "–" : words.reason[event.reason] ?? event.reason),
    cell(record, event.record)));
  const head = [recorded, what, effective, reason, record].map((name) => element("th", { scope: "col" }, name));
  return element("table", {},
    element("caption", {}, words.answer.history),
    element("thead", {}, element("tr", {}, ...head)),
    element("tbody", {}, ...rows));
}

function documentFacts(found, words) {
  const { answer } = words;
  const from = ist(found.validFromMs, words);
  const until = found.validUntilMs === null ? null : ist(found.validUntilMs, words);
  return [
    [answer.document, `${found.kind}, ${found.uri}`],
    [answer.subject, found.subject],
    [answer.issuer, fill(answer.issuer_words, found)],
    [answer.issued, ist(found.issuedAtMs, words)],
    [answer.validity, until === null ? fill(answer.from_on, { from }) : fill(answer.from_until, { from, until })],
    [answer.provenance, words.provenance[found.provenance]],
    found.supersededBy && [answer.superseded_by, found.supersededBy],
    found.supersedes && [answer.supersedes, found.supersedes],
  ];
}

const note = (lines) => element("div", { class: "checked" }, ...lines.map((line) => element("p", {}, line)));

/** A question in words: as the page `shown` it, or as it was asked. */
const wordsOf = ({ shown, uri, digest, slot }) => shown ?? uri ?? digest ?? slot;

/** What `verifyStatus` answered. `asked` is its question, perhaps with how it is `shown`; `checkedBy` says who checked, in
    lines. */
export function answerOf(found, asked, checkedBy, language) {
  const words = WORDS[language];
  const { answer } = words;
  const reason = words.reason[found.reason] ?? found.reason;
  const time = found.sinceMs === null ? null : ist(found.sinceMs, words);
  const vouched = { age: span(found.ageMs), time: ist(found.freshnessMs, words) };
  return element("article", { class: "answer" },
    verdict(found.status, words),
    note(checkedBy),
    facts([
      [answer.asked, wordsOf(asked)],
      [answer.reason, time === null ? reason : fill(answer.since, { reason, time })],
      ...(found.document ? documentFacts(found.document, words) : []),
      [answer.as_of, ist(found.asOfMs, words)],
      [answer.proof, fill(answer.proof_words, vouched)],
      [answer.quorum, fill(answer.quorum_words, { count: found.cosigners.length, all: found.validators })],
    ]),
    element("p", { class: "hint" }, answer.not_content),
    element("details", {},
      element("summary", {}, answer.detail),
      facts([
        found.document && [answer.digest, found.document.digest],
        found.document && [answer.record, found.document.record],
        [answer.height, found.height],
      ]),
      ...(found.history.length ? [history(found.history, words)] : [])));
}

/** "Could not check", with the reason in plain words. `error` is a CouldNotCheck or anything else that was thrown. */
export function troubleOf(error, asked, language) {
  const words = WORDS[language];
  const code = error?.code in words.trouble ? error.code : "unknown";
  return element("article", { class: "answer" },
    verdict("could_not_check", words),
    facts([
      asked && [words.answer.asked, wordsOf(asked)],
      [words.answer.reason, words.trouble[code]],
      [words.answer.code, `${error?.code ?? code}: ${error?.message ?? ""}`],
    ]));
}
