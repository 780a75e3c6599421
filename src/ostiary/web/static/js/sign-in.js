// @ts-check
// Sign-in pages: passkeys in the username field's autofill, and buttons that open the browser's own dialog.

import { authenticationOptions, signInWith } from "./authentication.js";
import { Autofill } from "./autofill.js";
import { enableButtons } from "./buttons.js";
import { conduct } from "./ceremony.js";
import { goTo } from "./navigation.js";
import { prefetchOnApproach } from "./options.js";
import { getPasskey, hasAutofill } from "./webauthn.js";
import "./approval.js"; // does something only on the page that waits for the Authenticator

const anyPasskey = authenticationOptions();
const field = /** @type {HTMLInputElement | null} */ (document.querySelector("input[data-autofill]"));

/** @param {any} credential @param {any} options */
async function finish(credential, options) {
  goTo((await signInWith(credential, options)).next);
}

const autofill = new Autofill(anyPasskey, (credential, options) => {
  const source = { ready: () => options, load: async () => options, spend: () => {} };
  const trigger = field ?? document.body;
  return conduct({ trigger, operation: "get", source, perform: async () => credential, finish });
});

/**
 * Where the person said the passkey is: only the browser's dialog is different for it (WebAuthn L3 §5.8.7).
 * @param {string} [hint]
 * @returns {typeof getPasskey}
 */
function hinted(hint) {
  return hint ? (options, ...rest) => getPasskey({ ...options, hints: [hint] }, ...rest) : getPasskey;
}

enableButtons("[data-passkey-sign-in]", (button) => {
  const { username, hint } = button.dataset;
  const source = username ? authenticationOptions(username) : anyPasskey;
  prefetchOnApproach(button, source);
  button.addEventListener("click", async (event) => {
    event.preventDefault();
    autofill.disarm();
    const isDone = await conduct({ trigger: button, operation: "get", source, perform: hinted(hint), finish });
    if (!isDone) void autofill.arm();
  });
});

if (await hasAutofill()) {
  if (field) autofill.enable();
} else {
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-when-no-autofill]"))) {
    element.hidden = false;
  }
}
