"""What a notebook is asked to draw: the setting of its parameters, and the lists that a figure sweeps over.

A list is the plural of a parameter and is read by that parameter's rule: `batches="32,64"` are values of `B`.
"""

from dataclasses import dataclass

import numpy as np

from analysis.ask.degrees import check_degrees, divides, spreads
from analysis.ask.notebook import annotated, parameters, refuse_undeclared
from analysis.ask.parameters import LISTS, PARAMETERS, names_rows
from analysis.ask.reading import read
from analysis.ask.setting import Setting
from analysis.data import datasets
from analysis.files.errors import InputError, shown


@dataclass(frozen=True)
class Asked:
    """A notebook's parameters: `base` as typed, and lists: numbers as sorted arrays, rows as ids or own rows' paths.

    `own` holds, as typed, what is a parameter of this notebook alone.
    """

    base: Setting
    lists: dict[str, object]
    own: dict[str, object]

    def __getitem__(self, name: str):
        return self.lists[name]

    @property
    def setting(self) -> Setting:
        """The setting to draw. Raises InputError for degrees that cannot be built."""
        return _built(self.base)

    def settings(self, name: str) -> list[Setting]:
        """The setting once per row of a list of accelerators or models. Raises InputError."""
        return [_built(self.base.with_(**{LISTS[name]: row})) for row in self.lists[name]]

    def compared(self, name: str) -> list[Setting]:
        """The setting once per row of a list of models, the notebook's own model (if any) first. Raises InputError."""
        own = [_row("model", self.base["model"])] if "model" in self.base.given else []
        return [_built(self.base.with_(model=row)) for row in dict.fromkeys([*own, *self.lists[name]])]

    def every_model(self, with_experts: bool = False) -> list[Setting]:
        """The setting once per row of data/models, or per row with routed experts."""
        rows = datasets.models().values()
        return [fitting(self.base.with_(model=row.id)) for row in rows if row.n_moe or not with_experts]


def asked(names: dict) -> Asked:
    """Read a notebook's globals; call it before anything else: `asked(globals())`.

    Raises InputError for a name that its parameters cell does not declare, a wrong value or an unknown row.
    """
    refuse_undeclared(names)
    others = {name: names[name] for name in annotated(names) if name not in PARAMETERS}
    lists = {name: _read_list(name, given) for name, given in others.items() if name in LISTS}
    return Asked(parameters(names), lists, {name: given for name, given in others.items() if name not in LISTS})


def _built(setting: Setting) -> Setting:
    """The setting with experts spread as they fit, once its degrees are known to divide what they shard."""
    setting = fitting(setting)
    if "model" in setting.given:
        check_degrees(setting.numbers, ("n_hd", "n_e", "n_acc"))
    return setting


def fitting(setting: Setting) -> Setting:
    """The setting with experts spread over as many accelerators as divide them, unless deg_EP was given.

    The default, deg_EP = n_acc, cannot be built for 8 experts on 32 accelerators: four groups of 8 can.

    >>> fitting(Setting.of(model="deepseek-v3", n_acc=48))["deg_EP"]
    16
    """
    experts = setting.model.n_e if "model" in setting.given else None
    groups = setting["n_acc"] // (setting["deg_ETP"] or 1)
    if not experts or "deg_EP" in setting.given or divides(groups, experts):
        return setting
    return setting.with_(deg_EP=spreads(experts, groups)[-1])


def _row(parameter: str, name: str) -> str:
    """The one name for a row that a parameter may give in several ways. Raises InputError for a row that is none."""
    return datasets.canonical(PARAMETERS[parameter].allowed[0], name, parameter)


def _entries(given) -> list:
    if isinstance(given, np.ndarray):
        return given.ravel().tolist()
    return list(given) if isinstance(given, list | tuple | range) else [given]


def _read_list(name: str, given):
    singular = LISTS[name]
    parts = [part.strip() for part in given.split(",")] if isinstance(given, str) else _entries(given)
    if not [part for part in parts if part != ""]:
        raise InputError(f"{name}={given!r}: an empty list; give values of {singular}, separated by commas.")
    for part in parts:
        if not isinstance(part, str | int | float):
            raise InputError(f"{name}: found {shown(part)}, allowed are values of {singular}, separated by commas.")
    try:
        values = [read(singular, part) for part in parts]
        if names_rows(singular):
            return [_row(singular, each) for each in values]
    except InputError as error:
        raise InputError(f"{name} (values of {singular}, separated by commas): {error}") from None
    return np.unique(np.array(values, dtype=float))
