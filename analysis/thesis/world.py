"""Where conclusions are judged: the paper's systems, and a step of theirs at the places of a grid.

A place says by name where one is: `context` [tokens], `batch` (share of the way, in the logarithm, from one request a
data-parallel group to full memory), `requests` in its stead, `chip` (its place in `World.chips`), `link`, `skew` (Zipf
exponent), `query` (tokens a step), `count` (of
accelerators, each with the whole attention of its own requests). What it does not name is as in `HOME`. Numbers may be
arrays that broadcast.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from sympy import Symbol

from analysis.ask.asked import fitting
from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.derive.symbols import (
    BW_exp,
    BW_Int,
    BW_mem,
    Gamma_acc,
    M_cap,
    P_acc,
    P_exp,
    RP_acc,
    deg_DP,
    deg_EP,
    deg_TP,
)
from analysis.derive.symbols import l as query_tokens
from analysis.derive.symbols import n_acc as accelerators
from analysis.files.errors import InputError
from analysis.routing import random_imbalance
from analysis.systems.canonical import paper
from analysis.thesis.full import WIRES, batch_at_capacity, terms_at

Place = Mapping[str, Any]
FAST, GROUPS, SLOW = "fast", "groups", "slow"
LINKS = (FAST, GROUPS, SLOW)
"""Every accelerator on its own fast link; groups of it joined by the slow one; the slow one for every transfer."""
PRINTED = tuple(row.id for row in datasets.shipped("accelerators").values() if row.RP_printed)
SHIPPED = dict(
    zip(
        PRINTED,
        ("v100-sxm2-32gb", "a100-sxm4-80gb", "h200-sxm5", "b200-sxm", "tpu-v5p", "tpu-v7-ironwood", "mi325x"),
        strict=True,
    )
)
"""What the makers ship of each accelerator of the paper's Table I, with as much memory."""
HOME = {"context": 8192.0, "batch": 1.0, "chip": PRINTED.index("b200-paper"), "link": FAST, "skew": 0.0}
"""The canonical setting: R1 on 32 of the paper's B200 at 8K, one fast link, memory full, even routing."""


@dataclass(frozen=True)
class World:
    """The paper's systems under some conventions, by model; chips as printed or shipped; the slow link; the device.

    `device` is None where nothing is known of it: at another precision, or under measured efficiencies. Without
    `chips` every place is on the systems' own accelerator and network, as a reader's are, whose attention is compared
    with that of the models in `older`.
    """

    systems: dict[str, Setting]
    chips: tuple[str, ...]
    slow: str
    group: int
    slow_only: bool
    device: str | None
    older: dict[str, Setting] = field(default_factory=dict)

    @cached_property
    def columns(self) -> dict[Symbol, np.ndarray]:
        """What each chip has [chip], in SI units; nan where it lacks the precision."""
        system = next(iter(self.systems.values()))
        points = [_point(system, chip) for chip in self.chips] or [system.point] * len(PRINTED)
        found = {each: np.array([point.get(each, np.nan) for point in points]) for each in (P_acc, BW_mem, M_cap)}
        wires = [self._bandwidth(chip) for chip in self.chips] or [system.point[BW_Int]] * len(PRINTED)
        found |= {BW_Int: np.array(wires)}
        return found | {RP_acc: found[P_acc] / found[BW_mem]}

    def _bandwidth(self, chip: str) -> float:
        own = datasets.accelerator(chip).link
        return 1e9 * datasets.interconnect(self.slow if self.slow_only else own).BW_Int

    def linked(self, model: str, link: str = FAST) -> Setting:
        """A model's system on one fast level, on two levels, or on the slow link alone."""
        plain = self.systems[model]
        if link == GROUPS and not self.slow_only:
            return plain.with_(group=self.group, link_between=self.slow)
        return plain.with_(link=self.slow) if link == SLOW or self.slow_only else plain

    def values(self, model: str, place: Place) -> dict[Symbol, Any]:
        """Symbols whose values the place decides, in SI units, batch and context left out."""
        at, plain = HOME | dict(place), self.systems[model]
        found = {symbol: column[at["chip"]] for symbol, column in self.columns.items()}
        if at["link"] == SLOW:
            found[BW_Int] = 1e9 * datasets.interconnect(self.slow).BW_Int
        if "bandwidth" in at:
            found[BW_Int] = at["bandwidth"]
        if plain.model.n_moe and np.any(at["skew"]):
            spread = int(plain.point[deg_EP])
            found[Gamma_acc] = mean_imbalance(plain.model.n_e, plain.model.n_k, spread, at["skew"])
        found |= {query_tokens: at["query"]} if "query" in at else {}
        if "count" in at:  # each with the whole attention of its own requests
            found |= dict.fromkeys((accelerators, deg_DP, deg_EP), at["count"]) | {deg_TP: 1}
        return found

    def requests(self, model: str, place: Place):
        """Requests in the system [requests]; nan where memory does not hold one for each data-parallel group."""
        at, values, setting = HOME | dict(place), self.values(model, place), self.linked(model, FAST)
        if "requests" in at:
            return np.asarray(at["requests"], dtype=float)
        least = values.get(deg_DP, setting.point[deg_DP])
        most = batch_at_capacity(setting, np.asarray(at["context"], dtype=float), values)
        ratio = np.maximum(most / least, 1.0)
        return np.where(most >= least, np.minimum(least * ratio ** at["batch"], most), np.nan)

    def terms(self, model: str, place: Place, more: dict | None = None) -> dict[str, np.ndarray]:
        """Terms of TPOT [s] at a place; `more` are symbols' values put for the system's, with the same requests."""
        at = HOME | dict(place)
        batch, values = self.requests(model, place), self.values(model, place)
        context = np.asarray(at["context"], dtype=float)
        return terms_at(self.linked(model, at["link"]), batch, context, values | (more or {}))

    def shown(self, model: str, place: Place, more: dict | None = None) -> dict[str, np.ndarray]:
        """`terms` that a step is long enough to show: under overlap, what hides behind the longer side takes 0 s."""
        found = self.terms(model, place, more)
        if self.systems[model]["overlap"] == "none":
            return found
        wires = sum(found[name] for name in WIRES)
        waits = wires > sum(found.values()) - wires
        return {name: np.where(waits == (name in WIRES), time, 0.0) for name, time in found.items()}

    def rates(self, device: str | None) -> dict[Symbol, float]:
        """Arithmetic and bandwidth of a device in place of the accelerator's; nan where nothing is known of it."""
        row = _point(next(iter(self.systems.values())), device) if device else {}
        return {symbol: row.get(symbol, np.nan) for symbol in (P_acc, BW_mem)}


def experts_on(rates: dict[Symbol, float]) -> dict[Symbol, float]:
    """The rates of a device as those of the one that runs the experts."""
    return {P_exp: rates[P_acc], BW_exp: rates[BW_mem]}


def step_time(terms: dict[str, np.ndarray]) -> np.ndarray:
    """Time of a step [s] from the terms that it shows."""
    return sum(terms.values())


def mean_imbalance(n_e: int, n_k: int, accelerators: int, skew) -> np.ndarray:
    """`random_imbalance` over an array of Zipf exponents [1]: one placement may be as bad as one in fifty.

    >>> mean_imbalance(256, 8, 32, np.array([0.0, 0.8])).round(2).tolist()
    [1.0, 3.07]
    """
    found = {float(s): random_imbalance(n_e, n_k, accelerators, float(s)).mean for s in np.unique(skew)}
    return np.vectorize(found.__getitem__, otypes=[float])(skew)


def _point(setting: Setting, accelerator: str) -> dict[Symbol, Any]:
    """An accelerator's numbers; none where it lacks the setting's precision."""
    try:
        return setting.with_(accelerator=accelerator, link=setting["link"] or setting.accelerator.link).point
    except InputError:
        return {}


def world(chips: str = "printed", links: str = "own", **changed) -> World:
    """The paper's systems with some parameters replaced, chips `printed` or `shipped`, links their `own` or `slow`.

    Raises InputError.
    """
    book = paper()

    def system(model: str) -> Setting:
        given = book.device | {"model": model, "link": book.link, "n_acc": book.n_acc, "deg_TP": book.degree(model)}
        return fitting(Setting.of(**given | changed))

    changed |= {"accelerator": SHIPPED[book.accelerator]} if chips == "shipped" else {}
    names = PRINTED if chips == "printed" else tuple(SHIPPED.values())
    systems = {model: system(model) for model in (book.latent, *book.others)}
    return World(systems, names, book.link_between, book.group, links == "slow", _device(systems[book.latent]))


def _device(system: Setting) -> str | None:
    """The paper's memory device; None where nothing is known of it under a system's conventions."""
    device = paper().accelerator_experts
    known = system["calibration"] is None and getattr(datasets.accelerator(device), f"P_{system['peak']}")
    return device if known else None


def world_of(setting: Setting, *older: str) -> World:
    """The world of a reader's system, which every place is on; `older` are models to compare its attention with.

    Raises InputError.
    """
    systems = {setting["model"]: setting.with_(B=None)}
    return World(systems, (), "", 0, False, _device(setting), {model: _alone(setting, model) for model in older})


def _alone(setting: Setting, model: str) -> Setting:
    """Another model under a setting's conventions, of which an intensity is asked and no time."""
    widths = {f"width_{kind}": setting.echo[f"width_{kind}"] for kind in ("weights", "kv", "activations")}
    names = ("grouping", "rope", "S_passes", "windows", "accelerator", "peak")
    return Setting.of(model=model, **widths, **{name: setting[name] for name in names})
