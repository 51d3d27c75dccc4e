// Reads states from a file, computes each with the explorer's own scripts, prints results and how long each took; a state
// may `ask` for more: the plan, the remedy, or the state after a choice.
"use strict";
const fs = require("fs");
const path = require("path");
const vm = require("vm");

const [, , generated, states] = process.argv;
const context = vm.createContext({ console });
const folder = path.join(__dirname, "..", "..", "book", "_assets", "explorer");
const parts = ["system.js", "layouts.js", "design.js"].map((name) => path.join(folder, name));
for (const file of [generated, ...parts]) vm.runInContext(fs.readFileSync(file, "utf8"), context);
const { explorer } = context;

function computed({ ask, ...wanted }) {
  const { state, changed } = explorer.settled(wanted);
  if (ask) return { state, answer: explorer[ask[0]](state, ...ask.slice(1)) };
  const start = process.hrtime.bigint();
  const results = explorer.compute(state);
  return { state, changed, order: explorer.order(state), results, ms: Number(process.hrtime.bigint() - start) / 1e6 };
}

console.log(JSON.stringify(JSON.parse(fs.readFileSync(states, "utf8")).map(computed)));
