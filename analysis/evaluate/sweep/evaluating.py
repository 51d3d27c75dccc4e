"""One block of a grid as columns: closed forms derived once per kind of setting, evaluated over arrays."""

from dataclasses import dataclass

import numpy as np
from sympy import Expr

from analysis.derive.symbols import B
from analysis.errors import InputError
from analysis.evaluate import system
from analysis.evaluate.degrees import check_degrees
from analysis.evaluate.numbers import value
from analysis.evaluate.own_names import label
from analysis.evaluate.parameters import CHOICE, PARAMETERS, ROW
from analysis.evaluate.quantities import quantity
from analysis.evaluate.setting import Setting
from analysis.evaluate.sweep.cutting import Block, Task
from analysis.evaluate.sweep.front import front_mask

MOST_FORMS = 4096
_forms: dict[tuple, "_Form"] = {}


@dataclass(frozen=True)
class _Form:
    """Closed forms by column, and the symbols that any of them uses."""

    parts: dict[str, Expr]
    symbols: frozenset


def columns(task: Task, block: Block) -> dict[str, object]:
    """The points of a block as columns: axis values (a single value where it is constant), quantities, flags.

    Points that a constraint or the front of the block rules out are left away. Raises InputError where the setting
    cannot be built or lacks something.
    """
    setting, shape = _setting(task, block)
    found = {column: each for name in task.quantities for column, each in _quantity(name, setting).items()}
    conditions = {name: _condition(name, setting) for name in (*task.constraints, *task.flags)}
    flat = {name: _flat(each, shape) for name, each in (_axes(setting, block) | found | conditions).items()}
    keep = np.logical_and.reduce([flat[name] for name in task.constraints]) if task.constraints else np.True_
    kept = {name: each[keep] if np.ndim(keep) else each for name, each in flat.items() if name not in task.constraints}
    if task.front:
        by = [kept[name] for name in task.front.by if name in block.arrays]
        best = front_mask(kept[task.front.cost], kept[task.front.gain], by)
        kept = {name: each[best] for name, each in kept.items()}
    return {name: label(name, each) for name, each in block.values.items()} | kept


def _setting(task: Task, block: Block) -> tuple[Setting, tuple[int, ...]]:
    """The block's setting, its arrays laid along axes of their own so that they broadcast."""
    setting = Setting.of(**task.fixed, **block.values)
    shape = tuple(len(values) for values in block.arrays.values())
    arrays = {}
    for place, (name, values) in enumerate(block.arrays.items()):
        along = [1] * len(shape)
        along[place] = len(values)
        arrays[name] = np.array(values, dtype=float).reshape(along)
    return Setting(setting.given | arrays), shape


def _axes(setting: Setting, block: Block) -> dict[str, np.ndarray]:
    return {name: setting[name] for name in block.arrays}


def _flat(found, shape: tuple[int, ...]) -> np.ndarray:
    return np.broadcast_to(np.asarray(found), shape).ravel()


def _quantity(name: str, setting: Setting) -> dict[str, object]:
    wanted = quantity(name)
    wanted.domain(setting)
    if wanted.compute and name != "B_cap":
        return {name: wanted.compute(_without_batch(setting))}
    form = _form(name, setting)
    check_degrees(setting.point, form.symbols)
    found = {column: value(part, setting.point) for column, part in form.parts.items()}
    return {name: system.rounded(found[name], setting)} if name == "B_cap" else found


def _without_batch(setting: Setting) -> Setting:
    """What is found by search or simulation does not depend on B, and is slow: once per value of the other axes."""
    return Setting({name: each for name, each in setting.given.items() if name != "B"})


def _form(name: str, setting: Setting) -> _Form:
    """The closed form of a quantity, derived once for all settings that differ in numbers only."""
    built = setting.architecture if "model" in setting.given else None
    chosen = tuple(setting[each] for each in PARAMETERS if PARAMETERS[each].kind == CHOICE)
    given = tuple(each for each in PARAMETERS if PARAMETERS[each].kind == ROW and each in setting.given)
    key = (name, built, setting.conventions, chosen, given, setting.two_levels, setting.layout)
    if key not in _forms:
        if len(_forms) >= MOST_FORMS:
            _forms.clear()
        form = quantity(name).expression(setting)
        parts = {f"{name}.{part}": each for part, each in form.items()} if isinstance(form, dict) else {name: form}
        _forms[key] = _Form(parts, frozenset().union(*(each.free_symbols for each in parts.values())))
    return _forms[key]


def _condition(name: str, setting: Setting):
    """Whether the points fit memory (Eq. 11), or meet the SLO."""
    if name == "fits_memory":
        if setting["B"] is None:
            raise InputError("fits_memory: found no B, allowed is a batch to judge; add B to the grid.")
        return setting.point[B] <= _quantity("B_cap", setting)["B_cap"]
    return _quantity("tpot", setting)["tpot"] <= setting["slo"]
