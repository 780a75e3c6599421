// @ts-check
// The way to the Authenticator: a native messaging host, started by the browser, that passes messages on to the app.

const NAME = "org.ostiary.authenticator";

/** How long the host is kept after the last answer: starting one takes a moment, keeping one keeps us awake. */
const IDLE = 20_000;

/** @typedef {{name: string, message: string, reason?: string}} Failure */
/** @typedef {{result?: any, error?: Failure}} Answer */
/** @typedef {{resolve: (answer: Answer) => void, notice: (notice: any) => void}} Waiting */

/** @type {chrome.runtime.Port | null} */
let port = null;
/** @type {Map<number, Waiting>} */
const waiting = new Map();
let last = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let idle;

/**
 * @param {string} op
 * @param {object} params
 * @param {(notice: any) => void} [notice] is told what happens before the answer
 * @returns {{id: number, answer: Promise<Answer>}}
 */
export function ask(op, params = {}, notice = () => {}) {
  const id = ++last;
  const answer = new Promise((resolve) => {
    waiting.set(id, { resolve, notice });
    clearTimeout(idle);
    try {
      connect().postMessage({ id, op, params });
    } catch (error) {
      settle(id, { error: { name: "NotAllowedError", message: String(error), reason: "host_unreachable" } });
    }
  });
  return { id, answer };
}

/** @param {number} id */
export function cancel(id) {
  if (waiting.has(id)) port?.postMessage({ cancel: id });
}

function connect() {
  if (port) return port;
  const opened = (port = chrome.runtime.connectNative(NAME));
  opened.onMessage.addListener((message) => {
    if (message.event) waiting.get(message.id)?.notice(message);
    else settle(message.id, message);
  });
  opened.onDisconnect.addListener(() => {
    const message = chrome.runtime.lastError?.message ?? "The Authenticator went away.";
    // Chromium has no code for it: this is what it says when no host of our name is registered, or not for us.
    const isMissing = /not found|forbidden/i.test(message);
    if (port === opened) port = null;
    const reason = isMissing ? "host_missing" : "host_unreachable";
    for (const id of [...waiting.keys()]) settle(id, { error: { name: "NotAllowedError", message, reason } });
  });
  return opened;
}

/** @param {number} id @param {Answer} answer */
function settle(id, answer) {
  waiting.get(id)?.resolve(answer);
  waiting.delete(id);
  if (waiting.size) return;
  clearTimeout(idle);
  idle = setTimeout(() => {
    port?.disconnect();
    port = null;
  }, IDLE);
}
