/* From the reader's choices to numbers. Formulas and data come from study.js, generated from the derivation; what is
   written here is which choices exist, and the search for the largest batch under the SLO. No page is needed, so that
   tests can run this file alone. */
"use strict";

var explorer = (function () {
  const explorer = {};

  explorer.DEFAULTS = study.start;  // the setting of the edition that the book was built for

  explorer.CHOICES = {
    phase: ["decode", "prefill"],
    order: ["auto", "as_printed", "reordered"],
    peak: ["bf16", "fp8", "fp4"],
    width: [2, 1, 0.5],
  };
  const WIDTHS = ["width_weights", "width_experts", "width_kv"];  // as wide as activations, where an address names none
  WIDTHS.forEach((name) => { explorer.CHOICES[name] = explorer.CHOICES.width; });

  /* Steps of each slider; TP and EP degrees follow from the model. */
  explorer.STEPS = {
    B: powers(0, 20, 4), L: powers(8, 20, 4), deg_DP: powers(0, 10, 1),
    Gamma_imb: linear(1, 8, 0.05), slo: powers(-10, 1, 4, 1000),
  };

  const LARGEST_BATCH = Math.pow(2, 52);

  function powers(from, to, parts, scale) {
    const found = [];
    for (let i = from * parts; i <= to * parts; i += 1) {
      const value = Math.pow(2, i / parts);
      found.push(scale ? Math.round(value * scale) / scale : Math.round(value));
    }
    return found.filter((value, i) => value > 0 && value !== found[i - 1]);
  }

  function linear(from, to, step) {
    return Array.from({ length: Math.round((to - from) / step) + 1 }, (_, i) => Number((from + i * step).toFixed(6)));
  }

  /* The values that a choice may take, given the other choices. */
  explorer.allowed = function (name, state) {
    const model = study.models[state.model];
    if (name === "model" || name === "accelerator" || name === "link") return Object.keys(study[name + "s"]);
    if (name === "peak") return Object.keys(study.accelerators[state.accelerator].peaks);
    if (name === "order") return ["auto"].concat(Object.keys(model.functions));
    if (name === "deg_TP") return model.deg_TP;
    if (name === "deg_EP") return divisors(state.deg_TP * state.deg_DP).filter((i) => !model.deg_EP || model.deg_EP.includes(i));
    return explorer.CHOICES[name] || explorer.STEPS[name];
  };

  function divisors(n_acc) {
    const found = [];
    for (let i = 1; i <= n_acc; i += 1) if (n_acc % i === 0) found.push(i);
    return found;
  }

  /* Numbers between steps are as good as steps, within the slider's range. */
  const FREE = ["B", "L", "deg_DP", "Gamma_imb", "slo"];
  const WHOLE = ["B", "L", "deg_DP", "deg_TP", "deg_EP"];

  /* A state in which every choice is allowed, and the names of those that had to be changed. */
  explorer.settled = function (wanted) {
    const state = Object.assign({}, explorer.DEFAULTS);
    const changed = Object.keys(wanted).filter((name) => !(name in state));
    Object.keys(state).forEach((name) => {
      if (!(name in wanted)) state[name] = fallback(name, state);
      else if (fits(name, wanted[name], state)) state[name] = read(name, wanted[name]);
      else {
        state[name] = fallback(name, state, Number(wanted[name]));
        changed.push(name);
      }
    });
    return { state, changed };
  };

  function read(name, text) {
    return typeof explorer.DEFAULTS[name] === "number" ? Number(text) : text;
  }

  function fits(name, text, state) {
    const allowed = explorer.allowed(name, state);
    const value = read(name, text);
    if (!FREE.includes(name)) return allowed.includes(value);
    const whole = !WHOLE.includes(name) || Number.isInteger(value);
    return String(text).trim() !== "" && whole && value >= allowed[0] && value <= allowed[allowed.length - 1];
  }

  /* The default where it is allowed, else the largest allowed value that is not above what was wanted. */
  function fallback(name, state, wanted) {
    if (WIDTHS.includes(name) && wanted === undefined) return state.width;
    const allowed = explorer.allowed(name, state);
    const aim = Number.isFinite(wanted) ? wanted : explorer.DEFAULTS[name];
    if (FREE.includes(name)) return Number.isFinite(wanted) ? explorer.nearest(allowed, wanted) : aim;
    if (allowed.includes(aim)) return aim;
    return typeof aim === "number" ? allowed.filter((value) => value <= aim).pop() || allowed[0] : allowed[0];
  }

  explorer.nearest = function (values, aim) {
    return values.reduce((best, value) => (Math.abs(value - aim) < Math.abs(best - aim) ? value : best));
  };

  explorer.order = function (state) {
    return state.order === "auto" ? study.models[state.model].order[state.phase] : state.order;
  };

  /* Every symbol that the choices give a number, in SI units. */
  explorer.point = function (state) {
    const { B, L, deg_TP, deg_DP, deg_EP, width_weights, width_experts, width_kv } = state;
    const chosen = {
      B, L, deg_TP, deg_DP, deg_EP, l: state.phase === "decode" ? 1 : L, n_acc: deg_TP * deg_DP,
      Gamma_imb: state.Gamma_imb, Gamma_acc: state.Gamma_imb,
      width_weights, width_experts, width_kv, width_activations: state.width,
    };
    return Object.assign(
      {}, study.conventions, study.models[state.model].point,
      study.accelerators[state.accelerator].peaks[state.peak], study.links[state.link].point, chosen,
    );
  };

  explorer.compute = function (state) {
    const point = explorer.point(state);
    const model = study.models[state.model];
    const order = explorer.order(state);
    const form = study.functions[model.functions[order]];
    const results = form(point);
    const tpot = total(results.terms);
    return Object.assign(results, {
      point, order, tpot, titles: model.titles[order],
      B_cap: Math.max(0, Math.floor(results.B_cap / point.deg_DP) * point.deg_DP),  // whole requests for each group
      B_SLO: largestBatch((B) => total(form(Object.assign({}, point, { B })).terms) <= state.slo),
      throughput: state.B / tpot,
    });
  };

  function total(terms) {
    return Object.values(terms).reduce((sum, term) => sum + term, 0);
  }

  /* The largest whole batch that fits, 0 if none: TPOT never falls with the batch. */
  function largestBatch(within) {
    let low = 0;
    let high = 1;
    while (high < LARGEST_BATCH && within(high)) [low, high] = [high, 2 * high];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (within(middle)) low = middle;
      else high = middle;
    }
    return low;
  }

  /* Which limit binds, in words: the batch is bounded by memory and by the SLO; the ridge is what it should reach. */
  explorer.binding = function (state, results) {
    const memory = results.B_cap <= results.B_SLO;
    const limit = memory ? results.B_cap : results.B_SLO;
    return {
      limit, name: memory ? "memory capacity (B_cap)" : "the SLO (B_SLO)",
      admitted: state.B <= limit, saturates: limit >= results.B_RP,
    };
  };

  return explorer;
})();
