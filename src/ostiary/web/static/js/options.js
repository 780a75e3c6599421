// @ts-check
// Ceremony options fetched ahead, so that a click can open the browser's dialog at once: some browsers take the
// dialog for unasked when anything is awaited between the click and it.

import { post, Refusal } from "./server.js";

/** The server's challenge lives 5 minutes; what is older than this is not worth starting with. */
export const FRESH_FOR = 4 * 60_000;

/** What is younger than this is not fetched ahead again. */
const RECENT = 60_000;

export class OptionsSource {
  /** @type {{options: any, at: number} | null} */
  #held = null;
  /** @type {Promise<any> | null} */
  #loading = null;

  /**
   * @param {string} path
   * @param {object} body
   */
  constructor(path, body) {
    this.path = path;
    this.body = body;
  }

  /**
   * @param {number} [youngerThan] milliseconds
   * @returns {any} options to begin with right now, or null
   */
  ready(youngerThan = FRESH_FOR) {
    return this.#held && this.#age() < youngerThan ? this.#held.options : null;
  }

  /** @returns {number} milliseconds until what is held is too old */
  get freshFor() {
    return Math.max(0, FRESH_FOR - this.#age());
  }

  /** @returns {Promise<any>} new options; asked for once however many wait */
  load() {
    this.#loading ??= post(this.path, this.body)
      .then((options) => {
        this.#held = { options, at: Date.now() };
        return options;
      })
      .finally(() => {
        this.#loading = null;
      });
    return this.#loading;
  }

  /** @returns {Promise<any>} */
  async recent() {
    return this.ready(RECENT) ?? this.load();
  }

  /**
   * Fetches ahead, quietly: what is wrong is said when somebody asks for the ceremony.
   * @returns {Promise<Refusal | null>} the refusal, for those who want to act on it sooner
   */
  async prefetch() {
    try {
      await this.recent();
      return null;
    } catch (error) {
      if (error instanceof Refusal) return error;
      throw error;
    }
  }

  /** The challenge has been sent to the server, which takes it once. */
  spend() {
    this.#held = null;
  }

  /** By the wall clock, which goes on while a computer sleeps. Set back, it makes anything held old. */
  #age() {
    const age = this.#held ? Date.now() - this.#held.at : Infinity;
    return age < 0 ? Infinity : age;
  }
}

/**
 * Fetches ahead as soon as somebody is about to press a button.
 * @param {HTMLElement} button
 * @param {OptionsSource} source
 */
export function prefetchOnApproach(button, source) {
  for (const sign of ["pointerenter", "pointerdown", "focus"]) {
    button.addEventListener(sign, () => void source.prefetch());
  }
  if (document.activeElement === button) void source.prefetch(); // focused before this script ran
}
