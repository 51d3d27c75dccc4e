"""What a quantity's number depends on in one setting: its symbols, and its parameters, found by trying other values.

Other values lead to another closed form, or change a symbol of the form, or change nothing. Forms are compared, not
numbers, so that a parameter without effect has none whatever its value.
"""

from collections.abc import Iterator
from contextlib import suppress

import numpy as np

from analysis.ask.parameters import CHOICE, PARAMETERS, ROW
from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.files.errors import InputError
from analysis.systems.quantity import Quantity, number

MOST_ROWS = 6
SAMPLES = np.array([0.5, 1000.7, 123456.3])  # what a quantity's rounding is tried on


def used(wanted: Quantity, setting: Setting) -> frozenset[str]:
    """The symbols of all closed forms behind a quantity's numbers, but for those that it searches itself."""
    return frozenset().union(*(form.symbols for form in wanted.behind(setting))) - wanted.sought


def without_effect(wanted: Quantity, setting: Setting, names, asked: frozenset[str]) -> list[str]:
    """Those of the named parameters that the quantity's number does not depend on.

    `asked` are the parameters that a quantity without any closed form asked for.
    """
    if not wanted.behind(setting):
        return [name for name in names if name not in asked]
    here = _depends_on(wanted, setting)
    return [name for name in names if _idle(here, wanted, setting, name)]


def as_by_default(wanted: Quantity, setting: Setting, names) -> list[str]:
    """Those of the named choices that are not their defaults and lead to what these lead to, as far as forms say."""
    chosen = [name for name in names if PARAMETERS[name].kind == CHOICE and PARAMETERS[name].default is not None]
    others = {name: _with(setting, name, PARAMETERS[name].default) for name in chosen}
    if not chosen or not wanted.behind(setting):
        return []
    here = _depends_on(wanted, setting)
    return [name for name in chosen if any(_depends_if_built(wanted, each) == here for each in others[name])]


def _idle(here: tuple, wanted: Quantity, setting: Setting, name: str) -> bool:
    """Whether other values of a parameter change nothing; False where none of them can be built, as none was tried."""
    tried = (each for other in _others(setting, name) if (each := _depends_if_built(wanted, other)) is not None)
    same = next((each == here for each in tried), False)
    return same and all(each == here for each in tried)


def _depends_on(wanted: Quantity, setting: Setting) -> tuple:
    """All that the number follows from: forms, the values of their symbols, how it is rounded; and numbers beside."""
    numbers, rounded = setting.numbers, np.asarray(wanted.finish(SAMPLES, setting))
    values = [(name, np.asarray(numbers.get(name), dtype=object).tolist()) for name in used(wanted, setting)]
    beside = {label: number(form, setting) for label, form in wanted.shown_beside(setting).items()}
    beside |= {} if wanted.compute else wanted.beside_values(setting)
    shown = {label: np.asarray(each).tolist() for label, each in beside.items()}
    return wanted.behind(setting), sorted(values, key=lambda each: each[0]), rounded.tolist(), shown


def _depends_if_built(wanted: Quantity, setting: Setting) -> tuple | None:
    """What the number follows from, or None: a setting in which the quantity does not exist says nothing."""
    try:
        return _depends_on(wanted, setting)
    except InputError:
        return None


def _others(setting: Setting, name: str) -> Iterator[Setting]:
    """The setting with other values of one parameter, as far as they can be built."""
    for value in _values(name, setting[name]):
        yield from _with(setting, name, value)


def _with(setting: Setting, name: str, value) -> Iterator[Setting]:
    """The setting with another value of one parameter, if it can be built."""
    with suppress(InputError):
        yield setting.with_(**{name: value})


def _values(name: str, given) -> list:
    parameter = PARAMETERS[name]
    if parameter.kind == CHOICE:
        return [each for each in parameter.allowed if each != given]
    if parameter.kind == ROW:
        rows = datasets.ids_of(parameter.allowed[0]) if parameter.allowed[0] in datasets.FILES else ()
        return [None, *[each for each in rows if each != given][:MOST_ROWS]]
    numbers = np.asarray(0 if isinstance(given, str) else given)
    return [each.tolist() for each in (2 * numbers, numbers // 2, numbers / 2, numbers + 1, 1 - numbers)] + [
        None,
        "link",
    ]
