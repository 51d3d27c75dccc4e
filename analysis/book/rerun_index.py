"""The index page of many reruns: a card per row, with what sets it apart, its figures, and links to all of it."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import nbformat

from analysis.files.whole import write
from analysis.render.show import ShownFigure, shown

STYLE = """
:root { color-scheme: light dark; --line: #777; --bad: #b00020; }
@media (prefers-color-scheme: dark) { :root { --bad: #ff8a80; } }
body { font: 16px/1.45 system-ui, sans-serif; margin: 2rem auto; padding: 0 1rem; max-width: 88rem; }
section { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(24rem, 100%), 1fr)); gap: 1rem; }
section { align-items: start; margin-bottom: 1rem; }
article { border: 1px solid var(--line); border-radius: .3rem; padding: .8rem; overflow-wrap: anywhere; }
article.failed { border: 2px solid var(--bad); }
.failed strong { color: var(--bad); }
img { width: 100%; height: auto; background: #fff; display: block; }
.more { display: grid; grid-template-columns: repeat(3, 1fr); gap: .4rem; margin: .4rem 0; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.05rem; margin: 0 0 .5rem; }
dl { display: grid; grid-template-columns: auto 1fr; gap: 0 .8rem; margin: .6rem 0; }
dt { font-weight: 600; } dd { margin: 0; } p { margin: .4rem 0; }
"""


INDEX = "index.html"
MARK = '<meta name="generator" content="python -m analysis rerun">'


def is_index(path: Path) -> bool:
    """Whether a page is an index that `write_index` wrote."""
    return MARK in path.read_text(encoding="utf-8")[:1000]


def write_index(out: Path, notebook: str, outcomes: Sequence) -> None:
    """Write out/index.html, and the figures of every result as KEY.svg, KEY-2.svg, ...; failures come first."""
    apart = _differing([outcome.parameters for outcome in outcomes])
    failed = [_card(outcome, apart) for outcome in outcomes if outcome.failure]
    done = [_card(outcome, apart) for outcome in outcomes if not outcome.failure]
    parts = "\n".join("<section>{}</section>".format("\n".join(cards)) for cards in (failed, done) if cards)
    title = escape(f"{notebook}: {len(outcomes)} runs, {len(failed)} failed")
    page = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
{MARK}<title>{title}</title><style>{STYLE}</style></head>
<body><h1>{title}</h1>
<p>A figure opens in full; the notebook behind it opens in Jupyter. What is not listed is the notebook's own value.</p>
<main>
{parts}
</main></body></html>
"""
    write(out / INDEX, page.encode("utf-8", "xmlcharrefreplace"))


def _differing(given: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names of the parameters that are not the same in all rows, in the table's order.

    >>> _differing([{"L": 1, "B": 2}, {"L": 1, "B": 3}])
    ['B']
    """
    names = dict.fromkeys(name for row in given for name in row)
    return [name for name in names if len({str(row.get(name)) for row in given}) > 1]


def _card(outcome, apart: list[str]) -> str:
    named = [_spoken(name, outcome.parameters[name]) for name in apart if name in outcome.parameters]
    title = " \u00b7 ".join(named) or "own values of the notebook"
    heading = f"<h2>{escape(title)}</h2>"
    if outcome.failure:
        said = f"<p><strong>Failed:</strong> {escape(outcome.failure)}</p>"
        return f'<article class="failed">{heading}{said}{_parameters(outcome.parameters)}</article>'
    name = outcome.target.name
    link = f'<p><a href="{name}">executed notebook</a> ({name})</p>'
    return f"<article>{heading}{_thumbnails(outcome.target)}{_parameters(outcome.parameters)}{link}</article>"


def _spoken(name: str, value: Any) -> str:
    """A word speaks for itself, a number needs its name; of a path the end is enough."""
    return value.rpartition("/")[2] if isinstance(value, str) else f"{name} = {value}"


def _thumbnails(executed: Path) -> str:
    """The first figure as wide as the card, the others small below it."""
    images = []
    for number, figure in enumerate(_figures(executed), 1):
        name = f"{executed.stem}{'' if number == 1 else f'-{number}'}.svg"
        write(executed.with_name(name), figure.svg.encode())
        images.append(f'<a href="{name}"><img loading="lazy" src="{name}" alt="{escape(figure.alt)}"></a>')
    if not images:
        return "<p>This notebook shows no figure.</p>"
    return images[0] + (f'<div class="more">{"".join(images[1:])}</div>' if images[1:] else "")


def _parameters(given: Mapping[str, Any]) -> str:
    entries = "".join(f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>" for name, value in given.items())
    return f"<dl>{entries}</dl>" if entries else ""


def _figures(executed: Path) -> Iterator[ShownFigure]:
    for cell in nbformat.read(executed, as_version=4).cells:
        for item in shown(cell.get("outputs", [])):
            if isinstance(item, ShownFigure):
                yield item
