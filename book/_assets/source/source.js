// A page of source takes the colours that the reader chose on the pages with a switch, or else the system's.
(function () {
  "use strict";
  const page = document.documentElement.dataset;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const chosen = localStorage.getItem("mode");

  function follow() {
    page.mode = chosen || "auto";
    page.theme = ["light", "dark"].includes(chosen) ? chosen : system.matches ? "dark" : "light";
  }

  follow();
  system.addEventListener("change", follow);
})();
