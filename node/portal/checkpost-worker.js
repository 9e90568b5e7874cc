// Keeps the checkpost page's own files, so that it opens where there is no network. FILES (each path with its SHA-256) and NAME stand
// above, written by the program. A set is kept whole and exactly as the program names it, or not at all; nothing else is kept.

const PREFIX = "dalil-checkpost-";
const PAGE = "/checkpost";

async function keep() {
  const cache = await caches.open(NAME);
  for (const [path, expected] of Object.entries(FILES)) {
    const answer = await fetch(path, { cache: "no-store", redirect: "error" });
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await answer.clone().arrayBuffer()));
    const got = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
    if (!answer.ok || got !== expected) throw new Error(`${path} is of another version`);
    await cache.put(path, answer);
  }
  await skipWaiting();
}

async function dropOthers() {
  for (const name of await caches.keys()) {
    if (name.startsWith(PREFIX) && name !== NAME) await caches.delete(name);
  }
}

/** The kept path that a request is for: a page in one of its languages, or a file. */
function keptPath(request) {
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return null;
  if (url.pathname !== PAGE) return url.pathname in FILES ? url.pathname : null;
  const wanted = [url.searchParams.get("lang"), ...navigator.languages, "en"].map((tag) => `${PAGE}?lang=${tag?.slice(0, 2)}`);
  return wanted.find((path) => path in FILES) ?? null;
}

addEventListener("install", (event) => event.waitUntil(keep()));
addEventListener("activate", (event) => event.waitUntil(dropOthers()));
addEventListener("fetch", (event) => {
  const path = keptPath(event.request);
  if (path === null) return;
  event.respondWith(caches.open(NAME).then((cache) => cache.match(path, { ignoreVary: true })).then((kept) => kept ?? fetch(event.request)));
});
