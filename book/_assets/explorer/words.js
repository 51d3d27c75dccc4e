/* What the page says of a system and its results, in sentences. */
"use strict";

(function () {
  const WORDS = {
    auto: "as usual for the phase", as_printed: "as printed (K and V decompressed)", reordered: "reordered (absorbed)",
    decode: "decode (one token per request)", prefill: "prefill (all tokens of the context)",
    bf16: "BF16", fp8: "FP8", fp4: "FP4", 2: "2 bytes", 1: "1 byte", 0.5: "half a byte",
  };

  explorer.word = (value) => WORDS[value] || value;

  explorer.label = function (name, value) {
    const rows = { model: study.models, accelerator: study.accelerators, link: study.links }[name];
    return rows ? rows[value].name : explorer.word(value);
  };

  const STEP = { decode: ["A token takes", "a token would take"], prefill: ["A step over the whole context takes", "a step over the whole context would take"] };

  explorer.headline = function ({ phase, B }, results) {
    const { tpot, terms, effects, B_cap } = results;
    const step = B <= B_cap ? STEP[phase][0] : `Memory does not hold this batch; if it did, ${STEP[phase][1]}`;
    const share = explorer.share(terms[effects.largest] / tpot);
    return `${step} ${explorer.time(tpot)}; the largest term is ${explorer.term(effects.largest, results)}, ${share} of it.`;
  };

  /* What the largest term waits for, and what twice of each resource and of the batch would do. */
  explorer.change = function (results) {
    const { saved, batch } = results.effects;
    const largest = explorer.term(results.effects.largest, results);
    const best = saved.reduce((most, each) => (each.term > most.term ? each : most));
    const waits = best.term > 0 ? `The time of ${largest} falls most with the ${best.rate}: twice as much saves ${explorer.share(best.term)} of it.`
      : `No rate shortens ${largest}.`;
    const others = saved.map(({ rate, token }) => `${explorer.share(token)} with twice the ${rate}`).join(", ");
    const times = explorer.number(batch);
    const gained = times === "1" ? "no more" : `${times} times the`;
    return `${waits} The whole time falls by ${others}. Twice the batch gives ${gained} tokens per second.`;
  };

  explorer.summary = function (state, results) {
    const { limit, name, admitted, saturates } = explorer.binding(state, results);
    if (limit < 1) return nothing(state, name);
    const second = admitted ? "" : ` The chosen ${explorer.count(state.B)} are too many.`;
    const third = saturates ? " The limit lies beyond B_RP: every weight layer can reach the ridge."
      : " The limit lies below B_RP: some weight layer waits for memory.";
    return `At most ${explorer.count(limit)} requests; what binds is ${name}.${second}${third}`;
  };

  const UNITS = { P_acc: "FLOP/s", M_cap: "B", BW_Int: "B/s" };

  /* The machine that the model wants, beside the chosen one: rows of resource, wanted, there, and the ratio. */
  explorer.wantedRows = ({ wants, over }, { point }) => Object.entries(explorer.HAS).map(([name, symbol]) => [
    name, explorer.prefixed(wants[symbol], UNITS[symbol]), explorer.prefixed(point[symbol], UNITS[symbol]),
    over[name] === null ? "" : explorer.number(over[name]), explorer.number(wants[symbol] / point.BW_mem),
  ]);

  explorer.wanted = function (state, design, { point }) {
    const bandwidth = explorer.prefixed(point.BW_mem, "B/s");
    if (state.phase !== "decode") return "The machine that the model wants is one that decodes: choose decode to see it.";
    if (!design) return `At ${bandwidth} of memory bandwidth no batch meets ${explorer.time(state.slo)}, whatever else the machine has.`;
    const short = Object.keys(explorer.HAS).filter((name) => design.over[name] !== null && design.over[name] < 1);
    const verdict = short.length ? `This accelerator has too little ${short.join(" and ")} for that.` : "This accelerator has enough of each.";
    return `With ${bandwidth} of memory bandwidth, a machine on which no resource is busy for longer than another serves ${explorer.count(design.wants.B)} requests ` +
      `in ${explorer.time(state.slo)} a token; each of its rates is busy for ${explorer.time(design.wants.time)}. ${verdict}`;
  };

  /* What stands in the way, and the nearest that does not. */
  function nothing(state, name) {
    const { layout, slower, more, shorter } = explorer.remedy(state);
    if (layout) return `This layout serves no request: the limit is ${name}. On as many accelerators ${fits(layout)}.`;
    if (slower) {
      return `Nothing fits: the limit is ${name}. One request alone takes ${explorer.time(slower.least)} a token in the fastest layout ` +
        `(${degrees(slower.state)}): allow that, shorten the context, or choose faster memory or narrower weights.`;
    }
    const ways = [more && `${explorer.count(more.deg_TP * more.deg_DP)} accelerators, where ${fits(more)}`,
      shorter && `a context of ${explorer.count(shorter.L)} tokens, where ${fits(shorter)}`].filter(Boolean);
    const remedy = ways.length ? ` Nearest: ${ways.join("; or ")}.` : " Choose narrower weights, or accelerators with more memory.";
    const count = state.deg_TP * state.deg_DP;
    return `Nothing fits in any layout of ${count === 1 ? "one accelerator" : `${explorer.count(count)} accelerators`}: the limit is ${name}.${remedy}`;
  }

  const degrees = ({ model, deg_TP, deg_DP, deg_EP }) => `TP ${deg_TP}, DP ${deg_DP}` + (study.models[model].experts ? `, EP ${deg_EP}` : "");

  function fits(state) {
    const { B_cap, B_SLO } = explorer.compute(state);
    const served = B_SLO < 1 ? `holds ${explorer.count(B_cap)}, none of them within the SLO` : `serves ${explorer.count(Math.min(B_cap, B_SLO))} at most`;
    return `${degrees(state)} ${served}`;
  }

  explorer.system = ({ model, accelerator, link, phase, deg_TP, deg_DP, ...state }) => `${explorer.label("model", model)} on ` +
    `${explorer.count(deg_TP * deg_DP)} × ${explorer.label("accelerator", accelerator)}, ${explorer.label("link", link)}, ${phase}, ` +
    `${degrees({ model, deg_TP, deg_DP, ...state })}, B ${explorer.count(state.B)}, L ${explorer.count(state.L)}`;
})();
