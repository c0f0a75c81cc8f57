// @ts-check
import { html, render } from "./html.js";
import { get, speak } from "./store.js";
import { App } from "./views/app.js";

speak(get().lang);
render(html`<${App} />`, /** @type {HTMLElement} */ (document.getElementById("app")));
