// @ts-check
// A panel and its five states: loading, empty, error, stale, ok.
import { html, useState } from "../html.js";
import { get, useStore } from "../store.js";
import { speaker } from "../strings.js";

/**
 * @param {{title: string, note?: any, loading?: boolean, error?: string, retry?: () => void, empty?: false | {why: string, command?: string},
 *   stale?: boolean, wide?: boolean, children?: any}} props
 */
export function Panel({ title, note, loading, error, retry, empty, stale, children }) {
  const say = speaker(get().lang);
  const { phase } = useStore();
  const old = stale ?? phase === "stale";
  return html`
    <section class="panel ${old ? "old" : ""}" aria-busy=${loading ? "true" : "false"}>
      <div class="head"><h2>${title}</h2>${note}</div>
      ${error && html`<p class="bad" role="alert">${error} ${retry && html`<button class="quiet" onClick=${retry}>${say("retry")}</button>`}</p>`}
      ${loading && !error
        ? html`<div class="skeleton" role="status" aria-label=${say("loading")}><i></i><i></i><i></i></div>`
        : empty
          ? html`<div class="empty"><p>${empty.why}</p>${empty.command && html`<${Command} text=${empty.command} />`}</div>`
          : children}
    </section>`;
}

/** A command with its copy button. @param {{text: string}} props */
export function Command({ text }) {
  return html`<div class="command"><code>${text}</code><${Copy} text=${text} /></div>`;
}

/** @param {{text: string}} props */
export function Copy({ text }) {
  const say = speaker(get().lang);
  const [done, setDone] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  return html`<button type="button" class="quiet" onClick=${copy}>${say(done ? "copied" : "copy")}</button>`;
}

/** Text in which `backquotes` mark code. @param {{text: string}} props */
export function Marked({ text }) {
  return text.split("`").map((part, place) => (place % 2 ? html`<code>${part}</code>` : part));
}

/** @param {{href?: string, value: string | null | undefined}} props a label, or a dash where none was said */
export function Label({ value }) {
  return value ? value : html`<span class="dim">–</span>`;
}
