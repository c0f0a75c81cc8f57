// @ts-check
import { html, useEffect, useState } from "../html.js";
import { moment, whole } from "../format.js";
import { ask, loadKeys } from "../client.js";
import { useStore } from "../store.js";
import { speaker } from "../strings.js";
import { Command, Label, Panel } from "./panel.js";

export function Keys() {
  const { lang, keys } = useStore();
  const say = speaker(lang);
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState(/** @type {import("../types.js").Key | null} */ (null));
  const [error, setError] = useState("");
  const list = keys.data ?? [];
  const revoke = async (/** @type {string} */ id) => {
    try {
      await ask(`keys/${encodeURIComponent(id)}`, { method: "DELETE" });
      setError("");
    } catch (it) {
      setError(/** @type {Error} */ (it).message);
    }
    await loadKeys();
  };
  const note = html`<button class="quiet" aria-expanded=${making ? "true" : "false"} onClick=${() => setMaking(!making)}>${say("create")}</button>`;
  return html`
    <${Panel} title=${say("keys")} note=${note} loading=${keys.data === null} error=${error || (keys.state === "error" ? keys.error : "")} retry=${loadKeys}
      stale=${keys.state === "error" ? true : undefined}>
      ${making && html`<${Create} say=${say} done=${(/** @type {import("../types.js").Key} */ key) => { setMade(key); setMaking(false); loadKeys(); }} />`}
      ${made && html`<div class="once" role="status"><p>${say("secret_once")} <b>${made.id}</b></p><${Command} text=${made.secret} />
        <button class="quiet" onClick=${() => setMade(null)}>${say("done")}</button></div>`}
      ${list.length === 0
        ? html`<div class="empty"><p>${say("keys_empty")}</p><${Command} text="tollhouse key create --project P" /></div>`
        : html`<div class="scroll" tabindex="0" role="group" aria-label=${say("keys")}><table>
          <thead><tr><th>${say("key")}</th><th>${say("project")}</th><th>${say("app")}</th><th>${say("domain")}</th><th>${say("limits")}</th><th>${say("created")}</th><th>${say("status")}</th><th></th></tr></thead>
          <tbody>${list.map((key) => html`<${Row} key=${key.id} it=${key} say=${say} revoke=${() => revoke(key.id)} />`)}</tbody>
        </table></div>`}
    <//>`;
}

/** @param {{it: import("../types.js").Key, say: (key: string) => string, revoke: () => void}} props */
function Row({ it, say, revoke }) {
  const [sure, setSure] = useState(false);
  const limits = Object.entries(it.limits).filter(([, n]) => n !== null).map(([name, n]) => `${name} ${whole(/** @type {number} */ (n))}`).join(", ");
  return html`
    <tr class=${it.state === "active" ? "" : "gone"}>
      <td><b>${it.id}</b> ${it.hint && html`<span class="dim">…${it.hint}</span>`}</td>
      <td>${it.project}</td>
      <td><${Label} value=${it.app} /></td>
      <td><${Label} value=${it.domain} /></td>
      <td><${Label} value=${limits} /></td>
      <td>${it.created_at ? html`<span title=${it.created_at}>${moment(it.created_at)}</span>` : it.source}</td>
      <td><span class=${`word ${it.state}`}>${say(it.state)}</span></td>
      <td class="n">${it.state === "active" && html`
        <button class=${sure ? "danger" : "quiet"} onBlur=${() => setSure(false)} onClick=${() => (sure ? revoke() : setSure(true))}>${say(sure ? "revoke_sure" : "revoke")}</button>`}</td>
    </tr>`;
}

/** @param {{say: (key: string) => string, done: (key: import("../types.js").Key) => void}} props */
function Create({ say, done }) {
  const [projects, setProjects] = useState(/** @type {{id: string, org: string}[]} */ ([]));
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    ask("projects").then((answer) => answer.json()).then((it) => setProjects(it.projects)).catch((it) => setError(it.message));
  }, []);
  const submit = async (/** @type {any} */ event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    const text = (/** @type {string} */ name) => String(form.get(name) ?? "").trim();
    setBusy(true);
    try {
      const body = { project: text("project"), app: text("app"), domain: text("domain"), ...(text("budget") ? { budget: text("budget") } : {}) };
      done(await (await ask("keys", { method: "POST", body })).json());
    } catch (it) {
      setError(/** @type {Error} */ (it).message);
    }
    setBusy(false);
  };
  return html`
    <form class="create" onSubmit=${submit}>
      <label>${say("project")} <select name="project" required>${projects.map((it) => html`<option value=${it.id}>${it.org} / ${it.id}</option>`)}</select></label>
      <label>${say("app")} <input name="app" autocomplete="off" /></label>
      <label>${say("domain")} <input name="domain" list="domains" autocomplete="off" /></label>
      <datalist id="domains"><option value="finance" /><option value="healthcare" /><option value="industrial" /></datalist>
      <label>${say("budget_opt")} <input name="budget" autocomplete="off" /></label>
      <button class="main" disabled=${busy}>${say("create")}</button>
      ${error && html`<p class="bad" role="alert">${error}</p>`}
    </form>`;
}
