// @ts-check
// A picture with a QR code: chosen, pasted or dropped. Drawn here, and only its grey pixels go to the Authenticator.

import { ask } from "./pages.js";

const MOST_PIXELS = 2_000_000;

const drop = /** @type {HTMLElement | null} */ (document.querySelector("[data-picture]"));
const problem = /** @type {HTMLElement | null} */ (document.querySelector("[data-picture-problem]"));

if (drop) {
  drop.hidden = false;
  drop.querySelector("input")?.addEventListener("change", (event) => read(/** @type {any} */ (event.target).files[0]));
  document.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith("image/"));
    if (!file) return;
    event.preventDefault();
    read(file);
  });
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  document.addEventListener("dragleave", () => drop.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    read(event.dataTransfer?.files[0]);
  });
}

/** @param {File | undefined} file */
async function read(file) {
  if (!drop || !file) return;
  const picture = await createImageBitmap(file).catch(() => null);
  const grey = picture ? pixels(picture) : { bytes: new Uint8Array(), width: 0, height: 0 };
  const response = await ask(`${drop.dataset.picture}?width=${grey.width}&height=${grey.height}`, {
    method: "POST",
    body: grey.bytes,
    headers: { "Content-Type": "application/octet-stream" },
  });
  const answer = await response?.json();
  if (answer?.to) location.assign(answer.to);
  else if (answer) tell(answer);
}

/** @param {ImageBitmap} picture */
export function pixels(picture) {
  const scale = Math.min(1, Math.sqrt(MOST_PIXELS / (picture.width * picture.height)));
  const width = Math.max(1, Math.floor(picture.width * scale));
  const height = Math.max(1, Math.floor(picture.height * scale));
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(width, height).getContext("2d"));
  context.fillStyle = "#fff"; // behind what is transparent
  context.fillRect(0, 0, width, height);
  context.drawImage(picture, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const bytes = new Uint8Array(width * height);
  for (let at = 0; at < bytes.length; at += 1) {
    bytes[at] = 0.299 * data[4 * at] + 0.587 * data[4 * at + 1] + 0.114 * data[4 * at + 2];
  }
  return { bytes, width, height };
}

/** @param {{title: string, next: string}} answer */
export function tell({ title, next }) {
  if (!problem) return;
  const [first, second] = [problem.querySelector("[data-title]"), problem.querySelector("[data-next]")];
  if (first) first.textContent = title;
  if (second) second.textContent = next;
  problem.hidden = false;
  problem.focus();
}
