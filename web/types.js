// @ts-check
// Shapes of the admin API as the page reads them (docs/admin-api.md). Types only: nothing here runs.

/**
 * @typedef {Record<string, string>} Money amounts of 10^-9 by currency, decimal text
 * @typedef {{input: number, cached: number, cache_write: number, output: number, reasoning: number}} Groups
 * @typedef {{s: number, opened: number, settled: number, errors: number, refused: number, tokens: Groups, charge_nano: Money}} Second
 * @typedef {{calls: number, attempts: number, in_flight: number, refused: number, errors: number, unpriced: number,
 *   flagged: number, tokens: Record<string, number>, charge_nano: Money, provenance: Record<string, number>}} Totals
 * @typedef {{provider: string, in_flight: number, ok: number, errors: number, recent: number, recent_errors: number,
 *   first_token_p50_ms: number | null, first_token_p95_ms: number | null, total_p50_ms: number | null,
 *   last_error: {at: string, class: string, http_status: number} | null}} Provider
 * @typedef {{call_id: string, at: string, state: "open" | "settled" | "refused", project: string, app: string,
 *   domain: string, requested_model: string, attempts: number, offer?: string, provider?: string, model?: string,
 *   site?: string, streamed?: boolean, currency?: string, hold_nano?: string, status?: string, provenance?: string,
 *   tokens?: {input: number, cached: number, output: number, reasoning: number}, charge_nano?: string | null,
 *   first_token_ms?: number | null, total_ms?: number, flagged?: boolean, code: string | null}} Call
 * @typedef {{cursor: number, now: string, since: string | null, whole: boolean, window_s: number, seconds: Second[],
 *   totals: Totals, providers: Provider[], calls: Call[], calls_left_out: number}} LiveView
 * @typedef {{id: string, scope: Record<string, string>, window: string, mode: string, hold: string, zone: string,
 *   currency: string, limit_nano: string, spent_nano: string, held_nano: string, resets_at: string | null,
 *   source: string}} Budget
 * @typedef {{id: string, org: string, project: string, app: string, domain: string, hint: string, models: string[],
 *   limits: {rpm: number | null, tpm: number | null, concurrency: number | null}, state: string,
 *   created_at: string | null, expires_at: string | null, source: string, secret?: string}} Key
 * @typedef {{provider: string, circuit: string, offers: number, enabled: number, retry_at: string | null}} Circuit
 * @typedef {{call_id: string, state: string, attempts: any[], refusal: any}} Story
 */
export {};
