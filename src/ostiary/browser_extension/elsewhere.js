// @ts-check
// The passkey is not here, or is not wanted from here. The way out: let the browser ask for itself, this once.

import { say, translate } from "./words.js";

/** @param {string} id */
const part = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

const asked = new URLSearchParams(location.search);
const why = asked.get("why") ?? "no_passkey";
const who = asked.get("who") ?? "";

translate();
part("heading").textContent = say(`${why}_heading`);
part("explanation").textContent = say(`${why}_explanation`, who);
part("close").addEventListener("click", () => close());
part("back").addEventListener("click", () => close());
part("elsewhere").addEventListener("click", async () => {
  await chrome.runtime.sendMessage({ ask: "pause" });
  part("choice").hidden = true;
  part("done").hidden = false;
  part("back").focus();
});
