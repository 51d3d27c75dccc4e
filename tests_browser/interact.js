// Uses the explorer and the search as a reader would, from the file system with the network refused.
"use strict";
const path = require("path");
const { pathToFileURL } = require("url");
const { chromium } = require("playwright-core");

const [, , root] = process.argv;
const address = (name) => pathToFileURL(path.join(root, name)).href;

const shown = () => ({
  href: location.href,
  summary: document.getElementById("explorer-summary").textContent,
  refused: document.getElementById("explorer-refused").textContent,
  rows: document.querySelectorAll("#explorer-layers tr").length,
  points: document.querySelectorAll("#explorer-roofline circle").length,
  pictures: document.querySelectorAll(".explorer svg[role=img][aria-label]").length,
  B: document.getElementById("explorer-B").getAttribute("aria-valuetext"),
  model: document.getElementById("explorer-model").value,
});

// Milliseconds of one update, layout included: the slowest of a hundred after some to warm up, and the median.
function timed() {
  const times = [];
  for (let i = 0; i < 120; i += 1) {
    const start = performance.now();
    explorer.update({ B: String(100 + i), L: String(1000 + 7 * i) }, false);
    document.body.getBoundingClientRect();
    times.push(performance.now() - start);
  }
  const sorted = times.slice(20).sort((a, b) => a - b);
  return { median: sorted[50], most: sorted[94] };
}

async function main() {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox"] });
  const context = await browser.newContext({ viewport: { width: 1400, height: 1000 } });
  await context.route(/^(https?|wss?):/, (route) => route.abort());
  const page = await context.newPage();
  const report = { errors: [] };
  page.on("pageerror", (error) => report.errors.push(error.message));
  await page.goto(address("explorer.html"));
  report.start = await page.evaluate(shown);
  await page.focus("#explorer-B");
  await page.keyboard.press("ArrowRight");
  report.moved = await page.evaluate(shown);
  await page.keyboard.press("Tab");
  report.focus = await page.evaluate(() => document.activeElement.id);
  await page.selectOption("#explorer-model", "gpt3-175b");
  report.dense = await page.evaluate(shown);
  const other = await context.newPage();
  await other.goto(report.dense.href);
  report.shared = await other.evaluate(shown);
  await other.goto(address("explorer.html") + "#model=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E&B=-3");
  await other.reload();
  report.nonsense = await other.evaluate(shown);
  report.times = await page.evaluate(timed);
  await page.goto(address("search.html") + "?q=ridge");
  await page.waitForSelector("#search-results li", { timeout: 10000 }).catch(() => 0);
  report.found = await page.evaluate(() => document.querySelectorAll("#search-results li").length);
  await browser.close();
  console.log(JSON.stringify(report));
}

main().catch((error) => { console.error(error); process.exit(1); });
