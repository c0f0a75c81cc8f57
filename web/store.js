// @ts-check
// The page's one state, and who is told when it changes.
import { useEffect, useState } from "./html.js";

/**
 * @template T
 * @typedef {{state: "loading" | "ok" | "error", data: T | null, error?: string, at?: number}} Loaded
 */

/**
 * @typedef {object} State
 * @property {import("./format.js").Lang} lang
 * @property {string} token empty: ask for it
 * @property {string} refusal why the token was not taken
 * @property {"connecting" | "live" | "stale"} phase
 * @property {string} error why there is no news
 * @property {number} heard when news last came (ms)
 * @property {import("./types.js").LiveView | null} view the last, with its totals and providers
 * @property {Map<number, import("./types.js").Second>} seconds
 * @property {Map<string, import("./types.js").Call>} calls
 * @property {Loaded<import("./types.js").Budget[]>} budgets
 * @property {Loaded<import("./types.js").Circuit[]>} circuits
 * @property {Loaded<import("./types.js").Key[]>} keys
 */

const TOKEN = "tollhouse-token";
const LANG = "tollhouse-lang";

/** The token from the address bar, once; it is taken out of it at once. */
function firstToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    sessionStorage.setItem(TOKEN, given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  return sessionStorage.getItem(TOKEN) ?? "";
}

/** @returns {import("./format.js").Lang} */
function firstLang() {
  const asked = new URLSearchParams(location.search).get("lang") ?? localStorage.getItem(LANG) ?? navigator.language;
  return asked.startsWith("zh") ? "zh" : "en";
}

/** @type {State} */
let state = {
  lang: firstLang(),
  token: firstToken(),
  refusal: "",
  phase: "connecting",
  error: "",
  heard: 0,
  view: null,
  seconds: new Map(),
  calls: new Map(),
  budgets: { state: "loading", data: null },
  circuits: { state: "loading", data: null },
  keys: { state: "loading", data: null },
};

/** @type {Set<() => void>} */
const listeners = new Set();

export const get = () => state;

/** @param {Partial<State>} change */
export function set(change) {
  state = { ...state, ...change };
  for (const listener of listeners) listener();
}

/** The state, in a component that is drawn again when it changes. @returns {State} */
export function useStore() {
  const [, redraw] = useState(0);
  useEffect(() => {
    const listener = () => redraw((/** @type {number} */ n) => n + 1);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, []);
  return state;
}

/** @param {string} token */
export function signIn(token) {
  sessionStorage.setItem(TOKEN, token);
  set({ token, refusal: "", phase: "connecting", error: "" });
}

/** @param {string} refusal empty: the user left by himself */
export function signOut(refusal) {
  sessionStorage.removeItem(TOKEN);
  set({ token: "", refusal, view: null, seconds: new Map(), calls: new Map() });
}

/** @param {import("./format.js").Lang} lang */
export function speak(lang) {
  localStorage.setItem(LANG, lang);
  document.documentElement.lang = lang === "zh" ? "zh-CN" : "en";
  document.documentElement.dataset.lang = lang;
  if (state.lang !== lang) set({ lang });
}
