"""Quantities of a whole model (the paper's Section II): parameters, caches, states, what a step touches of them.

Sympy, and what needs it, is imported late: numbers of kept forms do without.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from analysis import derive
from analysis.ask.setting import Setting
from analysis.systems.quantity import define
from analysis.systems.system import kv_bytes_per_accelerator

if TYPE_CHECKING:  # numbers of kept forms do without
    from sympy import Expr

    from analysis.derive.block import Kind


def _held(setting: Setting, tokens=1) -> "dict[str, Expr]":
    """What the accelerators of a tensor-parallel group hold of a cache [byte]: replicas that it makes are counted."""
    if np.all(np.asarray(setting["deg_TP"]) == 1):
        return {}
    each = kv_bytes_per_accelerator(setting) * tokens
    return {"per accelerator": each, "on the accelerators of its group": each * derive.symbols.deg_TP}


def _touched_and_stored(setting: Setting, chosen: "Callable[[Kind], bool]" = lambda kind: True) -> "tuple[Expr, Expr]":
    """Bytes of caches and states that a request's step touches, and those that it keeps, in blocks of some kinds."""
    from sympy import Integer

    of, summed = derive.mechanisms, derive.block.summed
    kinds = [kind for kind in setting.architecture.attending if chosen(kind)]
    moved = ((k.blocks, of.touched(k.mechanism, setting.conventions).xreplace(k.axes())) for k in kinds)
    kept = ((k.blocks, of.stored(k.mechanism, setting.conventions).xreplace(k.axes())) for k in kinds)
    one = {derive.symbols.B: Integer(1)}
    return summed(moved).xreplace(one), summed(kept).xreplace(one)


def _phi(setting: Setting) -> "Expr":
    moved, kept = _touched_and_stored(setting)
    return moved / kept


def _phi_of_kinds(setting: Setting) -> "dict[str, Expr]":
    names = dict.fromkeys(kind.name for kind in setting.architecture.attending)
    if len(names) == 1:
        return {}
    parts = {name: _touched_and_stored(setting, lambda kind, name=name: kind.name == name) for name in names}
    return {f"in {name} blocks": moved / kept for name, (moved, kept) in parts.items() if kept != 0}


define(
    "parameters",
    "parameters of the model, embedding and output head counted",
    "1",
    lambda s: derive.decoder.parameters(s.architecture),
)
define(
    "active_parameters",
    "parameters that one token touches, output head counted, input embedding not",
    "1",
    lambda s: derive.decoder.active_parameters(s.architecture),
    beside={"with input embedding": lambda s: derive.decoder.active_parameters(s.architecture, embedding=True)},
)
define(
    "kv_bytes_per_token",
    "cached bytes of one token in the whole model, each once",
    "byte",
    lambda s: derive.decoder.kv_bytes_per_token(s.architecture, s.conventions),
    beside_forms=_held,
)
define(
    "kv_cache_bytes",
    "cached bytes of one request of L tokens in the whole model, each once",
    "byte",
    lambda s: derive.decoder.kv_cache_bytes(s.architecture, s.conventions),
    beside_forms=lambda s: _held(s, derive.symbols.L),
)
define(
    "state_bytes",
    "bytes of one request that do not grow with its context: recurrent states and inputs that wait",
    "byte",
    lambda s: derive.decoder.state_bytes(s.architecture, s.conventions),
)
define(
    "phi",
    "bytes of caches and states that a step touches over those that requests keep",
    "1",
    _phi,
    beside_forms=_phi_of_kinds,
)
