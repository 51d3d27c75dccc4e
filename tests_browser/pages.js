// Opens every page of the built book from the file system, with the network refused, and prints what it found there.
"use strict";
const fs = require("fs");
const path = require("path");
const { pathToFileURL } = require("url");
const { chromium } = require("playwright-core");

const AXE = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const PHONE = { width: 390, height: 844 };
const DESK = { width: 1400, height: 1000 };
const [, , root, given] = process.argv;
const names = JSON.parse(fs.readFileSync(given, "utf8"));

// Runs in the page: what is there once everything has been drawn.
async function drawn() {
  if (window.MathJax && window.MathJax.startup) await window.MathJax.startup.promise;
  await new Promise((resolve) => setTimeout(resolve, 50));
  const formulas = [...document.querySelectorAll("article .math")];
  return {
    formulas: formulas.length,
    rendered: formulas.filter((each) => each.querySelector("mjx-container svg")).length,
    faulty: document.querySelectorAll("mjx-merror, [data-mml-node=merror]").length,
    broken: [...document.images].filter((each) => each.complete && !each.naturalWidth).map((each) => each.src),
    unnamed: [...document.images].filter((each) => !each.hasAttribute("alt")).map((each) => each.src),
    links: [...new Set([...document.querySelectorAll("a[href]")].map((each) => each.href))],
    ids: [...document.querySelectorAll("[id]")].map((each) => each.id),
  };
}

// Runs in the page: formulas drawn and colours at rest, which fade where the colour mode has just been set.
async function settled() {
  if (window.MathJax && window.MathJax.startup) await window.MathJax.startup.promise;
  const style = document.createElement("style");
  style.textContent = "*, *::before, *::after { transition: none !important; animation: none !important; }";
  document.head.append(style);
  await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
}

// Runs in the page: what axe-core finds serious or critical, with the first few places.
async function judged() {
  const found = await window.axe.run(document, { resultTypes: ["violations"] });
  return found.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, impact, nodes }) => ({ id, impact, places: nodes.slice(0, 20).map((node) => node.target.join(" ")), html: nodes[0].html }));
}

async function visited(browser, name) {
  const report = { name, errors: [], requests: [], axe: {} };
  for (const colorScheme of ["light", "dark"]) {
    const context = await browser.newContext({ viewport: DESK, colorScheme });
    const page = await context.newPage();
    page.on("pageerror", (error) => report.errors.push(error.message));
    page.on("request", (request) => { if (!/^(file|data|blob):/.test(request.url())) report.requests.push(request.url()); });
    await page.route(/^(https?|wss?):/, (route) => route.abort());
    await page.goto(pathToFileURL(path.join(root, name)).href, { waitUntil: "load" });
    if (colorScheme === "light") Object.assign(report, await page.evaluate(drawn));
    await page.evaluate(settled);
    await page.evaluate(AXE);
    report.axe[colorScheme] = await page.evaluate(judged);
    if (colorScheme === "light") {
      await page.setViewportSize(PHONE);
      report.overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    }
    await context.close();
  }
  return report;
}

async function main() {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox"] });
  const reports = [];
  for (const name of names) reports.push(await visited(browser, name));
  await browser.close();
  console.log(JSON.stringify(reports));
}

main().catch((error) => { console.error(error); process.exit(1); });
