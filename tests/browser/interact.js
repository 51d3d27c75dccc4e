// Uses the explorer and the search as a reader would, from the file system with the network refused.
"use strict";
const { AXE, DESK, PHONE, address, judged, offline, run, settled } = require("./browser.js");
const { overflow } = require("./inpage.js");

const STATES = {  // that look different: nothing fits, nothing to choose, a refusal, prefill
  two: "#second.model=gpt3-175b",
  "nothing fits": "#model=gpt3-175b&B=1048576&L=1048576&deg_DP=1&slo=0.001",
  dense: "#model=gpt3-175b&accelerator=v100-sxm2-16gb&phase=prefill",
  refused: "#model=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E&B=-3",
};
const PRINTED = ["deepseek-v3", "deepseek-v3.2", "deepseek-v4-flash", "qwen3-next-80b-a3b", "gpt-oss-120b"];
const [, , root] = process.argv;

const shown = () => ({
  href: location.href,
  headline: document.getElementById("explorer-headline").textContent,
  change: document.getElementById("explorer-change").textContent,
  summary: document.getElementById("explorer-summary").textContent,
  wanted: document.getElementById("explorer-wanted").textContent,
  kinds: [...document.querySelectorAll("#explorer-kinds-rows tr")].map((row) => row.cells[0].textContent),
  design: [...document.querySelectorAll("#explorer-design-rows tr")].map((row) => row.cells[0].textContent),
  second: document.getElementById("explorer-second").hidden ? null : document.getElementById("explorer-kept").textContent,
  compared: [...document.querySelectorAll("#explorer-compared tr")].map((row) => [...row.cells].map((cell) => cell.textContent)),
  refused: document.getElementById("explorer-refused").textContent,
  rows: document.querySelectorAll("#explorer-layers tr").length,
  points: document.querySelectorAll("#explorer-roofline circle").length,
  pictures: document.querySelectorAll(".explorer svg[role=img][aria-label]").length,
  tables: [...document.querySelectorAll(".explorer details table")].map((each) => each.tBodies[0].rows.length),
  B: document.getElementById("explorer-B").getAttribute("aria-valuetext"),
  peak: document.getElementById("explorer-peak").getAttribute("aria-valuetext"),
  model: document.getElementById("explorer-model").value,
  focus: document.activeElement.id,
});

// Where the headline, results and choices begin and end, and what a closed menu cuts off.
function laid() {
  const box = (selector) => document.querySelector(selector).getBoundingClientRect();
  const pen = document.createElement("canvas").getContext("2d");
  const cut = [...document.querySelectorAll(".explorer select")].filter((menu) => {
    pen.font = getComputedStyle(menu).font;
    return pen.measureText(menu.selectedOptions[0].text).width + 30 > menu.clientWidth;  // an arrow and paddings
  });
  const inSight = () => { scrollTo(0, document.body.scrollHeight / 2); return box("#explorer-headline").top; };
  return {
    results: box(".explorer-results").bottom, form: box("#explorer-form").top, cut: cut.map((each) => each.id), stuck: inSight(),
  };
}

// Two systems: the present one is kept, another is chosen, both are swapped, and another window opens the address.
async function compared(page, report) {
  await page.goto(address(root, "explorer.html"));
  await page.reload();
  await page.focus("#explorer-keep");
  await page.keyboard.press("Enter");
  await page.selectOption("#explorer-model", "gpt3-175b");
  report.two = await page.evaluate(shown);
  const other = await page.context().newPage();
  await other.goto(report.two.href);
  report.twoShared = await other.evaluate(shown);
  report.twoMilliseconds = await other.evaluate(timed, "");
  await page.click("#explorer-swap");
  report.swapped = await page.evaluate(shown);
  await page.click("#explorer-drop");
  await page.click("#explorer-plan");
  report.planned = await page.evaluate(shown);
}

// Milliseconds of one update in a state as an address holds it, layout included: the median of many.
function timed(hash) {
  const chosen = { L: "1000", ...Object.fromEntries(new URLSearchParams(hash.slice(1))) };
  const times = [];
  for (let i = 0; i < 200; i += 1) {
    const start = performance.now();
    explorer.update({ ...chosen, B: String(100 + i), L: String(Number(chosen.L) - i) }, false);
    document.body.getBoundingClientRect();
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  return times[times.length / 2];
}

// Runs in the page: of every model in both phases, letters of the pictures that cover each other, that the roof strikes
// through, or that stand outside their picture.
function unreadable() {
  const found = [];
  const shrunk = (text) => {
    const { left, right, top, bottom, height } = text.getBoundingClientRect();
    return { left: left + 1, right: right - 1, top: top + 0.2 * height, bottom: bottom - 0.2 * height, said: text.textContent };
  };
  const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  const along = (roof) => Array.from({ length: 400 }, (_, i) => {
    const { x, y } = roof.getPointAtLength((i / 399) * roof.getTotalLength()).matrixTransform(roof.getScreenCTM());
    return { left: x, right: x, top: y, bottom: y };
  });
  for (const model of Object.keys(study.models)) for (const phase of explorer.CHOICES.phase) {
    explorer.update({ model, phase }, false);
    for (const picture of document.querySelectorAll(".explorer svg[role=img]")) {
      const frame = picture.getBoundingClientRect();
      const letters = [...picture.querySelectorAll("text")].map(shrunk);
      const roof = [...picture.querySelectorAll(".roof")].flatMap(along);
      letters.forEach((each, i) => {
        const where = `${model} ${phase} ${picture.parentElement.id}: ${each.said}`;
        if (each.left < frame.left - 2 || each.right > frame.right + 2) found.push(`${where} stands outside`);
        if (roof.some((point) => meet(each, point))) found.push(`${where} lies on the roof`);
        const other = letters.slice(0, i).find((one) => meet(each, one));
        if (other) found.push(`${where} and ${other.said} collide`);
      });
    }
  }
  return found;
}

// Runs in the page: of some models the state in the address, and every table as it is printed there.
function printed(models) {
  return models.map((model) => {
    explorer.update({ model, B: "2048", L: "32768" }, true);
    const cells = (name) => [...document.querySelectorAll(`#explorer-${name} tr`)].map((row) => [...row.cells].map((cell) => cell.textContent));
    const state = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
    return { state, ...Object.fromEntries(["terms", "batches", "design-rows", "cells"].map((name) => [name, cells(name)])) };
  });
}

// Every control that the tabulator key reaches from the first one on.
async function tabbed(page) {
  const reached = [];
  await page.focus("#explorer-model");
  for (let i = 0; i < 30; i += 1) {
    reached.push(await page.evaluate(() => document.activeElement.id));
    await page.keyboard.press("Tab");
  }
  return reached;
}

async function used(page, report) {
  await page.goto(address(root, "explorer.html"));
  report.start = await page.evaluate(shown);
  report.controls = await page.evaluate(() => [...document.querySelectorAll("#explorer-form :is(select, input, button)")]
    .filter((each) => !each.disabled).map((each) => each.id));
  report.tabbed = await tabbed(page);
  await page.focus("#explorer-B");
  await page.keyboard.press("ArrowRight");
  report.moved = await page.evaluate(shown);
  await page.keyboard.press("Tab");
  report.next = (await page.evaluate(shown)).focus;
  await page.focus("#explorer-peak");
  await page.keyboard.press("ArrowRight");
  report.halved = await page.evaluate(shown);
  await page.selectOption("#explorer-model", "gpt3-175b");
  report.dense = await page.evaluate(shown);
}

async function inEachState(browser, report) {
  report.states = {};
  for (const [name, hash] of Object.entries(STATES)) {
    const page = await offline(browser, report, { colorScheme: "light" });
    await page.goto(address(root, "explorer.html") + hash);
    await page.evaluate(settled);
    await page.evaluate(AXE);
    const found = { ...await page.evaluate(shown), axe: {} };
    found.axe.light = await page.evaluate(judged);
    await page.emulateMedia({ colorScheme: "dark" });
    await page.evaluate(settled);
    found.axe.dark = await page.evaluate(judged);
    await page.setViewportSize(PHONE);
    found.overflow = await page.evaluate(overflow);
    found.phone = await page.evaluate(laid);
    found.milliseconds = await page.evaluate(timed, hash);
    await page.setViewportSize(DESK);
    report.states[name] = found;
    await page.context().close();
  }
}

run(async (browser) => {
  const report = { errors: [], requests: [] };
  const page = await offline(browser, report);
  await used(page, report);
  const other = await page.context().newPage();
  await other.goto(report.dense.href);
  report.shared = await other.evaluate(shown);
  report.milliseconds = await page.evaluate(timed, "");
  report.unreadable = await other.evaluate(unreadable);
  report.printed = await other.evaluate(printed, PRINTED);
  await compared(page, report);
  await inEachState(browser, report);
  report.explorerErrors = [...report.errors];
  await page.goto(address(root, "search.html") + "?q=ridge");
  await page.waitForSelector("#search-results li", { timeout: 20000 }).catch(() => 0);
  report.found = await page.evaluate(() => document.querySelectorAll("#search-results li").length);
  return report;
});
