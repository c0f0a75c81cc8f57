// @ts-check
import { html, useEffect, useRef, useState } from "../html.js";
import { about, clock, compact } from "../format.js";
import { get, useStore } from "../store.js";
import { speaker } from "../strings.js";
import { plot } from "../plot.js";
import { Panel } from "./panel.js";

const SHOWN_S = 300;
/** Each point is the mean of so many seconds: calls end one by one, and a second alone is noise. */
const MEAN_S = 5;

/**
 * Okabe and Ito's palette in a fixed order, and dashes, so that colour is never alone.
 * @typedef {{colour: string, dash: number[]}} Line
 * @type {({group: keyof import("../types.js").Groups} & Line)[]}
 */
const LINES = [
  { group: "input", colour: "--blue", dash: [] },
  { group: "cached", colour: "--sky", dash: [2, 3] },
  { group: "output", colour: "--orange", dash: [] },
  { group: "reasoning", colour: "--green", dash: [6, 3] },
];
const MONEY = [{ colour: "--purple", dash: [] }];

export function Charts() {
  const { lang, view, seconds, error } = useStore();
  const say = speaker(lang);
  if (!view) return html`<div class="pair one"><${Panel} title=${say("chart_tokens")} loading error=${error} /></div>`;
  // The running second is not over: it would look like a fall.
  const first = Math.floor(Date.parse(view.now) / 1000) - SHOWN_S;
  const times = Array.from({ length: SHOWN_S }, (_, place) => first + place);
  /** @param {(second: import("../types.js").Second) => number} value @returns {number[]} means per second */
  const means = (value) => {
    const raw = Array.from({ length: SHOWN_S + MEAN_S }, (_, place) => {
      const second = seconds.get(first - MEAN_S + place);
      return second ? value(second) : 0;
    });
    return times.map((_, place) => raw.slice(place + 1, place + 1 + MEAN_S).reduce((a, b) => a + b, 0) / MEAN_S);
  };
  const tokens = LINES.map(({ group }) => means(({ tokens: it }) => it[group] + (group === "input" ? it.cache_write : 0)));
  const rate = tokens.reduce((sum, line) => sum + (line.at(-1) ?? 0), 0);
  const currencies = Object.keys(view.totals.charge_nano);
  const note = html`<strong>≈ ${compact(rate, lang)}</strong><span class="dim">${say("last_minutes")}, ${say("mean")}</span>`;
  const count = (/** @type {number} */ n) => compact(n, get().lang);
  return html`
    <div class=${`pair ${["one", "", "three"][Math.min(2, currencies.length)]}`}>
      <${Panel} title=${say("chart_tokens")} note=${note}>
        <${Chart} data=${[times, ...tokens]} names=${LINES.map(({ group }) => say(group))} lines=${LINES} tick=${count} least=${10} label=${say("chart_tokens")} />
      <//>
      ${currencies.map((currency) => {
        const title = `${say("chart_money")}, ${currency}`;
        // A drawing needs no exactness: here, and only here, money is a float.
        const line = means((second) => Number(BigInt(second.charge_nano[currency] ?? "0")) / 1e9);
        return html`
          <${Panel} key=${currency} title=${title} note=${html`<strong>≈ ${units(line.at(-1) ?? 0)}</strong>`}>
            <${Chart} data=${[times, line]} names=${[currency]} lines=${MONEY} tick=${units} least=${0.001} label=${title} />
          <//>`;
      })}
    </div>`;
}

/** Currency units in three figures. @param {number} n */
function units(n) {
  return about(String(Math.round(n * 1e9)));
}

/** @param {{data: number[][], names: string[], lines: Line[], tick: (n: number) => string, least: number, label: string}} props */
function Chart({ data, names, lines, tick, least, label }) {
  const box = useRef(null);
  const drawn = useRef(null);
  const [place, setPlace] = useState(/** @type {number | null} */ (null));
  useEffect(() => {
    drawn.current = plot(box.current, data, { lines, tick, least, at: setPlace });
    return () => drawn.current.end();
  }, []);
  useEffect(() => drawn.current?.show(data), [data]);
  // Under the pointer: that second; else the last.
  const at = place ?? data[0].length - 1;
  return html`
    <div class="chart" ref=${box} role="img" aria-label=${label}></div>
    <div class="legend">
      ${names.map((name, line) => html`
        <span><svg viewBox="0 0 18 6" aria-hidden="true"><path d="M0 3h18" stroke-width="2" style=${{ stroke: `var(${lines[line].colour})` }} stroke-dasharray=${lines[line].dash.join(" ") || "none"} /></svg>${name} <b>${tick(data[line + 1][at])}</b></span>`)}
      <span>${clock(new Date(data[0][at] * 1000).toISOString())}</span>
    </div>`;
}
