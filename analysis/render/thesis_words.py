"""Numbers that the chapters of the thesis, its rules and its worked answers ask for."""

from dataclasses import dataclass
from math import inf, isnan

from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.derive.symbols import BW_Int
from analysis.render.digits import PREFIXES, digits_of
from analysis.render.paper_tables import short_name
from analysis.systems.canonical import Edition
from analysis.thesis import guidelines, largest, resources
from analysis.thesis.full import terms_at, total, whole_batch
from analysis.thesis.full_attention import device_speed
from analysis.thesis.kinds import phi
from analysis.thesis.queries import gain


def about(count: float) -> str:
    """Whole tokens or requests, of which three digits matter.

    >>> about(1034.8), about(75.3)
    ('1,030', '75')
    """
    return digits_of(count if count > 100 else round(count))


def beyond(context: float | str) -> str:
    """From where on something holds: `beyond 4,580 tokens of context`, `at every context` (0), `at no context` (inf).

    >>> beyond(4577), beyond(0), beyond(float("inf"))
    ('beyond 4,580 tokens of context', 'at every context', 'at no context')
    """
    context = float(context)
    if isnan(context):
        return "where the model fits, which it does not here"
    ends = {0.0: "at every context", inf: "at no context"}
    return ends.get(context) or f"beyond {about(context)} tokens of context"


# -- worked answers ----------------------------------------------------------------------------------
@dataclass(frozen=True)
class FullMemory:
    """A system at full memory: requests, times of core attention and of a step [s], tokens/s and accelerator."""

    batch: float
    core: float
    step: float
    per_accelerator: float


def at_full_memory(L: int, **given) -> FullMemory:
    """What a system does at one context once memory is full; `given` are parameters of a setting.

    >>> at = {"model": "deepseek-v3", "accelerator": "b200-paper", "n_acc": 32}
    >>> round(1e3 * at_full_memory(8192, **at).core, 1)
    15.0
    """
    setting = Setting.of(**given)
    batch = whole_batch(setting, L)
    found = terms_at(setting, batch, L)
    step = float(total(found, setting["overlap"]))
    return FullMemory(batch, float(found["core_attention"]), step, batch / step / setting["n_acc"])


def core_leads_from(L: int, **given) -> float:
    """Batch [requests] from which core attention is the largest part of a step at one context.

    >>> at = {"model": "deepseek-v3", "accelerator": "b200-paper", "n_acc": 32}
    >>> round(core_leads_from(8192, **at))
    2257
    """
    (column,) = largest.columns(Setting.of(**given), [L])
    return next(batch for batch, _, above in column.borders if above == largest.CORE)


def gain_of_more(resource: str, times: float, L: int, **given) -> float:
    """Throughput at full memory with so many times one resource of the accelerator, over the plain one [1].

    >>> at = {"model": "deepseek-v3", "accelerator": "b200-paper", "n_acc": 32}
    >>> round(gain_of_more("memory bandwidth", 2, 8192, **at), 2)
    1.27
    """
    factors = [times if name == resource else 1.0 for name in resources.RESOURCES]
    return resources.gain(Setting.of(**given), factors, L)


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


def needed_links(edition: Edition) -> str:
    """Every accelerator's own link beside the bandwidth that keeps pace with experts at the ridge point."""
    rule = next(each for each in guidelines.GUIDELINES if each.name == "wires")
    systems = guidelines.systems(edition, edition.mixture)
    pairs = zip(systems, guidelines.flips(rule, systems), strict=True)
    rows = [
        (
            short_name(datasets.accelerator(system["accelerator"])),
            digits_of(float(system.point[BW_Int]) / PREFIXES["G"]),
            digits_of(flip),
            "no" if guidelines.holds(rule, system, flip) else "yes",
        )
        for system, flip in pairs
    ]
    header = ["| accelerator | link [GB/s] | needed [GB/s] | keeps pace |", "|:---|---:|---:|:---|"]
    return "\n".join([*header, *(f"| {' | '.join(row)} |" for row in rows)])


def link_needed(edition: Edition, arithmetic: float = 1.0, bandwidth: float = 1.0) -> float:
    """Bandwidth [byte/s] that keeps pace with experts at the ridge point, on the edition's accelerator with so many
    times its arithmetic and memory bandwidth."""
    return guidelines.wires_at_ridge(guidelines.systems(edition, edition.mixture)[0], arithmetic, bandwidth)
