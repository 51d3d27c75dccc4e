// What the scripts of this folder share: a browser without a network, addresses of the built pages, two pages at a time.
"use strict";
const fs = require("fs");
const path = require("path");
const { pathToFileURL } = require("url");
const { chromium } = require("playwright-core");

const QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];

exports.AXE = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
exports.PHONE = { width: 390, height: 844 };
exports.SCREEN = { width: 1400, height: 900 };
exports.DESK = { width: 1400, height: 1000 };
exports.PAPER = { width: 680, height: 1000 };  // A4 within its margins, in CSS pixels

exports.address = (root, name) => pathToFileURL(path.join(root, name)).href;

// Calls `work(browser)`, closes the browser whatever happens, and prints what `work` returned.
exports.run = async function (work) {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: QUIET });
  try {
    console.log(JSON.stringify(await work(browser)));
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  } finally {
    await browser.close();
  }
};

// A page in a context of its own; requests to a network and errors of scripts go to `report`.
exports.offline = async function (browser, report, options) {
  const context = await browser.newContext({ viewport: exports.DESK, ...options });
  await context.route(/^(https?|wss?):/, (route) => route.abort());
  const page = await context.newPage();
  page.on("pageerror", (error) => report.errors.push(error.message));
  page.on("request", (request) => { if (!/^(file|data|blob):/.test(request.url())) report.requests.push(request.url()); });
  return page;
};

// Results of `visit` for every name, two at a time.
exports.each = async function (names, visit, workers = 2) {
  const results = [];
  const waiting = [...names.entries()];
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) results[next[0]] = await visit(next[1]);
  };
  await Promise.all(Array.from({ length: workers }, worker));
  return results;
};

// Runs in the page: formulas drawn and colours at rest, which fade where the colour mode has just been set.
exports.settled = async function () {
  if (window.MathJax && window.MathJax.startup) await window.MathJax.startup.promise;
  if (!document.getElementById("still")) {
    const style = Object.assign(document.createElement("style"), { id: "still" });
    style.textContent = "*, *::before, *::after { transition: none !important; animation: none !important; }";
    document.head.append(style);
  }
  await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
};

// Runs in the page: what axe-core finds serious or critical, with the first few places.
exports.judged = async function () {
  const found = await window.axe.run(document, { resultTypes: ["violations"] });
  return found.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, impact, nodes }) => ({ id, impact, places: nodes.slice(0, 20).map((node) => node.target.join(" ")), html: nodes[0].html }));
};
