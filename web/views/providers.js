// @ts-check
import { html } from "../html.js";
import { clock, duration, percent, whole } from "../format.js";
import { useStore } from "../store.js";
import { speaker } from "../strings.js";
import { Label, Panel } from "./panel.js";

export function Providers() {
  const { lang, view, circuits, error } = useStore();
  const say = speaker(lang);
  const seen = view?.providers ?? [];
  const states = new Map((circuits.data ?? []).map((it) => [it.provider, it]));
  const names = [...new Set([...states.keys(), ...seen.map((it) => it.provider)])].sort();
  const empty = view && circuits.data && names.length === 0 && { why: say("providers_empty"), command: "tollhouse check" };
  return html`
    <${Panel} title=${say("providers")} loading=${!view && !circuits.data} error=${view ? "" : error} empty=${empty}>
      <div class="scroll" tabindex="0" role="group" aria-label=${say("providers")}><table>
        <thead><tr><th>${say("provider")}</th><th>${say("circuit")}</th><th class="n">${say("in_flight")}</th><th class="n">${say("recent_errors")} 128</th>
          <th class="n">${say("first_p50")}</th><th>${say("last_error")}</th></tr></thead>
        <tbody>${names.map((name) => html`
          <${Row} key=${name} name=${name} seen=${seen.find((it) => it.provider === name)} circuit=${states.get(name)} say=${say} />`)}</tbody>
      </table></div>
    <//>`;
}

/** @param {{name: string, seen?: import("../types.js").Provider, circuit?: import("../types.js").Circuit, say: (key: string) => string}} props */
function Row({ name, seen, circuit, say }) {
  const state = circuit?.circuit ?? "";
  return html`
    <tr>
      <td><b>${name}</b></td>
      <td>${state ? html`<span class=${`word circuit-${state}`} title=${circuit?.retry_at ?? ""}>${say(state === "open" ? "circuit_open" : state)}</span>` : html`<${Label} value="" />`}</td>
      <td class="n">${seen ? whole(seen.in_flight) : "–"}</td>
      <td class="n">${seen && seen.recent > 0 ? html`<span class=${seen.recent_errors * 10 >= seen.recent ? "warn" : ""} title=${`${seen.recent_errors} / ${seen.recent}`}>${percent(seen.recent_errors, seen.recent)}</span>` : "–"}</td>
      <td class="n">${duration(seen?.first_token_p50_ms)}, ${duration(seen?.first_token_p95_ms)}</td>
      <td>${seen?.last_error ? html`<span title=${seen.last_error.at}>${seen.last_error.class || `HTTP ${seen.last_error.http_status}`} <span class="dim">${clock(seen.last_error.at)}</span></span>` : html`<${Label} value="" />`}</td>
    </tr>`;
}
