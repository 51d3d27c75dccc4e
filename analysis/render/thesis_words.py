"""Sentences of the thesis that follow their numbers, and what the worked answers of its exercises compute."""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite, isnan

from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.derive.symbols import BW_Int
from analysis.render.digits import PREFIXES, digits_of, percent
from analysis.render.paper_tables import short_name
from analysis.systems.canonical import Edition
from analysis.thesis import guidelines, largest, resources
from analysis.thesis.full import batch_at_capacity, terms_at, total
from analysis.thesis.full_attention import device_speed
from analysis.thesis.kinds import phi
from analysis.thesis.queries import gain

# -- where something passes a flip point, or never, or everywhere ------------------------------------
PLACES = ("everywhere on its grid", "in a region", "nowhere")
NOT_HERE = "where the model fits, which it does not here"


def about(count: float) -> str:
    """Whole tokens or requests, of which three digits matter.

    >>> about(1034.8), about(75.3)
    ('1,030', '75')
    """
    return digits_of(count if count > 100 else round(count))


def beyond(flip: float | str, of: str = "context", show: Callable[[float], str] | None = None) -> str:
    """From where on something holds: `beyond 4,580 tokens of context`, `at every context` (0), `at no context` (inf).

    >>> beyond(4577), beyond(0), beyond(float("inf"))
    ('beyond 4,580 tokens of context', 'at every context', 'at no context')
    """
    return _placed(flip, f"beyond {_tokens(flip, show)} of {of}", f"at every {of}", f"at no {of}")


def below(flip: float | str, of: str = "context", show: Callable[[float], str] | None = None) -> str:
    """Up to where something holds, as `beyond`.

    >>> below(4577), below(float("inf"))
    ('below 4,580 tokens of context', 'at every context')
    """
    return _placed(flip, f"below {_tokens(flip, show)} of {of}", f"at no {of}", f"at every {of}")


def share_above(flip: float | str, of: str) -> str:
    """A share above which something holds.

    >>> share_above(0.4056, "the area").replace("\\u202f", " "), share_above(0, "the area")
    ('more than 41 % of the area', 'any share of the area')
    """
    return _placed(flip, f"more than {_percent(flip)} of {of}", f"any share of {of}", f"no share of {of}")


def accepting(flip: float | str) -> str:
    """From which acceptance of drafted tokens on something holds.

    >>> accepting(0.591), accepting("inf")
    ('above an acceptance of 0.59', 'at no acceptance')
    """
    return f"above an acceptance of {digits_of(float(flip), 2)}" if is_number(flip) else "at no acceptance"


def serving(factor: float | str) -> str:
    """A throughput over another, or that there is none.

    >>> serving(1.408), serving("nan")
    ('at 1.41 times the throughput', 'not at all, for want of memory')
    """
    if not is_number(factor):
        return "not at all, for want of memory"
    return f"at {digits_of(float(factor))} times the throughput"


def times(factor: float, more: str = "faster", less: str = "slower") -> str:
    """A factor with the word that it deserves.

    >>> times(4.0), times(0.136), times(1.0)
    ('4 times faster', '7.35 times slower', 'as fast')
    """
    if abs(factor - 1) < 5e-3:
        return "as fast" if more == "faster" else "the same"
    return f"{digits_of(max(factor, 1 / factor))} times {more if factor > 1 else less}"


def ask_first(by_model: int, compared: int) -> str:
    """What to ask first, the model or the device: that which moves more of the flip points.

    >>> ask_first(10, 11)
    'which attention and how many experts, then which device'
    """
    model, device = "which attention and how many experts", "which device"
    return f"{model}, then {device}" if 2 * by_model > compared else f"{device}, then {model}"


def standing(everywhere: int, region: int, nowhere: int) -> str:
    """A sentence on so many conclusions, that lists no group without one.

    >>> standing(0, 12, 0)
    'Each of the 12 statements holds in a region of its grid: none holds everywhere, none nowhere.'
    >>> standing(1, 11, 0)
    'Of the 12 statements, 1 holds everywhere on its grid, 11 in a region.'
    """
    total = everywhere + region + nowhere
    if region == total:
        return f"Each of the {total} statements holds in a region of its grid: none holds everywhere, none nowhere."
    (first, place), *others = [each for each in zip((everywhere, region, nowhere), PLACES, strict=True) if each[0]]
    listed = [f"{first} {'holds' if first == 1 else 'hold'} {place}", *(f"{count} {at}" for count, at in others)]
    return f"Of the {total} statements, {', '.join(listed)}."


def is_number(flip: float | str) -> bool:
    """Whether a note is a finite number: what is not travels as text in a notebook."""
    return isfinite(float(flip))


def _placed(flip: float | str, at: str, always: str, never: str) -> str:
    flip = float(flip)
    if isnan(flip):
        return NOT_HERE
    return always if flip == 0 else never if flip == float("inf") else at


def _tokens(flip: float | str, show: Callable[[float], str] | None) -> str:
    return (show or (lambda x: f"{about(x)} tokens"))(flip) if is_number(flip) else ""


def _percent(flip: float | str) -> str:
    return percent(flip) if is_number(flip) else ""


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
    batch = float(batch_at_capacity(setting, L))
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


def links_table(edition: Edition) -> str:
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


WORDS = {
    "beyond": beyond,
    "below": below,
    "share_above": share_above,
    "accepting": accepting,
    "ask_first": ask_first,
    "serving": serving,
    "times_word": times,
    "is_number": is_number,
    "at_full_memory": at_full_memory,
    "core_leads_from": core_leads_from,
    "gain_of_more": gain_of_more,
    "phi_at": phi_at,
    "speed_on_device": speed_on_device,
    "gain_of_drafts": gain_of_drafts,
}
BY_EDITION = {"links_table": links_table, "link_needed": link_needed}
