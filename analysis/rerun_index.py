"""The index page of many reruns: a card per row with its parameters and the first figure of its result."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import nbformat

from analysis.files import write
from analysis.render.show import ShownFigure, shown

STYLE = """
body { font: 16px/1.4 system-ui, sans-serif; margin: 2rem; max-width: 80rem; }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1rem; }
article { border: 1px solid #777; border-radius: .3rem; padding: .8rem; overflow-wrap: anywhere; }
article.failed { border: 2px solid #a00; }
img { width: 100%; height: auto; background: #fff; }
h2 { font-size: 1rem; margin: 0 0 .5rem; } dl { display: grid; grid-template-columns: auto 1fr; gap: 0 .6rem; }
dt { font-weight: 600; } dd { margin: 0; }
"""


def write_index(out: Path, notebook: str, outcomes: Sequence) -> None:
    """Write out/index.html, and KEY.svg for every result with a figure; failures come first."""
    ordered = sorted(outcomes, key=lambda outcome: not outcome.failure)
    cards = "\n".join(_card(outcome) for outcome in ordered)
    failed = sum(bool(outcome.failure) for outcome in outcomes)
    title = escape(f"{notebook}: {len(outcomes)} runs, {failed} failed")
    page = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>{STYLE}</style></head>
<body><h1>{title}</h1><main>
{cards}
</main></body></html>
"""
    write(out / "index.html", page.encode("utf-8", "xmlcharrefreplace"))


def _card(outcome) -> str:
    key = outcome.target.stem
    if outcome.failure:
        body = f"<p><strong>failed:</strong> {escape(outcome.failure)}</p>"
        return f'<article class="failed"><h2>{key}</h2>{_parameters(outcome.parameters)}{body}</article>'
    figure = next(_figures(outcome.target), None)
    if figure:
        write(outcome.target.with_suffix(".svg"), figure.svg.encode())
    image = f'<img loading="lazy" src="{key}.svg" alt="{escape(figure.alt)}">' if figure else "<p>no figure</p>"
    return f'<article><h2><a href="{key}.ipynb">{key}</a></h2>{image}{_parameters(outcome.parameters)}</article>'


def _parameters(given: Mapping[str, Any]) -> str:
    entries = "".join(f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>" for name, value in given.items())
    return f"<dl>{entries}</dl>"


def _figures(executed: Path) -> Iterator[ShownFigure]:
    for cell in nbformat.read(executed, as_version=4).cells:
        for item in shown(cell.get("outputs", [])):
            if isinstance(item, ShownFigure):
                yield item
