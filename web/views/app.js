// @ts-check
import { html, useEffect } from "../html.js";
import { loadBudgets, loadCircuits, loadKeys } from "../client.js";
import { follow } from "../live.js";
import { useStore } from "../store.js";
import { Budgets } from "./budgets.js";
import { Calls } from "./calls.js";
import { Charts } from "./charts.js";
import { Figures } from "./figures.js";
import { Header } from "./header.js";
import { Keys } from "./keys.js";
import { Login } from "./login.js";
import { Providers } from "./providers.js";

const REFRESH_MS = 2000;

export function App() {
  const { token } = useStore();
  useEffect(() => {
    if (!token) return undefined;
    const unfollow = follow();
    const refresh = () => {
      if (document.hidden) return;
      loadBudgets();
      loadCircuits();
    };
    refresh();
    loadKeys();
    const timer = setInterval(refresh, REFRESH_MS);
    return () => {
      clearInterval(timer);
      unfollow();
    };
  }, [token]);

  if (!token) return html`<${Header} /><${Login} />`;
  return html`
    <${Header} />
    <main>
      <${Figures} />
      <${Charts} />
      <${Calls} />
      <div class="pair tilt"><${Budgets} /><${Providers} /></div>
      <${Keys} />
    </main>`;
}
