// @ts-check
// Windows of our own, over the page that asked.

const WIDTH = 400;
const HEIGHT = 660;

/** @type {Map<number, () => void>} */
const closed = new Map();

chrome.windows.onRemoved.addListener((id) => {
  const tell = closed.get(id);
  closed.delete(id);
  tell?.();
});

/**
 * @param {string} url
 * @param {() => void} whenClosed by the person
 * @returns {Promise<number | null>} null when the browser would not open one
 */
export async function openWindow(url, whenClosed) {
  const place = await overTheBrowser();
  const size = { width: WIDTH, height: HEIGHT };
  /** @type {chrome.windows.CreateData} */
  const wanted = { type: "popup", url, focused: true, ...size };
  // A browser refuses places that are mostly off the screen; then it finds one for itself.
  const window = await chrome.windows
    .create({ ...wanted, ...place })
    .catch(() => chrome.windows.create(wanted))
    .catch(() => undefined);
  if (window?.id === undefined) return null;
  closed.set(window.id, whenClosed);
  return window.id;
}

/** @param {number} id */
export async function closeWindow(id) {
  closed.delete(id);
  await chrome.windows.remove(id).catch(() => {
    // Closed already.
  });
}

/**
 * The tab in front, which is the one that asks: browsers let no other.
 * @returns {Promise<number | null>}
 */
export async function frontTab() {
  const window = await chrome.windows
    .getLastFocused({ windowTypes: ["normal"], populate: true })
    .catch(() => undefined);
  return window?.tabs?.find(({ active }) => active)?.id ?? null;
}

async function overTheBrowser() {
  const { left, top, width, height } = await chrome.windows
    .getLastFocused({ windowTypes: ["normal"] })
    .catch(() => /** @type {chrome.windows.Window} */ ({}));
  if (left === undefined || top === undefined || width === undefined || height === undefined) return {};
  return {
    left: Math.round(left + (width - WIDTH) / 2),
    top: Math.round(top + Math.max(0, (height - HEIGHT) / 3)),
  };
}
