/* Paper is white: a page in dark colours is printed in the light ones, and turns dark again afterwards. */
"use strict";

(function () {
  const page = document.documentElement.dataset;
  let before;

  function toPaper() {
    before = before || page.theme;
    page.theme = "light";
  }

  function toScreen() {
    page.theme = before || page.theme;
    before = undefined;
  }

  addEventListener("beforeprint", toPaper);
  addEventListener("afterprint", toScreen);
  matchMedia("print").addEventListener("change", (event) => (event.matches ? toPaper() : toScreen()));
})();
