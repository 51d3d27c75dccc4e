// Validates built pages and prints each finding with the line of the page that it is about.
"use strict";
const fs = require("fs");
const path = require("path");
const { HtmlValidate, StaticConfigLoader } = require("html-validate");

// What the standard forbids and what keeps people out; matters of taste (spaces, quotes, closing slashes) are left alone.
const RULES = { root: true, extends: ["html-validate:standard", "html-validate:a11y"] };
const [, , root, given] = process.argv;
const validator = new HtmlValidate(new StaticConfigLoader(RULES));

async function findings(page) {
  const lines = fs.readFileSync(path.join(root, page), "utf8").split("\n");
  const { results } = await validator.validateFile(path.join(root, page));
  return results.flatMap(({ messages }) => messages).map(({ ruleId, message, line }) => (
    { page, rule: ruleId, message, line, source: lines[line - 1].trim().slice(0, 200) }));
}

Promise.all(JSON.parse(fs.readFileSync(given, "utf8")).map(findings)).then((all) => console.log(JSON.stringify(all.flat())));
