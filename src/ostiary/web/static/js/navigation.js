// @ts-check

/**
 * Goes to a path the server named. Never elsewhere, whatever the answer holds.
 * @param {string} path
 */
export function goTo(path) {
  const target = new URL(path, location.href);
  location.assign(target.origin === location.origin ? target.href : "/");
}
