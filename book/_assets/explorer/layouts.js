/* Layouts of a system: which can be built, which hold and serve requests, and what to change where none does. No page is
   needed, as for system.js. */
"use strict";

(function () {
  const { formOf, holders, tpotAt, whole, withinSlo } = explorer;
  const MOST_ACCELERATORS = 4096;  // that are tried where fewer hold nothing
  const SAME = 1e-9;  // two rates that differ by less are one
  const DEGREES = ["deg_TP", "deg_DP", "deg_EP"];
  const MOST_GROUPS = explorer.STEPS.deg_DP[explorer.STEPS.deg_DP.length - 1];
  const accelerators = (state) => state.deg_TP * state.deg_DP;

  /* Every layout that can be built from a number of accelerators: what the state becomes. */
  explorer.layouts = function (state, n_acc) {
    const model = study.models[state.model];
    const able = model.deg_TP.filter((TP) => n_acc % TP === 0 && n_acc / TP <= MOST_GROUPS);
    return able.flatMap((deg_TP) => holders(model, n_acc).map((deg_EP) => Object.assign({}, state, { deg_TP, deg_DP: n_acc / deg_TP, deg_EP })));
  };

  const capacity = (state) => {
    const point = explorer.point(state);
    return whole(formOf(state)(point).B_cap, point);
  };
  const holding = (state, n_acc) => explorer.layouts(state, n_acc).map((each) => ({ state: each, capacity: capacity(each) }))
    .filter((each) => each.capacity > 0);

  /* Of some layouts that which changes least: the tensor-parallel degree first, then the one that holds most. */
  function closest(layouts, state) {
    const distance = (each) => Math.abs(Math.log2(each.state.deg_TP / state.deg_TP));
    return layouts.reduce((best, each) => {
      const nearer = distance(each) - distance(best);
      return nearer < 0 || (nearer === 0 && each.capacity > best.capacity) ? each : best;
    });
  }

  /* The state after a choice. Another model, device or phase keeps the accelerators, and their layout where that
     holds a request; else the layout moves to the closest that does. */
  explorer.moved = function (state, name, value) {
    const wanted = Object.assign({}, state, { [name]: value });
    if (name === "accelerator") wanted.link = study.accelerators[wanted.accelerator].link || state.link;
    if (name === "deg_TP" || name === "deg_DP") wanted.deg_EP = accelerators(wanted);
    if (!["model", "accelerator", "phase"].includes(name)) return explorer.settled(wanted).state;
    const other = explorer.settled(wanted).state;
    const kept = Object.assign({}, other, { deg_TP: state.deg_TP, deg_DP: state.deg_DP });
    if (DEGREES.every((degree) => other[degree] === state[degree]) && capacity(other) > 0) return other;
    const able = holding(kept, accelerators(state));
    return able.length ? closest(able, state).state : other;
  };

  /* Where a layout holds or serves nothing: the closest that does on as many accelerators, or else the fewest more
     accelerators and the longest context that would do; under the SLO the least time that a single request takes. */
  explorer.remedy = function (state) {
    const n_acc = accelerators(state);
    const able = holding(state, n_acc);
    if (!able.length) return { more: moreAccelerators(state, n_acc), shorter: shorterContext(state, n_acc) };
    const timed = able.map((each) => Object.assign(each, { least: tpotAt(formOf(each.state), explorer.point(each.state), 1) }));
    const fast = timed.filter((each) => each.least <= state.slo);
    if (fast.length) return { layout: closest(fast, state).state };
    return { slower: timed.reduce((best, each) => (each.least < best.least ? each : best)) };
  };

  function moreAccelerators(state, n_acc) {
    for (let more = 2 * n_acc; more <= MOST_ACCELERATORS; more *= 2) {
      const able = holding(state, more);
      if (able.length) return closest(able, state).state;
    }
    return null;
  }

  function shorterContext(state, n_acc) {
    const shorter = explorer.STEPS.L.filter((L) => L < state.L);
    let [low, high] = [-1, shorter.length];  // steps that hold a request, and that do not
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (holding(Object.assign({}, state, { L: shorter[middle] }), n_acc).length) low = middle;
      else high = middle;
    }
    return low < 0 ? null : closest(holding(Object.assign({}, state, { L: shorter[low] }), n_acc), state).state;
  }

  /* The layout and batch of most tokens per second within memory and SLO, among layouts of as many accelerators; null
     where nothing fits. Tokens per second never fall with the batch, so that each is judged at the largest admitted. */
  explorer.plan = function (state) {
    const plans = holding(state, accelerators(state)).map((each) => planned(each.state, each.capacity)).filter(Boolean);
    return plans.length ? plans.reduce((best, each) => (each.rate > best.rate * (1 + SAME) ? each : best)).state : null;
  };

  function planned(state, cap) {
    const form = formOf(state);
    const point = explorer.point(state);
    const B = whole(Math.min(cap, withinSlo(form, point, state.slo)), point);
    return B && { state: Object.assign({}, state, { B }), rate: B / tpotAt(form, point, B) };
  }
})();
