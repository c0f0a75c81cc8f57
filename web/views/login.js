// @ts-check
import { html } from "../html.js";
import { signIn, useStore } from "../store.js";
import { speaker } from "../strings.js";
import { Marked } from "./panel.js";

export function Login() {
  const { lang, refusal } = useStore();
  const say = speaker(lang);
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    const token = String(new FormData(form).get("token") ?? "").trim();
    if (token) signIn(token);
  };
  return html`
    <main class="login">
      <form class="panel" onSubmit=${submit}>
        <label for="token">${say("token_title")}</label>
        <input id="token" name="token" type="password" autocomplete="off" spellcheck="false" autofocus aria-describedby="token-help" />
        ${refusal && html`<p class="bad" role="alert">${say(refusal)}</p>`}
        <p id="token-help" class="dim"><${Marked} text=${say("token_help")} /></p>
        <button class="main">${say("token_open")}</button>
      </form>
    </main>`;
}
