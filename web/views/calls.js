// @ts-check
import { html, useEffect, useRef, useState } from "../html.js";
import { clock, compact, duration, exact, money, whole } from "../format.js";
import { useStore } from "../store.js";
import { speaker } from "../strings.js";
import { Label, Panel } from "./panel.js";
import { Story } from "./story.js";

const ROWS = 60;
const COLUMNS = 10;
/** Calls under way that stand before the finished ones: more of them would leave no story to see. */
const OPEN_ROWS = 4;

/** When a call last had news, ms. @param {import("../types.js").Call} call */
const ended = (call) => Date.parse(call.at) + (call.total_ms ?? 0);

/** The newest calls under way, then the others by their end. @param {import("../types.js").Call[]} newest */
function arranged(newest) {
  const finished = newest.filter((call) => call.state !== "open");
  return [...newest.filter((call) => call.state === "open").slice(0, OPEN_ROWS), ...finished.sort((a, b) => ended(b) - ended(a))];
}

/** What the filter looks at. @param {import("../types.js").Call} call */
function words(call) {
  return [call.call_id, call.project, call.app, call.domain, call.requested_model, call.model, call.offer, call.provider,
    call.site, call.status ?? call.state, call.provenance, call.code].join(" ").toLowerCase();
}

export function Calls() {
  const { lang, view, calls, error } = useStore();
  const say = speaker(lang);
  const [query, setQuery] = useState(new URLSearchParams(location.search).get("q") ?? "");
  const [opened, setOpened] = useState(/** @type {string | null} */ (null));
  const [marked, setMarked] = useState(/** @type {string | null} */ (null));
  // While the pointer is on the table, or a story is open, rows keep their places; what they say goes on changing.
  const [held, setHeld] = useState(/** @type {string[] | null} */ (null));
  const input = useRef(null);

  const wanted = query.trim().toLowerCase();
  const all = [...calls.values()].reverse();
  const matching = wanted ? all.filter((call) => words(call).includes(wanted)) : arranged(all);
  const fresh = matching.slice(0, ROWS);
  const rows = held ? held.map((id) => calls.get(id)).filter((it) => it !== undefined) : fresh;
  const missed = held ? fresh.filter((call) => !held.includes(call.call_id)).length : 0;
  const hold = () => setHeld((/** @type {string[] | null} */ it) => it ?? fresh.map((call) => call.call_id));
  const release = () => { if (!opened) setHeld(null); };

  const filter = (/** @type {string} */ text) => {
    setQuery(text);
    setHeld(null);
    const url = new URL(location.href);
    if (text) url.searchParams.set("q", text); else url.searchParams.delete("q");
    history.replaceState(null, "", url);
  };
  const toggle = (/** @type {string} */ id) => {
    setMarked(id);
    setOpened(opened === id ? null : id);
    if (opened === id) setHeld(null); else hold();
  };
  useKeys({ input, rows, marked, setMarked, opened, toggle, close: () => { setOpened(null); setHeld(null); } });

  const note = html`
    ${missed > 0 && html`<span class="dim" role="status">${missed} ${say("new_calls")}</span>`}
    <input ref=${input} type="search" class="filter" placeholder=${say("filter")} aria-label=${say("filter")} value=${query}
      onInput=${(/** @type {any} */ event) => filter(event.target.value)} />`;
  const sample = `curl -s http://127.0.0.1:8080/v1/chat/completions -H "authorization: Bearer $KEY" -d '{"model":"$MODEL","messages":[{"role":"user","content":"Hello"}]}'`;
  const empty = view && all.length === 0 && { why: say("calls_empty"), command: sample };
  return html`
    <${Panel} title=${say("calls_title")} note=${note} loading=${!view} error=${view ? "" : error} empty=${empty}>
      <div class="scroll" onPointerEnter=${hold} onPointerLeave=${release}>
        <table class="calls">
          <thead><tr>
            <th>${say("time")}</th><th class="spare">${say("app")}</th><th class="spare">${say("project")}</th><th>${say("model")}</th>
            <th class="n spare">${say("in_out")}</th><th class="n spare">${say("out")}</th><th class="n">${say("charge")}</th>
            <th class="n spare">${say("took")}</th><th class="spare">${say("known")}</th><th>${say("status")}</th>
          </tr></thead>
          <tbody>${rows.map((call) => html`
            <${Row} key=${call.call_id} call=${call} lang=${lang} say=${say} open=${opened === call.call_id}
              marked=${marked === call.call_id} toggle=${() => toggle(call.call_id)} />`)}</tbody>
        </table>
        ${wanted && rows.length === 0 && html`<p class="empty">${say("no_match")}</p>`}
      </div>
      <p class="dim hint">${say("keys_help")}</p>
    <//>`;
}

/** @param {{call: import("../types.js").Call, lang: import("../format.js").Lang, say: (key: string) => string, open: boolean, marked: boolean, toggle: () => void}} props */
function Row({ call, lang, say, open, marked, toggle }) {
  const { tokens } = call;
  const prompt = tokens && tokens.input + tokens.cached;
  const output = tokens && tokens.output + tokens.reasoning;
  const guess = call.provenance === "counted" || call.provenance === "provider_partial" ? "≈ " : "";
  const figure = (/** @type {number | undefined} */ n, /** @type {string} */ title) =>
    n === undefined ? "" : call.provenance === "unknown" ? html`<span class="warn" title=${`≈ ${whole(n)}`}>${say("unknown")}</span>`
      : html`<span title=${title}>${guess}${compact(n, lang)}</span>`;
  const status = call.state === "settled" ? call.status ?? "" : call.state;
  return html`
    <tr class=${`row ${marked ? "marked" : ""}`} onClick=${toggle} data-id=${call.call_id}>
      <td title=${call.at}>${clock(call.at)}</td>
      <td class="label spare"><${Label} value=${call.app} /></td>
      <td class="label spare"><${Label} value=${call.project} /></td>
      <td class="model"><button class="link" aria-expanded=${open ? "true" : "false"}>${call.requested_model}</button>
        ${call.offer && html` <span class="dim">→ ${call.offer}${call.offer.includes(call.site ?? "") ? "" : `, ${call.site}`}${call.attempts > 1 ? ` (${call.attempts})` : ""}</span>`}
        ${call.code && html` <span class="dim">${call.code}</span>`}</td>
      <td class="n spare">${figure(prompt, tokens ? `${whole(tokens.input)} ${say("input")}, ${whole(tokens.cached)} ${say("cached")}` : "")}</td>
      <td class="n spare">${figure(output, tokens ? `${whole(tokens.output)} ${say("output")}, ${whole(tokens.reasoning)} ${say("reasoning")}` : "")}</td>
      <td class="n">${call.charge_nano !== undefined && html`<span title=${call.charge_nano === null ? "" : `${exact(call.charge_nano)} ${call.currency}`}>${money(call.charge_nano, say("unknown"), 6)} <span class="dim">${call.charge_nano === null ? "" : call.currency}</span></span>`}</td>
      <td class="n spare">${call.total_ms !== undefined && duration(call.total_ms)}</td>
      <td class="spare">${call.provenance && say(call.provenance)}${call.flagged ? ` · ${say("flagged")}` : ""}</td>
      <td><span class=${`word ${status}`}>${say(status)}</span></td>
    </tr>
    ${open && html`<tr class="story"><td colspan=${COLUMNS}><${Story} id=${call.call_id} state=${call.state} /></td></tr>`}`;
}

/** `/` to the filter, `j` and `k` along the rows, Enter opens, Escape closes. @param {any} page */
function useKeys(page) {
  const now = useRef(page);
  now.current = page;
  useEffect(() => {
    const press = (/** @type {KeyboardEvent} */ event) => {
      const { input, rows, marked, setMarked, toggle, close } = now.current;
      const typing = event.target instanceof HTMLElement && event.target.matches("input, select, textarea");
      if (event.key === "Escape") return typing ? /** @type {HTMLElement} */ (event.target).blur() : close();
      if (typing || event.ctrlKey || event.metaKey || event.altKey) return undefined;
      if (event.key === "/") {
        event.preventDefault();
        return input.current?.focus();
      }
      if (event.key === "Enter" && marked && event.target === document.body) return toggle(marked);
      const step = { j: 1, k: -1 }[event.key];
      if (step === undefined || rows.length === 0) return undefined;
      const place = rows.findIndex((/** @type {any} */ call) => call.call_id === marked);
      const next = rows[Math.max(0, Math.min(rows.length - 1, place + step))];
      setMarked(next.call_id);
      return document.querySelector(`[data-id="${next.call_id}"]`)?.scrollIntoView({ block: "nearest" });
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
}
