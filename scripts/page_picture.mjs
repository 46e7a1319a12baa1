// Draw a page of the dashboard into a PNG: page_picture.mjs PACKAGES CHROMIUM URL FILE. Called by pictures.py.
import { createRequire } from "node:module";

const [packages, executablePath, url, file] = process.argv.slice(2);
const { chromium } = createRequire(`${packages}/`)("playwright-core");
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
try {
  const page = await browser.newPage({ viewport: { width: 1120, height: 1180 } });
  await page.goto(url);
  await page.getByText("Computing what matters").first().waitFor({ state: "detached", timeout: 120_000 });
  await page.reload(); // what was computed since is in the page from the start
  await page.waitForSelector("[data-figure] .main-svg", { timeout: 120_000 });
  await page.waitForTimeout(3000); // the other pictures in view
  await page.screenshot({ path: file });
} finally {
  await browser.close();
}
