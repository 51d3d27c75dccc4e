"""The equations of the book without its notebooks: every call on a page that prints one, rendered by itself."""

import re
from functools import cache

import jinja2

from analysis.book.page import template_functions
from analysis.files.whole import ROOT
from analysis.render.printed import recording

CALLS = re.compile(
    r"(?:\{\{ |^  [\w]+: )((?:\w*equation|both_orders|sharding_rule|proof|flip)\(.*?\))(?: \}\}|$)", flags=re.M
)


@cache
def staged():
    """The pages with nothing on them but their equations, and what printed each label."""
    origins = {}
    names = recording(template_functions({}, {}), origins)
    pages = {
        path.name: "\n\n".join(
            jinja2.Template(f"{{{{ {call} }}}}").render(names)
            for call in CALLS.findall(path.read_text(encoding="utf-8"))
        )
        for path in sorted((ROOT / "book").glob("*.md"))
    }
    return pages, origins
