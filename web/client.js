// @ts-check
// Requests to the admin API. The token goes in a header and nowhere else.
import { get, set, signOut } from "./store.js";

/** What the API said is wrong, with its fix. */
export class Refused extends Error {
  /** @param {number} status @param {string} message */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** @param {string} path below /admin/v1 @param {{method?: string, body?: unknown, signal?: AbortSignal}} [options] */
export async function ask(path, options = {}) {
  /** @type {Record<string, string>} */
  const headers = { authorization: `Bearer ${get().token}` };
  if (options.body !== undefined) headers["content-type"] = "application/json";
  const response = await fetch(`/admin/v1/${path}`, {
    method: options.method ?? "GET",
    headers,
    body: options.body === undefined ? undefined : JSON.stringify(options.body),
    signal: options.signal,
    credentials: "omit",
    cache: "no-store",
  });
  if (response.ok) return response;
  const error = await response.json().then((it) => it.error, () => null);
  if (response.status === 401) signOut("token_wrong");
  const text = error ? error.message + (error.fix ? `: ${error.fix}` : "") : `HTTP ${response.status}`;
  throw new Refused(response.status, text);
}

/** @param {"budgets" | "circuits" | "keys"} panel @param {string} path */
async function load(panel, path) {
  try {
    const answer = await (await ask(path)).json();
    set({ [panel]: { state: "ok", data: answer[path], at: Date.now() } });
  } catch (error) {
    // What was loaded before stays on show, marked as old.
    set({ [panel]: { ...get()[panel], state: "error", error: /** @type {Error} */ (error).message } });
  }
}

export const loadBudgets = () => load("budgets", "budgets");
export const loadCircuits = () => load("circuits", "providers");
export const loadKeys = () => load("keys", "keys");
