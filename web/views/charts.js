// @ts-check
import { html, UPlot, useEffect, useRef } from "../html.js";
import { compact, money } from "../format.js";
import { get, useStore } from "../store.js";
import { speaker } from "../strings.js";
import { Panel } from "./panel.js";

const SHOWN_S = 300;
const HEIGHT = 170;
/** Okabe and Ito's palette in a fixed order, and dashes, so that colour is never alone. */
const LINES = [
  { group: "input", colour: "--blue", dash: [] },
  { group: "cached", colour: "--sky", dash: [2, 3] },
  { group: "output", colour: "--orange", dash: [] },
  { group: "reasoning", colour: "--green", dash: [6, 3] },
];

export function Charts() {
  const { lang, view, seconds, error } = useStore();
  const say = speaker(lang);
  if (!view) return html`<div class="pair"><${Panel} title=${say("chart_tokens")} loading error=${error} /></div>`;
  const now = Math.floor(Date.parse(view.now) / 1000);
  // The running second is not over: it would look like a fall.
  const times = Array.from({ length: SHOWN_S }, (_, place) => now - SHOWN_S + place);
  const at = (/** @type {(second: import("../types.js").Second) => number} */ value) =>
    times.map((s) => { const second = seconds.get(s); return second ? value(second) : 0; });
  const tokens = LINES.map(({ group }) => at((second) => second.tokens[/** @type {"input"} */ (group)] + (group === "input" ? second.tokens.cache_write : 0)));
  const rate = Math.round(tokens.reduce((sum, line) => sum + line.slice(-10).reduce((a, b) => a + b, 0), 0) / 10);
  const names = LINES.map(({ group }) => say(group));
  const currencies = Object.keys(view.totals.charge_nano);
  const note = html`<span class="dim">${say("last_minutes")}</span>`;
  return html`
    <div class="pair ${currencies.length > 1 ? "three" : ""}">
      <${Panel} title=${say("chart_tokens")} note=${html`<strong>≈ ${compact(rate, lang)}</strong>${note}`}>
        <${Chart} key=${lang} data=${[times, ...tokens]} names=${names} lines=${LINES} tick=${(/** @type {number} */ n) => compact(n, get().lang)} label=${say("chart_tokens")} />
      <//>
      ${currencies.map((currency) => html`
        <${Panel} key=${currency} title=${`${say("chart_money")}, ${currency}`} note=${html`<strong>≈ ${money(perSecond(seconds, now, currency))}</strong>`}>
          <${Chart} key=${lang} data=${[times, at((second) => Number(BigInt(second.charge_nano[currency] ?? "0")) / 1e9)]} names=${[currency]}
            lines=${[{ colour: "--purple", dash: [] }]} tick=${units} label=${`${say("chart_money")}, ${currency}`} />
        <//>`)}
    </div>`;
}

/** The mean of the last ten whole seconds. @param {Map<number, import("../types.js").Second>} seconds @param {number} now @param {string} currency */
function perSecond(seconds, now, currency) {
  let sum = 0n;
  for (let s = now - 10; s < now; s++) sum += BigInt(seconds.get(s)?.charge_nano[currency] ?? "0");
  return String(sum / 10n);
}

/** An axis' tick in currency units; a drawing needs no exactness. @param {number} n */
function units(n) {
  return n === 0 ? "0" : n >= 1 ? n.toFixed(1) : n.toPrecision(2).replace(/0+$/, "");
}

/** @param {{data: number[][], names: string[], lines: {colour: string, dash: number[]}[], tick: (n: number) => string, label: string}} props */
function Chart({ data, names, lines, tick, label }) {
  const box = useRef(null);
  const plot = useRef(null);
  useEffect(() => {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const draw = () => {
      plot.current?.destroy();
      plot.current = new UPlot(options(box.current, names, lines, tick), data, box.current);
    };
    const sizes = new ResizeObserver(() => plot.current?.setSize({ width: box.current.clientWidth, height: HEIGHT }));
    draw();
    sizes.observe(box.current);
    dark.addEventListener("change", draw);
    return () => {
      dark.removeEventListener("change", draw);
      sizes.disconnect();
      plot.current?.destroy();
    };
  }, []);
  useEffect(() => plot.current?.setData(data), [data]);
  return html`<div class="chart" ref=${box} role="img" aria-label=${label}></div>`;
}

/** @param {any} box @param {string[]} names @param {{colour: string, dash: number[]}[]} lines @param {(n: number) => string} tick */
function options(box, names, lines, tick) {
  const style = getComputedStyle(document.documentElement);
  const [text, grid] = ["--dim", "--line"].map((name) => style.getPropertyValue(name).trim());
  const axis = { stroke: text, font: "11px system-ui, sans-serif", ticks: { show: false } };
  const clock = (/** @type {number} */ s) => { const at = new Date(s * 1000); return `${at.getHours()}:${String(at.getMinutes()).padStart(2, "0")}`; };
  return {
    width: box.clientWidth,
    height: HEIGHT,
    cursor: { sync: { key: "time" }, points: { size: 6 }, drag: { x: false, y: false } },
    legend: { show: names.length > 1, live: true },
    scales: { x: { time: true }, y: { range: (/** @type {any} */ _, /** @type {number} */ __, /** @type {number} */ max) => [0, max > 0 ? max * 1.1 : 1] } },
    axes: [
      { ...axis, grid: { show: false }, size: 26, space: 70, values: (/** @type {any} */ _, /** @type {number[]} */ all) => all.map(clock) },
      { ...axis, grid: { stroke: grid, width: 1 }, size: 58, space: 34, values: (/** @type {any} */ _, /** @type {number[]} */ all) => all.map(tick) },
    ],
    series: [
      { label: "", value: (/** @type {any} */ _, /** @type {number | null} */ s) => (s ? new Date(s * 1000).toLocaleTimeString() : "") },
      ...names.map((name, place) => ({
        label: name,
        stroke: style.getPropertyValue(lines[place].colour).trim(),
        dash: lines[place].dash,
        width: 1.5,
        points: { show: false },
        value: (/** @type {any} */ _, /** @type {number | null} */ n) => (n === null ? "" : tick(n)),
      })),
    ],
  };
}
