// @ts-check
// On or off, remembered. While on, we are attached: every WebAuthn request of this browser comes to us. So we attach
// only to an Authenticator that is there, and let go when it is not: then the browser answers for itself, as before.

import { ask } from "./host.js";

const proxy = chrome.webAuthenticationProxy;

export const RESUME = "resume";
const PAUSE_MINUTES = 2;

/**
 * "on"      attached
 * "off"     switched off by the person
 * "paused"  for another device, a few minutes
 * "taken"   another extension is attached
 * "missing" the app is not installed for this browser
 * "failed"  it is installed and does not answer
 * @typedef {"on" | "off" | "paused" | "taken" | "missing" | "failed"} State
 */

/** Failures of the way to the app, as opposed to an answer from it. */
const BROKEN = new Map([
  ["host_missing", "missing"],
  ["host_unreachable", "failed"],
  ["app_unavailable", "failed"],
]);

/** @returns {Promise<{isOn: boolean, pausedUntil: number}>} */
async function wishes() {
  const { isOn = true } = await chrome.storage.local.get("isOn");
  const { pausedUntil = 0 } = await chrome.storage.session.get("pausedUntil");
  return { isOn, pausedUntil };
}

/** One change at a time: waking, starting and switching may come together. */
let queue = Promise.resolve();

/** @returns {Promise<void>} */
export function attachIfWanted() {
  queue = queue.then(bringAbout, bringAbout);
  return queue;
}

/** When the worker wakes: nothing to do where all is as it was. */
export async function wake() {
  const { state } = await chrome.storage.session.get("state");
  if (state === undefined) await attachIfWanted();
}

async function bringAbout() {
  const { isOn, pausedUntil } = await wishes();
  if (!isOn) return show("off", await detach());
  if (pausedUntil > Date.now()) return show("paused", await detach());
  const { error } = await ask("status").answer;
  const broken = error && BROKEN.get(error.reason ?? "");
  if (broken) return show(/** @type {State} */ (broken), await detach());
  return show((await attach()) ? "on" : "taken");
}

/** @returns {Promise<boolean>} */
async function attach() {
  const { state } = await chrome.storage.session.get("state");
  try {
    const problem = await proxy.attach();
    return !problem || state === "on";
  } catch {
    // Attached to ourselves, from before this worker slept, or somebody else is.
    return state === "on";
  }
}

async function detach() {
  try {
    await proxy.detach();
  } catch {
    // It was not attached.
  }
}

/** @param {State} state @param {unknown} [_done] */
async function show(state, _done) {
  await chrome.storage.session.set({ state });
  const mark = { on: "", off: "off", paused: "…" }[/** @type {string} */ (state)] ?? "!";
  const title = chrome.i18n.getMessage(`state_${state}`);
  await Promise.all([
    chrome.action.setBadgeText({ text: mark }),
    chrome.action.setBadgeBackgroundColor({ color: mark === "!" ? "#a8321f" : "#5a6970" }),
    chrome.action.setTitle({ title: `${chrome.i18n.getMessage("name")}: ${title}` }),
  ]);
}

/**
 * What an answer says about the way to the app.
 * @param {import("./host.js").Answer | null} answer
 */
export async function note(answer) {
  const broken = BROKEN.get(answer?.error?.reason ?? "");
  if (broken) await show(/** @type {State} */ (broken), await detach());
}

export async function resume() {
  await chrome.storage.session.remove("pausedUntil");
  await chrome.alarms.clear(RESUME);
  await attachIfWanted();
}

async function pause() {
  await chrome.storage.session.set({ pausedUntil: Date.now() + PAUSE_MINUTES * 60_000 });
  await chrome.alarms.create(RESUME, { delayInMinutes: PAUSE_MINUTES });
  await attachIfWanted();
}

/**
 * Our own pages' questions.
 * @param {{ask: "state" | "on" | "off" | "pause" | "resume"}} message
 * @returns {Promise<{state: State, isRunning: boolean, pausedUntil: number}>}
 */
export async function tellPopup(message) {
  if (message.ask === "on" || message.ask === "off") {
    await chrome.storage.local.set({ isOn: message.ask === "on" });
    await resume();
  } else if (message.ask === "pause") await pause();
  else if (message.ask === "resume") await resume();
  else await attachIfWanted();
  const { state } = await chrome.storage.session.get("state");
  const { pausedUntil } = await wishes();
  const isRunning = state === "on" && !(await ask("status").answer).error;
  return { state, isRunning, pausedUntil };
}
