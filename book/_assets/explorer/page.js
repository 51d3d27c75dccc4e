/* The page: choices in, pictures and tables out, the state in the address. */
"use strict";

(function () {
  const WIDTHS = ["width_weights", "width_experts", "width_kv", "width"];
  const SLIDERS = ["peak", ...WIDTHS, "B", "L", "deg_TP", "deg_DP", "deg_EP", "Gamma_imb", "slo"];
  const PRECISIONS = ["peak", ...WIDTHS];
  const OF_EXPERTS = ["Gamma_imb", "deg_EP", "width_experts"];
  const MENUS = ["model", "accelerator", "link", "phase", "order"];
  const SECOND = "second.";  // begins the names of a second system's choices in an address
  let state;
  let second = null;  // the state that is kept to compare with

  const part = (name) => document.getElementById("explorer-" + name);
  function wording(name) {
    if (name === "slo") return explorer.time(state.slo);
    return PRECISIONS.includes(name) ? explorer.word(state[name]) : explorer.number(state[name]);
  }

  function fillMenu(name) {
    const values = explorer.allowed(name, state);
    const menu = part(name);
    if (menu.dataset.values !== values.join()) {
      menu.replaceChildren(...values.map((value) => new Option(explorer.label(name, value), value)));
      menu.dataset.values = values.join();
    }
    menu.value = state[name];
    menu.disabled = values.length < 2 || (name === "order" && values.length < 3);
  }

  function fillSlider(name) {
    const values = explorer.allowed(name, state);
    const slider = part(name);
    const shown = wording(name);
    const step = values.indexOf(state[name]);  // none for a number between steps, as an address may hold
    slider.max = values.length - 1;
    slider.value = step < 0 ? values.indexOf(explorer.nearest(values, state[name])) : step;
    slider.setAttribute("aria-valuetext", shown);
    slider.disabled = values.length < 2 || (OF_EXPERTS.includes(name) && !study.models[state.model].experts);
    part(name + "-shown").textContent = shown;
  }

  /* -- results ------------------------------------------------------------------------------------------------ */
  function rows(body, table) {
    body.replaceChildren(...table.map((cells) => {
      const row = document.createElement("tr");
      cells.forEach((content, i) => {
        const cell = document.createElement(i ? "td" : "th");
        if (!i) cell.scope = "row";
        cell.textContent = content;
        row.append(cell);
      });
      return row;
    }));
  }

  function show(results) {
    const { tpot, terms } = results;
    part("roofline").innerHTML = explorer.roofline(results);
    part("bars").innerHTML = explorer.bars(results);
    part("limits").innerHTML = explorer.limits(state, results);
    showKinds(explorer.kinds(state, results), results);
    showDesign(explorer.design(state), results);
    const cells = explorer.map(state);
    part("map").innerHTML = explorer.mapped(state, results, cells);
    part("map-key").textContent = `${explorer.key(results, cells)}; pale where memory does not hold the batch.`;
    rows(part("cells"), cells.map((row) => [explorer.count(row[0].L), ...row.map((each) => cellWords(each, results))]));
    part("layers-key").textContent = explorer.layers(results).map((each) => `${each.letter} ${each.title}`).join(", ") + ".";
    rows(part("layers"), explorer.layers(results).map((each) => [
      `${each.letter}: ${each.title}`, explorer.number(each.intensity), explorer.number(each.rate / 1e12),
      explorer.time(each.time), each.intensity < results.ridge ? "below" : "above",
    ]));
    rows(part("terms"), Object.entries(terms).filter(([, time]) => time > 0).concat([["sum", tpot]])
      .map(([name, time]) => [explorer.term(name, results), explorer.time(time), explorer.share(time / tpot)]));
    rows(part("batches"), batches(results));
  }

  function showKinds(kinds, results) {
    part("kinds").innerHTML = explorer.byKind(kinds, results);
    part("kinds-key").textContent = kinds.map((each) => `${each.letter} ${each.title}`).join("; ") + ".";
    const bytes = (value) => (value ? explorer.prefixed(value, "B") : "none");
    rows(part("kinds-rows"), kinds.map(({ letter, title, blocks, weights, kept, touched, time }) => [
      `${letter}: ${title}`, blocks, bytes(weights), bytes(kept), bytes(touched), explorer.time(time), explorer.share(time / results.tpot),
    ]));
  }

  function showDesign(design, results) {
    part("wanted").textContent = explorer.wanted(state, design, results);
    part("design").hidden = part("design-numbers").hidden = !design;
    part("design").innerHTML = design ? explorer.distance(design) : "";
    rows(part("design-rows"), design ? explorer.wantedRows(design, results) : []);
  }

  /* A letter and a share in percent, in brackets where memory does not hold the batch. */
  function cellWords({ largest, share, held }, results) {
    const words = `${explorer.termLetter(largest, results)} ${Math.round(100 * share)}`;
    return held ? words : `(${words})`;
  }

  function batches(results) {
    const held = (rate) => (state.B <= results.B_cap ? explorer.number(rate) : "does not fit memory");
    return [
      ["B, chosen", explorer.count(state.B)], ["B_RP, all weight layers at the ridge", explorer.count(results.B_RP)],
      ["B_cap, fits memory", explorer.count(results.B_cap)],
      [`B_SLO, within ${explorer.time(state.slo)}`, explorer.count(results.B_SLO)],
      ["ridge point [FLOP/byte]", explorer.number(results.ridge)],
      ["accelerators", explorer.count(results.point.n_acc)],
      ["tokens/s, system", held(results.throughput)],
      ["tokens/s and accelerator", held(results.throughput / results.point.n_acc)],
    ];
  }

  function compare(results) {
    part("second").hidden = !second;
    part("swap").disabled = part("drop").disabled = !second;
    if (!second) return "";
    const other = explorer.compute(second);
    const terms = Object.keys(Object.assign({}, results.terms, other.terms)).filter((name) => results.terms[name] || other.terms[name]);
    const per = (each) => (each.point.B <= each.B_cap ? each.throughput / each.point.n_acc : 0);
    const batch = (each, of) => explorer.binding(of, each).limit;
    rows(part("compared"), [
      compared("time", explorer.time, results.tpot, other.tpot),
      compared("tokens/s and accelerator", explorer.number, per(results), per(other)),
      compared("largest batch", explorer.count, batch(results, state), batch(other, second)),
      ...terms.map((name) => compared(explorer.term(name, name in results.terms && results.terms[name] ? results : other), explorer.time, results.terms[name] || 0, other.terms[name] || 0)),
    ]);
    part("kept").textContent = [["Shown", state, results], ["Second", second, other]]
      .map(([which, of, each]) => `${which}: ${explorer.system(of)}. ${explorer.headline(of, each)}`).join("\n");
    return part("kept").textContent;
  }

  const compared = (name, show, here, there) => [
    name, here ? show(here) : "none", there ? show(there) : "none", here && there ? explorer.number(here / there) : "",
  ];

  /* -- updates ------------------------------------------------------------------------------------------------ */
  let speaking;

  function update(wanted, remember) {
    const settled = explorer.settled(wanted);
    state = settled.state;
    MENUS.forEach(fillMenu);
    SLIDERS.forEach(fillSlider);
    const results = explorer.compute(state);
    show(results);
    const said = { headline: explorer.headline(state, results), change: explorer.change(results), summary: explorer.summary(state, results) };
    Object.entries(said).forEach(([name, text]) => { part(name).textContent = text; });
    said.kept = compare(results);
    clearTimeout(speaking);  // a screen reader hears where the slider comes to rest
    speaking = setTimeout(() => { part("spoken").textContent = Object.values(said).join(" "); }, 600);
    if (remember) history.replaceState(null, "", "#" + new URLSearchParams(Object.assign({}, state, renamed(second))));
    return settled.changed;
  }

  const renamed = (kept) => Object.fromEntries(Object.entries(kept || {}).map(([name, value]) => [SECOND + name, value]));

  /* The choices of the second system in an address, null where it has none; and the names of those not allowed. */
  function secondIn(wanted) {
    const names = Object.keys(wanted).filter((name) => name.startsWith(SECOND));
    if (!names.length) return { state: null, changed: [] };
    const { state, changed } = explorer.settled(Object.fromEntries(names.map((name) => [name.slice(SECOND.length), wanted[name]])));
    return { state, changed: changed.map((name) => SECOND + name) };
  }

  function fromAddress() {
    const wanted = location.hash.includes("=") ? Object.fromEntries(new URLSearchParams(location.hash.slice(1))) : {};
    const other = secondIn(wanted);
    second = other.state;
    const first = Object.entries(wanted).filter(([name]) => !name.startsWith(SECOND));
    const changed = update(Object.fromEntries(first), false).concat(other.changed);
    const named = changed.map((name) => `${name}=${wanted[name]}`.slice(0, 60)).join(", ");
    part("refused").textContent = changed.length ? `The address asks for what is not allowed here: ${named}. The page shows the nearest choice.` : "";
  }

  function chosen(event) {
    const name = event.target.id.replace("explorer-", "");
    const value = SLIDERS.includes(name) ? explorer.allowed(name, state)[event.target.value] : event.target.value;
    update(explorer.moved(state, name, value), true);
  }

  function keep(kept, shown) {
    second = kept;
    update(shown, true);
  }

  const BUTTONS = {
    plan: () => update(explorer.plan(state) || state, true),  // where nothing fits, the summary says so
    keep: () => keep(state, state),
    swap: () => keep(state, second),
    drop: () => keep(null, state),
    reset: () => update({}, true),
    choose: () => { part("form").scrollIntoView(); part("model").focus({ preventScroll: true }); },  // on a phone
  };

  function begin() {
    part("columns").append(...explorer.MAP.B.map((B) => Object.assign(document.createElement("th"), { scope: "col", textContent: explorer.count(B) })));
    part("form").addEventListener("input", chosen);
    Object.entries(BUTTONS).forEach(([name, press]) => part(name).addEventListener("click", press));
    addEventListener("hashchange", fromAddress);
    fromAddress();
    part("page").hidden = false;
  }

  explorer.update = update;
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
