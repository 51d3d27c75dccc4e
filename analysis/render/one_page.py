"""What the page that sums up the study on one sheet says of the conclusions, and of a system whose memory is full."""

import numpy as np

from analysis.evaluate import datasets
from analysis.evaluate.edition.edition import Edition
from analysis.evaluate.thesis.conclusions import CONTEXTS, size
from analysis.evaluate.thesis.full import shares_at_capacity
from analysis.evaluate.thesis.verdict import Verdict, verdicts
from analysis.evaluate.thesis.world import world
from analysis.render.digits import percent
from analysis.render.paper_tables import short_name
from analysis.render.tables import table

ENDS = np.array(CONTEXTS[::2])  # a short context and a long one


def conclusions_table(edition: Edition) -> str:
    """Every conclusion that could be checked, how far it holds, and in how many cases; those that hold most first."""
    found = [each for each in verdicts(edition) if each.conditions]
    rows = [
        (each.conclusion.statement, each.group, f"{each.holding} of {len(each.conditions)}")
        for each in sorted(found, key=_holding, reverse=True)
    ]
    caption = "Conclusions, and in how many of the cases checked (link, context, device, model) each holds."
    return table(("conclusion", "verdict", "cases"), rows, caption, "tab-one-page", "llr", style="one-page")


def _holding(verdict: Verdict) -> float:
    return verdict.holding / len(verdict.conditions)


def full_memory(edition: Edition) -> str:
    """What takes a token's time at B_cap, at a short context and at a long one, as a sentence."""
    setting = world(edition).own
    shares = shares_at_capacity(setting, ENDS)
    part = f"{edition.n_acc} × {short_name(datasets.accelerator(edition.accelerator))}"
    parts = [
        f"{percent(core)} at {size(L)} tokens of context (the wires {percent(wires)})"
        for L, core, wires in zip(ENDS, shares["core_attention"], shares["communication"], strict=True)
        if np.isfinite(core)
    ]
    name = datasets.model(edition.model).name
    if not parts:
        return f"{name} does not fit into {part}."
    return f"For {name} on {part}, memory full, core attention takes of a token's time {' and '.join(parts)}."


BY_EDITION = {"conclusions_table": conclusions_table, "full_memory": full_memory}
