// A browser that a test drives: one JSON command a line on stdin, one answer a line on stdout.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const folder = process.argv[2]; // where the packages are installed
const require = createRequire(`${folder}/`);
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const browser = await chromium.launch({
  executablePath: process.argv[3],
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});
const problems = []; // errors, violations of the policy, failed requests
const requests = [];
let context = null;
let page = null;

const commands = {
  // Open an address in a new profile.
  async open({ url, script = true, scheme = "light", width = 1200 }) {
    await context?.close();
    context = await browser.newContext({
      javaScriptEnabled: script,
      colorScheme: scheme,
      viewport: { width, height: 900 },
    });
    page = await context.newPage();
    page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("request", (request) => requests.push(request.url()));
    const answer = await page.goto(url);
    return answer.status();
  },
  async goto({ url }) {
    return (await page.goto(url)).status();
  },
  async wait({ selector, state = "attached" }) {
    await page.locator(selector).first().waitFor({ state, timeout: 120_000 });
  },
  async text({ selector }) {
    return page.locator(selector).first().innerText();
  },
  async attribute({ selector, name }) {
    return page.locator(selector).first().getAttribute(name);
  },
  async show({ selector }) {
    await page.locator(selector).first().scrollIntoViewIfNeeded();
  },
  async click({ selector }) {
    await page.locator(selector).first().click();
  },
  async select({ selector, value }) {
    await page.locator(selector).first().selectOption(value);
  },
  async press({ key }) {
    await page.keyboard.press(key);
  },
  async focused() {
    return page.evaluate(() => document.activeElement.outerHTML.slice(0, 200));
  },
  // Zoom into the middle of a picture with the mouse; return the range of its first axis.
  async zoom({ selector }) {
    const box = await page.locator(`${selector} .nsewdrag`).first().boundingBox();
    await page.mouse.move(box.x + box.width / 4, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + (box.width * 3) / 4, box.y + box.height / 2, { steps: 5 });
    await page.mouse.up();
    return commands.range({ selector });
  },
  async range({ selector }) {
    return page.locator(selector).first().evaluate((figure) => [...figure._fullLayout.xaxis.range]);
  },
  async title_of_axis({ selector, axis }) {
    const figure = page.locator(selector).first();
    return figure.evaluate((element, name) => element._fullLayout?.[name]?.title?.text ?? "", `${axis}axis`);
  },
  async title() {
    return page.title();
  },
  async width() {
    return page.evaluate(() => document.documentElement.scrollWidth);
  },
  // What a checker of accessibility objects to. It is injected past the page's policy, which stays in force.
  async axe() {
    await page.evaluate(axe);
    const found = await page.evaluate(() => window.axe.run({ resultTypes: ["violations"] }));
    return found.violations.map((v) => `${v.id}: ${v.nodes.map((node) => node.target.join(" ")).slice(0, 5).join(", ")}`);
  },
  async problems() {
    return { problems, requests };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...rest } = JSON.parse(line);
  let answer;
  try {
    answer = { value: (await commands[command](rest)) ?? null };
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
