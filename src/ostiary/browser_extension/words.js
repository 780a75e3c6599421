// @ts-check
// Our pages in the browser's language.

/** @param {string} name @param {string} [value] put in its place */
export function say(name, value) {
  return chrome.i18n.getMessage(name, value);
}

/** Puts every marked text into words, and turns the page the way they are read. */
export function translate() {
  document.documentElement.lang = chrome.i18n.getUILanguage();
  document.documentElement.dir = say("@@bidi_dir");
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-message]"))) {
    element.textContent = say(element.dataset.message ?? "");
  }
}
