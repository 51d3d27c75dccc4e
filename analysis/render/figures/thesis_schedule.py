"""Experts scheduled for a batch and skew (proposition h)."""

from collections.abc import Mapping

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.ask.setting import Setting
from analysis.render.axes import FINE, headline, plain_log, powers_of_two, rounded
from analysis.render.marks import context_style
from analysis.render.style import MARKERS, WIDTH
from analysis.render.words import conventions, person
from analysis.thesis.arrangement import PLACEMENTS
from analysis.thesis.scheduling import Schedule, schedules, waiting_batch

USED = ("accelerator", "n_acc", "phase", "width", "peak", "weights")
Found = Mapping[float, list[list[Schedule]]]
"""For each Zipf exponent, the schedules at each batch, the best first."""


def found_for(setting: Setting, batches, L: float, skews) -> Found:
    """Every schedule at every skew and batch. Raises InputError for a model without experts."""
    return {float(s): schedules(setting, batches, L, float(s)) for s in skews}


def static_of(those: list[Schedule]) -> Schedule:
    """The arrangement that the others are compared with: widest groups, experts in order, no copies."""
    widest = max(each.deg_EP for each in those)
    return next(e for e in those if (e.deg_EP, e.placement, e.copies) == (widest, PLACEMENTS[0], 0))


def schedule_figure(found: Found, batches: np.ndarray, setting: Setting, L: float) -> Figure:
    """Gain of the best schedule over the static one along the batch, and how near experts come to dense layers."""
    figure, (left, right) = pyplot.subplots(2, 1, figsize=(WIDTH, 6.4), sharex=True)
    for number, (s, per_batch) in enumerate(found.items()):
        look = {"linestyle": context_style(number), "marker": MARKERS[number % len(MARKERS)]}
        left.plot(batches, _line(per_batch, lambda those: those[0].gain), label=f"s = {s:g}", color="black", **look)
        right.plot(batches, _line(per_batch, lambda those: those[0].balance), color="black", **look)
        right.plot(batches, _line(per_batch, lambda those: static_of(those).balance), color="#999999", **look)
    left.set_title("throughput over static")
    right.set_title("experts' FLOP/s over dense layers'")
    for axes in (left, right):
        _dress(axes, batches, setting)
    left.set_yscale("linear")
    right.plot([], [], color="#999999", label="static (grey)")
    handles = [*left.get_legend_handles_labels()[0], *right.get_legend_handles_labels()[0]]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, title="Zipf exponent of popularity")
    most = max((those[0].gain for per_batch in found.values() for those in per_batch if those), default=np.nan)
    headline(figure, f"Scheduling experts gives up to {rounded(most)} times the throughput at L = {L:.0f}")
    return figure


def _line(per_batch: list[list[Schedule]], number) -> list[float]:
    return [number(those) if those else np.nan for those in per_batch]


def _dress(axes: Axes, batches: np.ndarray, setting: Setting) -> None:
    axes.axhline(1, color="black", linewidth=1)
    axes.set(xscale="log", yscale="log", xlabel=f"requests B ({setting['n_acc']} accelerators)")
    powers_of_two(axes.xaxis, batches)
    plain_log(axes.yaxis, ticks=FINE)


def describe(found: Found, setting: Setting, L: float) -> tuple[str, str]:
    """Caption and alternative text."""
    caption = (
        f"Above: throughput of {person(setting.model.id)} at {L:.0f} tokens with the degree, placement and copies that "
        "serve most of all that fit, over experts in order on all accelerators. Below: arithmetic that experts attain "
        "over what dense layers attain, scheduled, and static in grey. "
        f"{conventions(setting, *USED)}."
    )
    words = []
    for s, per_batch in found.items():
        gains = [those[0].gain for those in per_batch if those]
        words.append(f"s = {s:g}: {rounded(gains[0])} to {rounded(max(gains))}" if gains else f"s = {s:g}: none fits")
    return caption, f"A line per Zipf exponent. Gains from the smallest batch to the most: {'; '.join(words)}."


def columns(found: Found, batches) -> dict[str, list]:
    """The best schedule of every batch and skew as columns."""
    rows = [
        {"s": s, "B": float(batch), **vars(those[0])}
        for s, per_batch in found.items()
        for batch, those in zip(batches, per_batch, strict=True)
        if those
    ]
    return {name: [row[name] for row in rows] for name in rows[0]} if rows else {"s": list(found)}


def notes(found: Found, batches, setting: Setting) -> dict[str, float | str]:
    """Numbers for the book: the largest gain and what it takes, and what the most skew gives at the smallest batch.

    None where no batch fits memory.
    """
    skew = max(found)
    if not any(found[skew]):
        return {"thesis_schedule_tried": 0}
    batch, best = max(
        ((batch, those[0]) for batch, those in zip(batches, found[skew], strict=True) if those),
        key=lambda pair: pair[1].gain,
    )
    those = next(those for at, those in zip(batches, found[skew], strict=True) if at == batch)
    plain = static_of(those)
    smallest, least = next((at, those) for at, those in zip(batches, found[skew], strict=True) if those)
    return {
        "thesis_schedule_most": best.gain,
        "thesis_schedule_placed": max((each.gain for each in those if not each.copies), default=np.nan),
        "thesis_schedule_placement": best.placement,
        "thesis_schedule_copies": best.copies,
        "thesis_schedule_degree": best.deg_EP,
        "thesis_schedule_tried": len(those),
        "thesis_schedule_batch": float(batch),
        "thesis_schedule_bytes": best.extra_bytes,
        "thesis_schedule_moved": best.moved_bytes,
        "thesis_schedule_repaid": best.repaid,
        "thesis_schedule_wires": best.wire_bytes,
        "thesis_schedule_wires_static": plain.wire_bytes,
        "thesis_schedule_imbalance": plain.imbalance,
        "thesis_schedule_balance": best.balance,
        "thesis_schedule_balance_static": plain.balance,
        "thesis_schedule_small": least[0].gain,
        "thesis_schedule_small_batch": float(smallest),
        "thesis_schedule_skew": skew,
        "thesis_schedule_waiting": waiting_batch(setting, plain.imbalance),
    }
