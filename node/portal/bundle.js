// Fetches a bundle where there is a network: the numbers of challans and ranges, and what the ledger says of them with its proofs.
// Nothing is believed here; `readBundle` checks it.

import { CouldNotCheck, require } from "./verify.js";

/** How far back challans may have been issued that can still be on the road, in milliseconds. */
const WINDOW_MS = 345_600_000;
/** The most challans, ranges and postings that a node answers in one question. */
const QUESTION_CHALLANS = 256;
const QUESTION_RANGES = 32;
const QUESTION_POSTINGS = 16;
/** The most numbers that a page fetches. */
const NUMBERS_MAX = 16_384;
/** How long the page waits for each answer, in milliseconds. */
const WAIT_MS = 60_000;

async function asked(path, body) {
  const how = body === undefined ? {} : { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } };
  try {
    const answer = await fetch(path, { ...how, redirect: "error", cache: "no-store", signal: AbortSignal.timeout(WAIT_MS) });
    if (answer.ok) return await answer.text();
    throw new Error(`${answer.status} ${(await answer.text()).slice(0, 200)}`);
  } catch (error) {
    throw new CouldNotCheck("unreachable", error.message);
  }
}

/** A bundle for a device from this page's own server; which numbers there are is its word, all else is proven. */
export async function fetchBundle(device, wanted) {
  const now = Date.now();
  const [challans, ranges] = [[], []];
  for (let query = `since_ms=${now - WINDOW_MS}`; query !== null;) {
    const page = JSON.parse(await asked(`/v1/checkpost/numbers?${query}`));
    challans.push(...page.challans);
    ranges.push(...page.ranges);
    require(challans.length <= NUMBERS_MAX && ranges.length <= NUMBERS_MAX, "malformed", "more numbers than a page fetches");
    const next = `from=${page.next}`;
    require(next !== query, "malformed", "the server lists the same page again and again");
    query = page.next >= page.log_size ? null : next;
  }
  const postings = [...wanted];
  const pages = [];
  do {
    const question = {
      asked_at_ms: now,
      challans: challans.splice(0, QUESTION_CHALLANS),
      ranges: ranges.splice(0, QUESTION_RANGES),
      postings: postings.splice(0, QUESTION_POSTINGS),
      device,
    };
    pages.push(`{"question":${JSON.stringify(question)},"receipt":${await asked("/v1/checkpost/book", question)}}`);
  } while (challans.length || ranges.length || postings.length);
  return `{"format":"dalil-checkpost-bundle/v1","pages":[${pages.join(",")}]}`;
}
