// The page that reads codes: a link's fragment, and a camera where the browser itself reads QR codes (BarcodeDetector). What
// is read goes to the page's own form as text; the address in a code is never opened.

import { WORDS } from "./words.js";

/** How often a picture of the camera is looked at. */
const LOOK_EVERY_MS = 200;
const FRAGMENT = /^#a1\.([0-9a-f]{32})\.([A-Za-z0-9._~/:%-]{1,400})$/;

const { lang } = document.documentElement;
const words = WORDS[lang].scan;
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

async function canRead() {
  if (!("BarcodeDetector" in globalThis) || !navigator.mediaDevices?.getUserMedia) return false;
  return (await BarcodeDetector.getSupportedFormats()).includes("qr_code");
}

function wireCamera() {
  const [start, stop] = ["start", "stop"].map((name) => section.querySelector(`[name=${name}]`));
  const [status, video] = [section.querySelector("[role=status]"), section.querySelector("video")];
  let stream = null;
  const end = () => {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    [video.hidden, stop.hidden, start.hidden] = [true, true, false];
  };
  const look = async (detector) => {
    if (stream === null) return;
    const [found] = await detector.detect(video).catch(() => []);
    if (found === undefined) {
      setTimeout(look, LOOK_EVERY_MS, detector);
      return;
    }
    end();
    form.elements.photo.value = "";
    form.elements.code.value = found.rawValue;
    form.requestSubmit();
  };
  start.addEventListener("click", async () => {
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      video.srcObject = stream;
      [video.hidden, stop.hidden, start.hidden] = [false, false, true];
      status.textContent = words.camera_on;
      await video.play();
      look(new BarcodeDetector({ formats: ["qr_code"] }));
    } catch {
      end();
      status.textContent = words.camera_denied;
    }
  });
  stop.addEventListener("click", () => {
    end();
    status.textContent = "";
  });
}

followFragment();
addEventListener("hashchange", followFragment);
if (await canRead()) {
  section.hidden = false;
  wireCamera();
}
