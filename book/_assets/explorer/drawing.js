/* Charts as SVG text: the roofline with one point per layer, the terms of TPOT as bars, the batch limits on a line. */
"use strict";

(function () {
  const WIDTH = 440;
  const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  const NARROW = "\u202f";  // keeps a number and its unit on one line

  function tag(name, attributes, content) {
    const given = Object.entries(attributes).map(([key, value]) => ` ${key}="${value}"`).join("");
    return `<${name}${given}>${content === undefined ? "" : content}</${name}>`;
  }

  function text(x, y, content, attributes) {
    return tag("text", Object.assign({ x: x.toFixed(1), y: y.toFixed(1) }, attributes), content);
  }

  function line(x1, y1, x2, y2, kind) {
    return tag("line", { x1: x1.toFixed(1), y1: y1.toFixed(1), x2: x2.toFixed(1), y2: y2.toFixed(1), class: kind });
  }

  /* A picture with its title; the table beside it carries the numbers, so that the picture is one image to readers. */
  function picture(height, title, content) {
    return tag("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": title }, content);
  }

  function logScale(low, high, from, to) {
    const span = Math.log(high / low);
    return (value) => from + ((to - from) * Math.log(value / low)) / span;
  }

  /* Ticks of a logarithmic axis: powers of ten, over a short range with 2 and 5 between them. */
  function decades(low, high) {
    const found = [];
    const range = Math.log10(high / low);
    const step = Math.max(1, Math.ceil(range / 6));
    for (let i = Math.floor(Math.log10(low)); i <= Math.log10(high); i += 1) {
      if (i % step === 0) found.push(...(range < 1.5 ? [1, 2, 5] : [1]).map((each) => each * Math.pow(10, i)));
    }
    return found.filter((each) => each >= low && each <= high);
  }

  /* Layers that read and compute nothing, such as the decompression of MHA, have no place on a logarithmic plot. */
  explorer.layers = function (results) {
    return Object.entries(results.layers)
      .filter(([, [flops, bytes]]) => flops > 0 && bytes > 0)
      .map(([name, [flops, bytes, time]], i) => ({
        letter: LETTERS[i], name, title: results.titles[name], intensity: flops / bytes, rate: flops / time, time,
      }));
  };

  explorer.roofline = function (results) {
    const layers = explorer.layers(results);
    const { ridge, point } = results;
    const low = Math.min(...layers.map((each) => each.intensity), 1) / 2;
    const high = Math.max(...layers.map((each) => each.intensity), ridge) * 3;
    const floor = Math.min(...layers.map((each) => each.rate), low * point.BW_mem) / 2;
    const x = logScale(low, high, 62, WIDTH - 12);
    const y = logScale(floor, point.P_acc * 2, 290, 14);
    const grid = decades(low, high).map((v) => line(x(v), 14, x(v), 290, "grid") + text(...within(x(v), 307, power(v))));
    const rows = decades(floor, point.P_acc * 2).map((v) => line(62, y(v), WIDTH - 12, y(v), "grid") + text(57, y(v) + 4, power(v / 1e12), { class: "end" }));
    const start = Math.max(low, floor / point.BW_mem);
    const roof = [[start, start * point.BW_mem], [ridge, point.P_acc], [high, point.P_acc]];
    const path = roof.map(([a, b]) => `${x(a).toFixed(1)},${y(b).toFixed(1)}`).join(" ");
    const under = (left) => Math.max(y(point.P_acc), y(point.P_acc) + ((y(floor) - y(point.P_acc)) * (x(ridge) - left)) / (x(ridge) - x(floor / point.BW_mem)));
    const marks = spread(layers.map((each) => ({ letter: each.letter, x: x(each.intensity), y: y(each.rate) })), under);
    return picture(334, "Roofline: attained rate against arithmetic intensity of each layer, numbers in the table", [
      ...grid, ...rows, line(x(ridge), 14, x(ridge), 290, "ridge"), text(x(ridge) - 5, 285, "ridge", { class: "end" }),
      tag("polyline", { points: path, class: "roof" }), ...marks,
      text((WIDTH + 50) / 2, 328, "arithmetic intensity [FLOP/byte]", { class: "middle" }),
      text(0, 0, "attained rate [TFLOP/s]", { class: "middle", transform: "translate(13 152) rotate(-90)" }),
    ].join(""));
  };

  /* A number below an axis, its end at the picture's where it would stand out on the right. */
  const within = (x, y, content) => (x + 4.5 * content.length > WIDTH ? [WIDTH, y, content, { class: "end" }] : [x, y, content, { class: "middle" }]);

  /* Letters stand beside their points; points that crowd share one label, and labels move down until they are free of
     each other and of the roof, which lies at the height `under` a place and rises from it to the right. */
  function spread(points, under) {
    const crowds = [];
    [...points].sort((a, b) => a.x - b.x).forEach((point) => {
      const crowd = crowds.find(([first]) => Math.abs(first.x - point.x) < 16 && Math.abs(first.y - point.y) < 16);
      if (crowd) crowd.push(point);
      else crowds.push([point]);
    });
    const placed = [];
    return points.map(({ x, y }) => tag("circle", { cx: x.toFixed(1), cy: y.toFixed(1), r: 5, class: "mark" }))
      .concat(crowds.map((crowd) => {
        const letters = crowd.map((each) => each.letter).sort().join("");
        const wide = 11 * letters.length;
        const label = { x: Math.min(crowd[0].x + 9, WIDTH - 2 - wide), y: crowd[0].y + 19, wide };
        label.y = Math.max(label.y, under(label.x) + 16);
        while (placed.some((other) => label.x < other.x + other.wide && other.x < label.x + wide && Math.abs(other.y - label.y) < 15)) label.y += 3;
        placed.push(label);
        return text(label.x, label.y, letters, { class: "letter" });
      }));
  }

  function power(value) {
    if (value >= 1e5 && value < 1e9) return value < 1e6 ? `${value / 1e3}k` : `${value / 1e6}M`;
    return value >= 0.01 && value < 1e5 ? digits(value) : value.toExponential(0).replace("+", "");
  }

  explorer.pens = { LETTERS, WIDTH, decades, line, logScale, picture, power, tag, text };  // for drawing_parts.js

  explorer.bars = function (results) {
    const terms = Object.entries(results.terms).filter(([, time]) => time > 0);
    const longest = Math.max(...terms.map(([, time]) => time));
    const names = terms.map(([name]) => explorer.term(name, results));
    const left = Math.max(152, 7.2 * Math.max(...names.map((each) => each.length)));  // letters are about that wide
    const rows = terms.map(([name, time], i) => {
      const width = Math.max(1, (time / longest) * (WIDTH - left - 148));
      const kind = explorer.COMMUNICATION.includes(name) ? "bar wire" : "bar";
      return text(left, 26 * i + 17, names[i], { class: "end" }) +
        tag("rect", { x: (left + 6).toFixed(1), y: 26 * i + 4, width: width.toFixed(1), height: 18, class: kind }) +
        text(left + 11 + width, 26 * i + 17, `${explorer.time(time)}, ${explorer.share(time / results.tpot)}`, {});
    });
    return picture(26 * terms.length + 4, "Bars: the terms of TPOT, numbers in the table", rows.join(""));
  };

  explorer.limits = function (state, results) {
    const shown = [["B", state.B], ["B_RP", results.B_RP], ["B_cap", results.B_cap], ["B_SLO", results.B_SLO]];
    const values = shown.map(([, value]) => Math.max(1, value));
    const low = Math.min(...values) / 2;
    const high = Math.max(...values) * 2;
    const x = logScale(low, high, 62, WIDTH - 90);
    const axis = decades(low, high).map((v) => line(x(v), 8, x(v), 118, "grid") + text(x(v), 134, power(v), { class: "middle" }));
    const marks = shown.map(([name, value], i) => {
      const kind = name === "B" ? "mark" : name === "B_RP" ? "bar wire" : "bar";
      return text(55, 28 * i + 26, name, { class: "end" }) + line(62, 28 * i + 22, x(Math.max(1, value)), 28 * i + 22, "stem") +
        tag("circle", { cx: x(Math.max(1, value)).toFixed(1), cy: 28 * i + 22, r: 6, class: kind }) +
        text(x(Math.max(1, value)) + 11, 28 * i + 26, explorer.count(value), {});
    });
    return picture(140, "Batch and its limits on a logarithmic axis, numbers in the table", axis.join("") + marks.join(""));
  };

  /* Neighbours of a row that have the same largest term, and that memory holds alike: [first, number, cell]. */
  function runs(row) {
    const found = [];
    row.forEach((cell, j) => {
      const last = found[found.length - 1];
      if (last && last[2].largest === cell.largest && last[2].held === cell.held) last[1] += 1;
      else found.push([j, 1, cell]);
    });
    return found;
  }

  /* A row for each context, a column for each batch: letters of the largest terms, pale where memory does not hold it. */
  explorer.mapped = function (state, results, cells) {
    const { B, L } = explorer.MAP;
    const [wide, high] = [(WIDTH - 76) / B.length, 18];
    const shown = cells.flatMap((row, i) => runs(row).map(([j, many, cell]) => {
      const [x, y] = [70 + j * wide, 6 + (L.length - 1 - i) * high];
      const term = placeOf(cell.largest, results);
      const mark = tag("rect", { x: x.toFixed(1), y, width: (many * wide).toFixed(1), height: high, class: `term${term % 8}` }) +
        text(x + (many * wide) / 2, y + 13, LETTERS[term], { class: "middle letter" });
      return tag("g", { class: cell.held ? "held" : "pale" }, mark);
    }));
    const [j, i] = [nearestStep(B, state.B), nearestStep(L, state.L)];
    const here = tag("rect", { x: (70 + j * wide).toFixed(1), y: 6 + (L.length - 1 - i) * high, width: wide.toFixed(1), height: high, class: "here" });
    const foot = 6 + L.length * high;
    const columns = B.map((value, k) => (k % 2 ? "" : text(70 + (k + 0.5) * wide, foot + 16, short(value), { class: "middle" })));
    const lines = L.map((value, k) => (k % 2 ? "" : text(64, 6 + (L.length - 1 - k) * high + 14, short(value), { class: "end" })));
    return picture(foot + 42, "Map: the largest term over batch and context, numbers in the table", [
      ...shown, here, ...columns, ...lines, text(WIDTH / 2 + 35, foot + 36, "batch B [requests]", { class: "middle" }),
      text(0, 0, "context L [tokens]", { class: "middle", transform: `translate(13 ${foot / 2}) rotate(-90)` }),
    ].join(""));
  };

  function nearestStep(values, value) {
    const logs = values.map(Math.log);
    return logs.indexOf(explorer.nearest(logs, Math.log(value)));
  }

  /* Powers of two as people read them: 64, 4k, 1M. */
  const short = (value) => (value >= 1048576 ? `${value / 1048576}M` : value >= 1024 ? `${value / 1024}k` : String(value));

  const placeOf = (term, { terms }) => Object.keys(terms).indexOf(term);
  explorer.termLetter = (term, results) => LETTERS[placeOf(term, results)];

  /* Which letters stand for which terms on the map, as far as they are on it. */
  explorer.key = function (results, cells) {
    const present = new Set(cells.flat().map((cell) => cell.largest));
    return Object.keys(results.terms).filter((name) => present.has(name))
      .map((name) => `${explorer.termLetter(name, results)} ${explorer.term(name, results)}`).join(", ");
  };

  /* -- words and numbers for people ------------------------------------------------------------------------------------- */
  const TERMS = { dense_ffn: "dense FFN", all_reduce: "all-reduce" };

  const BESIDE = { "index scores": "its index", "step of the state": "states", "prompt through the state": "states" };

  /* A term's name; what decompresses the cache is called as the order does it, and core attention says what else it holds. */
  explorer.term = function (name, { titles }) {
    const has = (title) => Object.values(titles).some((each) => each.startsWith(title));
    if (name === "core_attention") {
      return ["core attention", ...Object.keys(BESIDE).filter(has).map((title) => BESIDE[title])].join(" and ");
    }
    return (name === "kv_decompression" && titles.decompression) || TERMS[name] || name.replace(/_/g, " ");
  };

  function digits(value) {
    return value >= 1000 ? Math.round(value).toLocaleString("en-US") : String(Number(value.toPrecision(3)));
  }

  explorer.count = (value) => (value >= 1e9 ? value.toExponential(2) : digits(Math.floor(value)));
  explorer.share = (value) => `${(100 * value).toFixed(value > 0 && value < 0.1 ? 1 : 0)}${NARROW}%`;
  explorer.number = digits;

  /* A number with the prefix of its size: 8.00e12 byte/s are 8 TB/s. */
  explorer.prefixed = function (value, unit) {
    const [scale, prefix] = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""]].find(([size]) => value >= size) || [1, ""];
    return `${digits(value / scale)}${NARROW}${prefix}${unit}`;
  };

  explorer.time = function (seconds) {
    const [scale, unit] = seconds >= 1 ? [1, "s"] : seconds >= 1e-3 ? [1e3, "ms"] : seconds >= 1e-6 ? [1e6, "µs"] : [1e9, "ns"];
    return `${digits(seconds * scale)}${NARROW}${unit}`;
  };
})();
