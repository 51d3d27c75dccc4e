"""What a notebook hands to the book: figures (`show`) and plain numbers (`note`), and how to read them back (`shown`).

Both are ordinary notebook outputs. Jupyter and papermill display them; the book finds them by their metadata. The
form of that metadata is known to this file alone.
"""

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from IPython.display import display
from matplotlib import pyplot
from matplotlib.figure import Figure

from analysis.files.errors import InputError
from analysis.render.axes import with_names
from analysis.render.svg import light
from analysis.render.words import named

KEY = "study"
SVG = "image/svg+xml"
FLOAT = "float"
"""Names, in metadata, the text of a number that JSON lacks."""


@dataclass(frozen=True)
class ShownFigure:
    """A figure as it left a notebook: its label, texts, drawing, and the numbers behind it (CSV text or None)."""

    label: str
    caption: str
    alt: str
    svg: str = field(repr=False)
    csv: str | None = field(default=None, repr=False)

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        """What Jupyter shows of a figure that a cell ends in."""
        return {SVG: self.svg, "text/plain": self.alt}


def show(figure: Figure, label: str, caption: str, alt: str, data: Mapping[str, Sequence] | None = None) -> None:
    """Display `figure` as SVG with its caption, and export it to the book under `label`.

    `alt` says in words what the figure shows, after the finding that stands above it (the figure's suptitle); `data`
    (column name to values, equal lengths) is offered to readers as a CSV file, nan as an empty cell. Raises InputError
    for an empty text or columns of unequal length.
    """
    for name, text in {"label": label, "caption": caption, "alt": alt}.items():
        if not text.strip():
            raise InputError(f"show: {name} of the figure {label!r} is empty; say in a few words what it shows")
    with_names(figure)
    caption, alt = named(caption), named(alt)
    finding = " ".join(figure.get_suptitle().split())
    alt = f"{finding}. {alt}" if finding else alt
    about = {"label": label, "caption": caption, "alt": alt} | ({"csv": _csv(label, data)} if data else {})
    display({SVG: _svg(figure), "text/plain": alt}, raw=True, metadata={KEY: about})
    display({"text/markdown": caption, "text/plain": caption}, raw=True)


def note(**values: float | int | str | bool) -> None:
    """Display plain values, and export them to the book's pages as `notes.NAME`; raises InputError for other types."""
    plain = {name: _plain(name, value) for name, value in values.items()}
    text = "\n".join(f"{name} = {value}" for name, value in plain.items())
    written = {name: _written(value) for name, value in plain.items()}
    display({"text/plain": text}, raw=True, metadata={KEY: {"notes": written}})


def shown(outputs: Sequence[Mapping[str, Any]]) -> Iterator[ShownFigure | dict]:
    """Yield, from the outputs of an executed cell, each exported figure, and each set of notes as a dict."""
    for output in outputs:
        about = output.get("metadata", {}).get(KEY, {})
        if "label" in about:
            yield ShownFigure(**about, svg=output["data"][SVG])
        elif "notes" in about:
            yield {name: _read(value) for name, value in about["notes"].items()}


def _svg(figure: Figure) -> str:
    target = io.StringIO()
    figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None})
    pyplot.close(figure)
    return light(target.getvalue())


def _csv(label: str, data: Mapping[str, Sequence]) -> str:
    columns = {name: list(values) for name, values in data.items()}
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(f"show: the data of {label!r} has columns of unequal length, {lengths}; give equal lengths")
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(["" if cell != cell else cell for cell in row] for row in zip(*columns.values(), strict=True))
    return target.getvalue()


def _plain(name: str, value: Any) -> float | int | str | bool:
    value = value.item() if hasattr(value, "item") else value  # a numpy scalar
    if not isinstance(value, float | int | str):
        kind = type(value).__name__
        raise InputError(f"note: {name} is a {kind}; allowed are numbers, strings and booleans, so convert it first")
    return value


def _written(value: float | int | str | bool) -> float | int | str | bool | dict[str, str]:
    """The value as JSON may hold it, which knows no infinity."""
    return {FLOAT: str(value)} if isinstance(value, float) and not math.isfinite(value) else value


def _read(value: Any) -> float | int | str | bool:
    return float(value[FLOAT]) if isinstance(value, dict) else value
