// @ts-check
// The page that shows a number: a ring that empties, and on as soon as the Authenticator has answered.

import { waitFor } from "./events.js";

const area = /** @type {HTMLElement | null} */ (document.querySelector("[data-approval]"));
const form = /** @type {HTMLFormElement | null} */ (document.querySelector("[data-approval-continue]"));

if (area && form) {
  const stop = waitFor(
    "/sign-in/approval/events",
    (state) => {
      const said = /** @type {HTMLElement | null} */ (area.querySelector("[data-said]"));
      if (state === "approved" && said) said.textContent = said.dataset.words ?? "";
      form.submit();
    },
    () => {
      const byHand = /** @type {HTMLElement | null} */ (area.querySelector("[data-approval-by-hand]"));
      if (byHand) byHand.hidden = false;
    },
  );
  window.addEventListener("pagehide", stop);
  countDown(area);
}

/** @param {HTMLElement} area */
function countDown(area) {
  const whole = Number(area.dataset.seconds) * 1000;
  const endsAt = performance.now() + Number(area.dataset.secondsLeft) * 1000;
  const ring = area.querySelector("[data-ring]");
  const words = /** @type {HTMLElement | null} */ (area.querySelector("[data-left]"));
  const seconds = area.querySelector("[data-seconds-shown]");
  const draw = () => {
    const left = Math.max(0, endsAt - performance.now());
    ring?.setAttribute("stroke-dashoffset", String(100 - (100 * left) / whole));
    if (seconds) seconds.textContent = String(Math.ceil(left / 1000));
    if (words) words.hidden = false;
    if (left === 0) window.clearInterval(timer);
  };
  const timer = window.setInterval(draw, 1000);
  draw();
}
