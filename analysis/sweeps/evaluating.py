"""One block of a grid as columns: closed forms derived once per kind of setting, evaluated over arrays."""

from collections import Counter

import numpy as np
from sympy import Expr

from analysis.ask.degrees import check_degrees
from analysis.ask.forms import names_of
from analysis.ask.numbers import value
from analysis.ask.own_names import label
from analysis.ask.setting import Setting
from analysis.derive.symbols import B
from analysis.files.errors import InputError
from analysis.sweeps.cutting import Block, Task
from analysis.sweeps.front import front_mask
from analysis.sweeps.noting import beyond
from analysis.systems.quantities import quantity


def columns(task: Task, block: Block) -> tuple[dict[str, object], Counter]:
    """The points of a block as columns: axis values (a single value where it is constant), quantities, flags.

    Beside them, how many of all its points must be noted. Points that a constraint or the front of the block rules out
    are left away. Raises InputError where the setting cannot be built or lacks something.
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
    named = {name: label(name, each) for name, each in block.values.items()}
    return named | kept, beyond(task.quantities, setting, shape)


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
    if wanted.compute:
        return {name: wanted.compute(setting)}
    form = wanted.form(setting)
    parts = {f"{name}.{part}": each for part, each in form.items()} if isinstance(form, dict) else {name: form}
    return {column: wanted.finish(_value(part, setting), setting) for column, part in parts.items()}


def _value(form: Expr, setting: Setting):
    check_degrees(setting.numbers, names_of(form))
    return value(form, setting.point)


def _condition(name: str, setting: Setting):
    """Whether the points fit memory (Eq. 11), or meet the SLO."""
    if name == "fits_memory":
        if setting["B"] is None:
            raise InputError("fits_memory: found no B, allowed is a batch to judge; add B to the grid.")
        return setting.point[B] <= _quantity("B_cap", setting)["B_cap"]
    return _quantity("tpot", setting)["tpot"] <= setting["slo"]
