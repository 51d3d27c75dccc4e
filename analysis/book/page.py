"""The names that expressions in a page's head may use; most are functions that return MyST text."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from typing import Any

from analysis.files.errors import InputError, choices
from analysis.render import canonical_words
from analysis.render.show import ShownFigure
from analysis.systems.canonical import paper

FIGURES = "figures"
"""Folder of the staged book that holds LABEL.svg and LABEL.csv."""

CAPTION_PARTS = re.compile(r"(?<=[.;:]) ")
PARAMETER = re.compile(r"\b[A-Za-z_]+=\S")

OFFERED = {
    "book.reference": "reference commands_help notebooks_table example",
    "ledger.claims_routing": "banded_placements=SEEDS",
    "ledger.criteria": "near_within=NEAR tie_within=TIE",
    "thesis.sensitivity": "case=numbers_of",
    "render.after_tables": "after_table after_model leads leads_in formats_table holds asked_at gains gains_table "
    "memory_of adding_share memory_to_lead share_at wires_table",
    "render.audit_tables": "stated_tokens copies capacity_table capacity_pairs placement_table inverse_table "
    "random_ratio bound_holds_from",
    "render.by_hand": "by_hand",
    "render.counting": "in_steps",
    "render.derivations": "einsum cache limit_table limit_number limit_value both_orders=both_orders_equation "
    "crossing_equation sharding_rule tokens_equation knee_equation",
    "render.design_words": "wanted_machine",
    "render.digits": "digits=digits_of whole percent with_unit",
    "render.equations": "equation symbol",
    "render.family_tables": "ridge_table shared_table format_bytes prompt_chunk chunks_over_steps "
    "states_moved inverse_over_core between_chunks",
    "render.glossary_tables": "symbols_elsewhere weights_elsewhere",
    "render.ledger_tables": "ledger_table verdict_counts rules_table verdict_number summary_table carrying_table "
    "verdict_list verdict why claims_of",
    "render.measured_tables": "achieved_share calibrated_number exponents_a_second validation_table ridge_moves_table "
    "measured_verdicts_table=verdicts_table verdict_number_of=verdict_number ridge_change calibration_table "
    "measured_sources_table validity_table measurement_columns_table=columns_table burst_gain judging_bytes",
    "render.paper_tables": "table1 table3 table3_number table3_fitting short_name",
    "render.proofs": "proposition without proof flip",
    "render.prose": "number ratio share layer_share crossing row compared value=quantity_value against_ridge "
    "waits_or_computes knee span times_of_step terms_table even_bandwidth",
    "render.published_tables": "others_number others_judged others_sources others_counts others_table others_open "
    "others_ours others_most others_printed others_link works works_number",
    "render.sensitivity_tables": "border borders shares_table reasons sensitivity_table queries_table acceptance_table",
    "render.served_words": "prompts_a_seat serving_error serving_share serving_reading version_number "
    "first_token_error first_token_so_far first_token_constant cache_error",
    "render.system_equations": "sum_equation multiple_equation parts_equation read_equation",
    "render.tables": "symbols_table conventions_table data_dictionary models_table accelerators_table links_table",
    "render.thesis_tables": "conclusions_table",
    "render.thesis_words": "beyond at_full_memory core_leads_from gain_of_more phi_at speed_on_device gain_of_drafts",
    "render.trust_tables": "kernels_move trust_table structures_table structure_error slower_heads "
    "instruction_rows measured_conclusions_table",
    "render.verdict_tables": "elsewhere stated_by holds_on grid_table answer verdicts_table versions_table",
    "render.words": "person",
}
OF_EDITION = {
    "render.design_words": "wanted_table",
    "render.thesis_tables": "kinds_table hardware_table joule_table devices_table guidelines_table",
    "render.thesis_words": "needed_links link_needed",
}
"""What pages may use of each module below `analysis`, `word=name` where a page calls it otherwise; those of the second
take the setting that the book speaks of before what a page gives them."""


def offered(module: str, words: str) -> dict[str, Any]:
    """The names of a module that pages may use, by the word for each.

    >>> list(offered("ledger.criteria", "near_within=NEAR tie"))
    ['near_within', 'tie']
    """
    pairs = (each.partition("=") for each in words.split())
    return {word: getattr(import_module(f"analysis.{module}"), name or word) for word, _, name in pairs}


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


NAMES = together(*(offered(*each) for each in OFFERED.items()))


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
    functions = together(*(offered(*each) for each in OF_EDITION.items()))
    bound = {name: partial(each, chosen) for name, each in functions.items()}
    found = together(NAMES, bound, {"figure": _figure_function(figures, drawn or {}), "notes": notes})
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


def is_tall(svg: str) -> bool:
    """Whether a drawing is much taller than wide.

    >>> is_tall('<svg width="100pt" height="90.5pt">'), is_tall('<svg width="100pt" height="400pt">')
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
            *([":figclass: tall"] if is_tall(shown.svg) else [":figclass: wide"] if _is_wide(shown.svg) else []),
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
