// @ts-check
// One ceremony from the press of a button to the server's answer: one at a time, always with an end, and the page
// usable whatever comes of it.

import { hideProblem, showProblem } from "./problems.js";
import { reasonOf, unavailableReason } from "./reasons.js";
import { Refusal, report } from "./server.js";
import { isSupported } from "./webauthn.js";

/** How long after the options' own timeout we still wait for a browser that does not keep it. */
const GRACE = 5_000;

/** When the options name none. */
const DEFAULT_TIMEOUT = 5 * 60_000;

/**
 * @typedef {object} Ceremony
 * @property {HTMLElement} trigger what began it, and where focus returns
 * @property {import("./reasons.js").Operation} operation
 * @property {{ready: () => any, load: () => Promise<any>, spend: () => void}} source of options
 * @property {(options: any, control: {signal: AbortSignal}) => Promise<any>} perform asks the browser
 * @property {(credential: any, options: any) => Promise<void>} finish asks the server and leaves the page
 * @property {(reason: string) => boolean} [explain] shows a reason in its own way; false to have it shown as usual
 */

/** @type {{trigger: HTMLElement, controller: AbortController} | null} */
let current = null;

/** @returns {boolean} */
export function isBusy() {
  return current !== null;
}

/** The browser's half ended without a credential. */
class Stop extends Error {
  /**
   * @param {import("./reasons.js").Reason} reason
   * @param {number} elapsed
   */
  constructor(reason, elapsed) {
    super(reason);
    this.reason = reason;
    this.elapsed = elapsed;
  }
}

/**
 * Runs a ceremony, unless one is under way.
 *
 * With options at hand, `perform` is called before anything is awaited: the browser still counts the click.
 * @param {Ceremony} ceremony
 * @returns {Promise<boolean>} whether it worked, and the page is being left
 */
export async function conduct(ceremony) {
  if (current) return false;
  const mine = { trigger: ceremony.trigger, controller: new AbortController() };
  begin(mine);
  try {
    await attempt(ceremony, mine.controller);
    return true;
  } catch (error) {
    if (current !== mine) return false; // the page came back from the browser's cache and has begun anew
    end();
    explain(error, ceremony);
    return false;
  }
}

/**
 * @param {Ceremony} ceremony
 * @param {AbortController} controller
 */
async function attempt({ operation, source, perform, finish }, controller) {
  const { signal } = controller;
  const { userAgent } = navigator;
  const unavailable = unavailableReason({ secure: isSecureContext, supported: isSupported(), userAgent });
  if (unavailable) throw new Stop(unavailable, 0);

  let started = performance.now();
  let visible = true;
  let timeout = DEFAULT_TIMEOUT;
  let timer;
  let options;
  let credential;
  try {
    options = source.ready() ?? (await untilAborted(source.load(), signal));
    timeout = options.timeout ?? DEFAULT_TIMEOUT;
    timer = setTimeout(() => controller.abort(new DOMException("", "TimeoutError")), timeout + GRACE);
    visible = document.visibilityState === "visible" && navigator.userActivation?.isActive !== false;
    started = performance.now();
    credential = await untilAborted(perform(options, { signal }), signal);
  } catch (error) {
    if (error instanceof Refusal) throw error;
    const elapsed = performance.now() - started;
    const cause = signal.aborted ? signal.reason : error; // not every browser hands our own reason on
    throw new Stop(reasonOf(cause, { operation, elapsed, visible, timeout, userAgent }), elapsed);
  } finally {
    clearTimeout(timer);
  }
  source.spend();
  hide(cancelButton()); // from here on the server decides, and stopping would leave nobody knowing what it did
  await finish(credential, options);
}

/**
 * Some browsers and providers do not react to a signal; the page must.
 * @template T
 * @param {Promise<T>} promise
 * @param {AbortSignal} signal
 * @returns {Promise<T>}
 */
function untilAborted(promise, signal) {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    promise.then(resolve, reject);
  });
}

/**
 * @param {unknown} error
 * @param {Ceremony} ceremony
 */
function explain(error, { trigger, operation, explain: tellInItsOwnWay }) {
  if (error instanceof Refusal) {
    showProblem(error);
    return;
  }
  const { reason, elapsed } = error instanceof Stop ? error : new Stop(reasonOf(error, { operation, elapsed: 0 }), 0);
  if (reason === "aborted") {
    trigger.focus();
    return;
  }
  const showReference = tellInItsOwnWay?.(reason) ? () => {} : showProblem({ code: reason });
  void report(reason, operation, elapsed).then(showReference);
}

/** @param {{trigger: HTMLElement, controller: AbortController}} mine */
function begin(mine) {
  current = mine;
  hideProblem();
  mine.trigger.setAttribute("aria-disabled", "true"); // not `disabled`, which would lose the focus
  const cancel = cancelButton();
  if (cancel) {
    cancel.hidden = false;
    cancel.onclick = () => mine.controller.abort();
  }
  const waiting = waitingRegion();
  if (waiting) waiting.hidden = false;
}

function end() {
  current?.trigger.removeAttribute("aria-disabled");
  current = null;
  hide(waitingRegion());
}

/** @param {HTMLElement | null} element */
function hide(element) {
  if (element) element.hidden = true;
}

/** @returns {HTMLElement | null} */
const waitingRegion = () => document.querySelector("[data-waiting]");

/** @returns {HTMLElement | null} */
const cancelButton = () => document.querySelector("[data-waiting] [data-cancel]");

addEventListener("pagehide", () => current?.controller.abort());

// Back from the browser's cache: whatever was under way is over.
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) end();
});
