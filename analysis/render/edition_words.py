"""What pages say about their edition: its rows by name, whose numbers stand here, who speaks for whom."""

import re
from functools import partial
from typing import Any

from analysis.evaluate import datasets
from analysis.evaluate.edition.document import KEYS
from analysis.evaluate.edition.edition import Edition, paper
from analysis.evaluate.setting import architecture
from analysis.render import edition_numbers
from analysis.render.paper_tables import short_name
from analysis.render.tables import code, table

ROLES = {"latent": "latent attention", "mixture": "routed experts"}


def words(edition: Edition) -> dict[str, Any]:
    """The names that pages use for the edition, and the functions that depend on it."""
    return {
        "edition": edition,
        "paper": paper(),
        "name": _name,
        "part": _part,
        "names": _names,
        "made_of": made_of,
        "latent_attention": datasets.model(edition.latent).attention,
        "precision": edition.peak.upper() + ("" if edition.width == 2 else f", {edition.width:g}-byte elements"),
        "elements": f"{edition.width:g}-byte elements",
        "banner": partial(banner, edition),
        "stand_in": partial(stand_in, edition),
        "paper_setting": partial(paper_setting, edition),
        "edition_keys": edition_keys,
        **edition_numbers.words(edition),
    }


def _name(model: str) -> str:
    """A model's name for readers."""
    return datasets.model(model).name


def _part(accelerator: str) -> str:
    """An accelerator's name for readers, without the remark that the paper prints it so."""
    return short_name(datasets.accelerator(accelerator))


def _names(models) -> str:
    """Several models by name, as a sentence lists them."""
    *first, last = [_name(each) for each in models]
    return f"{', '.join(first)} and {last}" if first else last


def banner(edition: Edition) -> str:
    """What the first page says of an edition that is not the paper's; nothing in the paper's."""
    if edition.is_paper:
        return ""
    rows = [("model", _row(edition.model)), ("compared with", _names(edition.others or (edition.model,)))]
    rows += [(ROLES[role], _row(getattr(edition, role))) for role in ROLES if getattr(edition, role) != edition.model]
    rows += [
        ("system", f"{edition.n_acc} × {_part(edition.accelerator)} ({code(edition.accelerator)})"),
        ("links", f"{code(edition.link)}; {code(edition.link_between)} between groups of {edition.group}"),
        ("device of low ridge", f"{_part(edition.accelerator_experts)} ({code(edition.accelerator_experts)})"),
        ("arithmetic", f"{edition.peak.upper()}, {edition.width:g} bytes an element"),
        ("time allowed", f"{edition.slo * 1e3:g} ms per output token"),
    ]
    if edition.left_out:
        rows.append(("not compared", f"{_names(edition.left_out)} of the paper"))
    listed = "\n".join(f"- {name}: {text}" for name, text in rows)
    lines = [
        f"This is not the paper's setting. Built with {code(f'make book EDITION={_plain(edition.file)}')}, "
        "its chapters, figures and tables speak of",
        "",
        listed,
        "",
        "What weighs the paper's own statements keeps the paper's setting, and says so.",
    ]
    return _admonition("important", f"Edition: {edition.title}", "\n".join(lines))


def _plain(file: str) -> str:
    return re.sub(r"[^\w .-]", "?", file)


def _row(model: str) -> str:
    return f"{_name(model)} ({code(model)})" if _name(model) != model else code(model)


def stand_in(edition: Edition, role: str) -> str:
    """Who speaks on this page where the edition's model has no `latent` attention or no `mixture` of experts."""
    speaker = getattr(edition, role)
    if speaker == edition.model:
        return ""
    lacks = f"{_name(edition.model)} has no {ROLES[role]}."
    needed = "it" if role == "latent" else "them"
    text = f"{lacks} Where this page needs {needed}, {_name(speaker)} speaks in its place."
    return _admonition("note", "A stand-in", text)


def paper_setting(edition: Edition, what: str = "This page speaks") -> str:
    """In another edition: that this page (or what is named) keeps the paper's setting."""
    if edition.is_paper:
        return ""
    setting = f"{_name(paper().model)} and the models and systems that the paper compares it with"
    return _admonition("note", "The paper's setting", f"{what} of {setting}, in every edition of this book.")


def edition_keys() -> str:
    """Every key of an edition's file, with its value in the paper's setting."""
    rows = [(code(key), code(_written(getattr(paper(), key, ""))), about.meaning) for key, about in KEYS.items()]
    return table(("key", "in the paper's setting", "meaning"), rows, "What an edition may say.", "tab-edition")


def _written(value) -> str:
    if isinstance(value, tuple):
        return ", ".join(value)
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _admonition(kind: str, title: str, text: str) -> str:
    return f":::{{admonition}} {title}\n:class: {kind}\n{text}\n:::\n"


def made_of(model: str) -> str:
    """The parts of a model's blocks, in words.

    >>> made_of("deepseek-v3")
    'MLA, gated layers, routed and shared experts'
    >>> made_of("gpt3-175b")
    'MHA, plain layers'
    """
    blocks = architecture(datasets.model(model))
    parts = [blocks.attention.replace("_", " "), *([f"{blocks.ffn} layers"] if blocks.dense else [])]
    if blocks.experts:
        parts.append("routed and shared experts" if blocks.shared else "routed experts")
    return ", ".join(parts)
