// @ts-check
// Setting up the Ostiary Authenticator: the page notices when it has registered itself.

import { waitFor } from "./events.js";
import { goTo } from "./navigation.js";

const steps = /** @type {HTMLElement | null} */ (document.querySelector("[data-add-authenticator]"));
if (steps) {
  const since = encodeURIComponent(steps.dataset.since ?? "");
  const done = () => goTo(`/security-info/add/authenticator?since=${since}`);
  window.addEventListener("pagehide", waitFor(`/security-info/add/authenticator/events?since=${since}`, done));
}

for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-copy]"))) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy ?? "");
    button.textContent = button.dataset.copied ?? "";
  });
}
