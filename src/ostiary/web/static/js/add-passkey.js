// @ts-check
// Adding a passkey in Security info: the browser's dialog, then the server's word on what came out of it.

import { enableButtons } from "./buttons.js";
import { conduct } from "./ceremony.js";
import { goTo } from "./navigation.js";
import { OptionsSource, prefetchOnApproach } from "./options.js";
import { followProblem, reveal } from "./problems.js";
import { post, Refusal } from "./server.js";
import { createPasskey, signalUnknownCredential } from "./webauthn.js";
import "./try-passkey.js"; // a passkey that exists already can be tried right here

/**
 * Refusals after which the server may well have this very passkey: answers to a message that arrived twice.
 * To signal it unknown then would take a working passkey away.
 */
const MAY_BE_KEPT = new Set(["passkey_exists", "challenge_unknown"]);

/** @param {any} credential @param {any} options */
async function finish(credential, options) {
  const { id } = await register(credential, options);
  goTo(`/security-info/methods/${encodeURIComponent(id)}/added`);
}

/** @param {any} credential @param {any} options */
async function register(credential, options) {
  try {
    return await post("/security-info/passkeys", credential);
  } catch (error) {
    // The browser has made a passkey that the server will not have. Only on a definite no: after a lost connection
    // the server may have stored it.
    if (error instanceof Refusal && error.isDefinite && !MAY_BE_KEPT.has(error.code)) {
      const facts = { rpId: options.rp.id ?? location.hostname, credentialId: credential.id };
      error.note = (await signalUnknownCredential(facts)) ? "orphan_removed" : "orphan_left";
    }
    throw error;
  }
}

/** @param {string} reason */
function explain(reason) {
  const exists = document.querySelector("[data-exists]");
  if (reason !== "create_exists" || !(exists instanceof HTMLElement)) return false;
  const area = document.querySelector("[data-create-area]");
  if (area instanceof HTMLElement) area.hidden = true;
  reveal(exists); // good news, not a problem
  return true;
}

enableButtons("[data-passkey-create]", (button) => {
  const { provider } = button.dataset;
  const source = new OptionsSource("/security-info/passkeys/options", provider ? { provider } : {});
  prefetchOnApproach(button, source);
  void source.prefetch().then(followProblem);
  button.addEventListener("click", (event) => {
    event.preventDefault();
    void conduct({ trigger: button, operation: "create", source, perform: createPasskey, finish, explain });
  });
});
