// @ts-check
// The live stream: server-sent events read with fetch, because EventSource cannot send the token's header.
import { ask, Refused } from "./client.js";
import { get, set } from "./store.js";

const CALLS_KEPT = 300;
const STALE_AFTER_MS = 5000;
const RETRY_MS = 2000;

/** Keeps a stream open while there is a token. @returns {() => void} ends it */
export function follow() {
  const end = new AbortController();
  const watch = setInterval(() => {
    if (get().phase === "live" && Date.now() - get().heard > STALE_AFTER_MS) set({ phase: "stale" });
  }, 1000);
  (async () => {
    while (!end.signal.aborted) {
      try {
        await read(end.signal);
      } catch (error) {
        if (end.signal.aborted || (error instanceof Refused && error.status === 401)) return;
        set({ phase: get().view ? "stale" : "connecting", error: /** @type {Error} */ (error).message });
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  })();
  return () => {
    clearInterval(watch);
    end.abort();
  };
}

/** @param {AbortSignal} signal */
async function read(signal) {
  const since = get().view?.cursor;
  const response = await ask(since === undefined ? "live" : `live?since=${since}`, { signal });
  if (!response.body) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const events = text.split("\n\n");
    text = events.pop() ?? "";
    for (const event of events) {
      const data = event.split("\n").filter((line) => line.startsWith("data: ")).map((line) => line.slice(6)).join("\n");
      if (data) take(JSON.parse(data));
    }
  }
}

/** Merges a view: seconds and calls replace those of the same number and id. @param {import("./types.js").LiveView} view */
export function take(view) {
  const old = get();
  const seconds = view.whole ? new Map() : new Map(old.seconds);
  for (const second of view.seconds) seconds.set(second.s, second);
  const horizon = Math.floor(Date.parse(view.now) / 1000) - view.window_s;
  for (const s of seconds.keys()) if (s < horizon) seconds.delete(s);

  let calls = old.calls;
  if (view.whole || view.calls.length > 0) {
    calls = view.whole ? new Map() : new Map(old.calls);
    // Oldest first, so that a map's order is the order of arrival.
    for (const call of [...view.calls].reverse()) calls.set(call.call_id, call);
    for (const id of calls.keys()) {
      if (calls.size <= CALLS_KEPT) break;
      calls.delete(id);
    }
  }
  set({ view, seconds, calls, phase: "live", error: "", heard: Date.now() });
}
