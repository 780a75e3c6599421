// @ts-check
// Questions: over the app's pages as a sheet, or in a window of their own. Forms in them are answered in place.

import { tick } from "./countdown.js";
import { release } from "./forms.js";
import { ROOT, ask, focusFirst } from "./pages.js";

const dialog = /** @type {HTMLDialogElement | null} */ (document.querySelector("[data-sheet]"));
const window_ = document.querySelector("[data-window]");
const place = dialog ?? window_;
const HEADERS = { "X-Sheet": dialog ? "app" : "window" };

/** Questions put aside with Escape: they wait in the list, and do not come back by themselves. */
const aside = new Set();

document.addEventListener("changed", (event) => {
  const topic = /** @type {CustomEvent} */ (event).detail;
  if (topic === "prompt" || topic === "approvals") look();
});
document.addEventListener("time-over", (event) => {
  if (place?.contains(/** @type {CustomEvent} */ (event).detail)) setTimeout(look, 500);
});
if (dialog) look();

async function look() {
  if (!place || place.querySelector("[data-answered]")) return;
  const form = place.querySelector("form[data-sent]");
  if (form) return; // its answer says what became of it
  const path = dialog ? `${ROOT}/sheet` : location.href;
  const response = await ask(path, { headers: { ...HEADERS, "X-Live": "1" } });
  if (!response || place.querySelector("form[data-sent], [data-answered]")) return;
  if (response.status === 204) dialog?.close();
  else if (response.headers.get("content-type")?.startsWith("text/html")) put(await response.text(), false);
}

/**
 * @param {string} html
 * @param {boolean} isAnswer
 */
function put(html, isAnswer) {
  if (!place) return;
  const fresh = document.createElement("template");
  fresh.innerHTML = html;
  const part = fresh.content.querySelector("#ask");
  if (!part) return;
  const shown = place.querySelector("#ask");
  if (!isAnswer && shown && identity(shown) === identity(part)) return;
  if (!isAnswer && dialog && !dialog.open && aside.has(identity(part))) return;
  place.replaceChildren(part);
  const close = part.querySelector("[data-close]");
  if (close instanceof HTMLElement) close.hidden = false;
  if (dialog && !dialog.open) dialog.showModal();
  focusFirst(part);
  tick();
}

/** @param {Element} part */
function identity(part) {
  const { prompt, approval, answered } = /** @type {HTMLElement} */ (part).dataset;
  return prompt ?? approval ?? `answered ${answered}`;
}

document.addEventListener("submit", async (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (event.defaultPrevented || !form.matches("[data-sheet-form]") || !place?.contains(form)) return;
  event.preventDefault();
  const submitter = /** @type {SubmitEvent} */ (event).submitter;
  const body = new URLSearchParams(/** @type {any} */ (new FormData(form, submitter)));
  const response = await ask(form.action, { method: "POST", body, headers: HEADERS });
  if (response) put(await response.text(), true);
  else release(form);
});

dialog?.addEventListener("cancel", () => {
  const part = dialog.querySelector("#ask");
  if (part) aside.add(identity(part));
});
dialog?.addEventListener("close", () => dialog.replaceChildren());

document.addEventListener("click", (event) => {
  if (!(event.target instanceof Element)) return;
  if (event.target.closest("[data-close]")) close();
  if (dialog?.open && event.target.closest("[data-dismiss]")) {
    event.preventDefault();
    dialog.close();
  }
});
