// @ts-check
// One stream of changes. What a page shows of them is fetched anew and put in place; focus and open parts stay.

import { tick } from "./countdown.js";
import { ROOT, ask, parse } from "./pages.js";

const QUIET = 3_000; // milliseconds without the Authenticator before anybody is told
const TOPICS = new Set(document.querySelector("main")?.dataset.topics?.split(" "));
// A window of one question is under that question's own path, and its cookie is good for nothing else.
const inWindow = location.pathname.match(/\/prompt\/[^/]+$/);
const address = inWindow ? `${location.pathname}/events` : `${ROOT}/events`;

/** @type {number | undefined} */
let gone;

if (ROOT && !document.querySelector("[data-answered]")) listen();
document.addEventListener("time-over", (event) => {
  if (/** @type {CustomEvent} */ (event).detail.closest("[data-live]")) refresh();
});

function listen() {
  const source = new EventSource(address);
  source.addEventListener("open", () => {
    clearTimeout(gone);
    gone = undefined;
    show(false);
    // what changed before the stream was there
    changed("state");
    changed("prompt");
  });
  source.addEventListener("error", () => {
    gone ??= setTimeout(() => show(true), QUIET);
  });
  source.addEventListener("message", (event) => changed(event.data));
  addEventListener("pagehide", () => source.close());
}

/** @param {string} topic */
function changed(topic) {
  document.dispatchEvent(new CustomEvent("changed", { detail: topic }));
  if (TOPICS.has(topic)) refresh();
}

/** @type {Promise<void> | null} */
let running = null;
let again = false;
const sheet = /** @type {HTMLDialogElement | null} */ (document.querySelector("[data-sheet]"));
sheet?.addEventListener("close", () => again && refresh());

/** One look at a time; what changes meanwhile is seen by one more. Under an open sheet nothing moves: focus returns there. */
function refresh() {
  if (running || sheet?.open) {
    again = true;
    return;
  }
  again = false;
  running = look().finally(() => {
    running = null;
    if (again && !sheet?.open) refresh();
  });
}

async function look() {
  const response = await ask(location.href, { headers: { "X-Live": "1" } });
  if (!response) return;
  // locked meanwhile, or the question is answered: the page is another one now
  if (response.redirected && !sameplace(response.url)) return location.assign(response.url);
  const html = await response.text();
  if (sheet?.open) {
    again = true; // opened meanwhile; its closing looks once more
    return;
  }
  const fresh = parse(html);
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(part.id);
    if (next) replace(part, next);
    if (next?.dataset.then) location.replace(next.dataset.then);
  }
  const tabs = fresh.querySelector(".tabs");
  if (tabs && !document.querySelector(".tabs")?.contains(document.activeElement)) document.querySelector(".tabs")?.replaceWith(tabs);
  tick();
}

/** @param {string} url */
function sameplace(url) {
  return new URL(url).pathname === location.pathname;
}

/**
 * @param {Element} part
 * @param {Element} next
 */
function replace(part, next) {
  if (part.innerHTML === next.innerHTML) return;
  const active = document.activeElement;
  // what somebody is typing is not taken away
  if (active instanceof HTMLInputElement && part.contains(active)) return;
  const held = part.contains(active) ? nameOf(active) : null;
  part.replaceWith(next);
  const same = held && focusable(next).find((one) => nameOf(one) === held);
  if (same) same.focus({ preventScroll: true });
}

/** @param {Element} part */
const focusable = (part) => /** @type {HTMLElement[]} */ ([...part.querySelectorAll("a, button, input, summary")]);

/** @param {Element | null} element */
const nameOf = (element) => element?.getAttribute("href") ?? element?.getAttribute("aria-label") ?? element?.textContent;

/** @param {boolean} isGone */
function show(isGone) {
  const notice = document.querySelector("[data-gone]");
  if (notice instanceof HTMLElement) notice.hidden = !isGone;
}
