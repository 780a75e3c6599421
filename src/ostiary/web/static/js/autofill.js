// @ts-check
// Passkeys in the username field's autofill: a request that waits, unseen, until somebody picks a passkey there.

import { isBusy } from "./ceremony.js";
import { getPasskey } from "./webauthn.js";

/** Nobody picks a passkey sooner than this: the environment answered, and asking again would only go round. */
const TOO_SOON = 1_000;

export class Autofill {
  #source;
  #picked;
  /** @type {AbortController | null} */
  #controller = null;
  #isEnabled = false;

  /**
   * @param {import("./options.js").OptionsSource} source
   * @param {(credential: any, options: any) => Promise<boolean>} picked
   */
  constructor(source, picked) {
    this.#source = source;
    this.#picked = picked;
  }

  /** Arms it now and from now on whenever the page comes to the front. */
  enable() {
    this.#isEnabled = true;
    document.addEventListener("visibilitychange", () => void this.arm());
    addEventListener("pagehide", () => this.disarm());
    addEventListener("pageshow", ({ persisted }) => {
      if (persisted) void this.arm();
    });
    void this.arm();
  }

  /** Browsers allow one request at a time: ends the waiting one, so that a button's can begin. */
  disarm() {
    this.#controller?.abort();
    this.#controller = null;
  }

  async arm() {
    if (!this.#isEnabled || this.#controller || isBusy() || document.visibilityState !== "visible") return;
    const controller = (this.#controller = new AbortController());
    const { signal } = controller;
    let armed = Infinity;
    let timer;
    let options;
    let credential = null;
    try {
      options = await this.#source.recent();
      signal.throwIfAborted();
      timer = setTimeout(() => this.#renew(), this.#source.freshFor);
      armed = Date.now();
      credential = await getPasskey(options, { signal, mediation: "conditional" });
    } catch {
      // Nobody asked for this, so nobody is told. The button says what is wrong.
    } finally {
      clearTimeout(timer);
      if (this.#controller === controller) this.#controller = null;
    }
    if (!credential || signal.aborted) return;
    this.#source.spend();
    const isDone = await this.#picked(credential, options);
    if (!isDone && Date.now() - armed > TOO_SOON) void this.arm();
  }

  /** The challenge is about to run out. Hidden pages wait: coming to the front arms them again. */
  #renew() {
    this.disarm();
    this.#source.spend();
    void this.arm();
  }
}
