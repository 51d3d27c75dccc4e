// Shows what a link into the book leads to, beside the link: on hovering with a mouse, and on focus from the keyboard.
// Escape dismisses it. Contents come from previews.js, a file of this book that is loaded when first needed.
(function () {
  "use strict";
  const DELAY = 250;
  const GAP = 8;
  const root = document.documentElement.dataset.content_root || "./";
  const base = new URL(root, location.href);
  let box = null;
  let shownFor = null;
  let timer = 0;
  const loading = {};

  function load(name) {
    loading[name] ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = new URL(`_static/${name}`, base).href;
      script.onload = resolve;
      script.onerror = reject;
      document.head.append(script);
    });
    return loading[name];
  }

  // Where in the book a link leads: page and anchor, as previews are named; empty for links elsewhere.
  function place(link) {
    const url = new URL(link.href, location.href);
    const inside = url.href.startsWith(base.href) && url.hash;
    return inside ? decodeURI(url.href.slice(base.href.length)) : "";
  }

  const isPreviewed = (link) => link?.matches("article a[href*='#']:not(.headerlink, .cite-link)") && place(link) !== "";

  // Until the page is loaded its MathJax is a configuration only, and stays one on pages without formulas.
  const loaded = new Promise((resolve) => {
    if (document.readyState === "complete") resolve();
    else window.addEventListener("load", resolve, { once: true });
  });

  async function typeset(element) {
    if (!element.querySelector(".math")) return;
    await loaded;
    if (!window.MathJax?.startup?.promise) {
      window.MathJax = { svg: { fontCache: "global" }, startup: { typeset: false } };
      await load("mathjax/tex-svg.js");
    }
    await window.MathJax.startup.promise;
    await window.MathJax.typesetPromise([element]);
    for (const each of element.querySelectorAll("[tabindex]")) each.removeAttribute("tabindex");
  }

  function made() {
    if (box) return box;
    box = document.createElement("div");
    box.id = "study-preview";
    box.setAttribute("role", "tooltip");
    box.className = "study-preview";
    box.hidden = true;
    box.addEventListener("pointerenter", () => clearTimeout(timer));
    box.addEventListener("pointerleave", () => later(hide));
    document.body.append(box);
    return box;
  }

  // Below the link, or above where there is more room; never over it, and so never under the pointer.
  function put(link) {
    const lines = [...link.getClientRects()];
    const first = lines[0];
    const last = lines[lines.length - 1];
    const below = innerHeight - last.bottom - 2 * GAP;
    const above = first.top - 2 * GAP;
    box.style.maxHeight = `${Math.max(below, above)}px`;
    const size = box.getBoundingClientRect();
    const under = size.height <= below || below >= above;
    const left = Math.max(GAP, Math.min(last.left, document.documentElement.clientWidth - size.width - GAP));
    box.style.left = `${left + scrollX}px`;
    box.style.top = `${(under ? last.bottom + GAP : first.top - GAP - size.height) + scrollY}px`;
  }

  function hide() {
    clearTimeout(timer);
    if (shownFor) shownFor.removeAttribute("aria-describedby");
    shownFor = null;
    if (box) box.hidden = true;
  }

  function later(action) {
    clearTimeout(timer);
    timer = setTimeout(action, DELAY);
  }

  async function show(link) {
    await load("reading/previews.js");
    const content = studyPreviews[place(link)];
    if (!content || !(link.matches(":hover") || link === document.activeElement)) return;
    hide();
    shownFor = link;
    made().innerHTML = content;
    for (const image of box.querySelectorAll("img")) image.src = new URL(image.getAttribute("src"), base).href;
    box.style.left = box.style.top = "0";
    box.classList.remove("placed");
    box.hidden = false;
    await Promise.all([typeset(box), ...[...box.querySelectorAll("img")].map((image) => image.decode().catch(() => 0))]);
    if (shownFor !== link) return;
    link.setAttribute("aria-describedby", box.id);
    put(link);
    box.classList.add("placed");
  }

  // A formula inside a link is no stop of its own.
  loaded.then(() => window.MathJax?.startup?.promise).then(() => {
    for (const each of document.querySelectorAll("a mjx-container[tabindex]")) each.removeAttribute("tabindex");
  });

  const linkAt = (event) => event.target.closest?.("a[href]");
  document.addEventListener("pointerover", (event) => {
    const link = linkAt(event);
    if (event.pointerType !== "mouse" || !link) return;
    if (link === shownFor) clearTimeout(timer);
    else if (isPreviewed(link)) later(() => show(link));
  });
  document.addEventListener("pointerout", (event) => {
    if (event.pointerType === "mouse" && linkAt(event)) later(hide);
  });
  document.addEventListener("focusin", (event) => {
    if (isPreviewed(linkAt(event)) && event.target.matches(":focus-visible")) show(linkAt(event));
  });
  document.addEventListener("focusout", hide);
  document.addEventListener("click", (event) => { if (!box?.contains(event.target)) hide(); });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
})();
