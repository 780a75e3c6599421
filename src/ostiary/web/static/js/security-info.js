// @ts-check
// Security info: tells the passkeys' providers what the server keeps, and makes `<details>` menus behave as menus.

import { signalAllAcceptedCredentials, signalCurrentUserDetails } from "./webauthn.js";

const accepted = document.getElementById("accepted-credentials")?.textContent;
if (accepted) {
  const { rpId, userId, allAcceptedCredentialIds, name, displayName } = JSON.parse(accepted);
  await signalAllAcceptedCredentials({ rpId, userId, allAcceptedCredentialIds });
  await signalCurrentUserDetails({ rpId, userId, name, displayName });
}

/** @returns {NodeListOf<HTMLDetailsElement>} */
const openMenus = () => document.querySelectorAll("details[data-menu][open]");

document.addEventListener("click", (event) => {
  for (const menu of openMenus()) {
    if (!(event.target instanceof Node && menu.contains(event.target))) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of openMenus()) {
    menu.open = false;
    menu.querySelector("summary")?.focus();
  }
});
