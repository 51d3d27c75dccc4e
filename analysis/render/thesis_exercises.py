"""What the worked answers of the exercises on the thesis compute, and the words that follow from it."""

from dataclasses import dataclass

from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.derive.symbols import BW_Int
from analysis.render.digits import digits_of
from analysis.render.paper_tables import short_name
from analysis.systems.canonical import Edition
from analysis.thesis import guidelines
from analysis.thesis.full import batch_at_capacity, terms_at, throughput
from analysis.thesis.full_attention import device_speed
from analysis.thesis.kinds import phi
from analysis.thesis.queries import gain


@dataclass(frozen=True)
class FullMemory:
    """A system at full memory: requests, time of core attention [s], tokens/s and accelerator."""

    batch: float
    core: float
    per_accelerator: float


def at_full_memory(L: int, **given) -> FullMemory:
    """What a system does at one context once memory is full; `given` are parameters of a setting.

    >>> at = {"model": "deepseek-v3", "accelerator": "b200-paper", "n_acc": 32}
    >>> round(1e3 * at_full_memory(8192, **at).core, 1)
    15.0
    """
    setting = Setting.of(**given)
    batch = float(batch_at_capacity(setting, L))
    core = float(terms_at(setting, batch, L)["core_attention"])
    return FullMemory(batch, core, float(throughput(setting, batch, L)))


def phi_at(L: int, **given) -> float:
    """Bytes that core attention moves over bytes that requests store, at full memory [1].

    >>> at = {"model": "deepseek-v3", "accelerator": "b200-paper", "n_acc": 32}
    >>> round(phi_at(8192, **at), 2), round(phi_at(256, **at), 2)
    (1.03, 1.9)
    """
    return phi(Setting.of(**given), L)


def speed_on_device(device: str, L: int, **given) -> float:
    """Speed of core attention on a device over the accelerator's, at full memory [1]."""
    return float(device_speed(Setting.of(**given, accelerator_experts=device), [L])[0])


def gain_of_drafts(query: int, acceptance: float, L: int, **given) -> float:
    """Throughput with `query` query tokens a step over one, at this acceptance and full memory [1].

    >>> at = {"model": "gpt3-175b", "accelerator": "b200-paper", "n_acc": 32, "deg_TP": 8}
    >>> gain_of_drafts(4, 1.0, 8192, **at) > 3
    True
    """
    return float(gain(Setting.of(**given), [query], L, acceptance)[0])


def links_that_keep_pace(edition: Edition) -> str:
    """Every accelerator whose own link carries what experts at the ridge point send, with both bandwidths, in words."""
    rule = next(each for each in guidelines.GUIDELINES if each.name == "wires")
    systems = guidelines.systems(edition, edition.mixture)
    pairs = list(zip(systems, guidelines.flips(rule, systems), strict=True))
    able = [_pair(system, flip) for system, flip in pairs if flip is None or not guidelines.holds(rule, system, flip)]
    unable = [_pair(system, flip) for system, flip in pairs if guidelines.holds(rule, system, flip)]
    if not able:
        return f"none does: {', '.join(unable)}"
    no = f"; those of {', '.join(unable)} do not" if unable else ""
    return f"those of {', '.join(able)} do{no}"


def link_needed(edition: Edition, arithmetic: float = 1.0, bandwidth: float = 1.0) -> float:
    """Bandwidth [byte/s] that keeps pace with experts at the ridge point, on the edition's accelerator with so many
    times its arithmetic and memory bandwidth."""
    return guidelines.wires_at_ridge(guidelines.systems(edition, edition.mixture)[0], arithmetic, bandwidth)


def _pair(system: Setting, flip: float | None) -> str:
    name = short_name(datasets.accelerator(system["accelerator"]))
    wanted = "none" if flip is None else digits_of(flip)
    return f"{name} ({digits_of(float(system.point[BW_Int]) / 1e9)} GB/s, {wanted} needed)"


WORDS = {
    "at_full_memory": at_full_memory,
    "phi_at": phi_at,
    "speed_on_device": speed_on_device,
    "gain_of_drafts": gain_of_drafts,
}
BY_EDITION = {"links_that_keep_pace": links_that_keep_pace, "link_needed": link_needed}
