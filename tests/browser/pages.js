// Opens every page of the built book from the file system, with the network refused, and prints what it found there.
"use strict";
const fs = require("fs");
const { AXE, DESK, PAPER, PHONE, SCREEN, address, each, judged, offline, run, settled } = require("./browser.js");
const inpage = require("./inpage.js");

const ENOUGH = 1500;  // milliseconds; a page that paints later while two are open gets a machine of its own, twice
const RESIZED = 500;  // milliseconds after which the theme has let the keyboard reach what now scrolls
const [, , root, given] = process.argv;

async function visited(browser, name) {
  const report = { name, errors: [], requests: [], axe: {}, printed: {} };
  const page = await offline(browser, report, { colorScheme: "light" });
  await page.goto(address(root, name), { waitUntil: "load" });
  await page.evaluate(settled);
  report.paint = await page.evaluate(inpage.largestPaint);
  Object.assign(report, await page.evaluate(inpage.drawn));
  await page.evaluate(AXE);
  report.axe.light = await page.evaluate(judged);
  await page.setViewportSize(SCREEN);
  report.figures = { screen: await page.evaluate(inpage.figures) };
  await page.setViewportSize(PHONE);
  await page.waitForTimeout(RESIZED);
  report.figures.phone = await page.evaluate(inpage.figures);
  report.overflow = await page.evaluate(inpage.overflow);
  report.axe.phone = await page.evaluate(judged);
  await page.setViewportSize(DESK);
  await page.emulateMedia({ colorScheme: "dark" });
  await page.evaluate(settled);
  report.axe.dark = await page.evaluate(judged);
  await page.setViewportSize(PAPER);
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ media: "screen", colorScheme });
    await page.evaluate(settled);  // a reader looks at the page before printing it
    await page.emulateMedia({ media: "print", colorScheme });
    await page.evaluate(settled);
    report.printed[colorScheme] = await page.evaluate(inpage.printed);
  }
  await page.context().close();
  return report;
}

async function paint(browser, name) {
  const page = await offline(browser, { errors: [], requests: [] });
  await page.goto(address(root, name), { waitUntil: "load" });
  await page.evaluate(settled);
  const found = await page.evaluate(inpage.largestPaint);
  await page.context().close();
  return found;
}

run(async (browser) => {
  const names = JSON.parse(fs.readFileSync(given, "utf8"));
  const reports = await each(names, (name) => visited(browser, name));
  for (const report of reports) {
    for (let i = 0; i < 2 && report.paint > ENOUGH; i += 1) report.paint = Math.min(report.paint, await paint(browser, report.name));
  }
  return reports;
});
