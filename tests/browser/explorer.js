// Reads states from a file, computes each with the explorer's own scripts, prints results and the slowest time.
"use strict";
const fs = require("fs");
const path = require("path");
const vm = require("vm");

const [, , generated, states] = process.argv;
const context = vm.createContext({ console });
const folder = path.join(__dirname, "..", "..", "book", "_assets", "explorer");
for (const file of [generated, path.join(folder, "system.js")]) vm.runInContext(fs.readFileSync(file, "utf8"), context);
const { explorer } = context;

function computed(wanted) {
  const { state, changed } = explorer.settled(wanted);
  const start = process.hrtime.bigint();
  const results = explorer.compute(state);
  return { state, changed, order: explorer.order(state), results, ms: Number(process.hrtime.bigint() - start) / 1e6 };
}

console.log(JSON.stringify(JSON.parse(fs.readFileSync(states, "utf8")).map(computed)));
