// Opens a fold "Cite" from the keyboard, copies its texts, as a reader would, with the network refused.
"use strict";
const browsing = require("./browser.js");

const DESK = { width: 1300, height: 900 };
const [, , root] = process.argv;
const address = (name) => browsing.address(root, name);
const { AXE, judged } = browsing;

// What copying gave, pasted into a field from the keyboard.
async function pasted(page) {
  await page.evaluate(() => {
    const area = document.createElement("textarea");
    area.id = "pasted";
    document.body.prepend(area);
    area.focus({ preventScroll: true });
  });
  await page.keyboard.press("Control+V");
  return page.evaluate(() => {
    const area = document.getElementById("pasted");
    area.remove();
    return area.value;
  });
}

const opened = (browser, report, options) => browsing.offline(browser, report, { viewport: DESK, ...options });

// Opens the fold of a label from the keyboard, and presses each of its copy buttons.
async function copied(page, label) {
  const texts = {};
  await page.locator(`details.cite[data-label=${label}] > summary`).focus();
  await page.keyboard.press("Enter");
  await page.waitForSelector("details.cite[open] .cite-copy");
  for (let i = 0; i < 12; i += 1) {
    await page.keyboard.press("Tab");
    const active = await page.evaluateHandle(() => document.activeElement);
    if (!await active.evaluate((each) => each.matches(".cite-copy"))) continue;
    const name = await active.textContent();
    await page.keyboard.press("Enter");
    await page.waitForFunction((each) => each.textContent === "Copied", active);
    texts[name] = await pasted(page);
    await active.focus();
  }
  return texts;
}

async function folded(page, report) {
  await page.goto(address("ridge.html"));
  await page.evaluate(() => window.MathJax.startup.promise);
  report.buttonsBefore = await page.locator(".cite-copy").count();
  report.copied = await copied(page, "eq-ridge-point");
  report.open = await page.evaluate(() => document.querySelector("details.cite[open]").dataset.label);
  report.said = await page.textContent("details.cite[open] .cite-said");
  await page.evaluate(AXE);
  report.axeOpen = await page.evaluate(judged);
  await page.emulateMedia({ colorScheme: "dark" });
  await page.reload();
  await copied(page, "tab-ridge");
  await page.evaluate(AXE);
  report.axeOpenDark = await page.evaluate(judged);
  await page.emulateMedia({ media: "print" });
  report.printed = await page.locator("details.cite:visible").count();
}

// Copying where the browser gives scripts no clipboard.
async function copiedBySelection(browser, report, permissions) {
  const page = await opened(browser, report, { permissions });
  await page.addInitScript(() => Object.defineProperty(navigator, "clipboard", { value: undefined }));
  await page.goto(address("ridge.html"));
  report.copiedBySelection = await copied(page, "eq-ridge-point");
}

async function withoutScript(browser, report) {
  const page = await opened(browser, report, { javaScriptEnabled: false });
  await page.goto(address("ridge.html"));
  await page.click("details.cite[data-label=eq-ridge-point] > summary");
  report.withoutScript = await page.textContent("details.cite[data-label=eq-ridge-point]");
}

browsing.run(async (browser) => {
  const report = { errors: [], requests: [] };
  const permissions = ["clipboard-read", "clipboard-write"];
  await folded(await opened(browser, report, { permissions }), report);
  await copiedBySelection(browser, report, permissions);
  await withoutScript(browser, report);
  return report;
});
