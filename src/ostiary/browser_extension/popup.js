// @ts-check
// What the toolbar's button opens: how it stands, and the switch.

import { say, translate } from "./words.js";

const stateLine = /** @type {HTMLElement} */ (document.getElementById("state"));
const explanation = /** @type {HTMLElement} */ (document.getElementById("explanation"));
const resumeButton = /** @type {HTMLButtonElement} */ (document.getElementById("resume"));
const toggle = /** @type {HTMLInputElement} */ (document.getElementById("switch"));

translate();
resumeButton.addEventListener("click", () => void tell("resume"));
toggle.addEventListener("change", () => void tell(toggle.checked ? "on" : "off"));
void tell("state");

/** @param {string} ask */
async function tell(ask) {
  const { state, isRunning, pausedUntil } = await chrome.runtime.sendMessage({ ask });
  document.body.dataset.state = state;
  stateLine.textContent = say(`state_${state}`);
  const time = new Date(pausedUntil).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  explanation.textContent = say(state === "on" && !isRunning ? "explain_on_not_running" : `explain_${state}`, time);
  resumeButton.hidden = state !== "paused";
  toggle.checked = state !== "off";
}
