"""Sphinx's part of the pages of source, nearly a hundred: a small frame, and code that is valid and light HTML.

`_config.yml` names this module as an extension, and the folder of its template. The theme's own frame weighs as much as
the code in it, and loads the search, folds and copy buttons, of which a page of source has none.
"""

import re
from typing import Any

from sphinx.application import Sphinx

from analysis.book.site import light_code

PAGES = "_modules/"
TEMPLATE = "source.html"
STYLES = ("styles/pydata-sphinx-theme.css", "pygments.css", "study.css", "source/source.css", "print.css")
SCRIPTS = ("source/source.js", "print.js")
FRAME = ("theme_navbar_", "theme_article_", "theme_content_", "theme_footer_", "theme_primary_", "theme_secondary_")

CODE = re.compile(r"<pre>\n?(.*)</pre>", flags=re.S)
OTHERS = re.compile(r'<li><a href="(?!analysis)[^"]*">[^<]*</a></li>\n?')
BLOCK = re.compile(r'<div( class="viewcode-block" id="[^"]*">)\n(<a [^>]*>\[docs\]</a>)\n')


def mended(code: str) -> str:
    """Code in which what a link leads to is a run of text, as `pre` allows no blocks; the keyboard scrolls it.

    >>> mended('<pre>\\n<div class="viewcode-block" id="f">\\n<a href="#">[docs]</a>\\ndef f(): ...</div>\\n\\n</pre>')
    '<pre tabindex="0"><span class="viewcode-block" id="f"><a href="#">[docs]</a>def f(): ...</span>\\n</pre>'
    """

    def lines(found: re.Match) -> str:
        text = BLOCK.sub(r"<span\1\2", found[1]).replace("</div>\n", "</span>")
        return f'<pre tabindex="0">{text}</pre>'

    return CODE.sub(lines, light_code(code))


def flat(index: str) -> str:
    """One list of the modules, as Sphinx closes fewer lists than it opens; ours alone, as others have no page here.

    >>> flat('<ul><li><a href="analysis/a.html">a</a></li><ul><li><a href="builtins.html">builtins</a></li></ul>')
    '<ul><li><a href="analysis/a.html">a</a></li></ul>'
    """
    head, _, items = index.partition("<ul>")
    return f"{head}<ul>{OTHERS.sub('', re.sub('</?ul>', '', items))}</ul>" if items else index


def _bare(_app: Sphinx, page: str, _template: str, context: dict[str, Any], _tree: object) -> None:
    """Name no part of the theme's frame, which the theme would draw for each page of source, to see whether it is
    empty: a quarter of the time that Sphinx takes."""
    if page.startswith(PAGES):
        context.update({name: [] for name in context if name == "sidebars" or name.startswith(FRAME)})


def _frame(_app: Sphinx, page: str, _template: str, context: dict[str, Any], _tree: object) -> str | None:
    """Sphinx asks before it writes a page; the answer is the template to use, or none."""
    if not page.startswith(PAGES):
        return None
    context["body"] = mended(context["body"]) if "<pre>" in context["body"] else flat(context["body"])
    context.update(styles=STYLES, scripts=SCRIPTS)
    return TEMPLATE


def setup(app: Sphinx) -> dict[str, bool]:
    """Give the pages of source their frame."""
    app.connect("html-page-context", _bare, priority=100)  # before the theme
    app.connect("html-page-context", _frame)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
