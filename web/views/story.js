// @ts-check
// One call from its opening to its end: each attempt with its reasons, its foresight, its hold and its charge.
import { html, useEffect, useState } from "../html.js";
import { clock, duration, exact, whole } from "../format.js";
import { ask } from "../client.js";
import { useStore } from "../store.js";
import { speaker } from "../strings.js";
import { Copy } from "./panel.js";

/** @param {{id: string, state: string}} props asked for again when the call's state changes */
export function Story({ id, state }) {
  const say = speaker(useStore().lang);
  const [story, setStory] = useState(/** @type {import("../types.js").Story | null} */ (null));
  const [error, setError] = useState("");
  const [tries, setTries] = useState(0);
  useEffect(() => {
    const end = new AbortController();
    ask(`calls/${encodeURIComponent(id)}`, { signal: end.signal })
      .then((answer) => answer.json())
      .then((it) => { setStory(it); setError(""); })
      .catch((it) => { if (!end.signal.aborted) setError(it.message); });
    return () => end.abort();
  }, [id, state, tries]);
  if (error) return html`<p class="bad" role="alert">${error} <button class="quiet" onClick=${() => setTries(tries + 1)}>${say("retry")}</button></p>`;
  if (!story) return html`<div class="skeleton"><i></i><i></i></div>`;
  const who = story.attempts[0] ?? story.refusal ?? {};
  const labels = ["org", "project", "key", "app", "domain", "user"].filter((name) => who[name]);
  return html`
    <div class="whole">
      <p class="dim">${say("call")} <code>${story.call_id}</code> <${Copy} text=${story.call_id} /></p>
      <p><b>${who.requested_model}</b> <span class="dim">${labels.map((name) => `${say(name)} ${who[name]}`).join(", ")}</span></p>
      ${story.attempts.map((attempt) => html`<${Attempt} key=${attempt.attempt_id} it=${attempt} say=${say} />`)}
      ${story.refusal && html`
        <article>
          <h3>${say("refusal")} <span class="word refused">${story.refusal.code}</span></h3>
          <p class="reason">${story.refusal.reason}</p>
        </article>`}
    </div>`;
}

/** @param {{it: any, say: (key: string) => string}} props */
function Attempt({ it, say }) {
  const after = (/** @type {string | null | undefined} */ at) => {
    if (!at) return "–";
    return html`<span title=${at}>${clock(at)} <span class="dim">+${duration(Date.parse(at) - Date.parse(it.opened_at))}</span></span>`;
  };
  const ended = it.kind === "settled";
  const output = ended ? (it.tokens.output ?? 0) + (it.tokens.reasoning ?? 0) : null;
  const tokens = ended ? Object.entries(it.tokens) : [];
  return html`
    <article>
      <h3>${say("attempt")} ${it.attempt}: ${it.offer}
        <span class="dim">${it.provider}, ${it.site} (${it.jurisdiction}), ${it.dialect}</span>
        <span class=${`word ${ended ? it.status : "open"}`}>${say(ended ? it.status : "open")}${it.error_class ? `: ${it.error_class}` : ""}</span></h3>
      <p class="reason"><b>${say("why")}.</b> ${it.route_reason}</p>
      <dl>
        <${Fact} name=${say("opened")}><span title=${it.opened_at}>${clock(it.opened_at)}</span><//>
        <${Fact} name=${say("first_token")}>${after(it.first_token_at)}<//>
        <${Fact} name=${say("ended")}>${after(it.ended_at)}<//>
        <${Fact} name=${say("foresight")}>${it.foresight ? `p50 ${whole(it.foresight.p50)}, p90 ${whole(it.foresight.p90)}, p99 ${whole(it.foresight.p99)}` : "–"}${output !== null && html`<span class="dim">; ${say("was")} ${whole(output)}</span>`}<//>
        <${Fact} name=${say("hold_charge")}>${exact(it.hold_nano)} → ${!ended ? "…" : it.charge_nano === null ? say("unknown") : exact(it.charge_nano)} ${it.currency}<//>
        ${ended && html`
          <${Fact} name=${say("usage")}>${tokens.length ? tokens.map(([kind, n]) => `${kind} ${whole(/** @type {number} */ (n))}`).join(", ") : "0"}
            <span class="dim">; ${say(it.provenance)}${it.recounted_tokens === null ? "" : `, ${say("recounted")} ${whole(it.recounted_tokens)}`}</span><//>
          <${Fact} name=${say("finish")}>${it.finish_reason || "–"} <span class="dim">HTTP ${it.http_status || "–"}${it.served_model ? `, ${it.served_model}` : ""}${it.service_tier ? `, ${it.service_tier}` : ""}</span><//>
          ${it.flags.length > 0 && html`<${Fact} name=${say("flags")}><span class="warn">${it.flags.join(", ")}</span><//>`}
          <${Fact} name=${say("book")}>${it.price_plan} <span class="dim">${it.price_book_version} ${it.rule_ids.join(", ")}</span><//>`}
        ${(it.spent ?? it.held).length > 0 && html`<${Fact} name=${say("budgets_of")}>${(it.spent ?? it.held).map((/** @type {any} */ one) => `${one.budget} ${exact(one.amount_nano)}`).join(", ")}<//>`}
        ${ended && html`<${Fact} name=${say("raw")}>${it.usage_raw === null ? html`<span class="warn">${say("none_sent")}</span>` : html`<pre>${typeof it.usage_raw === "string" ? it.usage_raw : JSON.stringify(it.usage_raw, null, 1)}</pre>`}<//>`}
      </dl>
    </article>`;
}

/** @param {{name: string, children?: any}} props */
function Fact({ name, children }) {
  return html`<div><dt>${name}</dt><dd>${children}</dd></div>`;
}
