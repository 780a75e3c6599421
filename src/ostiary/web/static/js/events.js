// @ts-check
// Waits for the one event of a stream. The browser comes back by itself after a lost connection; where it gives up
// (an answer that is no stream, as while a server restarts behind a proxy) we come back.

const AGAIN_AFTER = 2000;

/**
 * @param {string} path
 * @param {(state: string) => void} over
 * @param {() => void} [troubled] the stream is gone for the moment
 * @returns {() => void} ends the waiting
 */
export function waitFor(path, over, troubled = () => {}) {
  /** @type {EventSource} */
  let source;
  let timer = 0;
  const open = () => {
    source = new EventSource(path);
    source.addEventListener("over", (event) => {
      source.close();
      over(JSON.parse(/** @type {MessageEvent} */ (event).data).state);
    });
    source.addEventListener("error", () => {
      troubled();
      if (source.readyState === EventSource.CLOSED) timer = window.setTimeout(open, AGAIN_AFTER);
    });
  };
  open();
  return () => {
    window.clearTimeout(timer);
    source.close();
  };
}
