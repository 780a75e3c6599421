// @ts-check
// The one place where a browser's error becomes one of our reasons. Never by its message: those differ by browser,
// version and language. A browser hides on purpose whether a person said no or had no passkey; no reason here claims
// to know, and the wording of each offers both readings.

/** Every reason this side can give. Each has a title and a next step in the page's `client-reasons`. */
export const REASONS = Object.freeze(
  /** @type {const} */ ([
    "create_closed",
    "create_timeout",
    "create_blocked_fast",
    "create_exists",
    "create_no_uv",
    "create_unsupported_algorithm",
    "create_unreadable",
    "get_closed",
    "get_timeout",
    "get_blocked_fast",
    "get_none_here",
    "get_unreadable",
    "aborted",
    "insecure_address",
    "in_app_browser",
    "no_webauthn",
    "offline",
  ]),
);

/** @typedef {typeof REASONS[number]} Reason */
/** @typedef {"create" | "get"} Operation */

/**
 * @typedef {object} Circumstances
 * @property {Operation} operation
 * @property {number} elapsed milliseconds from asking the browser to its answer
 * @property {boolean} [visible] the page was in front and a person had just acted on it; assumed if not said
 * @property {boolean} [aborted] we ended it ourselves
 * @property {number} [timeout] what the options allowed, in milliseconds
 * @property {string} [userAgent]
 */

/** Sooner than this nobody has read a dialog, let alone closed it: the environment answered. */
const FAST = 1_000;

/** Without a known timeout, what took longer than this ran out of time. */
const LONG = 30_000;

/** From this share of a known timeout on, the time ran out. Before it the dialog was closed, however slowly. */
const NEARLY = 0.9;

/** @type {Record<string, Record<Operation, Reason>>} */
const BY_ERROR_NAME = {
  AbortError: { create: "aborted", get: "aborted" },
  TimeoutError: { create: "create_timeout", get: "get_timeout" },
  InvalidStateError: { create: "create_exists", get: "get_none_here" },
  ConstraintError: { create: "create_no_uv", get: "get_unreadable" },
  NotSupportedError: { create: "create_unsupported_algorithm", get: "get_unreadable" },
  SecurityError: { create: "insecure_address", get: "insecure_address" },
};

/**
 * NotAllowedError says next to nothing, so when it came has to. The first line that fits counts.
 * @type {{fits: (c: Circumstances) => boolean, create: Reason, get: Reason}[]}
 */
const NOT_ALLOWED = [
  { fits: (c) => isFast(c) && isInAppBrowser(c.userAgent), create: "in_app_browser", get: "in_app_browser" },
  { fits: (c) => isFast(c) && c.visible === false, create: "create_blocked_fast", get: "get_blocked_fast" },
  { fits: isFast, create: "create_blocked_fast", get: "get_none_here" },
  { fits: isLate, create: "create_timeout", get: "get_timeout" },
];

/** What no line fits, somebody has closed. @type {Record<Operation, Reason>} */
const CLOSED = { create: "create_closed", get: "get_closed" };

/** @type {Record<Operation, Reason>} */
const OTHERWISE = { create: "create_unreadable", get: "get_unreadable" };

/** Marks of browsers inside other apps, where WebAuthn is missing or serves that app's own domain only. */
const IN_APP = [
  /; wv\)/, // Android System WebView
  /Version\/4\.0 Chrome\//,
  /FBAN|FBAV|FB_IAB|Instagram|LinkedInApp|BytedanceWebview|\bLine\/|MicroMessenger|TeamsMobile|Outlook-(iOS|Android)/,
  /^(?!.*Safari\/).*(iPhone|iPad|iPod).*AppleWebKit/, // WKWebView: every real browser there also says Safari
];

/**
 * @param {unknown} error what the browser threw
 * @param {Circumstances} circumstances
 * @returns {Reason}
 */
export function reasonOf(error, circumstances) {
  const { operation, aborted } = circumstances;
  if (aborted) return "aborted";
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  if (name === "Refusal") return "offline"; // server.js gives no other reason of ours
  if (name === "NotAllowedError") {
    return (NOT_ALLOWED.find((line) => line.fits(circumstances)) ?? CLOSED)[operation];
  }
  return (BY_ERROR_NAME[name] ?? OTHERWISE)[operation];
}

/**
 * Why no ceremony can begin in this browser at all, or null when one can.
 * @param {{secure: boolean, supported: boolean, userAgent?: string}} environment
 * @returns {Reason | null}
 */
export function unavailableReason({ secure, supported, userAgent }) {
  if (supported) return null;
  if (!secure) return "insecure_address"; // browsers hide WebAuthn from plain http
  return isInAppBrowser(userAgent) ? "in_app_browser" : "no_webauthn";
}

/** @param {string} [userAgent] */
function isInAppBrowser(userAgent = "") {
  return IN_APP.some((mark) => mark.test(userAgent));
}

/** @param {Circumstances} circumstances */
function isFast({ elapsed }) {
  return elapsed < FAST;
}

/** @param {Circumstances} circumstances */
function isLate({ elapsed, timeout }) {
  return elapsed >= (timeout ? timeout * NEARLY : LONG);
}
