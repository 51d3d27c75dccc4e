"""Core attention when memory is full (proposition a): its share of a token's time over the context."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure

from analysis.ask.setting import Setting
from analysis.render.axes import headline, mechanism_colour, powers_of_two, rounded
from analysis.render.paper_tables import short_name
from analysis.render.style import WIDTH
from analysis.render.words import conventions, person, speaker
from analysis.systems.arrangements import networks, slow_link
from analysis.thesis.full import passing, shares_at_capacity
from analysis.thesis.full_attention import LEAST, context_at_ridge, context_of_share, core_share, longest

USED = ("n_acc", "phase", "order", "grouping", "width", "peak", "weights", "overlap")
CORE, WIRES = "core_attention", "communication"


@dataclass(frozen=True)
class Shares:
    """Share of every term of TPOT at B_cap [1] over contexts, of one model on one accelerator and network."""

    setting: Setting
    network: str
    contexts: np.ndarray
    shares: dict[str, np.ndarray]


def full_memory(settings: Sequence[Setting], accelerators: Sequence[str], contexts: np.ndarray) -> list[Shares]:
    """Every model on every accelerator, on the fast link and on the slow one of `link_between`. Raises InputError."""
    found = []
    for name in accelerators:
        for setting in settings:
            on = setting.with_(accelerator=name)
            for network, each in _two(on).items():
                found.append(Shares(each, network, contexts, shares_at_capacity(each, contexts)))
    return found


def _two(setting: Setting) -> dict[str, Setting]:
    """The fast link alone and the slow link alone, by name; models without experts have no exchange to move."""
    alone = setting.with_(link_between=None, group=None)
    if setting.model.n_moe:
        first, *_, last = networks(setting).items()
        return dict((first, last))
    slow = alone.with_(link=setting["link_between"])
    return {f"{alone.link.id} everywhere": alone, f"{slow_link(setting).id} everywhere": slow}


def place(each: Shares) -> str:
    """An accelerator and the link that all of its transfers take, by name."""
    link = each.setting.link.name.partition(" (")[0] if each.setting.link else each.network
    return f"{short_name(each.setting.accelerator)}, {link}"


def full_memory_figure(found: Sequence[Shares]) -> Figure:
    """A panel per accelerator and network: core attention solid, exchange dashed, a colour per mechanism."""
    devices, links = (
        list(dict.fromkeys(names))
        for names in ((each.setting.accelerator.id for each in found), (each.network for each in found))
    )
    figure, panels = pyplot.subplots(
        len(devices), len(links), figsize=(WIDTH, 1.2 + 2.3 * len(devices)), sharex=True, sharey=True, squeeze=False
    )
    for each in found:
        axes = panels[devices.index(each.setting.accelerator.id), links.index(each.network)]
        colour = mechanism_colour(each.setting)
        axes.plot(each.contexts, 100 * each.shares[CORE], color=colour)
        axes.plot(each.contexts, 100 * each.shares[WIRES], "--", color=colour)
        axes.set_title(f"{place(each)}")
        axes.set(xscale="log", ylim=(0, 100))
        powers_of_two(axes.xaxis, each.contexts)
        axes.tick_params(axis="x", rotation=45)
    for axes in panels[-1]:
        axes.set_xlabel("context [tokens], memory full")
    for axes in panels[:, 0]:
        axes.set_ylabel("share of a step [%]")
    figure.legend(handles=_handles(found), loc="outside lower center", ncols=3)
    headline(figure, _title(found))
    return figure


def _handles(found: Sequence[Shares]) -> list:
    models = {person(each.setting.model.id): mechanism_colour(each.setting) for each in found}
    looks = {name: {"color": colour} for name, colour in models.items()}
    looks |= {"core attention": {"color": "#444444"}, "exchange": {"color": "#444444", "linestyle": "--"}}
    return [pyplot.Line2D([], [], label=name, **look) for name, look in looks.items()]


def _title(found: Sequence[Shares]) -> str:
    most: dict[str, float] = {}
    for each in found:
        name, high = person(each.setting.model.id), fitting(each.shares[CORE])
        most[name] = max(most.get(name, 0.0), *high.tolist(), 0.0)
    falling = sorted(most.items(), key=lambda item: -item[1])
    return (
        f"With memory full, core attention takes up to {', '.join(f'{100 * x:.0f} % ({name})' for name, x in falling)}"
    )


def fitting(share: np.ndarray) -> np.ndarray:
    """The values of a share at the contexts that fit memory, which the others, nan, do not."""
    return share[np.isfinite(share)]


def describe(found: Sequence[Shares]) -> tuple[str, str]:
    """Caption and alternative text."""
    flips = {each.setting.model.id: context_of_share(each.setting) for each in reversed(found)}
    caption = (
        "Share of core attention (solid) and of communication (dashed) in a step when requests fill "
        f"the memory, over the context. {conventions(speaker([each.setting for each in found]), *USED)}."
    )
    words = [f"{name} from L = {flip:.0f}" if flip else f"{name} nowhere" for name, flip in flips.items()]
    first = found[0]
    alt = (
        f"A panel per accelerator and network. On {place(first)}, core attention "
        f"takes half of a step or more: {', '.join(words)}."
    )
    return caption, alt


def columns(found: Sequence[Shares]) -> dict[str, list]:
    """One row per model, accelerator, network and context; a column per term."""
    named: dict[str, list] = {"model": [], "accelerator": [], "network": [], "L": []}
    named |= {name: [] for name in found[0].shares}
    for each in found:
        count = len(each.contexts)
        named["model"] += [each.setting.model.id] * count
        named["accelerator"] += [each.setting.accelerator.id] * count
        named["network"] += [each.network] * count
        named["L"] += each.contexts.tolist()
        for name, share in each.shares.items():
            named[name] += (share * np.ones(count)).tolist()
    return named


def notes(found: Sequence[Shares]) -> dict[str, float | str]:
    """Numbers for the book: flips and shares of the last model on the first accelerator and network."""
    own = next(
        each
        for each in reversed(found)
        if each.setting.accelerator.id == found[0].setting.accelerator.id and each.network == found[0].network
    )
    core = own.shares[CORE]
    most = min(float(own.contexts[-1]), longest(own.setting))
    wires = [fitting(each.shares[WIRES]) for each in found if each.setting.model == own.setting.model]
    return {
        "thesis_full_model": own.setting.model.id,
        "thesis_full_half": passing(lambda x: core_share(own.setting, x) - 0.5, LEAST, most),
        "thesis_full_ridge": rounded(context_at_ridge(own.setting) or np.inf),
        "thesis_full_least": float(np.nanmin(core)),
        "thesis_full_most": float(np.nanmax(core)),
        "thesis_full_wires_most": max(float(each[0]) for each in wires if len(each)),
        "thesis_full_wires_least": max(float(each[-1]) for each in wires if len(each)),
    }
