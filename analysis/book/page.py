"""The names that expressions in a page's head may use; most are functions that return MyST text."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from analysis.book import reference
from analysis.files.errors import InputError, choices
from analysis.render import (
    after_tables,
    audit_tables,
    by_hand,
    canonical_words,
    counting,
    derivations,
    design_words,
    equations,
    family_tables,
    glossary_tables,
    ledger_tables,
    measured_tables,
    paper_tables,
    proofs,
    prose,
    published_tables,
    sensitivity_tables,
    served_words,
    system_equations,
    tables,
    thesis_tables,
    thesis_words,
    trust_tables,
    verdict_tables,
)
from analysis.render.show import ShownFigure
from analysis.systems.canonical import paper

FIGURES = "figures"
"""Folder of the staged book that holds LABEL.svg and LABEL.csv."""

CAPTION_PARTS = re.compile(r"(?<=[.;:]) ")
PARAMETER = re.compile(r"\b[A-Za-z_]+=\S")

OWN: dict[str, Any] = {
    "by_hand": by_hand.by_hand,
    "equation": equations.equation,
    "symbol": equations.symbol,
    "einsum": derivations.einsum,
    "cache": derivations.cache,
    "limit_table": derivations.limit_table,
    "limit_number": derivations.limit_number,
    "limit_value": derivations.limit_value,
    "both_orders": derivations.both_orders_equation,
    "crossing_equation": derivations.crossing_equation,
    "sharding_rule": derivations.sharding_rule,
    "tokens_equation": derivations.tokens_equation,
    "knee_equation": derivations.knee_equation,
    "sum_equation": system_equations.sum_equation,
    "multiple_equation": system_equations.multiple_equation,
    "parts_equation": system_equations.parts_equation,
    "read_equation": system_equations.read_equation,
    "in_steps": counting.in_steps,
    "symbols_table": tables.symbols_table,
    "conventions_table": tables.conventions_table,
    "data_dictionary": tables.data_dictionary,
    "models_table": tables.models_table,
    "accelerators_table": tables.accelerators_table,
    "links_table": tables.links_table,
    "table1": paper_tables.table1,
    "table3": paper_tables.table3,
    "table3_number": paper_tables.table3_number,
    "table3_fitting": paper_tables.table3_fitting,
    "short_name": paper_tables.short_name,
}
PARTS = (
    OWN,
    prose.WORDS,
    ledger_tables.NAMES,
    published_tables.NAMES,
    reference.NAMES,
    audit_tables.NAMES,
    measured_tables.NAMES,
    proofs.WORDS,
    thesis_words.WORDS,
    verdict_tables.WORDS,
    sensitivity_tables.WORDS,
    thesis_tables.WORDS,
    served_words.WORDS,
    trust_tables.WORDS,
    glossary_tables.WORDS,
    after_tables.WORDS,
    design_words.WORDS,
    family_tables.WORDS,
)


def together(*parts: Mapping[str, Any]) -> dict[str, Any]:
    """The names of several parts as one; raises ValueError for a name that two of them give.

    >>> together({"a": 1}, {"b": 2})
    {'a': 1, 'b': 2}
    """
    found: dict[str, Any] = {}
    for part in parts:
        twice = found.keys() & part.keys()
        if twice:
            raise ValueError(f"two functions of the pages are called {min(twice)}; rename one")
        found |= part
    return found


NAMES = together(*PARTS)


def template_functions(
    figures: Mapping[str, tuple[str, ShownFigure]],
    notes: Mapping[str, Any],
    drawn: Mapping[str, tuple[str, str]] | None = None,
) -> dict[str, Any]:
    """Return what templates see: `NAMES`, `figure(label)`, `notes`, the values that notebooks exported, and `edition`.

    `figures` maps a label to the name of the notebook that made the figure, and the figure; `drawn` maps it to that
    notebook and the dotted name of the function that drew it. `edition` is the setting that the book speaks of.
    """
    chosen = paper()
    filled = (thesis_tables, thesis_words, design_words)
    bound = [{name: partial(each, chosen) for name, each in part.BY_EDITION.items()} for part in filled]
    found = together(NAMES, *bound, {"figure": _figure_function(figures, drawn or {}), "notes": notes})
    return found | canonical_words.words(chosen)  # some of them are names above, for the setting's own models


def _figure_function(
    figures: Mapping[str, tuple[str, ShownFigure]], drawn: Mapping[str, tuple[str, str]]
) -> Callable[..., str]:
    def figure(label: str, again: bool = False) -> str:
        """Place the figure `label`, with its caption, its alternative text and links to what is behind it.

        `again` shows it a second time, on a page where the label does not live, and refers to the first.
        """
        if label not in figures:
            raise InputError(f"no notebook shows a figure {label!r}; labels shown: {choices(figures) or 'none'}")
        if again:
            return _repeated(figures[label][1])
        return _figure_directive(*figures[label], drawn.get(label, ("", ""))[1])

    return figure


def _repeated(shown: ShownFigure) -> str:
    alt = " ".join(shown.alt.split())
    image = f"```{{image}} /{FIGURES}/{shown.label}.svg\n:alt: {alt}\n```"
    return f"::::{{container}} again\n{image}\n\n{{numref}}`{shown.label}`. {in_two(shown.caption)[0]}\n::::"


def in_two(caption: str) -> tuple[str, str]:
    """A figure's caption without the parts that name parameters, and those parts, which stand in a fold.

    >>> in_two("Memory by kind; width=2. Grey does not fit. Common to all: rope=in.")
    ('Memory by kind. Grey does not fit.', 'width=2. Common to all: rope=in.')
    """
    parts = CAPTION_PARTS.split(" ".join(caption.split()))
    named = [bool(PARAMETER.search(part)) for part in parts]
    leads = [part.endswith(":") and after for part, after in zip(parts, [*named[1:], False], strict=True)]
    folded = [one or other for one, other in zip(named, leads, strict=True)]
    shown = " ".join(part for part, fold in zip(parts, folded, strict=True) if not fold)
    below = " ".join(part for part, fold in zip(parts, folded, strict=True) if fold)
    return re.sub(r";(?= [A-Z]|$)", ".", shown), below


TALL = 1.2
"""Height over width from which a figure is shown as large as it was drawn, and not as wide as the column."""


WIDE = 560
"""Width [points] from which a figure takes the whole column, and scrolls in a box of its own on a phone (study.css)."""


def _is_wide(svg: str) -> bool:
    """Whether a drawing is too wide for a phone.

    >>> _is_wide('<svg width="394.3pt" height="90.5pt">'), _is_wide('<svg width="780pt" height="400pt">')
    (False, True)
    """
    width = re.search(r'width="([\d.]+)pt"', svg)
    return bool(width) and float(width[1]) > WIDE


def _is_tall(svg: str) -> bool:
    """Whether a drawing is much taller than wide.

    >>> _is_tall('<svg width="100pt" height="90.5pt">'), _is_tall('<svg width="100pt" height="400pt">')
    (False, True)
    """
    size = re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', svg)
    return bool(size) and float(size[2]) > TALL * float(size[1])


def _figure_directive(notebook: str, shown: ShownFigure, function: str) -> str:
    source = f"/{FIGURES}/{shown.label}"
    behind = [f"Computed by {{doc}}`{notebook} </notebooks/{notebook}>`"]
    behind += [f"drawn by {{py:func}}`{function.rpartition('.')[2]} <{function}>`"] if function else []
    behind += [f"[numbers]({source}.csv)"] if shown.csv else []
    caption, conditions = in_two(shown.caption)
    return "\n".join(
        [
            f"::::{{figure}} {source}.svg",
            f":name: {shown.label}",
            f":alt: {' '.join(shown.alt.split())}",
            *([":figclass: tall"] if _is_tall(shown.svg) else [":figclass: wide"] if _is_wide(shown.svg) else []),
            "",
            caption,
            "",
            ":::{dropdown} How this figure is made",
            ":class-container: behind",
            "",
            f"{', '.join(behind)}.{f' Conditions: {conditions}' if conditions else ''}",
            ":::",
            "::::",
        ]
    )
