// The console in a real browser, over the demo's traffic: in both languages, light and dark, wide and narrow. No error
// in the browser's console, nothing wider than the window, figures that move without a reload.
// With `PICTURES=folder` it keeps a picture of each.
// Not here: the formatting of figures (`web/format.test.js`), the admin API (`crates/console/tests`).
// @ts-check

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const BINARY = process.env.TOLLHOUSE_BIN ?? join(ROOT, "target/release/tollhouse");
// Without these Chromium looks up its maker's hosts at each start.
const QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"];

describe("console", () => {
  let folder, demo, address, browser;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "tollhouse-browser-"));
    const args = ["demo", "--calls", "2000", "--speed", "50", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    demo = spawn(BINARY, args, { cwd: folder });
    address = await new Promise((resolve, reject) => {
      let said = "";
      const hear = (data) => {
        said += data;
        const found = said.match(/console: +(http:\S+)/);
        if (found) resolve(found[1]);
      };
      demo.stderr.on("data", hear);
      demo.stdout.on("data", hear);
      demo.on("exit", (code) => reject(new Error(`the demo ended with ${code}:\n${said}`)));
    });
    browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: QUIET });
  });

  after(async () => {
    await browser?.close();
    demo.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });

  /** A page that has shown its first calls; fails on anything the browser complains of. */
  async function open(lang, options) {
    const page = await browser.newPage(options);
    const complaints = [];
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("requestfailed", (request) => complaints.push(`${request.url()} failed`));
    const [at, token] = address.split("#");
    await page.goto(`${at}?lang=${lang}#${token}`);
    await page.waitForSelector("table.calls tbody tr", { timeout: 20_000 });
    return { page, complaints };
  }

  for (const lang of ["en", "zh"]) {
    for (const colorScheme of ["light", "dark"]) {
      for (const width of [1280, 390]) {
        it(`shows itself: ${lang}, ${colorScheme}, ${width} px`, async () => {
          const { page, complaints } = await open(lang, { colorScheme, viewport: { width, height: 900 } });
          const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          assert.ok(overflow <= 0, `${overflow} px wider than the window`);
          const text = await page.innerText("body");
          assert.match(text, lang === "zh" ? /实时/ : /live/);
          assert.doesNotMatch(text, /undefined|NaN|\[object/);
          assert.ok(!page.url().includes("token"), "the token stays in the address bar");
          assert.deepEqual(complaints, []);
          if (process.env.PICTURES) {
            await page.screenshot({ path: join(process.env.PICTURES, `console-${lang}-${colorScheme}-${width}.png`) });
          }
          await page.close();
        });
      }
    }
  }

  it("moves without a reload", async () => {
    const { page } = await open("en", {});
    const shown = () => page.innerText("main");
    const first = await shown();
    await page.waitForFunction((before) => document.querySelector("main")?.innerText !== before, first);
    await page.close();
  });

  it("asks for the token, and refuses a wrong one", async () => {
    const page = await browser.newPage();
    await page.goto(`${address.split("#")[0]}?lang=en`);
    await page.waitForSelector("input");
    await page.fill("input", "not-the-token");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.body.innerText.includes("not the console's"));
    assert.equal(await page.$("main table"), null);
    await page.close();
  });
});
