"""The map of the largest term in words and numbers: caption, alternative text, table, notes for the book."""

from collections.abc import Sequence

import numpy as np

from analysis.ask.setting import Setting
from analysis.derive.symbols import BW_mem, M_cap, n_acc
from analysis.render.axes import in_columns
from analysis.render.figures.thesis_map import Panel, milliseconds, on
from analysis.render.thesis_words import about
from analysis.render.words import conventions, counted, where
from analysis.systems.quantities import evaluate
from analysis.thesis import largest
from analysis.thesis.full import whole_batch
from analysis.thesis.largest import CORE, EXPERTS, NAMES, WIRED

USED = ("phase", "order", "grouping", "width", "peak", "weights")
LIMIT = 0.020  # an example of the time allowed for a token [s]


def leads_from(panel: Panel) -> float:
    """Context [tokens] from which core attention leads at full memory; inf: nowhere, 0: from the map's first one on."""
    first = next((each.context for each in panel.columns if each.names[-1:] == (CORE,)), np.inf)
    return 0.0 if first == panel.columns[0].context else first


def describe(found: Sequence[Panel]) -> tuple[str, str]:
    """Caption and alternative text."""
    setting = found[0].setting
    named = [each.setting.link.name for each in (found[0], found[-1]) if each.setting.link]
    links = "The fast link is {}, the slow one {}. ".format(*named) if len(found) > 1 and len(named) > 1 else ""
    starts = ", ".join(f"{_tokens(leads_from(each))} {on(each.link)}" for each in found)
    caption = (
        f"With memory full, core attention is the largest part of a token's time {starts}. "
        f"The system is {where(setting, False)}. "
        "The thick line is the largest batch that memory holds; numbers are the largest part and the whole. "
        f"{links}{conventions(setting, *USED)}."
    )
    alt = "A map per link over context and batch. " + " ".join(f"{_told(each)}." for each in found)
    return caption, alt


def _tokens(context: float) -> str:
    return "nowhere" if context == np.inf else f"from {about(context or largest.LEAST)} tokens"


def _told(panel: Panel) -> str:
    """A panel's points in words."""
    fitting = (each for each in panel.marks if each.name)
    points = [
        f"at {each.context:.0f} tokens and {counted(round(each.batch), 'request')} {each.name}, "
        f"{milliseconds(each.time)} of {milliseconds(each.step)} ms"
        for each in fitting
    ]
    return f"Largest {on(panel.link)}: {'; '.join(points) or 'nothing, as no marked point fits'}"


def table(found: Sequence[Panel]) -> dict[str, list]:
    """One row per link, context and country: the batches [requests] between which it leads; memory's limit repeated."""
    header = ("link", "L", "B_cap", "largest", "B_from", "B_to")
    rows = [
        (panel.link, each.context, each.cap, name, low, high)
        for panel in found
        for each in panel.columns
        for name, low, high in each.spans
    ]
    return in_columns(header, rows)


def notes(found: Sequence[Panel]) -> dict[str, float | str]:
    """Numbers for the book: where core attention leads at full memory link by link, and the first marked point."""
    fast, slow, setting = found[0], found[-1], found[0].setting
    L = fast.marks[0].context
    named: dict[str, float | str] = {"thesis_map_model": setting.model.id, "thesis_map_L": L}
    for name, panel in {"fast": fast, "between": found[len(found) // 2], "slow": slow}.items():
        named[f"thesis_map_{name}_core"] = leads_from(panel)
        named[f"thesis_map_{name}_largest"] = panel.marks[0].name
        named[f"thesis_map_{name}_share"] = panel.marks[0].time / panel.marks[0].step
        named[f"thesis_map_{name}_step"] = panel.marks[0].step
    return named | {f"thesis_map_{name}": number for name, number in edge(setting, L).items()}


def edge(setting: Setting, L: float) -> dict[str, float]:
    """Numbers along memory's limit on the fast link at one context: borders, bytes, times, and half the cache."""
    leaders = {above: batch for batch, _, above in largest.borders(setting, [L])[0]}
    batch, memory = whole_batch(setting, L), float(setting.point[M_cap] * setting.point[n_acc])
    takes = dict(zip(NAMES, largest.times(setting, batch, L).tolist(), strict=True))
    work = sum(takes.values()) - takes[WIRED]
    half = setting.with_(width_kv=setting.echo["width_kv"] / 2)
    return {
        "batch": batch,
        "experts_from": leaders.get(EXPERTS, np.inf),
        "core_from": leaders.get(CORE, np.inf),
        "tokens": leaders.get(CORE, np.inf) * L,
        "waits_from": largest.waiting_context(setting),
        "touched": float(largest.touched(setting, L)),
        "shortest": float(setting.point[M_cap] / setting.point[BW_mem]),
        "cache": batch * evaluate("kv_bytes_per_token", setting).value * L / memory,
        "work": work,
        "core_of_work": takes[CORE] / work,
        "half_cache": float(largest.times(half, whole_batch(half, L), L)[NAMES.index(CORE)]) / takes[CORE],
        "limit": LIMIT,
        "useful": largest.useful_capacity(setting, L, LIMIT) or np.inf,
    }
