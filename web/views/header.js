// @ts-check
import { html, useEffect, useState } from "../html.js";
import { signOut, speak, useStore } from "../store.js";
import { speaker } from "../strings.js";

export function Header() {
  const { lang, token, phase, heard, error } = useStore();
  const say = speaker(lang);
  return html`
    <header class="bar">
      <img src="/assets/mark.svg" alt="" width="26" height="26" />
      <h1>Tollhouse</h1>
      ${token && html`<${Phase} phase=${phase} heard=${heard} error=${error} say=${say} />`}
      <span class="grow"></span>
      <button class="quiet" lang=${lang === "zh" ? "en" : "zh-CN"} onClick=${() => speak(lang === "zh" ? "en" : "zh")}>${say("language")}</button>
      ${token && html`<button class="quiet" onClick=${() => signOut("")}>${say("sign_out")}</button>`}
    </header>`;
}

/** @param {{phase: string, heard: number, error: string, say: (key: string) => string}} props */
function Phase({ phase, heard, error, say }) {
  const [, tick] = useState(0);
  useEffect(() => {
    if (phase !== "stale") return undefined;
    const timer = setInterval(() => tick((/** @type {number} */ n) => n + 1), 1000);
    return () => clearInterval(timer);
  }, [phase]);
  const text = phase === "stale" ? `${say("stale")} ${Math.floor((Date.now() - heard) / 1000)} s` : say(phase);
  return html`<span class="phase ${phase}" role="status" title=${error}><i aria-hidden="true"></i>${text}</span>`;
}
