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
  explorer.LARGEST_BATCH = LARGEST_BATCH;
  explorer.COMMUNICATION = ["dispatch", "combine", "all_reduce"];

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
    if (name === "deg_EP") return explorer.holders(model, state.deg_TP * state.deg_DP);
    return explorer.CHOICES[name] || explorer.STEPS[name];
  };

  /* Numbers of accelerators that can share a block's experts; where there are none, all of them, as nothing is shared. */
  explorer.holders = function (model, n_acc) {
    return model.deg_EP ? model.deg_EP.filter((each) => n_acc % each === 0) : [n_acc];
  };

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

  /* What layers are called: in a prompt some go by another name. */
  function titles(state, order) {
    const model = study.models[state.model];
    return Object.assign({}, model.titles[order], state.phase === "decode" ? {} : model.prompt);
  }

  explorer.compute = function (state) {
    const point = explorer.point(state);
    const order = explorer.order(state);
    const form = explorer.formOf(state);
    const results = form(point);
    const tpot = total(results.terms);
    return Object.assign(results, {
      point, order, tpot, titles: titles(state, order),
      B_cap: explorer.whole(results.B_cap, point), B_SLO: explorer.withinSlo(form, point, state.slo), throughput: state.B / tpot,
      effects: explorer.effects(form, point, results.terms),
    });
  };

  explorer.formOf = (state) => study.functions[study.models[state.model].functions[explorer.order(state)]];
  explorer.whole = (batch, { deg_DP }) => Math.max(0, Math.floor(batch / deg_DP) * deg_DP);  // as many in each group
  explorer.tpotAt = (form, point, B) => total(form(Object.assign({}, point, { B })).terms);
  explorer.withinSlo = (form, point, slo) => largestBatch((B) => explorer.tpotAt(form, point, B) <= slo);

  const largestOf = (terms) => Object.keys(terms).reduce((best, name) => (terms[name] > terms[best] ? name : best));

  /* -- what would change the time -------------------------------------------------------------------------------- */
  const RATES = { "memory bandwidth": ["BW_mem", "BW_exp"], arithmetic: ["P_acc", "P_exp"], link: ["BW_Int"] };

  /* The largest term, and for twice each rate the shares of that term's and of the token's time that it saves; for
     twice the batch how much the tokens per second grow. */
  explorer.effects = function (form, point, terms) {
    const largest = largestOf(terms);
    const saved = Object.entries(RATES).map(([rate, symbols]) => {
      const faster = Object.assign({}, point);
      symbols.forEach((symbol) => { faster[symbol] *= 2; });
      faster.RP_acc = faster.P_acc / faster.BW_mem;
      const then = form(faster).terms;
      return { rate, term: 1 - then[largest] / terms[largest], token: 1 - total(then) / total(terms) };
    });
    return { largest, saved, batch: (2 * total(terms)) / explorer.tpotAt(form, point, 2 * point.B) };
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

  /* Over batches and contexts, a row for each context: the largest term, its share, and whether memory holds the batch. */
  explorer.MAP = { B: powers(0, 20, 0.5), L: powers(8, 20, 1) };
  explorer.map = function (state) {
    const form = explorer.formOf(state);
    return explorer.MAP.L.map((L) => {
      const row = explorer.point(Object.assign({}, state, { L }));
      return explorer.MAP.B.map((B) => {
        const point = Object.assign({}, row, { B });
        const { terms, B_cap } = form(point);
        const largest = largestOf(terms);
        return { B, L, largest, share: terms[largest] / total(terms), held: B <= explorer.whole(B_cap, point) };
      });
    });
  };

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
