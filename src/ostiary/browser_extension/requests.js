// @ts-check
// One WebAuthn request from the browser's question to its answer, with the windows a person sees on the way.

import { ask, cancel } from "./host.js";
import { note } from "./switch.js";
import { closeWindow, frontTab, openWindow } from "./windows.js";

const proxy = chrome.webAuthenticationProxy;

/** All that a page may know of what a person decided, or does not have (WebAuthn L3 §14.5). */
const NOT_ALLOWED = {
  name: "NotAllowedError",
  message: "The operation either timed out or was not allowed.",
};

/** Reasons a person is told about by ourselves, because the app has no question to show. */
const EXPLAINED = new Set(["no_passkey", "other_device_wanted", "verification_unavailable"]);

/**
 * `shown` is the address in its window, `window` that window once it is open. `stop` ends the waiting for whatever is
 * waited for: null from the person, who closed the window.
 * @typedef {object} Request
 * @property {number} op
 * @property {number | null} tab
 * @property {string | null} shown
 * @property {number | null} window
 * @property {boolean} isGivenUp
 * @property {() => void} stop
 * @property {Promise<void>} done
 */

/** @type {Map<number, Request>} */
const requests = new Map();

/**
 * @param {"create" | "get"} kind
 * @param {{requestId: number, requestDetailsJson: string}} details
 */
export function conduct(kind, { requestId, requestDetailsJson }) {
  const options = JSON.parse(requestDetailsJson);
  const stopped = Promise.withResolvers();
  const { id, answer } = ask(`webauthn.${kind}`, { options, browser: browserName(), requestId }, (notice) => {
    if (notice.event === "prompt" && notice.url) void show(request, notice.url);
  });
  /** @type {Request} */
  const request = {
    op: id,
    tab: null,
    shown: null,
    window: null,
    isGivenUp: false,
    stop: () => stopped.resolve(null),
    done: Promise.resolve(),
  };
  requests.set(requestId, request);
  void belongTo(request, frontTab());
  request.done = finish(kind, requestId, request, Promise.race([answer, stopped.promise]), stopped.promise, options);
}

/**
 * @param {"create" | "get"} kind
 * @param {number} requestId
 * @param {Request} request
 * @param {Promise<import("./host.js").Answer | null>} first what comes first: the answer, or an end to the waiting
 * @param {Promise<null>} stopped
 * @param {any} options
 */
async function finish(kind, requestId, request, first, stopped, options) {
  const answer = await first;
  await hide(request);
  const why = answer?.error?.reason ?? "";
  if (EXPLAINED.has(why) && !request.isGivenUp) {
    // The page waits as long as it would with a passkey: it cannot tell that there is none.
    const page = chrome.runtime.getURL(`elsewhere.html?${new URLSearchParams({ why, who: rpId(options) })}`);
    if (await show(request, page)) await stopped;
    await hide(request);
  }
  requests.delete(requestId);
  if (!request.isGivenUp) await complete(kind, requestId, answer);
  await note(answer); // last: letting go ends whatever is not answered
}

/**
 * The page has given up. It knows already.
 * @param {number} requestId
 */
export function forget(requestId) {
  const request = requests.get(requestId);
  if (!request) return;
  request.isGivenUp = true;
  cancel(request.op);
  request.stop();
}

/**
 * Browsers say nothing when a page goes away with its request. A tab that closes, or asks again, has done so.
 * @param {Request} request @param {Promise<number | null>} asking
 */
async function belongTo(request, asking) {
  const tab = await asking;
  if (tab === null) return;
  forgetTab(tab);
  request.tab = tab;
}

/** @param {number} tab */
function forgetTab(tab) {
  for (const [requestId, request] of requests) if (request.tab === tab) forget(requestId);
}

chrome.tabs.onRemoved.addListener(forgetTab);

/** Another device is to be used. The windows that offered it stay, for what they have yet to say. */
export async function letGo() {
  const ours = [...requests.values()].filter(({ shown }) => shown?.startsWith(chrome.runtime.getURL("")));
  for (const request of ours) {
    request.shown = request.window = null;
    request.stop();
  }
  await Promise.all(ours.map(({ done }) => done));
}

/**
 * @param {Request} request
 * @param {string} url
 * @returns {Promise<boolean>} whether it is to be seen
 */
async function show(request, url) {
  if (request.shown === url) return true;
  await hide(request);
  request.shown = url;
  const window = await openWindow(url, () => {
    // Closing the window is an answer too.
    if (request.window !== window) return;
    request.shown = request.window = null;
    cancel(request.op);
    request.stop();
  });
  if (window === null) return false;
  if (request.shown !== url || request.isGivenUp) {
    // It was over before the window was there.
    await closeWindow(window);
    return false;
  }
  request.window = window;
  return true;
}

/** @param {Request} request */
async function hide(request) {
  const { window } = request;
  request.shown = request.window = null;
  if (window !== null) await closeWindow(window);
}

/**
 * @param {"create" | "get"} kind
 * @param {number} requestId
 * @param {import("./host.js").Answer | null} answer null when a person closed the window
 * @returns {Promise<void>}
 */
function complete(kind, requestId, answer) {
  const response = answer?.result?.response;
  const { name, message } = answer?.error ?? NOT_ALLOWED;
  const details = response
    ? { requestId, responseJson: JSON.stringify(response) }
    : { requestId, error: { name, message } };
  const completed = kind === "create" ? proxy.completeCreateRequest(details) : proxy.completeGetRequest(details);
  return completed.catch(() => {
    // Given up in the meantime: there is nobody to tell.
  });
}

/** @param {any} options */
function rpId(options) {
  const origin = options.extensions?.remoteDesktopClientOverride?.origin;
  return options.rp?.id ?? options.rpId ?? (URL.canParse(origin) ? new URL(origin).hostname : "");
}

/** What this browser calls itself, for the person who is asked: Google Chrome, Microsoft Edge, Chromium. */
function browserName() {
  const brands = /** @type {any} */ (navigator).userAgentData?.brands ?? [];
  const names = brands.map((/** @type {{brand: string}} */ { brand }) => brand);
  // One of the names is made up, so that nobody counts on the list: "Not A;Brand", spelled differently each time.
  const known = names.filter((/** @type {string} */ name) => !/not.?a.?brand/i.test(name.replaceAll(/[^a-z]/gi, "")));
  return known.find((/** @type {string} */ name) => name !== "Chromium") ?? known[0] ?? "Browser";
}
