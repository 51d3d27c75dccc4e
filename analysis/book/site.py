"""What becomes of the folder that Sphinx leaves: no file that no page loads, nothing that tells where it was built."""

import json
import re
from pathlib import Path

IDLE = (
    "*.map",  # for those who debug the theme
    "*.ttf",  # browsers that can show the book take the same fonts from .woff2
    "fa-brands-400.woff2",  # signs of companies, which no page shows
    "fa-regular-400.woff2",  # nor the outlined ones
    "fontawesome.js*",  # draws the icons that the style sheet draws already: a tenth of the site, and read by each page
    "_static/locales/*/*/*",  # translations of the theme, used while building
    ".buildinfo",  # a hash that only Sphinx reads, of settings in which absolute paths stand
)
INDEX = "searchindex.js"
PLAIN = re.compile(r'<span class="(?:n|p|w|o|nb|bp|nn|mi|mf|pre)">([^<]*)</span>')
ICONS = re.compile(r"\s*<!-- So that users can add custom icons -->\s*<script [^>]*fontawesome.js[^>]*></script>")
MATHJAX = re.compile(r"\s*<script>window\.MathJax = .*?</script>\s*<script [^>]*mathjax/[^>]*></script>")
VERSION = re.compile(r"(?<=\.css)\?v=\w+|(?<=\.js)\?v=\w+")
TOGGLE = re.compile(r'(<a [^>]*>([^<]*)</a><details[^>]*><summary)(?=><span class="toctree-toggle")')
DRAWN = re.compile(
    r'<p>(<img [^>]*src="[^"]*/fig-[^>]*>)</p>|(?<=<div class="cell_output docutils container">\n)(<img [^>]*\.svg" />)'
)
HEARD = 'role="group" aria-label="figure" tabindex="0"'
FOLDED = re.compile(r"<p>((?:(?!<p>|</p>).)*)(<details>.*?</details>)</p>", flags=re.S)


def finished(html: Path) -> dict[str, bytes]:
    """The book that Sphinx left at `html`, slim and mended: name to content."""
    files = (path for path in html.rglob("*") if path.is_file() and not any(map(path.match, IDLE)))
    return {path.relative_to(html).as_posix(): _content(path) for path in files}


def _content(path: Path) -> bytes:
    if path.suffix == ".html":
        text = moded(named(boxed(unfolded(lean(path.read_text(encoding="utf-8"))))))
        return (light_code(text) if path.parent.name == "reference" else text).encode()
    return named_once(path.read_text(encoding="utf-8")).encode() if path.name == INDEX else path.read_bytes()


def named_once(index: str) -> str:
    """The search's index without Sphinx's list of names, which it forgets for pages that it keeps; names are found
    among the objects too.

    >>> named_once('Search.setIndex({"indexentries":{"a":1},"objects":{"b":2}})')
    'Search.setIndex({"indexentries":{},"objects":{"b":2}})'
    """
    start, end = index.index("{"), index.rindex("}") + 1
    parts = json.loads(index[start:end]) | {"indexentries": {}}
    return index[:start] + json.dumps(parts, separators=(",", ":")) + index[end:]


def lean(page: str) -> str:
    """A page without scripts that draw nothing on it: icons, and formulas where it has none, as Sphinx thinks of a page
    that lists others; and without versions of styles and scripts, which Sphinx leaves out of what it writes first.

    >>> lean('<script>window.MathJax = {}</script>\\n<script defer src="mathjax/a.js?v=1"></script><p>x</p>')
    '<p>x</p>'
    >>> lean('<link href="a.css?v=1f"/>')
    '<link href="a.css"/>'
    """
    page = VERSION.sub("", ICONS.sub("", page))
    return page if 'class="math' in page else MATHJAX.sub("", page)


def light_code(page: str) -> str:
    """Code without the wrappers of tokens that have no colour of their own: a third of what a long reference weighs.

    >>> light_code('<span class="k">def</span><span class="w"> </span><span class="n">B_cap</span>')
    '<span class="k">def</span> B_cap'
    """
    return PLAIN.sub(r"\1", PLAIN.sub(r"\1", page))  # twice, as signatures wrap names in names


def unfolded(page: str) -> str:
    """Put what folds after the paragraph that Sphinx makes of a table's cell: HTML allows it in no paragraph.

    >>> unfolded("<td><p>Yes. <details>Why</details></p></td>")
    '<td><p>Yes. </p><details>Why</details></td>'
    """
    return FOLDED.sub(r"<p>\1</p>\2", page)


def boxed(page: str) -> str:
    """Let a figure that a notebook shows scroll on a phone, by hand and by keyboard, as those of chapters do.

    >>> boxed('<p><img alt="a" src="../_images/fig-a.svg" /></p>')
    '<p class="again" role="group" aria-label="figure" tabindex="0"><img alt="a" src="../_images/fig-a.svg" /></p>'
    """
    return DRAWN.sub(lambda image: f'<p class="again" {HEARD}>{image[1] or image[2]}</p>', page)


def named(page: str) -> str:
    """Say which pages a fold in the list of chapters holds: the theme gives it an icon and no name.

    >>> named('<a href="#">Reference</a><details><summary><span class="toctree-toggle">')
    '<a href="#">Reference</a><details><summary aria-label="Pages of: Reference"><span class="toctree-toggle">'
    """
    return TOGGLE.sub(r'\1 aria-label="Pages of: \2"', page)


def moded(page: str) -> str:
    """Let a browser that comes for the first time follow its reader's light or dark mode, without a complaint of the
    theme's in the console that it was told no mode.

    >>> moded('dataset.mode = localStorage.getItem("mode") || "";')
    'dataset.mode = localStorage.getItem("mode") || "auto";'
    """
    return page.replace('localStorage.getItem("mode") || ""', 'localStorage.getItem("mode") || "auto"')
