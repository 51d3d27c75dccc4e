"""Experts on a low-ridge memory device: where it raises throughput, and where it lowers it: the paper's Fig. 14."""

from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps, pyplot
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive.parallel import tokens_per_expert
from analysis.derive.symbols import BW_exp, P_exp
from analysis.files.errors import InputError
from analysis.render.axes import headline, rounded
from analysis.render.marks import cell_ticks, cells, reason_patches
from analysis.render.style import WIDTH
from analysis.render.words import conventions
from analysis.systems.grids import CAPACITY, Grid, grid
from analysis.systems.layers import swept
from analysis.systems.quantity import needs_experts

USED = ("accelerator", "accelerator_experts", "n_acc", "deg_TP", "deg_EP", "phase", "order", "width", "peak", "weights")


@dataclass(frozen=True)
class Gain:
    """Throughput with experts on another device over plain accelerators [1], axes [L, B]; `fine` resolves the batch."""

    with_device: Grid
    plain: Grid
    ratio: np.ndarray
    fine: Grid
    fine_ratio: np.ndarray

    def columns(self) -> dict[str, list]:
        """One row per cell."""
        plain = self.plain.per_accelerator.ravel().tolist()
        return self.with_device.columns() | {"plain_per_accelerator": plain, "ratio": self.ratio.ravel().tolist()}


def device_gain(setting: Setting, batches: np.ndarray, contexts: np.ndarray) -> Gain:
    """The gain over batches and contexts. Raises InputError without routed experts or accelerator_experts."""
    needs_experts(setting)
    if "accelerator_experts" not in setting.given:
        raise InputError(
            "accelerator_experts= is needed: the row of data/accelerators.csv that runs the routed "
            "experts, for example accelerator_experts=pim-paper."
        )
    fine = np.geomspace(batches[0], batches[-1], 40 * len(batches))
    (device, plain, ratio), (fine_device, _, fine_ratio) = (_pair(setting, each, contexts) for each in (batches, fine))
    return Gain(device, plain, ratio, fine_device, fine_ratio)


def _pair(setting: Setting, batches: np.ndarray, contexts: np.ndarray) -> tuple[Grid, Grid, np.ndarray]:
    device = grid(setting, batches, contexts)
    plain = grid(setting.with_(accelerator_experts=None), batches, contexts)
    return device, plain, device.per_accelerator / plain.per_accelerator


def tokens_of(setting: Setting, batches: np.ndarray) -> np.ndarray:
    """Mean tokens per expert at each batch [tokens]."""
    return value(tokens_per_expert(), swept(setting, B=batches, Gamma_imb=1)) * np.ones_like(batches)


def break_even(gain: Gain) -> np.ndarray:
    """Largest batch at which the device does not lower throughput, per context [requests]; nan where it always does."""
    batches = np.log(gain.fine.batches)
    return np.exp([_last_gain(batches, np.log(line)) for line in gain.fine_ratio])


def _last_gain(batches: np.ndarray, ratio: np.ndarray) -> float:
    """Where the ratio last falls to 1, in logarithms; the end if it stays above, nan if it is never reached."""
    gains = np.flatnonzero(ratio >= 0)
    if not len(gains):
        return np.nan
    last = gains[-1]
    if last == len(ratio) - 1:
        return float(batches[last])
    share = ratio[last] / (ratio[last] - ratio[last + 1])
    return float(batches[last] + share * (batches[last + 1] - batches[last]))


def device_figure(gain: Gain) -> Figure:
    """Heat map of the ratio with the line on which it is 1; tokens per expert above."""
    each = gain.with_device
    figure, axes = pyplot.subplots(figsize=(WIDTH, 4.6))
    most, least = max(gain.ratio.max(), 1.01), min(gain.ratio.min(), 0.99)
    span = max(np.log2(most), -np.log2(least))
    scale = TwoSlopeNorm(1, 2.0**-span, 2.0**span)
    cells(axes, gain.ratio, each.reason, colormaps["PuOr"], scale)
    _contour(axes, gain)
    cell_ticks(axes, each.batches, each.contexts)
    _tokens_axis(axes, each)
    axes.set(xlabel=f"requests together B ({each.setting['n_acc']} accelerators)", ylabel="context L [tokens]")
    handles = reason_patches(each.setting, set(each.reason.flat))
    handles.append(pyplot.Line2D([], [], color="black", linewidth=2, label="ratio 1"))
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    headline(figure, _title(gain))
    return figure


def _contour(axes: Axes, gain: Gain) -> None:
    """The line of ratio 1 in the coordinates of the cells, whose centres are the grid's batches and contexts."""
    even, each = break_even(gain), gain.with_device
    places = np.interp(np.log(even), np.log(each.batches), np.arange(len(each.batches)) + 0.5)
    inside = even < each.batches[-1] * 0.999
    heights = np.arange(len(each.contexts)) + 0.5
    heights[0], heights[-1] = 0, len(each.contexts)  # from edge to edge
    axes.plot(np.where(inside, places, np.nan), heights, color="black", linewidth=2)


def _tokens_axis(axes: Axes, each: Grid) -> None:
    top = axes.secondary_xaxis("top")
    tokens = tokens_of(each.setting, each.batches)
    top.set_xticks(np.arange(len(tokens)) + 0.5, [rounded(number) for number in tokens])
    top.set_xlabel("mean tokens per expert")


def _title(gain: Gain) -> str:
    even, setting = break_even(gain), gain.with_device.setting
    if np.isnan(even).all():
        return f"Experts on the {setting['accelerator_experts']} lower throughput everywhere here"
    if np.all(even >= gain.fine.batches[-1]):
        return f"Experts on the {setting['accelerator_experts']} raise throughput everywhere here"
    tokens = rounded(float(tokens_of(setting, np.array([np.nanmax(even)]))[0]))
    return (
        f"Experts on the {setting['accelerator_experts']} raise throughput while an expert sees at most {tokens} tokens"
    )


def describe_device(gain: Gain) -> tuple[str, str]:
    """Caption and alternative text."""
    setting, even = gain.with_device.setting, break_even(gain)
    ridge = float(setting.point[P_exp]) / float(setting.point[BW_exp])
    caption = (
        f"Throughput of {setting.model.name} with the routed experts on the {setting['accelerator_experts']} (ridge "
        f"point {rounded(ridge)} FLOP/byte) over that with plain accelerators. Capacity is that of the accelerator in "
        f"both. {conventions(setting, *USED)}."
    )
    fits = gain.with_device.reason != CAPACITY
    shown = gain.ratio[fits] if fits.any() else gain.ratio
    alt = (
        f"Heat map over B and L; the ratio goes from {rounded(shown.max())} down to {rounded(shown.min())}. "
        f"It is last at least 1 at {_listed(gain.fine.contexts, even)}."
    )
    return caption, alt


def _listed(contexts: np.ndarray, batches: np.ndarray) -> str:
    named = ["no batch" if np.isnan(batch) else f"B = {batch:.0f}" for batch in batches]
    if len(set(named)) == 1:
        return f"{named[0]}, whatever the context"
    return ", ".join(f"{name} for L = {L:.0f}" for L, name in zip(contexts, named, strict=True))


def device_notes(gain: Gain) -> dict[str, float]:
    """Numbers for the book: the largest gain, and batch and tokens per expert at which it ends (shortest context)."""
    even = float(break_even(gain)[0])
    tokens = float(tokens_of(gain.with_device.setting, np.array([even]))[0])
    return {"device_gain_most": float(gain.ratio.max()), "device_break_even": even, "device_break_even_tokens": tokens}
