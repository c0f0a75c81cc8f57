// node --test web/
import assert from "node:assert/strict";
import { test } from "node:test";

import { about, compact, duration, exact, money, percent, share, whole } from "./format.js";

test("counts keep three figures, in the language's units", () => {
  for (const [n, en, zh] of [
    [0, "0", "0"],
    [9_999, "9,999", "9,999"],
    [12_345, "12.3 K", "1.23 万"],
    [999_999, "1 M", "100 万"],
    [1_620_000, "1.62 M", "162 万"],
    [2_300_000_000, "2.3 B", "23 亿"],
    [140_000_000_000_000n, "140 T", "140 万亿"],
    [99_999_999, "100 M", "1 亿"],
    [-1_620_000, "-1.62 M", "-162 万"],
  ]) {
    assert.equal(compact(n, "en"), en);
    assert.equal(compact(n, "zh"), zh);
  }
});

test("money is exact beyond what a float holds", () => {
  // 2^53 + 1 nano: a float would drop the last digit.
  assert.equal(exact("9007199254740993"), "9,007,199.254740993");
  assert.equal(exact("-1"), "-0.000000001");
  assert.equal(exact("1500000000"), "1.5");
  assert.equal(exact("280000000000000000000000000"), "280,000,000,000,000,000");
});

test("a small charge is never shown as nothing, an unknown one never as a number", () => {
  for (const [nano, shown] of [
    ["0", "0.00"],
    ["1", "0.000000001"],
    ["123000", "0.000123"],
    ["1266560", "0.001267"],
    ["10000000", "0.0100"],
    ["123456789", "0.1235"],
    ["1005000000", "1.01"],
    ["1234567890000000", "1,234,567.89"],
    ["-2500000000", "-2.50"],
  ]) assert.equal(money(nano), shown);
  assert.equal(money(null), "unknown");
  assert.equal(money(undefined, "未知"), "未知");
});

test("a column keeps its points in line, a rate its three figures", () => {
  assert.equal(money("1500000000", "", 6), "1.500000");
  assert.equal(money("0", "", 6), "0.000000");
  for (const [nano, shown] of [["3939422", "0.00394"], ["0", "0"], ["7", "0.000000007"], ["1234567890123", "1,230"], ["999600000", "1"]])
    assert.equal(about(nano), shown);
});

test("parts of a whole", () => {
  assert.equal(percent(1, 8), "12.5 %");
  assert.equal(percent(1, 3), "33.3 %");
  assert.equal(percent(0, 0), "–");
  assert.equal(share("1", "3"), 33.33);
  assert.equal(share("5", "0"), 0);
  assert.equal(share("7", "5"), 100);
});

test("whole numbers and times", () => {
  assert.equal(whole("-1234567"), "-1,234,567");
  for (const [ms, shown] of [[0, "0 ms"], [999, "999 ms"], [1250, "1.25 s"], [12_345, "12.3 s"], [125_000, "2 min 5 s"], [null, "–"]])
    assert.equal(duration(ms), shown);
});
