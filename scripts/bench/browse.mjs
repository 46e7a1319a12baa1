// Open an address in Chromium, scroll down until all pictures are drawn, stay idle; print CPU seconds and bytes as JSON.
//     node browse.mjs PACKAGES CHROMIUM URL SELECTOR N SETTLE_S

import { createRequire } from "node:module";
import { readdirSync, readFileSync } from "node:fs";
import { spawnSync } from "node:child_process";

const [, , packages, executablePath, url, selector, n, limit] = process.argv;
const { chromium } = createRequire(`${packages}/`)("playwright-core");
const TICKS = Number(spawnSync("getconf", ["CLK_TCK"]).stdout);

// CPU seconds of a process and all below it; those that have ended count with their parents.
function cpuSeconds(root) {
  const parents = new Map();
  const times = new Map();
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
      parents.set(Number(pid), Number(fields[1]));
      times.set(Number(pid), fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS);
    } catch {} // it has ended
  }
  const isBelow = (pid) => pid === root || (parents.has(pid) && parents.get(pid) > 1 && isBelow(parents.get(pid)));
  return [...times.keys()].filter(isBelow).reduce((sum, pid) => sum + times.get(pid), 0);
}

const before = new Set(readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number));
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
const root = readdirSync("/proc")
  .filter((name) => /^\d+$/.test(name) && !before.has(Number(name)))
  .map(Number)
  .find((pid) => {
    try {
      return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ")[1] === String(process.pid);
    } catch {
      return false;
    }
  });
const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
const blank = cpuSeconds(root);
const bytes = { script: 0, other: 0 };
const session = await page.context().newCDPSession(page);
await session.send("Network.enable");
const scripts = new Set();
session.on("Network.responseReceived", ({ requestId, type }) => type === "Script" && scripts.add(requestId));
session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
  bytes[scripts.has(requestId) ? "script" : "other"] += encodedDataLength;
});
const began = Date.now();
await page.goto(url, { waitUntil: "domcontentloaded", timeout: 300_000 });
let drawn = 0;
while ((Date.now() - began) / 1000 < Number(limit)) {
  try {
    drawn = await page.locator(selector).count();
    if (drawn >= Number(n)) break;
    await page.mouse.wheel(0, 700);
    await page.waitForTimeout(250);
    const isAtEnd = await page.evaluate(() => innerHeight + scrollY >= document.documentElement.scrollHeight - 5);
    if (isAtEnd) await page.evaluate(() => scrollTo(0, 0));
  } catch {} // a page that waits for the server reloads itself
}
const cpu_s = cpuSeconds(root) - blank;
const wall_s = (Date.now() - began) / 1000;
const nodes = await page.evaluate(() => document.querySelectorAll("*").length);
await page.waitForTimeout(3000); // what is left to do
const idle = cpuSeconds(root);
await page.waitForTimeout(10_000);
const idle_s = cpuSeconds(root) - idle;
console.log(JSON.stringify({ drawn, cpu_s, wall_s, idle_s, nodes, kb: bytes.other / 1000, script_kb: bytes.script / 1000 }));
await browser.close();
