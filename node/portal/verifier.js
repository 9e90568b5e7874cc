// The verifier in one file: a pin, a receipt and perhaps a document, all from files. No network, nothing kept.

import { textOf, wireFile, wireReceiptForm } from "./inputs.js";
import { CouldNotCheck, Pin } from "./verify.js";
import { WORDS } from "./words.js";

for (const main of document.querySelectorAll("main")) {
  const pin = main.querySelector("form.pin").elements.pin;
  wireFile(pin);
  wireReceiptForm(main.querySelector("form.receipt"), main.querySelector(".result"), async () => {
    if (!pin.files[0]) throw new CouldNotCheck("pin_missing", "no pin");
    const { answer } = WORDS[main.lang];
    return { pin: await Pin.parse(await textOf(pin.files[0])), checkedBy: [answer.by_page, answer.pin_yours] };
  });
}

for (const button of document.querySelectorAll("nav button")) {
  button.addEventListener("click", () => {
    document.documentElement.lang = button.lang;
    for (const main of document.querySelectorAll("main")) main.hidden = main.lang !== button.lang;
    for (const other of document.querySelectorAll("nav button")) other.setAttribute("aria-pressed", String(other === button));
  });
}
document.documentElement.dataset.ready = "";
