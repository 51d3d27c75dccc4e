// Opens one page as it is printed, from the file system with the network refused, and prints what is on it.
"use strict";
const { PAPER, address, offline, run, settled } = require("./browser.js");
const inpage = require("./inpage.js");

const [, , root, name] = process.argv;

run(async (browser) => {
  const report = { errors: [], requests: [] };
  const page = await offline(browser, report, { viewport: PAPER, colorScheme: "light" });
  await page.goto(address(root, name), { waitUntil: "load" });
  await page.evaluate(settled);
  await page.emulateMedia({ media: "print" });
  await page.evaluate(settled);
  Object.assign(report, await page.evaluate(inpage.drawn), await page.evaluate(inpage.printed));
  report.titles = await page.$$eval("span[id^=document-] + section > :is(h1, h2)", (all) => all.map((each) => each.firstChild.textContent));
  report.complaints = await page.$$eval(".problematic, .system-message, .traceback", (all) => all.map((each) => each.textContent));
  report.explorer = await page.$$eval(".explorer td", (all) => all.map((each) => each.textContent));
  return report;
});
