// @ts-check
// Where pages are, and how one is fetched anew.

export const ROOT = document.documentElement.dataset.root ?? "";

/**
 * @param {string} path
 * @param {RequestInit & {headers?: Record<string, string>}} [options]
 * @returns {Promise<Response | null>} null when the Authenticator is not there
 */
export async function ask(path, options = {}) {
  try {
    return await fetch(path, { credentials: "same-origin", cache: "no-store", ...options });
  } catch {
    return null;
  }
}

/**
 * @param {string} html
 * @returns {Document}
 */
export const parse = (html) => new DOMParser().parseFromString(html, "text/html");

/**
 * Focus goes to what a fresh page wants to be read first: a problem, then the field to fill in.
 * @param {ParentNode} within
 */
export function focusFirst(within) {
  const wanted = within.querySelector("[data-focus]") ?? within.querySelector("[autofocus]") ?? within.querySelector("h1");
  if (!(wanted instanceof HTMLElement)) return;
  if (wanted.matches("h1")) wanted.tabIndex = -1;
  wanted.focus();
}
