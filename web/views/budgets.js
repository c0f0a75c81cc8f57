// @ts-check
import { html } from "../html.js";
import { exact, money, moment, percent, share } from "../format.js";
import { loadBudgets } from "../client.js";
import { useStore } from "../store.js";
import { speaker } from "../strings.js";
import { Panel } from "./panel.js";

export function Budgets() {
  const { lang, budgets } = useStore();
  const say = speaker(lang);
  const list = budgets.data ?? [];
  const empty = budgets.data?.length === 0 && { why: say("budgets_empty"), command: 'tollhouse key create --project P --budget "100 CNY/month"' };
  return html`
    <${Panel} title=${say("budgets")} loading=${budgets.data === null} error=${budgets.state === "error" ? budgets.error : ""} retry=${loadBudgets}
      stale=${budgets.state === "error" ? true : undefined} empty=${empty}>
      <ul class="budgets">${[...list].sort(fullest).map((budget) => html`<${Budget} key=${budget.id} it=${budget} say=${say} />`)}</ul>
    <//>`;
}

/** The fullest first: it is the one that will refuse. @param {import("../types.js").Budget} a @param {import("../types.js").Budget} b */
function fullest(a, b) {
  return used(b) - used(a) || a.id.localeCompare(b.id);
}

/** @param {import("../types.js").Budget} it */
function used(it) {
  return share(BigInt(it.spent_nano) + BigInt(it.held_nano), it.limit_nano);
}

/** @param {{it: import("../types.js").Budget, say: (key: string) => string}} props */
function Budget({ it, say }) {
  const scope = Object.entries(it.scope).map(([name, value]) => `${say(name)} ${value}`).join(", ") || say("everything");
  const left = BigInt(it.limit_nano) - BigInt(it.spent_nano) - BigInt(it.held_nano);
  const amount = (/** @type {string} */ nano) => html`<span title=${`${exact(nano)} ${it.currency}`}>${money(nano)}</span>`;
  const full = used(it);
  return html`
    <li>
      <div class="line"><b>${it.id}</b> <span class="dim">${scope} · ${say(it.window)} · ${say(it.mode)}</span>
        <span class="grow"></span><span class="n">${amount(it.limit_nano)} ${it.currency}</span></div>
      <div class=${`meter ${full >= 90 ? "full" : ""}`} role="img"
        aria-label=${`${say("spent")} ${percent(it.spent_nano === "0" ? 0n : BigInt(it.spent_nano), BigInt(it.limit_nano))}, ${say("held")} ${percent(BigInt(it.held_nano), BigInt(it.limit_nano))}`}>
        <i class="spent" style=${{ width: `${share(it.spent_nano, it.limit_nano)}%` }}></i><i class="held" style=${{ width: `${share(it.held_nano, it.limit_nano)}%` }}></i>
      </div>
      <div class="line small"><span>${say("spent")} ${amount(it.spent_nano)}</span><span>${say("held")} ${amount(it.held_nano)}</span>
        <span>${say("left")} ${amount(String(left))}</span><span class="grow"></span>
        <span class="dim">${it.resets_at ? html`<span title=${it.resets_at}>${say("resets")} ${moment(it.resets_at)}</span>` : say("never")}</span></div>
    </li>`;
}
