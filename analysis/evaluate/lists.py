"""Parameters of a notebook that are lists, each element checked as a value of the parameter that it lists.

A list is an axis of a grid here, whereas a list given to one parameter of `evaluate` is taken pairwise with the others.
"""

import numpy as np

from analysis.errors import InputError
from analysis.evaluate import datasets
from analysis.evaluate.notebook import parameters
from analysis.evaluate.parameters import PARAMETERS, ROW
from analysis.evaluate.reading import read
from analysis.evaluate.setting import Setting

FIND = {"models": datasets.model, "accelerators": datasets.accelerator, "interconnects": datasets.interconnect}


def parameters_with_lists(names: dict, *allowed: str, **lists: str) -> tuple[Setting, dict]:
    """The setting of a notebook, and its lists by name; `lists` says which parameter each one lists.

    `parameters_with_lists(globals(), "accelerator", batches="B", models="model")`: numbers come back as rising arrays
    without repetition, rows as ids in the order given. Raises InputError as `analysis.evaluate.notebook.parameters`,
    and for an element that its parameter does not allow.

    >>> _, found = parameters_with_lists({"batches": "64, 8,64", "models": "deepseek-r1"}, batches="B", models="model")
    >>> found
    {'batches': array([ 8., 64.]), 'models': ['deepseek-v3']}
    """
    single = {name: given for name, given in names.items() if name not in lists}
    setting = parameters(single, *allowed, *lists)
    return setting, {name: _elements(name, parameter, names.get(name)) for name, parameter in lists.items()}


def _elements(name: str, parameter: str, given):
    elements = [each.strip() for each in given.split(",")] if isinstance(given, str) else given
    elements = list(elements) if isinstance(elements, list | tuple | np.ndarray) else [elements]
    if not elements or elements in ([""], [None]):
        raise InputError(f"{name}={given!r}: an empty list; give at least one value of {parameter}.")
    try:
        found = [read(parameter, each) for each in elements]
        if PARAMETERS[parameter].kind == ROW:
            return [FIND[PARAMETERS[parameter].allowed[0]](each).id for each in found]
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    if any(isinstance(each, np.ndarray) for each in found):
        raise InputError(f"{name}={given!r}: a list within a list; give numbers separated by commas.")
    return np.unique(np.array(found, dtype=float))
