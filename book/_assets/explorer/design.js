/* The machine that a model wants: of the chosen accelerator's memory bandwidth, with as much of all else as keeps nothing
   waiting, as analysis/systems/balanced.py finds it. What a step needs comes from the generated functions. */
"use strict";

(function () {
  const STEPS = 64;  // halvings in the logarithm, to a float's last digit
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

  /* What is wanted, and of each resource what is there over that; null in prefill, and where no batch meets the SLO. */
  explorer.design = function (state) {
    if (state.phase !== "decode") return null;
    const [form, point] = [explorer.formOf(state), explorer.point(state)];
    const machine = (B) => balanced(form, point, state.slo, B);
    let [low, high] = [point.deg_DP, explorer.LARGEST_BATCH];
    if (machine(low).BW_mem > point.BW_mem || machine(high).BW_mem < point.BW_mem) return null;
    for (let i = 0; i < STEPS; i += 1) {
      const middle = Math.sqrt(low * high);
      if (machine(middle).BW_mem < point.BW_mem) low = middle;
      else high = middle;
    }
    const wants = machine(Math.sqrt(low * high));
    const over = Object.entries(HAS).map(([name, symbol]) => [name, wants[symbol] > 0 ? point[symbol] / wants[symbol] : null]);
    return { wants, over: Object.fromEntries(over) };
  };

  explorer.HAS = HAS;
})();
