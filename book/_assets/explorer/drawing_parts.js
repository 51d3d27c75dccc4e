/* Charts of the parts of a model and of a machine: time by kind of block, and what is there over what is wanted. */
"use strict";

(function () {
  const { LETTERS, WIDTH, decades, line, logScale, picture, power, tag, text } = explorer.pens;

  /* The kinds of block of the model, with how many there are and the numbers of each. */
  explorer.kinds = (state, results) => study.models[state.model].kinds.map(([title, blocks], i) => {
    const [weights, kept, touched, time] = results.kinds[i];
    return { letter: LETTERS[i], title, blocks, weights, kept, touched, time };
  });

  explorer.byKind = function (kinds, results) {
    const longest = Math.max(...kinds.map((each) => each.time));
    const rows = kinds.map(({ letter, blocks, time }, i) => {
      const width = Math.max(1, (time / longest) * (WIDTH - 270));
      return text(122, 26 * i + 17, `${letter}: ${blocks} ${blocks === 1 ? "block" : "blocks"}`, { class: "end" }) +
        tag("rect", { x: 128, y: 26 * i + 4, width: width.toFixed(1), height: 18, class: "bar" }) +
        text(133 + width, 26 * i + 17, `${explorer.time(time)}, ${explorer.share(time / results.tpot)}`, {});
    });
    return picture(26 * kinds.length + 4, "Bars: time per output token by kind of block, numbers in the table", rows.join(""));
  };

  /* For each resource a bar from 1, where nothing waits, to what is there over what is wanted. */
  explorer.distance = function (design) {
    const shown = Object.entries(design.over).filter(([, over]) => over !== null);
    const [low, high] = [Math.min(0.5, ...shown.map(([, over]) => over)) / 1.5, Math.max(2, ...shown.map(([, over]) => over)) * 1.5];
    const x = logScale(low, high, 92, WIDTH - 70);
    const foot = 28 * shown.length + 12;
    const axis = decades(low, high).map((v) => line(x(v), 4, x(v), foot, "grid") + text(x(v), foot + 17, power(v), { class: "middle" }));
    const rows = shown.map(([name, over], i) => {
      const [from, to] = [Math.min(1, over), Math.max(1, over)].map(x);
      return text(85, 28 * i + 24, name, { class: "end" }) +
        tag("rect", { x: from.toFixed(1), y: 28 * i + 11, width: Math.max(1, to - from).toFixed(1), height: 18, class: over < 1 ? "bar wire" : "bar" }) +
        text(to + 6, 28 * i + 24, explorer.number(over), {});
    });
    return picture(foot + 44, "Bars: what the accelerator has over what the model wants, numbers in the table", [
      ...axis, ...rows, line(x(1), 4, x(1), foot, "ridge"),
      text((WIDTH + 30) / 2, foot + 38, "has over wants", { class: "middle" }),
    ].join(""));
  };
})();
