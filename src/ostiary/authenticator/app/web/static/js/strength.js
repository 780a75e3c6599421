// @ts-check
// How hard a new PIN is to guess, in a word. The Authenticator itself only asks for its least length.

document.addEventListener("input", (event) => {
  const field = event.target;
  if (!(field instanceof HTMLInputElement)) return;
  const meter = document.querySelector(`[data-strength-of="${field.name}"]`);
  if (!(meter instanceof HTMLElement)) return;
  const level = strength(field.value, field.minLength);
  meter.hidden = field.value === "";
  meter.dataset.level = String(level);
  const words = meter.querySelector("[role=status]");
  const said = meter.dataset[["short", "fair", "good", "strong"][level]] ?? "";
  if (words && words.textContent !== said) words.textContent = said;
});

/**
 * @param {string} pin
 * @param {number} minimum
 * @returns {0 | 1 | 2 | 3}
 */
function strength(pin, minimum) {
  const length = [...pin].length;
  if (length < minimum) return 0;
  const different = new Set(pin).size;
  const isRun = "01234567890".includes(pin) || "09876543210".includes(pin);
  if (isRun || different < 3 || length < 6) return 1;
  const isOnlyDigits = /^\d+$/.test(pin);
  return length >= 10 || (!isOnlyDigits && length >= 8) ? 3 : 2;
}
