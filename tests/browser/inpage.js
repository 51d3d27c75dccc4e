// Functions that run in a page and say what is there; each stands alone, as the page knows nothing of this file.
"use strict";

exports.drawn = function () {
  const formulas = [...document.querySelectorAll("article .math")];
  return {
    formulas: formulas.length,
    rendered: formulas.filter((each) => each.querySelector("mjx-container svg")).length,
    faulty: document.querySelectorAll("mjx-merror, [data-mml-node=merror]").length,
    broken: [...document.images].filter((each) => each.complete && !each.naturalWidth).map((each) => each.src),
    unnamed: [...document.images].filter((each) => !each.hasAttribute("alt")).map((each) => each.src),
    links: [...new Set([...document.querySelectorAll("a[href]")].map((each) => each.href))],
    ids: [...document.querySelectorAll("[id]")].map((each) => each.id),
  };
};

exports.overflow = () => document.documentElement.scrollWidth - window.innerWidth;

// Each figure: its height over the screen's, its width over the one that it was drawn at, and whether it stands out of a
// box that scrolls, whose hint is seen.
exports.figures = () => [...document.querySelectorAll("article figure img, article .again img")].map((each) => {
  const { width, height } = each.getBoundingClientRect();
  const box = each.closest("figure, .again");
  const caption = box.querySelector("figcaption, p");
  const told = getComputedStyle(caption || box, caption ? "::before" : "::after");
  return {
    name: each.src.split("/").pop(),
    high: height / window.innerHeight,
    scale: Math.min(width / each.naturalWidth, height / each.naturalHeight),
    scrolls: box.scrollWidth > box.clientWidth + 1 && /auto|scroll/.test(getComputedStyle(box).overflowX),
    hint: /sideways/.test(told.content),
    cut: width > box.clientWidth + 1,
  };
});

// Milliseconds from the start of navigation to the last, largest paint of content.
exports.largestPaint = () => new Promise((resolve) => {
  new PerformanceObserver((list) => resolve(Math.max(...list.getEntries().map((entry) => entry.startTime))))
    .observe({ type: "largest-contentful-paint", buffered: true });
  setTimeout(() => resolve(Infinity), 2000);
});

// What a sheet of paper would lose or show in vain: navigation, closed parts, what stands out of the column, pale text.
exports.printed = function () {
  const article = document.querySelector("article") || document.querySelector("main");
  const name = (each) => `${each.tagName.toLowerCase()}${each.id ? "#" + each.id : ""}.${[...each.classList].join(".")} ${each.textContent.trim().slice(0, 40)}`;
  const seen = (each) => each.checkVisibility({ contentVisibilityAuto: true }) && each.getClientRects().length > 0;
  const furniture = ".bd-sidebar, .bd-header-article, .prev-next-area, .bd-footer, .copybtn, .headerlink, #pst-back-to-top, .btn-cite, button";
  const width = document.documentElement.clientWidth;

  const scrolls = (each) => /auto|scroll|hidden/.test(getComputedStyle(each).overflowX) && each.scrollWidth > each.clientWidth + 1;
  const wide = (each) => each.getBoundingClientRect().right > width + 1;
  const boxes = [...article.querySelectorAll("img, svg[role=img], table, pre, div.math, figure, .cell_output, div")].filter(seen);

  const light = (rgb) => rgb.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const contrast = (colour) => 1.05 / (light(colour.match(/[\d.]+/g).slice(0, 3).map(Number)) + 0.05);
  const texts = [...article.querySelectorAll("p, a, li, td, th, h1, h2, h3, figcaption, caption, code, pre span")]
    .filter((each) => seen(each) && each.textContent.trim());
  return {
    furniture: [...document.querySelectorAll(furniture)].filter(seen).map(name),
    closed: [...article.querySelectorAll("details:not(.cite) > :not(summary)")].filter((each) => !seen(each)).map(name),
    cut: boxes.filter((each) => (wide(each) || scrolls(each))).map(name),
    pale: [...new Set(texts.filter((each) => contrast(getComputedStyle(each).color) < 4.5).map(name))],
  };
};
