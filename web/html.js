// @ts-check
// The one door to the vendored libraries.
import { h, render } from "./vendor/preact.js";
import { useEffect, useRef, useState } from "./vendor/hooks.js";
import htm from "./vendor/htm.js";

/** @type {(strings: TemplateStringsArray, ...values: any[]) => any} */
export const html = htm.bind(h);

/** @type {any} uPlot is a classic script: its module is three times the size. */
export const UPlot = /** @type {any} */ (globalThis).uPlot;

export { render, useEffect, useRef, useState };
