// @ts-check
// Buttons that copy what they stand for, and say so.

const SAID_FOR = 1_600;

document.addEventListener("click", async (event) => {
  const button = event.target instanceof Element && event.target.closest("[data-copy]");
  if (!(button instanceof HTMLElement)) return;
  await navigator.clipboard.writeText(button.dataset.copy ?? "");
  button.classList.add("copied");
  say(button.dataset.copied ?? "");
  setTimeout(() => button.classList.remove("copied"), SAID_FOR);
});

const region = document.createElement("p");
region.className = "visually-hidden";
region.setAttribute("role", "status");
document.body.append(region);

/** @param {string} words */
function say(words) {
  region.textContent = "";
  requestAnimationFrame(() => (region.textContent = words));
}
