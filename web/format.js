// @ts-check
// Figures as text. Money and tokens are whole numbers: BigInt in, text out, never a float between.
// Languages differ in their units (K, M, B / 万, 亿), not only in words.

/** @typedef {"en" | "zh"} Lang */

const UNIT = 1_000_000_000n;

/** @type {Record<Lang, [bigint, string][]>} */
const SCALES = {
  en: [[1_000n, "K"], [1_000_000n, "M"], [1_000_000_000n, "B"], [1_000_000_000_000n, "T"]],
  zh: [[10_000n, "万"], [100_000_000n, "亿"], [1_000_000_000_000n, "万亿"]],
};

/** Digits in groups of three. @param {string} digits */
function grouped(digits) {
  return digits.replace(/\B(?=(\d{3})+$)/g, ",");
}

/** A quotient, rounded half away from zero. @param {bigint} n @param {bigint} by */
function rounded(n, by) {
  const size = n < 0n ? -n : n;
  const quotient = (size + by / 2n) / by;
  return n < 0n ? -quotient : quotient;
}

/** `12345678` is `12,345,678`. @param {bigint | number | string} n */
export function whole(n) {
  const text = BigInt(n).toString();
  return text.startsWith("-") ? `-${grouped(text.slice(1))}` : grouped(text);
}

/**
 * Three figures and a unit: `1.62 M`, `162 万`. Below ten thousand, all of it.
 * @param {bigint | number} n @param {Lang} lang
 */
export function compact(n, lang) {
  const value = BigInt(typeof n === "number" ? Math.round(n) : n);
  const size = value < 0n ? -value : value;
  if (size < 10_000n) return whole(value);
  const scales = SCALES[lang];
  for (let place = scales.length - 1; place >= 0; place--) {
    const [unit, name] = scales[place];
    const decimals = Math.max(0, 3 - (size / unit).toString().length);
    const tenths = rounded(size * 10n ** BigInt(decimals), unit);
    // What rounds up to one of a unit is written in it: 999,999 is `1 M`.
    if (size < unit && tenths < 10n ** BigInt(decimals)) continue;
    return `${value < 0n ? "-" : ""}${decimal(tenths, decimals)} ${name}`;
  }
  return whole(value);
}

/** A whole number of 10^-decimals, without trailing zeros. @param {bigint} n @param {number} decimals */
function decimal(n, decimals) {
  const digits = n.toString().padStart(decimals + 1, "0");
  const point = digits.length - decimals;
  const fraction = digits.slice(point).replace(/0+$/, "");
  return grouped(digits.slice(0, point)) + (fraction ? `.${fraction}` : "");
}

/** All decimals of an amount of 10^-9 units. @param {string} nano decimal text */
export function exact(nano) {
  const value = BigInt(nano);
  return (value < 0n ? "-" : "") + decimal(value < 0n ? -value : value, 9);
}

/**
 * An amount for reading: two places from one unit on, four from a cent on, six from a millionth on, else all nine,
 * so that a small charge is never shown as nothing. The exact amount belongs into the title beside it.
 * @param {string | null | undefined} nano decimal text of 10^-9 units @param {string} unknown
 * @param {number} least places, so that a column's points stand under each other
 */
export function money(nano, unknown = "unknown", least = 2) {
  if (nano === null || nano === undefined) return unknown;
  const value = BigInt(nano);
  const size = value < 0n ? -value : value;
  const needed = size === 0n || size >= UNIT ? 2 : size >= UNIT / 100n ? 4 : size >= 1000n ? 6 : 9;
  const places = Math.max(needed, least);
  const scaled = rounded(size, 10n ** BigInt(9 - places));
  const digits = scaled.toString().padStart(places + 1, "0");
  const fraction = digits.slice(-places);
  return `${value < 0n ? "-" : ""}${grouped(digits.slice(0, -places))}.${fraction}`;
}

/** An amount in three figures, for a rate: `0.00394`. @param {string} nano decimal text of 10^-9 units */
export function about(nano) {
  const value = BigInt(nano);
  const size = value < 0n ? -value : value;
  const drop = 10n ** BigInt(Math.max(0, size.toString().length - 3));
  return exact(String(rounded(value, drop) * drop));
}

/** Parts of a whole in tenths of a percent: `12.3 %`; nothing of nothing is `–`. @param {bigint | number} part @param {bigint | number} all */
export function percent(part, all) {
  if (BigInt(all) === 0n) return "–";
  const permille = rounded(BigInt(part) * 1000n, BigInt(all));
  return `${decimal(permille, 1)} %`;
}

/** A part of a whole as a number from 0 to 100, for a bar's width. @param {string | bigint} part @param {string | bigint} all */
export function share(part, all) {
  const total = BigInt(all);
  if (total <= 0n) return 0;
  const permyriad = (BigInt(part) * 10_000n) / total;
  return Math.min(100, Math.max(0, Number(permyriad) / 100));
}

/** Milliseconds: `340 ms`, `1.25 s`, `2 min 5 s`. @param {number | null | undefined} ms */
export function duration(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** The time of day where the reader is: `16:00:05`. @param {string} instant RFC 3339 */
export function clock(instant) {
  const at = new Date(instant);
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map((n) => String(n).padStart(2, "0")).join(":");
}

/** Day and time where the reader is: `11-24 16:00`. @param {string} instant RFC 3339 */
export function moment(instant) {
  const at = new Date(instant);
  const [month, day] = [at.getMonth() + 1, at.getDate()].map((n) => String(n).padStart(2, "0"));
  return `${month}-${day} ${clock(instant).slice(0, 5)}`;
}
