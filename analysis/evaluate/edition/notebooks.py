"""What each notebook is given by an edition: the parameters that it declares, where the edition departs from the paper.

A notebook's own defaults are the paper's setting (a test holds them to book/edition.yml), so the paper's edition gives
none. What a `model` must be able to do is read from the comment that explains the parameter: latent attention, experts,
or both.
"""

import json
import re
from pathlib import Path

from analysis.evaluate.edition.document import KEYS
from analysis.evaluate.edition.edition import CONTEXT, Edition, has_experts, has_latent, paper

DECLARED = re.compile(r"^(?P<name>\w+): *(?P<kind>\w+) *= *(?P<default>[^#]*?) *# *(?P<comment>.*)$", re.M)
DERIVED = ("BW_Int", "batches", "degrees")
SCALED = {"thesis_schedule"}
"""Notebooks whose batches grow with the system."""

LATENT, EXPERTS = "latent attention", "experts"
PAIR = {("thesis_full_memory", "accelerators")}
"""Lists that hold the accelerator and one to set beside it."""

OWN_CHOICE = {("measured", "accelerators")}
"""Lists that no edition changes: the accelerators that others have measured."""


def declared(notebook: Path) -> dict[str, re.Match]:
    """The parameters that a notebook declares, by name: the parts of each line (`kind`, `default`, `comment`)."""
    cells = json.loads(notebook.read_text())["cells"]
    text = next(("".join(c["source"]) for c in cells if "parameters" in c["metadata"].get("tags", [])), "")
    return {found["name"]: found for found in DECLARED.finditer(text)}


def parameters(edition: Edition, notebook: Path) -> dict[str, object]:
    """What papermill gives a notebook in an edition: plain values by name."""
    if edition.is_paper:
        return {}
    lines = declared(notebook)
    model = _able(edition, lines["model"]["comment"]) if "model" in lines else edition.model
    found = {
        name: model if name == "model" else _value(edition, model, notebook.stem, line)
        for name, line in lines.items()
        if name in (*KEYS, *DERIVED) and (notebook.stem, name) not in OWN_CHOICE
    }
    return {name: value for name, value in found.items() if value not in (None, "")}


def _able(edition: Edition, comment: str) -> str:
    """The model that speaks where latent attention or routed experts, or both, are needed."""
    needs = {word: able for word, able in ((LATENT, has_latent), (EXPERTS, has_experts)) if word in comment}
    stand_ins = (edition.mixture, edition.latent) if list(needs) == [EXPERTS] else (edition.latent, edition.mixture)
    candidates = (edition.model, *stand_ins, *edition.models, paper().model)
    return next(each for each in candidates if all(able(each) for able in needs.values()))


def _value(edition: Edition, model: str, notebook: str, line: re.Match):
    name, comment = line["name"], line["comment"]
    if name == "models":
        return ",".join(each for each in edition.models if has_experts(each) or EXPERTS not in comment)
    if name == "accelerators":
        pair = [edition.accelerator, *filter(None, [edition.counterpart])]
        return ",".join(pair if (notebook, name) in PAIR else edition.accelerators)
    if name == "degrees":
        able = {"diagrams": edition.degrees(model)[-1:], "thesis_tensor": edition.degrees(model)}
        return ",".join(map(str, able.get(notebook, ())))
    if name == "batches":
        return edition.batches(model, _given(edition, "L") or CONTEXT) if notebook in SCALED else None
    if name == "deg_TP":  # a notebook of several models chooses a degree for each, unless told
        return edition.deg_TP if line["kind"] == "str" else edition.degree(model)
    return _given(edition, name)


def _given(edition: Edition, name: str):
    """What an edition sets otherwise than the paper, or the reader sets; None where notebooks keep their own."""
    value = getattr(edition, name)
    return value if name in edition.given or value != getattr(paper(), name) else None
