// A camera where the browser itself reads QR codes (BarcodeDetector): the text of the first code that it sees.

/** How often a picture of the camera is looked at. */
const LOOK_EVERY_MS = 200;

/** Whether this browser reads codes. */
export async function canReadCodes() {
  if (!("BarcodeDetector" in globalThis)) return false;
  return (await BarcodeDetector.getSupportedFormats()).includes("qr_code");
}

/** Whether there may be a camera. */
export const hasCamera = () => navigator.mediaDevices?.getUserMedia !== undefined;

const detector = () => new BarcodeDetector({ formats: ["qr_code"] });

/** The texts of the codes in a photo. */
export async function codesIn(file) {
  return (await detector().detect(await createImageBitmap(file))).map((code) => code.rawValue);
}

/** Lets a section's buttons start and stop the camera; `found` gets the text of a code. */
export function wireCamera(section, words, found) {
  const [start, stop] = ["start", "stop"].map((name) => section.querySelector(`[name=${name}]`));
  const [status, video] = [section.querySelector("[role=status]"), section.querySelector("video")];
  let stream = null;
  const end = () => {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    [video.hidden, stop.hidden, start.hidden] = [true, true, false];
  };
  const look = async (reader) => {
    if (stream === null) return;
    const [code] = await reader.detect(video).catch(() => []);
    if (code === undefined) {
      setTimeout(look, LOOK_EVERY_MS, reader);
      return;
    }
    end();
    status.textContent = "";
    found(code.rawValue);
  };
  start.addEventListener("click", async () => {
    // A second click while the first asks for the camera would leave a stream that nobody stops.
    start.disabled = true;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      video.srcObject = stream;
      [video.hidden, stop.hidden, start.hidden] = [false, false, true];
      status.textContent = words.camera_on;
      await video.play();
      look(detector());
    } catch {
      end();
      status.textContent = words.camera_denied;
    } finally {
      start.disabled = false;
    }
  });
  stop.addEventListener("click", () => {
    end();
    status.textContent = "";
  });
}
