// @ts-check
// uPlot for the page: lines over the last minutes, in the colours of the style sheet, as wide as their box.
import { UPlot } from "./html.js";

const HEIGHT = 170;

/**
 * @typedef {object} Options
 * @property {{colour: string, dash: number[]}[]} lines colours by the name of their style property
 * @property {(n: number) => string} tick
 * @property {number} least the top of the scale where there is nothing to show
 * @property {(place: number | null) => void} at told what is under the pointer
 */

/** @param {HTMLElement} box @param {number[][]} data times and one row per line @param {Options} options */
export function plot(box, data, options) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let shown = data;
  let chart = new UPlot(settings(box, options), shown, box);
  const redraw = () => {
    chart.destroy();
    chart = new UPlot(settings(box, options), shown, box);
  };
  const sizes = new ResizeObserver(() => chart.setSize({ width: box.clientWidth, height: HEIGHT }));
  sizes.observe(box);
  dark.addEventListener("change", redraw);
  return {
    /** @param {number[][]} next */
    show(next) {
      shown = next;
      chart.setData(next);
    },
    end() {
      dark.removeEventListener("change", redraw);
      sizes.disconnect();
      chart.destroy();
    },
  };
}

/** @param {HTMLElement} box @param {Options} options */
function settings(box, { lines, tick, least, at }) {
  const style = getComputedStyle(document.documentElement);
  const colour = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  const axis = { stroke: colour("--dim"), font: "11px system-ui, sans-serif", ticks: { show: false } };
  const clock = (/** @type {number} */ s) => {
    const time = new Date(s * 1000);
    return `${time.getHours()}:${String(time.getMinutes()).padStart(2, "0")}`;
  };
  const top = (/** @type {any} */ _, /** @type {number} */ __, /** @type {number} */ max) => [0, Math.max(max * 1.1, least)];
  return {
    width: box.clientWidth,
    height: HEIGHT,
    padding: [8, 20, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: "time" }, points: { size: 6 }, drag: { x: false, y: false }, y: false },
    hooks: { setCursor: [(/** @type {any} */ chart) => at(chart.cursor.idx ?? null)] },
    scales: { x: { time: true }, y: { range: top } },
    axes: [
      { ...axis, grid: { show: false }, size: 24, space: 46, incrs: [60, 120, 300], values: (/** @type {any} */ _, /** @type {number[]} */ all) => all.map(clock) },
      { ...axis, grid: { stroke: colour("--line"), width: 1 }, size: 58, space: 34, values: (/** @type {any} */ _, /** @type {number[]} */ all) => all.map(tick) },
    ],
    series: [
      {},
      ...lines.map((line) => ({ stroke: colour(line.colour), dash: line.dash, width: 1.5, points: { show: false } })),
    ],
  };
}
