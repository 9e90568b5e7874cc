// The page that reads codes: a link's fragment, and a camera. What is read goes to the page's own form as text; the address in a
// code is never opened.

import { canReadCodes, hasCamera, wireCamera } from "./camera.js";
import { WORDS } from "./words.js";

const FRAGMENT = /^#a1\.([0-9a-f]{32})\.([A-Za-z0-9._~/:%-]{1,400})$/;

const { lang } = document.documentElement;
const form = document.querySelector("form.scan");
const section = document.querySelector("section.camera");

/** Who comes by the link of a code is taken to the document's answer on this host. */
function followFragment() {
  const parts = FRAGMENT.exec(location.hash);
  if (parts === null) return;
  try {
    const uri = decodeURIComponent(parts[2]);
    location.replace(`/check?${new URLSearchParams({ uri, mark: parts[1], lang })}`);
  } catch {
    // No text: the form stays.
  }
}

followFragment();
addEventListener("hashchange", followFragment);
if (hasCamera() && (await canReadCodes())) {
  section.hidden = false;
  wireCamera(section, WORDS[lang].scan, (code) => {
    form.elements.photo.value = "";
    form.elements.code.value = code;
    form.requestSubmit();
  });
}
