// Fetches a bundle where there is a network: the numbers of challans and ranges, and what the ledger says of them with its proofs.
// Nothing is believed here; `readBundle` checks it.

import { CHALLANS_MAX, PAGES_MAX, POSTINGS_MAX, RANGES_MAX } from "./book.js";
import { CouldNotCheck, require } from "./verify.js";

/** How far back challans may have been issued that can still be on the road, in milliseconds. */
const WINDOW_MS = 345_600_000;
/** The most lists of numbers that a page fetches. */
const LISTS_MAX = 1_000;
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
  let [query, from, lists] = [`since_ms=${now - WINDOW_MS}`, 0, 0];
  while (query !== null) {
    const page = JSON.parse(await asked(`/v1/checkpost/numbers?${query}`));
    challans.push(...page.challans);
    ranges.push(...page.ranges);
    const fits = challans.length <= PAGES_MAX * CHALLANS_MAX && ranges.length <= PAGES_MAX * RANGES_MAX && lists < LISTS_MAX;
    require(fits, "malformed", "more numbers than a page takes: load a bundle from a file");
    const ends = page.next >= page.log_size;
    require(ends || page.next > from, "malformed", "the server lists the same page again and again");
    [query, from, lists] = [ends ? null : `from=${page.next}`, page.next, lists + 1];
  }
  const postings = [...wanted];
  const pages = [];
  do {
    const question = {
      asked_at_ms: now,
      challans: challans.splice(0, CHALLANS_MAX),
      ranges: ranges.splice(0, RANGES_MAX),
      postings: postings.splice(0, POSTINGS_MAX),
      device,
    };
    pages.push(`{"question":${JSON.stringify(question)},"receipt":${await asked("/v1/checkpost/book", question)}}`);
  } while (challans.length || ranges.length || postings.length);
  return `{"format":"dalil-checkpost-bundle/v1","pages":[${pages.join(",")}]}`;
}
