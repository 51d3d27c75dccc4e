/* The machine that a model wants: of the chosen accelerator's memory bandwidth, with as much of all else as keeps nothing
   waiting, as analysis/systems/balanced.py finds it. What a step needs comes from the generated functions. */
"use strict";

(function () {
  const STEPS = 100;  // of a search that needs some ten
  const HAS = { arithmetic: "P_acc", memory: "M_cap", link: "BW_Int" };
  const at = (point, changed) => Object.assign({}, point, changed);
  const work = (terms) => Object.entries(terms).reduce((sum, [name, time]) => (explorer.COMMUNICATION.includes(name) ? sum : sum + time), 0);

  /* The balanced machine at a batch: each resource is busy for `time`, kernels one after another take `sigma` times that. */
  function balanced(form, point, slo, B) {
    const { A, T, W, M } = form(at(point, { B, BW_Int: 1 })).needs;
    const sigma = work(form(at(point, { B, P_acc: A, BW_mem: T })).terms);
    const time = slo / (sigma + (W > 0 ? 1 : 0));
    return { B, time, P_acc: A / time, BW_mem: T / time, BW_Int: W / time, M_cap: M };
  }

  /* Where a function that rises with a positive number passes 0, null if not between the ends: secants in the logarithm
     (the Illinois rule: an end that stays twice counts half), until the value is one of rounding alone. */
  function root(rising, low, high) {
    let [a, b, below, above, stayed] = [Math.log(low), Math.log(high), rising(low), rising(high), 0];
    if (below > 0 || above < 0) return null;
    for (let i = 0; i < STEPS; i += 1) {
      const x = i % 8 === 7 ? (a + b) / 2 : (a * above - b * below) / (above - below);
      const value = rising(Math.exp(x));
      if (Math.abs(value) <= 2 * Number.EPSILON || x === a || x === b) return Math.exp(x);
      if (value < 0) {
        if (stayed > 0) above /= 2;
        [a, below, stayed] = [x, value, 1];
      } else {
        if (stayed < 0) below /= 2;
        [b, above, stayed] = [x, value, -1];
      }
    }
    return Math.exp((a + b) / 2);
  }

  /* What is wanted, and of each resource what is there over that; null in prefill, and where no batch meets the SLO. */
  explorer.design = function (state) {
    if (state.phase !== "decode") return null;
    const [form, point] = [explorer.formOf(state), explorer.point(state)];
    const machine = (B) => balanced(form, point, state.slo, B);
    const excess = (B) => Math.log(machine(B).BW_mem / point.BW_mem);
    const batch = root(excess, point.deg_DP, explorer.LARGEST_BATCH);
    if (batch === null) return null;
    const wants = machine(batch);
    const over = Object.entries(HAS).map(([name, symbol]) => [name, wants[symbol] > 0 ? point[symbol] / wants[symbol] : null]);
    return { wants, over: Object.fromEntries(over) };
  };

  explorer.HAS = HAS;
})();
