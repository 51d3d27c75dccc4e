"""How much of each resource a serving step uses: arithmetic, memory bandwidth, memory capacity, interconnect.

Sympy, and what needs it, is imported late: numbers of kept forms do without.
"""

from typing import TYPE_CHECKING

from analysis import derive
from analysis.ask.kept_forms import compiled, values
from analysis.ask.setting import Setting
from analysis.derive.choices import COMMUNICATION
from analysis.systems import system

if TYPE_CHECKING:  # numbers of kept forms do without
    from sympy import Expr


def whole_model(setting: Setting) -> "tuple[Expr, Expr]":
    """FLOPs and bytes of a step on one accelerator, all blocks together."""
    from analysis.systems.layers import block_counts, layers

    counts, found = block_counts(setting), layers(setting)
    return tuple(sum(counts[name] * getattr(found[name], what) for name in found) for what in ("flops", "bytes"))


def busy(setting: Setting) -> "dict[str, Expr]":
    """Seconds of a step that arithmetic and memory take at their peaks, and the share of memory in use, by resource."""
    from analysis.systems.layers import block_counts, layers

    of, counts, kept = derive.symbols, block_counts(setting), system.book(setting)
    chosen = setting.architecture, setting.conventions, kept.weights, kept.activations, setting.layout
    work = (counts[name] * layer.flops / (layer.rate * of.P_acc) for name, layer in layers(setting).items())
    return {
        "arithmetic": sum(work),
        "memory bandwidth": whole_model(setting)[1] / of.BW_mem,
        "memory capacity": derive.capacity.memory_used(*chosen) / of.n_acc / of.M_cap,
    }


def utilisation(setting: Setting, batch: float, tpot: float) -> dict[str, float]:
    """Share of each resource of an accelerator in use over a step, at `tpot` seconds per output token and a batch [1].

    Interconnect: share of the step in which the wires are busy. Experts on another device count as if at home.
    """
    numbers = setting.numbers | {"B": batch}
    step = tpot * float(compiled(system.tokens_per_step, setting).value(numbers))
    terms = values(compiled(system.terms, setting), numbers)
    used = {name: float(each) for name, each in values(compiled(busy, setting), numbers).items()}
    return {
        "arithmetic": used["arithmetic"] / step,
        "memory bandwidth": used["memory bandwidth"] / step,
        "memory capacity": used["memory capacity"],
        "interconnect": sum(float(terms[name]) for name in COMMUNICATION) / tpot,
    }
