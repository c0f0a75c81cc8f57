// @ts-check
// The one door to the vendored libraries.
import { h, render as draw } from "./vendor/preact.js";
import * as hooks from "./vendor/hooks.js";
import htm from "./vendor/htm.js";

/** @type {(strings: TemplateStringsArray, ...values: any[]) => any} */
export const html = htm.bind(h);

/** @type {any} uPlot is a classic script: its module is three times the size. */
export const UPlot = /** @type {any} */ (globalThis).uPlot;

/** @type {(page: any, into: Element) => void} */
export const render = draw;

/** @type {<T>(first: T) => [T, (next: T | ((old: T) => T)) => void]} */
export const useState = /** @type {any} */ (hooks.useState);

/** @type {(effect: () => void | (() => void), on: unknown[]) => void} */
export const useEffect = /** @type {any} */ (hooks.useEffect);

/** @type {(first: any) => {current: any}} */
export const useRef = /** @type {any} */ (hooks.useRef);
