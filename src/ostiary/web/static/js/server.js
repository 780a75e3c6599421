// @ts-check
// Talking to our server: JSON both ways, same origin, refusals as one type.

const ANSWER_WITHIN = 30_000;
const REPORT_WITHIN = 2_000;

/**
 * As the server spells it.
 * @typedef {{code: string, status: number, title?: string, next?: string, reference?: string, next_path?: string,
 *   field?: string}} ProblemJSON
 */

/** What the server (or the lack of one) answered instead of what was asked for. */
export class Refusal extends Error {
  /** @param {ProblemJSON} problem */
  constructor(problem) {
    super(problem.title ?? problem.code);
    this.name = "Refusal";
    this.code = problem.code;
    this.title = problem.title ?? "";
    this.next = problem.next ?? "";
    this.reference = problem.reference ?? "";
    this.status = problem.status;
    this.nextPath = problem.next_path ?? "";
    this.field = problem.field ?? "";
    this.note = ""; // what this side adds, named in the page's wording
  }

  /** The server understood and said no: no lost connection, no fault behind which anything may have happened. */
  get isDefinite() {
    return this.status >= 400 && this.status < 500 && this.code !== "offline";
  }
}

/** @param {string} path @param {unknown} body */
export const post = (path, body) => call("POST", path, body);

/** @param {string} path @param {unknown} body */
export const patch = (path, body) => call("PATCH", path, body);

/** @param {string} path */
export const del = (path) => call("DELETE", path);

/**
 * Tells the server why a ceremony ended in this browser, so that a helpdesk can look it up. Best effort.
 * @param {string} code
 * @param {"create" | "get"} operation
 * @param {number} elapsed milliseconds
 * @returns {Promise<string>} the reference code, or "" when there is none
 */
export async function report(code, operation, elapsed) {
  try {
    const body = { code, operation, elapsed_ms: Math.max(0, Math.round(elapsed)) };
    const answer = await call("POST", "/ceremonies/reports", body, REPORT_WITHIN);
    return answer?.reference ?? "";
  } catch {
    return "";
  }
}

/**
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @param {number} [within] milliseconds
 * @returns {Promise<any>} the parsed answer, or null for 204
 */
async function call(method, path, body, within = ANSWER_WITHIN) {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), within);
  let status = 0;
  try {
    const response = await fetch(path, {
      method,
      body: body === undefined ? undefined : JSON.stringify(body),
      headers: { Accept: "application/json", ...(body !== undefined && { "Content-Type": "application/json" }) },
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
      signal: limit.signal,
    });
    status = response.status;
    if (status === 204) return null;
    const answer = await response.json();
    if (response.ok) return answer;
    if (typeof answer?.code === "string") throw new Refusal({ ...answer, status });
  } catch (error) {
    if (error instanceof Refusal) throw error;
  } finally {
    clearTimeout(timer);
  }
  // No answer, or none that is ours: a proxy's error page is as far from our server as no network.
  throw new Refusal({ code: "offline", status });
}
