// @ts-check
// Rings that empty. Drawn once a second; when a code's time is over, the page is told to look again.

const ENDING = 5;

/** @type {Set<number>} the deadlines that have been told of */
const over = new Set();

export function tick() {
  for (const ring of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-deadline]"))) {
    const deadline = Number(ring.dataset.deadline);
    const period = Number(ring.dataset.period);
    const left = Math.max(0, (deadline - Date.now()) / 1000);
    ring.querySelector(".ring-left")?.setAttribute("stroke-dasharray", `${Math.min(100, (100 * left) / period)} 100`);
    const number = ring.querySelector("[data-seconds]");
    if (number) number.textContent = String(Math.ceil(left));
    ring.classList.toggle("ending", left <= ENDING);
    ring.closest(".code")?.classList.toggle("ending", left <= ENDING);
    if (left === 0 && !over.has(deadline)) {
      over.add(deadline);
      document.dispatchEvent(new CustomEvent("time-over", { detail: ring }));
    }
  }
}

tick();
setInterval(tick, 1000);
