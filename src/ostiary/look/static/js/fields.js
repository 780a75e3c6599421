// @ts-check
// Fields that come filled in are selected, so that typing replaces what is there and Enter keeps it.

const field = /** @type {HTMLInputElement | null} */ (document.querySelector("input[data-select]"));
field?.focus();
field?.select();
