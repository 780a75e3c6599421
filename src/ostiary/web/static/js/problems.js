// @ts-check
// Shows why something did not work, in the page's one `[data-problem]` region.

import { goTo } from "./navigation.js";

/** Refusals that are not shown but followed: the person is asked for something first and then comes back. */
const FOLLOWED = new Set(["fresh_mfa_required", "sign_in_required"]);

/**
 * @typedef {object} Problem
 * @property {string} code
 * @property {string} [title] absent for reasons of this side: the page has their wording
 * @property {string} [next]
 * @property {string} [reference]
 * @property {string} [nextPath]
 * @property {string} [note] names a further sentence in the page's wording, said after `next`
 */

/** @type {Problem | null} */
let shown = null;

/**
 * Shows a refusal or a reason and moves focus to it; or goes where the refusal says.
 * @param {Problem} problem
 * @returns {(reference: string) => void} fills in a reference code that comes later, if this is still what is shown
 */
export function showProblem(problem) {
  const region = problemRegion();
  if (followProblem(problem) || !region) return () => {};
  shown = problem;
  const { title, next } = problem.title ? problem : (wordingOf(problem.code) ?? { title: problem.code });
  const note = problem.note && wordingOf(problem.note)?.next;
  fill(region, "[data-title]", title);
  fill(region, "[data-next]", [next, note].filter(Boolean).join(" "));
  fill(region, "[data-reference]", problem.reference);
  region.dataset.code = problem.code;
  reveal(region);
  return (reference) => {
    if (shown === problem) fill(region, "[data-reference]", reference);
  };
}

export function hideProblem() {
  const region = problemRegion();
  if (!region) return;
  shown = null;
  region.hidden = true;
}

/**
 * @param {Problem | null} problem
 * @returns {boolean} whether the page is being left for where the refusal says
 */
export function followProblem(problem) {
  if (!problem?.nextPath || !FOLLOWED.has(problem.code)) return false;
  goTo(problem.nextPath);
  return true;
}

/**
 * Un-hides a part of the page and moves focus there, so that it is read out and the next Tab goes on from it.
 * @param {HTMLElement} element
 */
export function reveal(element) {
  element.hidden = false;
  element.tabIndex = -1;
  element.focus();
}

/** @returns {HTMLElement | null} */
function problemRegion() {
  return document.querySelector("[data-problem]");
}

/**
 * @param {string} code
 * @returns {{title: string, next: string} | undefined}
 */
function wordingOf(code) {
  const source = document.getElementById("client-reasons")?.textContent;
  return source ? JSON.parse(source)[code] : undefined;
}

/**
 * @param {HTMLElement} region
 * @param {string} selector
 * @param {string} [text]
 */
function fill(region, selector, text = "") {
  const element = region.querySelector(selector);
  if (!(element instanceof HTMLElement)) return;
  element.textContent = text;
  element.hidden = !text;
}
