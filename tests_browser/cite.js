// Opens a fold "Cite" from the keyboard, copies its texts and sees previews, as a reader would, with the network refused.
"use strict";
const browsing = require("./browser.js");

const DESK = { width: 1300, height: 900 };
const [, , root] = process.argv;
const address = (name) => browsing.address(root, name);
const { AXE, judged } = browsing;
const preview = "#study-preview:not([hidden])";

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

// The box of a preview and that of its link: whether one covers the other.
async function seen(page, link) {
  const box = await page.waitForSelector(`${preview}.placed`, { timeout: 20000 });
  const [one, other] = [await box.boundingBox(), await link.boundingBox()];
  return {
    text: await box.textContent(),
    images: await box.evaluate((each) => [...each.querySelectorAll("img")].map((image) => image.naturalWidth)),
    formulas: await box.evaluate((each) => each.querySelectorAll("mjx-container svg").length),
    stops: await box.evaluate((each) => each.querySelectorAll("a, button, [tabindex]").length),
    described: await link.getAttribute("aria-describedby"),
    covers: one.y < other.y + other.height && other.y < one.y + one.height,
    inside: one.x >= 0 && one.x + one.width <= DESK.width,
  };
}

async function focused(page, selector) {
  const link = page.locator(selector).first();
  await page.keyboard.press("Shift");  // so that focus comes from the keyboard
  await link.focus();
  return seen(page, link);
}

async function previewed(page, report) {
  await page.goto(address("results.html"));
  const links = {
    equation: "a[href$='#equation-eq-ridge-point']",
    figure: "a[href$='#fig-roofline']",
    table: "a[href$='#tab-ridge']",
    proposition: "a[href$='#prop-reordering']",
  };
  report.previews = {};
  for (const [kind, selector] of Object.entries(links)) report.previews[kind] = await focused(page, selector);
  await page.evaluate(AXE);
  report.axePreview = await page.evaluate(judged);
  await page.keyboard.press("Escape");
  report.dismissed = await page.locator(preview).count() === 0;
  report.stillFocused = await page.evaluate(() => document.activeElement.matches("a[href$='#prop-reordering']"));
  await page.goto(address("index.html"));
  report.previews.citation = await focused(page, "article a[href*='references.html#']");
  await page.goto(address("glossary.html"));
  report.previews.term = await focused(page, "dd a[href$='#term-ridge-point']");
  await page.goto(address("experts.html"));
  const symbol = page.locator("article a.symbol").first();
  await symbol.hover();
  report.previews.symbol = await seen(page, symbol);
  await page.mouse.move(5, 5);
  await page.waitForSelector(preview, { state: "detached", timeout: 5000 }).catch(() => 0);
  report.left = await page.locator(preview).count() === 0;
}

// Copying where the browser gives scripts no clipboard.
async function copiedBySelection(browser, report, permissions) {
  const page = await opened(browser, report, { permissions });
  await page.addInitScript(() => Object.defineProperty(navigator, "clipboard", { value: undefined }));
  await page.goto(address("ridge.html"));
  report.copiedBySelection = await copied(page, "eq-ridge-point");
}

async function touched(browser, report) {
  const page = await opened(browser, report, { hasTouch: true, isMobile: true, viewport: browsing.PHONE });
  await page.goto(address("experts.html"));
  await page.locator("article a.symbol").first().dispatchEvent("pointerover", { pointerType: "touch", bubbles: true });
  await page.waitForTimeout(800);
  report.touched = await page.locator(preview).count();
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
  await previewed(await opened(browser, report, { colorScheme: "dark" }), report);
  await touched(browser, report);
  await withoutScript(browser, report);
  return report;
});
