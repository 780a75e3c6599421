// @ts-check
// The whole of the extension's work: while switched on, it answers the browser's WebAuthn requests by asking the
// Ostiary Authenticator. It holds no key and judges nothing. Listeners stand at the top level, so that the browser can
// wake this worker for each of them.

import { conduct, forget, letGo } from "./requests.js";
import { attachIfWanted, resume, RESUME, tellPopup, wake } from "./switch.js";

const proxy = chrome.webAuthenticationProxy;

proxy.onCreateRequest.addListener((request) => conduct("create", request));
proxy.onGetRequest.addListener((request) => conduct("get", request));
proxy.onRequestCanceled.addListener(forget);
proxy.onIsUvpaaRequest.addListener(({ requestId }) => {
  // Only asked while attached, and we attach to nothing but an Authenticator that verifies its person.
  void proxy.completeIsUvpaaRequest({ requestId, isUvpaa: true });
});

chrome.runtime.onInstalled.addListener(() => void attachIfWanted());
chrome.runtime.onStartup.addListener(() => void attachIfWanted());
chrome.alarms.onAlarm.addListener(({ name }) => {
  if (name === RESUME) void resume();
});
chrome.runtime.onMessage.addListener((message, sender, answer) => {
  if (sender.id !== chrome.runtime.id) return false;
  // Requests under way are answered while we still may.
  const before = message.ask === "pause" ? letGo() : Promise.resolve();
  void before.then(() => tellPopup(message)).then(answer);
  return true; // the answer comes later
});

void wake();
