"""Where a device of low ridge and high bandwidth wins (proposition c): in attention, and in tokens per expert."""

from collections.abc import Sequence

import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure

from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.derive.symbols import RP_acc
from analysis.render.axes import headline, mechanism_colour, plain_log, powers_of_two, rounded
from analysis.render.style import MARKERS, WIDTH
from analysis.render.words import conventions, person, speaker
from analysis.thesis import full_attention

TOKENS = 2.0 ** np.arange(0, 11)
USED = ("accelerator", "accelerator_experts", "n_acc", "phase", "order", "width", "peak", "weights")


def device_figure(settings: Sequence[Setting], contexts: np.ndarray) -> Figure:
    """Speed of core attention on the device at B_cap over the context, and of an expert over its tokens."""
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(WIDTH, 3.8), sharey=True)
    for number, (setting, marker) in enumerate(zip(settings, MARKERS, strict=False)):
        look = {"color": mechanism_colour(setting), "marker": marker, "label": person(setting.model.id)}
        look["markersize"] = max(4, 10 - 3 * number)  # lines that coincide are seen one inside the other
        left.plot(contexts, full_attention.device_speed(setting, contexts), **look)
        if setting.model.n_moe:
            right.plot(TOKENS, full_attention.expert_speed(setting, TOKENS), **look)
    for axes in (left, right):
        axes.axhline(1, color="black", linewidth=1)
        axes.set(xscale="log", yscale="log")
        plain_log(axes.yaxis)
        axes.yaxis.set_major_locator(pyplot.LogLocator(subs=(1, 2, 5)))
    powers_of_two(left.xaxis, contexts)
    powers_of_two(right.xaxis, TOKENS)
    left.tick_params(axis="x", rotation=45)
    left.set(xlabel="context L [tokens], batch B_cap", ylabel="speed over the accelerator's", title="core attention")
    right.set(xlabel="tokens per expert", title="a routed expert")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    speeds = {
        person(each.model.id): full_attention.device_speed(each, contexts) for each in (settings[0], settings[-1])
    }
    words = ", ".join(f"{_ends(speed)} times as fast in {name}" for name, speed in speeds.items())
    headline(figure, f"{_device(settings)}: core attention is {words}")
    return figure


def _device(settings: Sequence[Setting]) -> str:
    return datasets.find("accelerators", settings[0]["accelerator_experts"], "accelerator_experts").name


def _ends(speed: np.ndarray) -> str:
    return " to ".join(dict.fromkeys(rounded(float(each)) for each in (speed.min(), speed.max())))


def describe(settings: Sequence[Setting], contexts: np.ndarray) -> tuple[str, str]:
    """Caption and alternative text."""
    caption = (
        f"{_device(settings)}: its speed in core attention (left) and in a routed expert (right) over the "
        f"accelerator's; above the line the device wins. {conventions(speaker(settings), *USED)}."
    )
    speeds = {each.model.id: full_attention.device_speed(each, contexts) for each in settings}
    words = [f"{name} {rounded(float(each[0]))} to {rounded(float(each[-1]))}" for name, each in speeds.items()]
    alt = f"Two panels. Speed of core attention from the shortest to the longest context: {', '.join(words)}."
    return caption, alt


def columns(settings: Sequence[Setting], contexts: np.ndarray) -> dict[str, list]:
    """One row per model and point: what is run, at which context or tokens per expert, and the speed."""
    rows = [
        (each.model.id, "core attention", "L", x, y)
        for each in settings
        for x, y in zip(contexts, full_attention.device_speed(each, contexts), strict=True)
    ]
    rows += [
        (each.model.id, "routed expert", "tokens per expert", x, y)
        for each in settings
        if each.model.n_moe
        for x, y in zip(TOKENS, full_attention.expert_speed(each, TOKENS), strict=True)
    ]
    return dict(zip(("model", "layer", "over", "at", "speed"), map(list, zip(*rows, strict=True)), strict=True))


def notes(settings: Sequence[Setting], contexts: np.ndarray) -> dict[str, float]:
    """Numbers for the book: speed of the last model's core, and where the experts of the last that has them flip."""
    own, first = settings[-1], settings[0]
    mixture = next((each for each in reversed(settings) if each.model.n_moe), None)
    middle = float(contexts[len(contexts) // 2])
    speed, latent = full_attention.device_speed(own, contexts), speaker(settings)
    found = {
        "thesis_device_speed_most": float(speed.max()),
        "thesis_device_speed_least": float(speed.min()),
        "thesis_device_share_latent": _ridge_share(latent, middle),
        "thesis_device_middle": middle,
        "thesis_device_first_speed": float(full_attention.device_speed(first, contexts)[0]),
        "thesis_device_ridge": full_attention.even_ridge(own, middle),
    }
    if mixture is None:
        return found
    batch = full_attention.even_batch(mixture)
    return found | {
        "thesis_device_model": mixture.model.id,
        "thesis_device_batch": batch,
        "thesis_device_tokens": batch * mixture.model.n_k / mixture.model.n_e,
        "thesis_device_context": max(0.0, full_attention.even_context(mixture)),
        "thesis_ridge_context": full_attention.ridge_context(mixture),
    }


def _ridge_share(setting: Setting, L: float) -> float:
    """Intensity of core attention on one accelerator over the ridge point [1]."""
    return full_attention.core_intensity(setting, L) / float(setting.point[RP_acc])
