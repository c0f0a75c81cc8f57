// A gateway and a simulated provider for the SDK tests: the same call is made to both, and must look the same.
// Not here: any SDK. `*.test.mjs` beside this file hold one SDK each.
// @ts-check

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const BINARY = process.env.TOLLHOUSE_BIN ?? join(ROOT, "target/release/tollhouse");
export const KEY = "th-sdk-tests-0123456789abcdef";
/** A red dot of 1 × 1 pixels. */
export const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";
export const HELLO = "How many tokens passed this gate today?";

/** Starts a command of the binary; resolves with the first group of the first line that matches. */
async function start(args, env, pattern) {
  const child = spawn(BINARY, args, { env: { ...process.env, ...env } });
  let said = "";
  const found = await new Promise((resolve, reject) => {
    const hear = (data) => {
      said += data;
      const match = said.match(pattern);
      if (match) resolve(match[1]);
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.on("exit", (code) => reject(new Error(`it ended with ${code}:\n${said}`)));
    child.on("error", reject);
  });
  return { child, found };
}

function end({ child }) {
  return new Promise((resolve) => {
    child.on("exit", resolve);
    child.kill("SIGTERM");
  });
}

/** Both, with the simulator's truth. */
export async function house() {
  const folder = mkdtempSync(join(tmpdir(), "tollhouse-sdk-"));
  const [truthFile, config, data] = ["truth.ndjson", "tollhouse.toml", "data"].map((name) => join(folder, name));
  const simulate = ["simulate", "--listen", "127.0.0.1:0", "--truth", truthFile];
  const simulator = await start(simulate, {}, /http:\/\/([\d.:]+\d)\s/);
  const template = readFileSync(join(ROOT, "tests/sdk/house.toml"), "utf8");
  writeFileSync(config, template.replaceAll("SIMULATOR", simulator.found));
  const env = { SDK_KEY: KEY, SDK_PROVIDER_KEY: "any-key" };
  const gateway = await start(["serve", "--config", config, "--data", data], env, /gateway: +http:\/\/([\d.:]+)\//);

  /** Every attempt is in the books with exactly the tokens that were served. */
  function checkUsage(atLeast) {
    const args = ["calls", "--data", data, "--format", "json", "--limit", "0"];
    const lines = (text) => text.split("\n").filter(Boolean).map((line) => JSON.parse(line));
    const booked = lines(execFileSync(BINARY, args, { encoding: "utf8", maxBuffer: 1 << 28 }))
      .filter((record) => record.kind !== "refused");
    const served = lines(readFileSync(truthFile, "utf8")).filter((line) => line.event === "ended" && line.attempt_id);
    assert.ok(served.length >= atLeast, `only ${served.length} calls went through the gateway`);
    const byAttempt = (records) =>
      Object.fromEntries(records.map((record) => [record.attempt_id, withoutZeros(record.tokens)]));
    assert.deepEqual(byAttempt(booked), byAttempt(served));
    for (const record of booked) assert.equal(record.provenance, "provider_final");
  }

  return {
    gate: gateway.found,
    direct: simulator.found,
    checkUsage,
    async end() {
      await end(gateway);
      await end(simulator);
      rmSync(folder, { recursive: true });
    },
  };
}

function withoutZeros(tokens) {
  return Object.fromEntries(Object.entries(tokens).filter(([, count]) => count > 0));
}

/**
 * All that an SDK shows of an answer. Two things are taken out: the clock, as the calls are not made at one instant,
 * and OpenAI's `obfuscation`, padding that hides a chunk's length and follows from what else is in the chunk.
 */
export function plain(answer) {
  return JSON.parse(JSON.stringify(answer), (name, value) =>
    name === "created" || name === "obfuscation" ? "taken out" : value,
  );
}

/** The parts of a stream. */
export async function parts(stream) {
  const all = [];
  for await (const part of stream) all.push(part);
  return all;
}

/** What `ask(client)` gives of both clients, which must be the same. */
export async function same(clients, ask) {
  const [gate, direct] = [await ask(clients[0]), await ask(clients[1])];
  assert.deepEqual(plain(gate), plain(direct));
  return gate;
}
