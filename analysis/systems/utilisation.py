"""How much of each resource a serving step uses: arithmetic, memory bandwidth, memory capacity, interconnect."""

from sympy import Add, Expr, Integer

from analysis.ask.numbers import value
from analysis.ask.setting import Setting
from analysis.derive import capacity, serving
from analysis.derive.symbols import B, BW_mem, M_cap, P_acc, n_acc
from analysis.systems import system
from analysis.systems.layers import block_counts, layers


def arithmetic_time(setting: Setting) -> Expr:
    """Seconds of a step that arithmetic takes on one accelerator at its peaks."""
    counts, found = block_counts(setting), layers(setting)
    return Add(*(counts[name] * layer.flops / (layer.rate * P_acc) for name, layer in found.items()))


def whole_model(setting: Setting) -> tuple[Expr, Expr]:
    """FLOPs and bytes of a step on one accelerator, all blocks together."""
    counts, found = block_counts(setting), layers(setting)
    flops = sum((counts[name] * layer.flops for name, layer in found.items()), Integer(0))
    moved = sum((counts[name] * layer.bytes for name, layer in found.items()), Integer(0))
    return flops, moved


def utilisation(setting: Setting, batch: float, tpot: float) -> dict[str, float]:
    """Share of each resource of an accelerator in use over a step, at `tpot` seconds per output token and a batch [1].

    Interconnect: share of the step in which the wires are busy. Experts on another device count as if at home.
    """
    point = setting.point | {B: batch}
    kept = system.book(setting)
    used = capacity.memory_used(
        setting.architecture, setting.conventions, kept.weights, kept.activations, setting.layout
    )
    terms, step = system.terms(setting), tpot * float(value(system.tokens_per_step(setting), point))
    wires = sum(float(value(terms[name], point)) for name in serving.COMMUNICATION)
    return {
        "arithmetic": float(value(arithmetic_time(setting), point)) / step,
        "memory bandwidth": float(value(whole_model(setting)[1] / BW_mem, point)) / step,
        "memory capacity": float(value(used / n_acc / M_cap, point)),
        "interconnect": wires / tpot,
    }
