// @ts-check
// A form is sent once: while the PIN is being judged, pressing again would only look like a second try.

document.addEventListener("submit", (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (form.dataset.sent) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  form.dataset.sent = "yes";
  // after the browser has read which button it was
  setTimeout(() => {
    for (const button of form.querySelectorAll("button")) button.setAttribute("aria-disabled", "true");
  });
});

// Back from a page the browser kept.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form")) release(form);
});

/** @param {HTMLFormElement} form */
export function release(form) {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll("button")) button.removeAttribute("aria-disabled");
}

// A problem the page came back with is read first.
const problem = document.querySelector("[data-focus]");
if (problem instanceof HTMLElement) problem.focus();
