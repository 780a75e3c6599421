// @ts-check
// *Try it now*: signs in with the passkey just added, so that a person knows it works before needing it.

import { authenticationOptions, signInWith } from "./authentication.js";
import { enableButtons } from "./buttons.js";
import { conduct } from "./ceremony.js";
import { goTo } from "./navigation.js";
import { prefetchOnApproach } from "./options.js";
import { getPasskey } from "./webauthn.js";

/** @param {any} credential @param {any} options */
async function finish(credential, options) {
  await signInWith(credential, options);
  const isAddedPage = location.pathname.endsWith("/added");
  goTo(isAddedPage ? `${location.pathname}?tried=1` : "/security-info?done=tried");
}

enableButtons("[data-passkey-try]", (button) => {
  const source = authenticationOptions(button.dataset.username);
  prefetchOnApproach(button, source);
  button.addEventListener("click", (event) => {
    event.preventDefault();
    void conduct({ trigger: button, operation: "get", source, perform: getPasskey, finish });
  });
});
