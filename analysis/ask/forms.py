"""Closed forms derived once: kept under everything that their derivation asked of the setting, and nothing else.

A derivation is handed a setting whose parameters remember that they were asked for. Another setting that agrees in all
of them would be led the same way, so that its form is the same; no list of parameters has to be kept up to date.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import lru_cache

import numpy as np
from sympy import Expr, Symbol

from analysis.ask.parameters import PARAMETERS, ROW
from analysis.ask.setting import Setting
from analysis.data import calibrations, datasets
from analysis.data.rows import REFERENCES
from analysis.files.errors import InputError

MOST_FORMS = 4096
ABSENT = object()
_kept: dict[Callable, dict[tuple[str, ...], dict[tuple, object]]] = {}


class Watched(Mapping):
    """Parameters as given, and the names of those that were asked for, whether they were given or not.

    >>> given = Watched({"B": 64})
    >>> given.get("L", 8), "B" in given, sorted(given.asked)
    (8, True, ['B', 'L'])
    """

    def __init__(self, given: Mapping[str, object]):
        self._given, self.asked = given, set()

    def __getitem__(self, name: str):
        self.asked.add(name)
        return self._given[name]

    def __iter__(self) -> Iterator[str]:
        self.asked.update(PARAMETERS)  # whoever lists them learns also which are absent
        return iter(self._given)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def derived(derive: Callable[[Setting], object], setting: Setting):
    """What `derive` makes of a setting, made once for all settings that agree in what it asks of them."""
    for asked, found in _kept.get(derive, {}).items():
        if (key := _key(setting, asked)) in found:
            return found[key]
    made, asked = watched(derive, setting)
    if sum(len(found) for led in _kept.values() for found in led.values()) >= MOST_FORMS:
        _kept.clear()
    _kept.setdefault(derive, {}).setdefault(tuple(sorted(asked)), {})[_key(setting, sorted(asked))] = made
    return made


def watched(derive: Callable[[Setting], object], setting: Setting) -> tuple[object, set[str]]:
    """What `derive` makes of a setting, and the names of the parameters that it asked for."""
    given = Watched(setting.given)
    return derive(Setting(given)), given.asked


def forget() -> None:
    """Derive every form anew from here on."""
    _kept.clear()


def _key(setting: Setting, asked) -> tuple:
    return tuple(_content(name, setting.given.get(name, ABSENT)) for name in asked)


def _content(name: str, given) -> Hashable:
    """What a parameter's value stands for: a row by what is written in it, as a file may change under its name."""
    if isinstance(given, np.ndarray):
        return given.shape, given.tobytes()
    if given is ABSENT or name not in PARAMETERS or PARAMETERS[name].kind != ROW:
        return given
    try:
        return _row(PARAMETERS[name].allowed[0], given, name)
    except InputError:
        return object()  # equal to nothing kept: the derivation says what is wrong, if it asks for the row at all


def _row(file: str, given: str, name: str) -> Hashable:
    """A row and the rows that it names in turn, or those of a calibration."""
    if file == "calibrations":
        return tuple(calibrations.named(given).items())
    row = datasets.find(file, given, name)
    named = {column: getattr(row, column, None) for column in REFERENCES}
    return row, *(_row(REFERENCES[column], each, column) for column, each in named.items() if each)


@lru_cache(maxsize=MOST_FORMS)
def symbols_of(form: Expr) -> frozenset[Symbol]:
    """The symbols of a closed form; walking through a long one takes as long as evaluating it."""
    return frozenset(form.free_symbols)


@lru_cache(maxsize=MOST_FORMS)
def is_polynomial(form: Expr) -> bool:
    """Whether a closed form is a polynomial in all its symbols, so that whole numbers leave it whole."""
    return bool(form.is_polynomial())
