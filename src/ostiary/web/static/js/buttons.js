// @ts-check
// Buttons that only a script can answer. The page draws them disabled, so that nobody presses one in vain.

/**
 * Calls `attach` for every such button of the page, and lets it be pressed.
 * @param {string} selector
 * @param {(button: HTMLButtonElement) => void} attach
 */
export function enableButtons(selector, attach) {
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll(selector))) {
    attach(button);
    button.disabled = false;
    if (button.autofocus && document.activeElement === document.body) button.focus();
  }
}
