// Types words into the book's search, from the file system with the network refused; prints the pages that it lists.
"use strict";
const fs = require("fs");
const { address, offline, run } = require("./browser.js");

const [, , root, given] = process.argv;

run(async (browser) => {
  const report = { errors: [], requests: [], found: {} };
  const page = await offline(browser, report);
  page.on("console", (message) => { if (message.type() === "error") report.errors.push(message.text()); });
  for (const words of JSON.parse(fs.readFileSync(given, "utf8"))) {
    await page.goto(`${address(root, "search.html")}?q=${encodeURIComponent(words)}`, { waitUntil: "load" });
    await page.waitForFunction(() => /found/.test(document.querySelector(".search-summary")?.textContent || ""));
    const links = await page.$$eval("#search-results ul.search li a", (all) => all.map((link) => link.getAttribute("href")));
    report.found[words] = links.map((link) => link.split(/[?#]/)[0]);
  }
  return report;
});
