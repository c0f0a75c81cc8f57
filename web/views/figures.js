// @ts-check
import { html } from "../html.js";
import { compact, exact, money, moment, percent, share, whole } from "../format.js";
import { useStore } from "../store.js";
import { speaker } from "../strings.js";
import { Panel } from "./panel.js";

const PROVENANCE = ["provider_final", "drained", "provider_partial", "counted", "unknown"];
const CACHED = ["input_cached", "image_input_cached", "audio_input_cached"];
const OUTPUT = ["output", "image_output", "audio_output"];
const UNITS = ["requests", "web_searches", "search_units", "audio_ms", "images", "cache_token_hours"];

/** Sums by group; what is neither cached, output, reasoning nor a unit is input. @param {Record<string, number>} tokens */
function groups(tokens) {
  const sums = { input: 0, cached: 0, output: 0, reasoning: 0 };
  for (const [kind, count] of Object.entries(tokens)) {
    if (UNITS.includes(kind)) continue;
    if (CACHED.includes(kind)) sums.cached += count;
    else if (kind === "reasoning") sums.reasoning += count;
    else if (OUTPUT.includes(kind)) sums.output += count;
    else sums.input += count;
  }
  return sums;
}

export function Figures() {
  const { lang, view, error } = useStore();
  const say = speaker(lang);
  if (!view) return html`<${Panel} title=${say("now")} loading error=${error} />`;
  const { totals, since } = view;
  const sums = groups(totals.tokens);
  const all = sums.input + sums.cached + sums.output + sums.reasoning;
  const note = since && html`<span class="dim" title=${since}>${say("since")} ${moment(since)}</span>`;
  return html`
    <${Panel} title=${say("now")} note=${note}>
      <div class="tiles">
        <${Tile} name=${say("calls")} value=${compact(totals.calls, lang)} title=${whole(totals.calls)}
          notes=${[`${whole(totals.in_flight)} ${say("in_flight")}`, totals.refused > 0 && `${whole(totals.refused)} ${say("refused")}`]} />
        <${Tile} name=${say("tokens")} value=${compact(all, lang)} title=${whole(all)}
          notes=${Object.entries(sums).filter(([group, n]) => n > 0 || group === "input" || group === "output").map(([group, n]) => `${say(group)} ${compact(n, lang)}`)} />
        ${charges(totals.charge_nano).map(([currency, nano], place) => html`
          <${Tile} name=${currency ? `${say("charge")}, ${currency}` : say("charge")} value=${money(nano)} title=${`${exact(nano)} ${currency}`}
            notes=${[place === 0 && totals.unpriced > 0 && `${whole(totals.unpriced)} ${say("unpriced")}`]} />`)}
        <${Tile} name=${say("errors")} value=${percent(totals.errors, totals.attempts)} title=${whole(totals.errors)}
          notes=${[`${whole(totals.errors)} / ${whole(totals.attempts)} ${say("of_attempts")}`, totals.flagged > 0 && `${whole(totals.flagged)} ${say("flagged")}`]} />
        <${Provenance} counts=${totals.provenance} say=${say} />
      </div>
    <//>`;
}

/** @param {import("../types.js").Money} sums @returns {[string, string][]} a charge of nothing is shown, not left out */
function charges(sums) {
  const entries = Object.entries(sums);
  return entries.length > 0 ? entries : [["", "0"]];
}

/** @param {{name: string, value: string, title: string, notes: (string | false)[]}} props */
function Tile({ name, value, title, notes }) {
  return html`
    <div class="tile">
      <span class="name">${name}</span>
      <span class="value" title=${title}>${value}</span>
      <span class="notes">${notes.filter(Boolean).map((note) => html`<span>${note}</span>`)}</span>
    </div>`;
}

/** @param {{counts: Record<string, number>, say: (key: string) => string}} props */
function Provenance({ counts, say }) {
  const all = Object.values(counts).reduce((sum, n) => sum + n, 0);
  const shown = PROVENANCE.filter((name) => counts[name] > 0);
  return html`
    <div class="tile wide">
      <span class="name">${say("provenance")}</span>
      <div class="split" aria-hidden="true">
        ${shown.map((name) => html`<i class=${name} style=${{ width: `${share(String(counts[name]), String(all))}%` }}></i>`)}
      </div>
      <span class="notes">${shown.map((name) => html`
        <span title=${whole(counts[name])}><i class="dot ${name}" aria-hidden="true"></i>${say(name)} ${percent(counts[name], all)}</span>`)}
      </span>
    </div>`;
}
