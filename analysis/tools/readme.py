"""Keep the generated parts of README.md true: its figure, the counts of verdicts, and the measured speeds.

    python -m analysis.tools.readme            figure and counts
    python -m analysis.tools.bench --readme    speeds (calls `replaced` below)

A part stands between `<!-- begin NAME -->` and `<!-- end NAME -->`; a test keeps the counts current. What
a part needs is imported late: the process that measures speeds must not hold it.
"""

import re
import sys
from collections import Counter

import click

from analysis.files import exits
from analysis.files.errors import InputError
from analysis.files.whole import ROOT, write

README = ROOT / "README.md"
FIGURE = ROOT / "book" / "_assets" / "summary.svg"
FIGURE_LABEL = "fig-thesis-map"


def replaced(text: str, name: str, content: str) -> str:
    """The text with the part `name` replaced. Raises InputError if README has no such part.

    >>> replaced("a <!-- begin x -->old<!-- end x --> b", "x", "new")
    'a <!-- begin x -->\\nnew\\n<!-- end x --> b'
    """
    pattern = re.compile(rf"(<!-- begin {name} -->).*?(<!-- end {name} -->)", re.DOTALL)
    if not pattern.search(text):
        raise InputError(f"README.md: there is no part '<!-- begin {name} -->' to '<!-- end {name} -->'; put it back.")
    return pattern.sub(lambda found: f"{found[1]}\n{content}\n{found[2]}", text)


def update(name: str, content: str) -> None:
    """Write a generated part into README.md."""
    write(README, replaced(README.read_text(), name, content).encode())


def verdicts() -> str:
    """The counts of verdicts as a Markdown table, from the ledger."""
    from tabulate import tabulate

    from analysis.ledger.ledger import ledger

    counts = Counter(finding.verdict for finding in ledger())
    return tabulate(counts.most_common(), headers=["verdict", "claims"], tablefmt="github")


def figure() -> tuple[bytes, str]:
    """The summary figure as SVG and its alt text, from the executed notebooks of the last `make book`."""
    from analysis.book.executed import collect
    from analysis.book.notebooks import DEFAULT_OUTPUT

    figures, _ = collect(sorted(DEFAULT_OUTPUT.glob("*.ipynb")))
    if FIGURE_LABEL not in figures:
        raise InputError(f"no executed notebook shows {FIGURE_LABEL}; run `make book` first.")
    _, shown = figures[FIGURE_LABEL]
    return shown.svg.encode(), shown.alt


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Refresh the figure and the counts in README.md, from the last `make book`."""
    svg, alt = figure()
    write(FIGURE, svg)
    update("figure", f"![{alt}]({FIGURE.relative_to(ROOT)})")
    update("verdicts", verdicts())


if __name__ == "__main__":
    sys.exit(exits.run(main, "python -m analysis.tools.readme"))
