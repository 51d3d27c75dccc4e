// Puts a copy button beside each text of a fold "Cite" when the fold is opened, and makes its permalink whole.
// Pages are opened from disk too, where the clipboard's own interface may be missing.
(function () {
  "use strict";

  // Copies through a selection; true where the browser let us.
  function copySelected(text) {
    const area = document.createElement("textarea");
    const before = document.activeElement;
    area.value = text;
    area.readOnly = true;
    area.className = "cite-copying";
    document.body.append(area);
    area.select();
    let done = false;
    try { done = document.execCommand("copy"); } catch { done = false; }
    area.remove();
    if (before) before.focus({ preventScroll: true });
    return done;
  }

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return copySelected(text);
    }
  }

  // Selects a text for the reader to copy where no script may.
  function select(element) {
    const range = document.createRange();
    range.selectNodeContents(element);
    const selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  }

  function button(name, text, shown, said) {
    const made = document.createElement("button");
    const label = `Copy ${name}`;
    made.type = "button";
    made.className = "cite-copy";
    made.textContent = label;
    made.addEventListener("click", async () => {
      const done = await copy(text);
      if (!done) select(shown);
      made.textContent = done ? "Copied" : "Selected: copy it";
      said.textContent = `${name}: ${made.textContent}`;
      setTimeout(() => { made.textContent = label; }, 2000);
    });
    return made;
  }

  function equip(fold) {
    const said = document.createElement("p");
    said.className = "cite-said";
    said.setAttribute("role", "status");
    const link = fold.querySelector(".cite-link");
    link.after(" ", button("link", link.href, link, said));
    for (const part of fold.querySelectorAll(".cite-text")) {
      const [title, text] = part.children;
      title.append(" ", button(title.textContent.trim(), text.textContent, text, said));
    }
    fold.append(said);
  }

  document.addEventListener("toggle", (event) => {
    const fold = event.target;
    if (fold.matches?.("details.cite[open]") && !fold.querySelector(".cite-copy")) equip(fold);
  }, true);
})();
