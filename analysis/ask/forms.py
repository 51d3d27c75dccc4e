"""Closed forms derived once: kept under everything that their derivation asked of the setting, and nothing else.

A derivation is handed a setting whose parameters remember that they were asked for. Another setting that agrees in all
of them would be led the same way, so that its form is the same; no list of parameters has to be kept up to date.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import cached_property, lru_cache

import numpy as np

from analysis.ask.parameters import PARAMETERS, ROW
from analysis.ask.setting import Setting
from analysis.data import calibrations, datasets
from analysis.data.rows import REFERENCES
from analysis.files.errors import InputError

MOST_FORMS = 4096
ABSENT = ...
Asked = tuple[str | tuple, ...]
"""What is asked of a setting: parameters, and what is TOGETHER; with (name, value) where these are changed first."""

TOGETHER = ("shape", "lie", "counted", "fitted")
"""What a derivation asks of a setting as a whole: not which parameters, or which row, it follows from."""


class Watched(Mapping):
    """Parameters as given, and the names of those that were asked for, whether they were given or not.

    >>> given = Watched({"B": 64})
    >>> given.get("L", 8), "B" in given, sorted(given.asked)
    (8, True, ['B', 'L'])
    """

    def __init__(self, given: Mapping[str, object], changed: Mapping[str, object] | None = None):
        self._given, self.asked, self.changed = given, set(), changed or {}

    def ask(self, name: str) -> None:
        """Remember what is asked for: a name, and of a setting that was changed, the changes too."""
        if not self.changed:
            self.asked.add(name)
        elif name not in self.changed:
            self.asked.add((name, *self.changed.items()))

    def __getitem__(self, name: str):
        self.ask(name)
        return self._given[name]

    def __iter__(self) -> Iterator[str]:
        for name in PARAMETERS:  # whoever lists them learns also which are absent
            self.ask(name)
        return iter(self._given)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Led(Setting):
    """A setting that leads a derivation: what it is asked for TOGETHER is remembered as such."""

    whole: Setting

    @classmethod
    def by(cls, setting: Setting, changed: Mapping[str, object] | None = None) -> "Led":
        """The same setting, and what it is asked for."""
        led = cls(Watched(setting.given, changed))
        led.__dict__["whole"] = setting
        return led

    def with_(self, **more) -> "Led":
        """The same setting with some parameters replaced, which is asked in the same breath."""
        led = Led.by(self.whole.with_(**more), {**self.given.changed, **more})
        led.given.asked = self.given.asked
        return led

    @property
    def asked(self) -> Asked:
        """What was asked for so far."""
        return tuple(sorted(self.given.asked, key=str))

    def _as_whole(self, name: str):
        self.given.ask(name)
        return getattr(self.whole, name)

    shape = cached_property(lambda self: self._as_whole("shape"))
    lie = cached_property(lambda self: self._as_whole("lie"))
    counted = cached_property(lambda self: self._as_whole("counted"))
    fitted = cached_property(lambda self: self._as_whole("fitted"))
    architecture = cached_property(lambda self: (self.shape, self.whole.architecture)[1])


class Store:
    """What derivations made, in memory: by derivation, by what it asked for, by the answers that it got."""

    def __init__(self):
        self._found: dict[Hashable, dict[Asked, dict[tuple, object]]] = {}

    def look(self, of: Hashable, setting: Setting):
        """What was made of a setting that agrees with this one in all that was asked; None where there is none."""
        for asked, found in self._found.get(of, {}).items():
            if (key := answers(setting, asked)) in found:
                return found[key]
        return None

    def keep(self, of: Hashable, setting: Setting, asked: Asked, made):
        """Keep what was made of a setting."""
        if sum(len(found) for led in self._found.values() for found in led.values()) >= MOST_FORMS:
            self._found.clear()
        self._found.setdefault(of, {}).setdefault(asked, {})[answers(setting, asked)] = made
        return made

    def clear(self) -> None:
        """Forget everything."""
        self._found.clear()


_STORE = Store()


def derived(derive: Callable[[Setting], object], setting: Setting):
    """What `derive` makes of a setting, made once for all settings that agree in what it asks of them."""
    found = _STORE.look(derive, setting)
    if found is not None:
        return found
    leading = Led.by(setting)
    made = derive(leading)
    return _STORE.keep(derive, setting, leading.asked, made)


def watched(find: Callable[[Setting], object], setting: Setting) -> tuple[object, set[str]]:
    """What `find` makes of a setting, and the names of the parameters that it asked for."""
    given = Watched(setting.given)
    return find(Setting(given)), given.asked


def forget() -> None:
    """Derive every form anew from here on."""
    _STORE.clear()


def answers(setting: Setting, asked: Asked) -> tuple:
    """What a setting answers to what is asked of it, by content."""
    return tuple(_content(each, setting) for each in asked)


def _content(name: str | tuple, setting: Setting) -> Hashable:
    """What a parameter's value stands for: a row by what is written in it, as a file may change under its name."""
    try:
        if isinstance(name, tuple):
            name, *changes = name
            setting = setting.with_(**dict(changes))
        if name in TOGETHER:
            return getattr(setting, name)
        given = setting.given.get(name, ABSENT)
        if isinstance(given, np.ndarray):
            return given.shape, given.tobytes()
        if given is ABSENT or name not in PARAMETERS or PARAMETERS[name].kind != ROW:
            return given
        return _row(PARAMETERS[name].allowed[0], given, name)
    except InputError as refusal:
        return str(refusal)  # what is wrong, if the derivation asks for it at all


def _row(file: str, given: str, name: str) -> Hashable:
    """A row and the rows that it names in turn, or those of a calibration."""
    if file == "calibrations":
        return tuple(calibrations.named(given).items())
    row = datasets.find(file, given, name)
    named = {column: getattr(row, column, None) for column in REFERENCES}
    return row, *(_row(REFERENCES[column], each, column) for column, each in named.items() if each)


@lru_cache(maxsize=MOST_FORMS)
def names_of(form) -> frozenset[str]:
    """The symbols of a closed form by name; walking through a long one takes as long as evaluating it."""
    return frozenset(symbol.name for symbol in form.free_symbols)
