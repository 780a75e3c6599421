// @ts-check
// Tables of the admin centre: arrow keys move from row to row, Enter opens. Without a script, Tab does.

/** @returns {HTMLAnchorElement[]} */
const rows = () => [...document.querySelectorAll("[data-rows] [data-row]")].filter((row) => row instanceof HTMLAnchorElement);

const STEPS = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };

document.addEventListener("keydown", (event) => {
  const step = STEPS[/** @type {keyof typeof STEPS} */ (event.key)];
  if (step === undefined || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const all = rows();
  const here = all.findIndex((row) => row === document.activeElement);
  if (here < 0) return;
  const there = Math.min(Math.max(here + step, 0), all.length - 1);
  all[there].focus();
  event.preventDefault();
});
