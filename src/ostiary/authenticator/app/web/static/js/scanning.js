// @ts-check
// The code that another computer shows, through the camera or from the screen. Only grey pixels go to the Authenticator,
// a few times a second, for as long as somebody looks at this page.

import { ask } from "./pages.js";
import { pixels, tell } from "./pictures.js";

const EVERY = 300; // milliseconds
const WRONG_CODE = 422;

const finder = /** @type {HTMLElement | null} */ (document.querySelector("[data-finder]"));
const video = /** @type {HTMLVideoElement | null} */ (document.querySelector("[data-finder] video"));
const view = /** @type {HTMLElement | null} */ (document.querySelector("[data-finder-view]"));
const words = /** @type {HTMLElement | null} */ (document.querySelector("[data-finder-words]"));
const problem = /** @type {HTMLElement | null} */ (document.querySelector("[data-picture-problem]"));

/** @type {MediaStream | null} */
let stream = null;
let last = "";

if (finder && navigator.mediaDevices) {
  finder.hidden = false;
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (finder.querySelectorAll("[data-source]"))) {
    const can = button.dataset.source === "screen" ? "getDisplayMedia" in navigator.mediaDevices : true;
    button.hidden = !can;
    button.addEventListener("click", () => start(button));
  }
  finder.querySelector("[data-stop]")?.addEventListener("click", () => stop());
  document.addEventListener("visibilitychange", () => document.hidden && stop());
  addEventListener("pagehide", () => stop());
}

/** @param {HTMLButtonElement} button */
async function start(button) {
  stop();
  if (problem) problem.hidden = true;
  try {
    stream =
      button.dataset.source === "screen"
        ? await navigator.mediaDevices.getDisplayMedia({ video: true })
        : await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch (error) {
    const kind = error instanceof DOMException && error.name === "NotFoundError" ? "missing" : "denied";
    return tell({ title: finder?.dataset[`${kind}Title`] ?? "", next: finder?.dataset[`${kind}Next`] ?? "" });
  }
  if (!video || !view || !words) return;
  stream.getVideoTracks()[0]?.addEventListener("ended", () => stop());
  words.textContent = button.dataset.words ?? "";
  view.hidden = false;
  video.srcObject = stream;
  await video.play().catch(() => undefined);
  look(stream);
}

function stop() {
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = null;
  last = "";
  if (video) video.srcObject = null;
  if (view) view.hidden = true;
}

/** @param {MediaStream} mine */
async function look(mine) {
  while (stream === mine) {
    const frame = video && video.readyState >= video.HAVE_CURRENT_DATA ? await createImageBitmap(video).catch(() => null) : null;
    if (frame) await send(frame);
    await new Promise((done) => setTimeout(done, EVERY));
  }
}

/** @param {ImageBitmap} frame */
async function send(frame) {
  const grey = pixels(frame);
  frame.close();
  const response = await ask(`${finder?.dataset.finder}?frame=1&width=${grey.width}&height=${grey.height}`, {
    method: "POST",
    body: grey.bytes,
    headers: { "Content-Type": "application/octet-stream" },
  });
  if (!stream || !response || response.status === 204) return; // no code in it, yet
  const answer = await response.json().catch(() => null);
  if (answer?.to) {
    stop();
    location.assign(answer.to);
    return;
  }
  // Another code, or an old one: said once, and the person goes on looking for the right one.
  if (answer && answer.title !== last) tell(answer);
  if (response.status !== WRONG_CODE) stop();
  last = answer?.title ?? "";
}
