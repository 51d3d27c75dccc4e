"""What the page that sums up the study on one sheet says of the conclusions, and of a system whose memory is full."""

import numpy as np

from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.render.digits import percent
from analysis.render.paper_tables import short_name
from analysis.render.tables import table
from analysis.render.verdict_tables import along
from analysis.systems.canonical import Edition
from analysis.thesis.conclusions import size
from analysis.thesis.full import shares_at_capacity
from analysis.thesis.verdict import REGION, Verdict, verdicts

ENDS = np.array([1024.0, 65536.0])  # a short context and a long one


def conclusions_table() -> str:
    """Every conclusion, how far it holds on its grid, and where along its first line; those that hold most first."""
    rows = [
        (each.conclusion.statement, _extent(each), f"{line.where}: {along(line, found)}")
        for each in sorted(verdicts(), key=lambda verdict: verdict.share, reverse=True)
        for line, found in each.boundaries[:1]
    ]
    caption = (
        "Share of a stated grid, from few requests to full memory, on which each conclusion of the paper's setting "
        "holds; and where for R1, with memory full and even routing unless said."
    )
    return table(("conclusion", "holds on", "for R1"), rows, caption, "tab-one-page", "lrl", style="one-page")


def _extent(verdict: Verdict) -> str:
    return percent(round(verdict.share, 2)) if verdict.holds == REGION else verdict.holds


def full_memory(edition: Edition) -> str:
    """What takes a token's time at B_cap, at a short context and at a long one, as a sentence."""
    setting = Setting.of(**edition.system())
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
    return f"For {name} on {part} with memory full, core attention's share of a token's time is {' and '.join(parts)}."


BY_EDITION = {"full_memory": full_memory}
WORDS = {"conclusions_table": conclusions_table}
